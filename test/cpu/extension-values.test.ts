import assert from "node:assert/strict";
import { test } from "node:test";
import { FULL_ISA } from "../../src/machine/configuration.ts";
import { Guest } from "../machine/guests.ts";

// Results worked out from the manual by hand: QEMU judges most of these instructions over random operands
// (test/differential), but does not know Zicond, and is wrong about ctzw.

const ALL = 0xffff_ffff_ffff_ffffn;

/** The instruction over rd = a0, rs1 = a1, rs2 = a2; rs1, rs2; what rd gets. */
const CASES: readonly (readonly [string, bigint, bigint, bigint])[] = [
  ["czero.eqz a0, a1, a2", 7n, 0n, 0n],
  ["czero.eqz a0, a1, a2", 7n, 1n << 63n, 7n],
  ["czero.nez a0, a1, a2", 7n, 0n, 7n],
  ["czero.nez a0, a1, a2", 7n, 1n, 0n],
  ["ctzw a0, a1", 0n, 0n, 32n],
  ["ctzw a0, a1", 1n << 33n, 0n, 32n],
  ["ctzw a0, a1", 1n << 31n, 0n, 31n],
  ["clzw a0, a1", 0xffff_ffff_0000_0000n, 0n, 32n],
  ["clz a0, a1", 0n, 0n, 64n],
  ["clz a0, a1", 1n, 0n, 63n],
  ["ctz a0, a1", 0n, 0n, 64n],
  ["cpop a0, a1", ALL, 0n, 64n],
  ["cpopw a0, a1", ALL, 0n, 32n],
  ["add.uw a0, a1, a2", ALL, 1n, 0x1_0000_0000n],
  ["sh3add a0, a1, a2", 1n << 61n, 5n, 5n],
  ["sh2add.uw a0, a1, a2", ALL, 3n, 0x3_ffff_ffffn],
  ["slli.uw a0, a1, 63", 3n, 0n, 1n << 63n],
  ["andn a0, a1, a2", 0xffn, 0x0fn, 0xf0n],
  ["orn a0, a1, a2", 0n, ALL - 1n, 1n],
  ["xnor a0, a1, a2", 5n, 5n, ALL],
  ["max a0, a1, a2", ALL, 1n, 1n],
  ["maxu a0, a1, a2", ALL, 1n, ALL],
  ["min a0, a1, a2", ALL, 1n, ALL],
  ["minu a0, a1, a2", ALL, 1n, 1n],
  ["sext.b a0, a1", 0x180n, 0n, ALL - 0x7fn],
  ["sext.h a0, a1", 0x1_7fffn, 0n, 0x7fffn],
  ["zext.h a0, a1", ALL, 0n, 0xffffn],
  ["rol a0, a1, a2", (1n << 63n) | 1n, 65n, 3n],
  ["ror a0, a1, a2", 3n, 1n, (1n << 63n) | 1n],
  ["rolw a0, a1, a2", 0x4000_0000n, 33n, ALL - 0x7fff_ffffn],
  ["rorw a0, a1, a2", 0x5_0000_0001n, 1n, ALL - 0x7fff_ffffn],
  ["roriw a0, a1, 0", 0x5_8000_0000n, 0n, ALL - 0x7fff_ffffn],
  ["orc.b a0, a1", 0x0100_8000_0010_0000n, 0n, 0xff00_ff00_00ff_0000n],
  ["rev8 a0, a1", 0x0102_0304_0506_0708n, 0n, 0x0807_0605_0403_0201n],
  // (x^2 + x + 1)(x + 1) = x^3 + 1
  ["clmul a0, a1, a2", 7n, 3n, 9n],
  // x^63 * x^63 = x^126
  ["clmulh a0, a1, a2", 1n << 63n, 1n << 63n, 1n << 62n],
  ["clmulr a0, a1, a2", 1n << 63n, 1n << 63n, 1n << 63n],
  ["clmul a0, a1, a2", ALL, ALL, 0x5555_5555_5555_5555n],
  ["bset a0, a1, a2", 0n, 64n + 3n, 8n],
  ["bclri a0, a1, 63", ALL, 0n, ALL >> 1n],
  ["bexti a0, a1, 4", 0x10n, 0n, 1n],
  ["binv a0, a1, a2", 8n, 3n, 0n],
];

test("results of the extensions, as the manual has them", () => {
  for (const engine of ["interpreter", "oracle"] as const) {
    for (const [instruction, rs1, rs2, expected] of CASES) {
      const source = `.option arch, +zba, +zbb\nli a1, ${rs1}\nli a2, ${rs2}\n${instruction}\n_done: j _done`;
      const guest = new Guest(source, engine, { isa: FULL_ISA });
      guest.stops({ breakpoints: [guest.at("_done")] });
      assert.equal(guest.run().kind, "breakpoint", instruction);
      assert.equal(guest.register(10), expected, `${engine}: ${instruction}, ${rs1}, ${rs2}`);
    }
  }
});

test("in machine mode fences of translations and waits for reservations go on", () => {
  const instructions = ["sfence.vma", "sfence.vma a0, a1", "sinval.vma a0, zero", "sfence.w.inval", "sfence.inval.ir"];
  for (const engine of ["interpreter", "oracle"] as const) {
    for (const instruction of [...instructions, "wrs.nto", "wrs.sto"]) {
      const guest = new Guest(`${instruction}\n_done: j _done`, engine, { isa: FULL_ISA, modes: "msu" });
      assert.deepEqual(guest.step(), { kind: "reached" });
      assert.equal(guest.machine.harts[0].pc, guest.at("_done"), instruction);
    }
  }
});
