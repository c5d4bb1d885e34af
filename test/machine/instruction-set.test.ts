import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_CONFIGURATION, FULL_ISA } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { Guest, physical } from "./guests.ts";

const A0 = 10;
const ILLEGAL_INSTRUCTION = 2;
const ENGINES = ["interpreter", "translator", "oracle"] as const;

/** A guest that stops at its end, with the instruction set. */
function run(source: string, isa: string, engine: (typeof ENGINES)[number]): Guest {
  const guest = new Guest(`${source}\n_done: j _done`, engine, { isa, modes: "m" });
  guest.stops({ breakpoints: [guest.at("_done")] });
  return guest;
}

test("what is switched off is an illegal instruction, with its bits in mtval", () => {
  const words: readonly (readonly [string, string, bigint])[] = [
    ["andn a0, a0, a0", "rv64imac", 0x40a5_7533n],
    ["mul a0, a0, a0", "rv64iac", 0x02a5_0533n],
    ["c.addi a0, 1", "rv64ima", 0x0505n],
    ["cbo.zero (sp)", "rv64imac", 0x0041_200fn],
    ["sret", "max", 0x1020_0073n],
  ];
  for (const engine of ENGINES) {
    for (const [instruction, isa, tval] of words) {
      const stop = run(instruction, isa, engine).run();
      assert.deepEqual(stop, { kind: "unhandled-trap", hart: 0, cause: ILLEGAL_INSTRUCTION, tval }, instruction);
    }
  }
});

test("HINTs of extensions that are switched off do nothing, and do not trap", () => {
  for (const engine of ENGINES) {
    for (const hint of ["prefetch.w 64(a0)", "pause", "ntl.all", "ori zero, a0, 1"]) {
      const guest = run(`.option norvc\nli a0, -1\n${hint}`, "rv64i", engine);
      assert.equal(guest.run().kind, "breakpoint", hint);
      assert.equal(guest.register(A0), 0xffff_ffff_ffff_ffffn, hint);
    }
  }
});

test("misa says what the configuration chose", () => {
  for (const engine of ENGINES) {
    const guest = run("csrr a0, misa", "rv64imac_zba", engine);
    guest.run();
    assert.equal(guest.register(A0), 0x8000_0000_0000_1105n);
  }
  const harts = new Machine({ ...DEFAULT_CONFIGURATION, isa: FULL_ISA, modes: "msu" }).harts;
  assert.equal(harts[0].csr(0x301), 0x8000_0000_0014_112dn);
});

test("cbo.zero clears the block around its address and nothing else", () => {
  for (const engine of ENGINES) {
    const guest = run(
      `la a0, block
       addi a0, a0, 37
       cbo.zero (a0)
       la a1, block
       ld a2, -8(a1)
       ld a3, 64(a1)
       j _done
       .balign 64
       .quad -1, -1, -1, -1, -1, -1, -1, -1
       block: .quad 1, 2, 3, 4, 5, 6, 7, 8, -1`,
      FULL_ISA,
      engine,
    );
    guest.run();
    const start = Number(guest.at("block"));
    for (let offset = 0; offset < 64; offset += 8) assert.equal(guest.word(BigInt(start + offset) as never), 0n);
    assert.equal(guest.register(12), 0xffff_ffff_ffff_ffffn);
    assert.equal(guest.register(13), 0xffff_ffff_ffff_ffffn);
  }
});

test("cbo.zero hits a watch, and code that it clears is no code any more", () => {
  for (const engine of ENGINES) {
    const guest = run(
      `la a0, target
       call target
       cbo.zero (a0)
       after: call target
       .balign 64
       target: ret
       .skip 62`,
      FULL_ISA,
      engine,
    );
    const first = physical(guest.at("target"));
    guest.stops({ watches: [{ address: first, length: 1, access: "write" }] });
    const hit = guest.run();
    assert.equal(hit.kind, "watch");
    assert.equal(guest.machine.harts[0].pc, guest.at("after"));
    assert.deepEqual(guest.run(), { kind: "unhandled-trap", hart: 0, cause: ILLEGAL_INSTRUCTION, tval: 0n });
  }
});

test("cache-block operations outside memory are store access faults of the block, and change nothing", () => {
  for (const engine of ENGINES) {
    for (const operation of ["zero", "inval", "clean", "flush"]) {
      const guest = run(`li a0, 0x1007\ncbo.${operation} (a0)`, FULL_ISA, engine);
      assert.deepEqual(guest.run(), { kind: "unhandled-trap", hart: 0, cause: 7, tval: 0x1000n });
    }
  }
});

test("without compressed instructions a jump to an address that is no multiple of 4 traps, and writes nothing", () => {
  const jumps: readonly (readonly [string, bigint])[] = [
    [".insn 4, 0x00a000ef", 0x8000_000en], // jal ra, .+10
    ["jalr ra, 6(a0)", 0x8000_0006n],
    ["jalr ra, 7(a0)", 0x8000_0006n],
    [".insn 4, 0x00000363", 0x8000_000an], // beq zero, zero, .+6
  ];
  for (const engine of ENGINES) {
    for (const [jump, tval] of jumps) {
      const guest = run(`.option norvc\nlui a0, 0x80000\n${jump}\nnop`, "rv64ima", engine);
      const stop = guest.run();
      const sign = jump.startsWith("jalr") ? 0xffff_ffff_0000_0000n : 0n;
      assert.deepEqual(stop, { kind: "unhandled-trap", hart: 0, cause: 0, tval: tval | sign }, jump);
      assert.equal(guest.register(1), 0n, jump);
    }
    assert.equal(run(".option norvc\n.insn 4, 0x00001363", "rv64ima", engine).run().kind, "breakpoint");
  }
});

test("mepc holds addresses of instructions only", () => {
  for (const engine of ENGINES) {
    for (const [isa, kept] of [
      ["rv64imac", -2n],
      ["rv64ima", -4n],
    ] as const) {
      const guest = run(".option norvc\nli t0, -1\ncsrw mepc, t0\ncsrr a0, mepc", isa, engine);
      guest.run();
      assert.equal(guest.register(A0), BigInt.asUintN(64, kept), isa);
    }
  }
});

test("a machine refuses an instruction set that no hart has", () => {
  assert.throws(() => new Machine({ ...DEFAULT_CONFIGURATION, isa: "rv64gcv" }), /extension v/);
});
