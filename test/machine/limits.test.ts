import assert from "node:assert/strict";
import { test } from "node:test";
import type { Program } from "../../src/assembler/program.ts";
import type { Instant } from "../../src/base/brand.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { DECODED_PAGES, MAX_RAM_BYTES, PAGE_BYTES } from "../../src/memory/layout.ts";
import { Guest, program, ScriptedInlet } from "./guests.ts";

// What a machine of ordinary size and a guest of ordinary manners do not reach.

/** Overwrites an instruction of its loop, then ends. Position-independent. */
const PATCHING = `
  .option norvc
  la   t0, patch
  lw   t1, 0(t0)
  li   s1, 30
loop:
  sw   t1, 0(t0)
patch:
  addi s0, s0, 1
  addi s1, s1, -1
  bnez s1, loop
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1:
  j    1b
`;

function movedTo(address: number, { segments, ...rest }: Program): Program {
  const distance = address - RAM_BASE;
  return {
    ...rest,
    entry: BigInt(address) as never,
    segments: segments.map((segment) => ({ ...segment, physicalAddress: segment.physicalAddress + distance })),
  };
}

// Clearing the records of overwritten code once began at offset 0 when the code lay beyond 2 GiB: a minute a store.
test("code that changes itself runs at both ends of the largest memory, and the state travels", () => {
  const ends = [RAM_BASE, RAM_BASE + MAX_RAM_BYTES - PAGE_BYTES];
  for (const address of ends) {
    const guest = new Guest(movedTo(address, program(PATCHING)), "translator", { memoryBytes: MAX_RAM_BYTES });
    guest.run(8);
    const [checkpoint, digest] = [guest.machine.checkpoint(), guest.machine.digest()];
    assert.deepEqual(guest.run(), { kind: "finished", exitCode: 0, reset: false });
    assert.equal(guest.register(8), 30n);
    guest.machine.restore(checkpoint);
    assert.equal(guest.machine.digest(), digest);
    assert.equal(guest.run().kind, "finished");
  }
});

test("the smallest memory runs a program that fills it, and traps behind it", () => {
  const last = RAM_BASE + PAGE_BYTES - 8;
  const guest = new Guest(
    `la t0, handler\n csrw mtvec, t0\n li t1, ${last}\n sd t1, 0(t1)\n sd t1, 1(t1)\n 1: j 1b\n handler: csrr a1, mtval\n 2: j 2b`,
    "interpreter",
    { memoryBytes: PAGE_BYTES },
  );
  guest.run(100);
  assert.equal(guest.register(11), BigInt(last + 1));
  assert.equal(guest.word(BigInt(last) as never), BigInt(last));
});

test("an image with an odd entry point begins at the instruction that holds it", () => {
  const odd = program("li a0, 7\n 1: j 1b");
  for (const engine of ["interpreter", "translator", "oracle"] as const) {
    const guest = new Guest({ ...odd, entry: (odd.entry | 1n) as never }, engine);
    guest.run(10);
    assert.equal(guest.register(10), 7n);
  }
});

test("more pages of code than can be decoded at once: all run, changed in between, with breakpoints kept", () => {
  const pages = DECODED_PAGES + 100;
  // Each page is "addi s0, s0, 1; ret"; the second time round, "addi s0, s0, 2; ret".
  const source = `
  .equ PAGES, ${pages}
  la   s1, first
  li   s3, 2
  li   s5, 0x00140413
round:
  mv   s2, s1
  li   s4, PAGES
1:
  sw   s5, 0(s2)
  li   t0, 0x8067
  sw   t0, 4(s2)
  jalr s2
  li   t0, 4096
  add  s2, s2, t0
  addi s4, s4, -1
  bnez s4, 1b
  li   s5, 0x00240413
  addi s3, s3, -1
  bnez s3, round
2:
  j    2b
  .bss
  .balign 4096
first:
  .space 4096 * PAGES
`;
  const assembled = program(source);
  const memoryBytes = (pages + 16) * PAGE_BYTES;
  const [interpreter, translator, judge] = (["interpreter", "translator", "oracle"] as const).map(
    (engine) => new Guest(assembled, engine, { memoryBytes }),
  );
  const at = (judge.at("first") + 5n * 4096n) as never;
  judge.run(40_000);
  for (const guest of [interpreter, translator]) {
    guest.stops({ breakpoints: [at] });
    for (let time = 0; time < 2; time++) assert.deepEqual(guest.run(), { kind: "breakpoint", hart: 0, pc: at });
    assert.deepEqual(guest.run(40_000), { kind: "reached" });
    assert.equal(guest.register(8), BigInt(3 * pages));
    assert.equal(guest.machine.digest(), judge.machine.digest());
  }
});

// Each byte that was read once moved all that waited behind it: 150 kB took six seconds.
test("a flood of input is read as fast as a trickle", () => {
  const guest = new Guest(`
  li   t0, 0x10000000
1:
  lbu  t1, 5(t0)
  andi t1, t1, 1
  beqz t1, 2f
  lbu  t2, 0(t0)
  add  s1, s1, t2
  addi s0, s0, 1
  j    1b
2:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
3:
  j    3b
`);
  const bytes = Uint8Array.from({ length: 150_000 }, (_, index) => index % 251);
  guest.machine.inlet = new ScriptedInlet([{ kind: "console-input", instant: 0 as Instant, bytes }]);
  guest.run(300_000);
  const checkpoint = guest.machine.checkpoint();
  guest.run();
  guest.machine.restore(checkpoint);
  guest.run();
  assert.equal(guest.register(8), BigInt(bytes.length));
  assert.equal(
    guest.register(9),
    bytes.reduce((sum, byte) => sum + BigInt(byte), 0n),
  );
});
