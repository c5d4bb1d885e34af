import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant, PhysicalAddress, VirtualAddress } from "../../src/base/brand.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { Guest } from "../machine/guests.ts";
import { alike, guest, loop } from "./hot-guest.ts";

test("an access at an address that is no page's faults, whatever it is", () => {
  const everywhere = Array.from({ length: 31 }, (_, bit) => 1n << BigInt(33 + bit));
  const accesses = ["ld t1, 0(s0)", "sd s2, 8(s0)", "lbu t2, 3(s0)", "amoadd.d t1, s2, (s0)", "sw s2, 2047(s0)"];
  const calls = ["data", "data", "data", ...everywhere].map((address) => {
    const load = typeof address === "string" ? `la s0, ${address}` : `li s0, ${BigInt.asIntN(64, address)}`;
    return `${load}\ncall accesses`;
  });
  const routine = loop(6, accesses.join("\n"));
  alike(guest(`${calls.join("\n")}\nj halt\naccesses:\n${routine}\nret`), 12_000);
});

const SUM = guest(`
  li   s3, 0
${loop(200, "  call routine\n  ld   t1, 8(s0)\n  add  t1, t1, s3\n  sd   t1, 8(s0)\nwithin:\n  addi s3, s3, 1")}
  j    halt
  .option norvc
routine:
  addi s4, s4, 1
  xor  s3, s3, s4
  ret
`);

test("a routine that is rewritten 300 times is always what it says now", () => {
  const body = `
  li   s5, 300
next:
  la   t0, routine
  lw   t1, 0(t0)
  li   t2, 1 << 20
  add  t1, t1, t2
  sw   t1, 0(t0)
${loop(6, "call routine")}
  addi s5, s5, -1
  bnez s5, next
  j    halt
  .option norvc
routine:
  addi s4, s4, 0
  xor  s6, s6, s4
  ret
`;
  const done = alike(guest(body), 20_000);
  // Six rounds for each immediate from 1 to 300.
  assert.equal(done.register(20), BigInt((6 * 300 * 301) / 2));
});

test("a breakpoint that is set in a hot loop is hit each time, and costs nothing once it is gone", () => {
  const [interpreter, translator] = (["interpreter", "translator"] as const).map((engine) => new Guest(SUM, engine));
  for (const at of ["within", "routine"]) {
    for (const hot of [interpreter, translator]) {
      hot.step(150);
      hot.stops({ breakpoints: [hot.at(at)] });
    }
    for (let hit = 0; hit < 12; hit++) {
      const stops = [interpreter, translator].map((hot) => hot.run());
      assert.deepEqual(stops[1], { kind: "breakpoint", hart: 0, pc: translator.at(at) });
      assert.deepEqual(stops[0], stops[1]);
      assert.equal(translator.machine.digest(), interpreter.machine.digest());
    }
    for (const hot of [interpreter, translator]) hot.stops({});
  }
  for (const hot of [interpreter, translator]) hot.run(3000);
  assert.equal(translator.machine.digest(), interpreter.machine.digest());
});

test("a watch on what a hot loop writes is hit at each store, from the first", () => {
  const hot = new Guest(SUM, "translator");
  hot.step(200);
  hot.stops({ watches: [{ address: Number(hot.at("data") + 8n) as PhysicalAddress, length: 1, access: "write" }] });
  let [last, expected] = [-1, 0n];
  for (let hit = 0; hit < 20; hit++) {
    const stop = hot.run();
    assert.ok(stop.kind === "watch" && stop.hits.length === 1 && stop.hits[0].size === 8);
    if (hit > 0) assert.equal(hot.word((hot.at("data") + 8n) as VirtualAddress), expected + hot.register(19));
    // A round of eleven steps, the counting down and the jump among them.
    if (hit > 0) assert.equal(stop.hits[0].instant - last, 11);
    last = stop.hits[0].instant;
    expected = hot.word((hot.at("data") + 8n) as VirtualAddress);
  }
});

test("code that the user edits in a hot loop is what runs from then on", () => {
  const edits = (edited: Guest): MachineEvent[] =>
    [400, 700, 703, 711, 1200].map((instant, index) => {
      const bytes = new Uint8Array(4);
      // addi s4, s4, 16 << index
      new DataView(bytes.buffer).setUint32(0, 0x000a_0a13 | ((16 << index) << 20), true);
      const address = Number(edited.at("routine")) as PhysicalAddress;
      return { kind: "edit", instant: instant as Instant, edit: { target: "memory", address, bytes } };
    });
  alike(SUM, 2100, edits);
});

test("calls that return elsewhere, tail calls, recursion and jumps into loops", () => {
  const body = `
${loop(60, "  andi a0, s2, 7\n  call count\n  call tail\n  call twice\n  addi s3, s3, 1\n  addi s3, s3, 2\n  jal t0, other")}
  j    halt
count:
  beqz a0, 1f
  addi sp, sp, -16
  sd   ra, 8(sp)
  addi a0, a0, -1
  call count
  add  s4, s4, a0
  addi a0, a0, 1
  ld   ra, 8(sp)
  addi sp, sp, 16
1:
  ret
tail:
  addi s5, s5, 1
  j    count
twice:
  andi t1, s2, 1
  slli t1, t1, 1
  add  ra, ra, t1
  ret
other:
  xor  s6, s6, s5
  jr   t0
`;
  alike(guest(body), 9000);
});

test("a loop with two entries goes round from either", () => {
  const body = `
${loop(
  80,
  `
  andi t1, s2, 3
  li   s3, 5
  beqz t1, right
left:
  addi s4, s4, 3
  addi s3, s3, -1
  blez s3, out
  andi t1, s4, 1
  bnez t1, left
right:
  addi s4, s4, 2
  xor  s5, s5, s4
  addi s3, s3, -1
  bgtz s3, left
out:`,
)}`;
  alike(guest(body), 5000);
});

test("floating point in hot loops has the flags and the state that it has outside", () => {
  const body = `
  fcvt.d.l fa0, zero
  li   t1, 3
  fcvt.d.l fa1, t1
${loop(
  60,
  `
  andi t1, s2, 7
  fsrm t1
  li   t1, 1
  fcvt.d.l fa2, t1
  fdiv.d fa2, fa2, fa1
  fadd.d fa0, fa0, fa2
  fcvt.s.d fa3, fa0
  fmadd.s fa4, fa3, fa3, fa3
  frflags s3
  add  s4, s4, s3
  andi t1, s2, 15
  bnez t1, on
  fsflags zero
  li   t1, 3 << 13
  csrc mstatus, t1
  fadd.d fa5, fa0, fa0
  li   t1, 1 << 13
  csrs mstatus, t1
on:`,
)}`;
  alike(guest(body), 5000);
});

test("a store that leaves the page which its base register was last used with is seen where it arrives", () => {
  const body = `
${loop(
  200,
  `
  srli t2, s2, 1
  andi t2, t2, 3
  addi t2, t2, 1
  slli t2, t2, 2
  li   t1, (20 << 7) | 1
  or   t1, t1, t2
  slli t1, t1, 16
  la   s0, routine - 64
  sw   t1, 0(s0)
  andi t2, s2, 1
  bnez t2, beside
  la   s0, routine - 2
beside:
  sw   t1, 0(s0)
  call routine`,
)}
  j    halt
  .balign 4096
  .space 4096
routine:
  c.addi s4, 1
  ret
`;
  alike(guest(body), 4000);
});

test("products and quotients of extreme operands in a hot loop", () => {
  const values = [0n, 1n, -1n, 2n, -2n, 1n << 31n, -(1n << 31n), (1n << 63n) - 1n, -(1n << 63n), 0x1_0000_0001n, 10n];
  const operations = ["mul", "mulh", "mulhu", "mulhsu", "div", "divu", "rem", "remu"].flatMap((name) =>
    name.startsWith("mulh") ? [name] : [name, `${name}w`],
  );
  const body = `
  la   s5, values
  li   s6, ${values.length}
outer:
  ld   a0, 0(s5)
  la   s7, values
${loop(
  values.length,
  `
  ld   a1, 0(s7)
${operations.map((name) => `  ${name} a2, a0, a1\n  rori s3, s3, 7\n  xor  s3, s3, a2`).join("\n")}
  addi s7, s7, 8`,
)}
  addi s5, s5, 8
  addi s6, s6, -1
  bnez s6, outer`;
  const steps = values.length ** 2 * (operations.length * 3 + 4) + 200;
  alike(guest(body, `values:\n${values.map((value) => `.dword ${value}`).join("\n")}`), steps);
});

test("bits of NaNs, singles without a box, results at the edges of the formats, in every rounding mode", () => {
  const doubles = [
    0n,
    1n,
    0x8000_0000_0000_0000n,
    0x000f_ffff_ffff_ffffn,
    0x0010_0000_0000_0000n,
    0x0010_0000_0000_0001n,
  ];
  const more = [0x3ff0_0000_0000_0000n, 0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n, 0xfff0_0000_0000_0001n];
  const nans = [0x7ff8_0000_dead_beefn, 0x7ff4_0000_0000_0000n, 0xffff_ffff_7fa0_0001n, 0xffff_fffe_3f80_0000n];
  const singles = [0x3f80_0001n, 0x0080_0000n, 0x007f_ffffn, 0x7f7f_ffffn, 0x8000_0001n].map(
    (bits) => 0xffff_ffff_0000_0000n | bits,
  );
  const values = [
    ...doubles,
    ...more,
    ...nans,
    ...singles,
    0x3ca0_0000_0000_0000n,
    0x0170_0000_0000_0000n,
    0x3fef_ffff_ffff_ffffn,
  ];
  const note = (register: string) => `fmv.x.d t1, ${register}\nrori s3, s3, 5\nxor s3, s3, t1`;
  const arithmetic = ["add", "sub", "mul", "div"].flatMap((name) =>
    ["d", "s"].map((size) => `f${name}.${size} fa2, fa0, fa1`),
  );
  const others = [
    ...["fmadd.d fa2, fa0, fa1, fa0", "fnmsub.d fa2, fa1, fa1, fa0", "fsqrt.d fa2, fa1", "fcvt.s.d fa2, fa1"],
    ...["fmadd.s fa2, fa0, fa1, fa0", "fcvt.s.d fa4, fa0\nfadd.s fa2, fa4, fa1", "fcvt.d.s fa2, fa1"],
    ...["fcvt.s.d fa2, fa0\nfld fa2, 0(s7)\nfadd.s fa2, fa2, fa0", "fmax.s fa2, fa0, fa1", "fmin.d fa2, fa0, fa1"],
    ...["fsgnj.d fa2, fa0, fa1", "fsd fa1, 8(s0)\nflw fa2, 8(s0)\nfadd.s fa2, fa2, fa2\nfld fa2, 8(s0)"],
  ];
  // The flags are looked at after each operation, and are NX alone before it, or none.
  const tried = (operation: string, index: number) => `
  la   s5, values
  li   s6, ${values.length}
5:
  fld  fa0, 0(s5)
  la   s7, values
  srli t0, s6, ${index % 3 === 2 ? 1 : 12}
  fsrm t0
${loop(
  values.length,
  `  fld  fa1, 0(s7)\n${operation}\n${note("fa2")}
  addi s7, s7, 8
  frflags t1
  add  s3, s3, t1
  fsflagsi ${index % 5 === 4 ? 0 : 1}`,
)}
  addi s5, s5, 8
  addi s6, s6, -1
  bnez s6, 5b`;
  const body = [...arithmetic, ...others].map(tried).join("\n");
  const data = `.balign 8\nvalues:\n${values.map((value) => `.dword ${value}`).join("\n")}`;
  alike(guest(`fsflagsi 1\n${body}`, data), 140_000);
});
