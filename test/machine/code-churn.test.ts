import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_REGIONS } from "../../src/cpu/translator.ts";
import { DECODED_PAGES } from "../../src/memory/layout.ts";
import { Guest } from "./guests.ts";

/** The nightly run goes on for minutes, and then memory must be flat. */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const MINUTES = Number(process.env.HINDCAST_SOAK_MINUTES ?? 5);
const SLICE_STEPS = 50_000;
/** Memory may still rise by this much, once all that is bounded has been full. */
const MOST_GROWTH_BYTES = 48 * 1024 * 1024;

/**
 * A guest that is a compiler itself: it writes a routine with a loop and a floating-point sum, runs it until it is hot,
 * and leaves it behind; routines follow each other closely for a while and then lie on a page each. It works itself
 * through its memory again and again. s9 counts routines, s10 must be what the routines' sums foretell.
 */
const COMPILER = `
  .equ BYTES, 16 << 20
_start:
  la   t0, 1f
  csrw mtvec, t0
  li   t0, 1 << 13
  csrs mstatus, t0
  la   s0, area
  la   s1, model
  li   s2, BYTES
  li   s3, 0
  li   s4, 0
next:
  add  t0, s0, s3
  lw   t1, 0(s1)
  # The routine's own immediate.
  andi t2, s9, 1023
  slli t3, t2, 20
  add  t1, t1, t3
  sw   t1, 0(t0)
  ld   t1, 4(s1)
  sw   t1, 4(t0)
  srli t1, t1, 32
  sw   t1, 8(t0)
  ld   t1, 12(s1)
  sw   t1, 12(t0)
  srli t1, t1, 32
  sw   t1, 16(t0)
  fence.i
  mv   a0, s10
  li   a1, 12
  jalr t0
  slli t1, t2, 3
  slli t3, t2, 2
  add  t1, t1, t3
  add  s10, s10, t1
  bne  a0, s10, wrong
  addi s9, s9, 1
  # 16384 routines close to each other, then 2048 on pages of their own.
  addi s4, s4, 1
  li   t1, 16384 + 2048
  bne  s4, t1, 2f
  li   s4, 0
2:
  addi s3, s3, 20
  li   t1, 16384
  blt  s4, t1, 3f
  li   t1, 4096
  add  s3, s3, t1
3:
  addi t1, s3, 32
  blt  t1, s2, next
  # Again from the beginning, at other places.
  andi s3, s9, 31
  slli s3, s3, 2
  j    next
wrong:
  li   t0, 0x100000
  li   t1, (1 << 16) | 0x3333
  sw   t1, 0(t0)
1:
  j    1b
  .option norvc
model:
  addi a0, a0, 0
  fadd.d fa0, fa0, fa1
  addi a1, a1, -1
  bnez a1, model
  ret
  .bss
  .balign 4096
area:
  .space BYTES
`;

function residentBytes(): number {
  return process.memoryUsage().rss;
}

test("code that comes and goes leaves nothing behind, each routine hot for a moment", () => {
  const guest = new Guest(COMPILER, "translator", { memoryBytes: 20 << 20 });
  const routines = (): bigint => guest.register(25);
  const soaked: number[] = [];
  const end = Date.now() + (NIGHTLY ? MINUTES * 60_000 : 0);
  const least = NIGHTLY ? 4 * (MOST_REGIONS + DECODED_PAGES) : 1200;
  while (routines() < BigInt(least) || Date.now() < end) {
    assert.deepEqual(guest.step(SLICE_STEPS), { kind: "reached" });
    soaked.push(residentBytes());
  }
  const middle = Math.max(...soaked.slice(soaked.length >> 2, soaked.length >> 1));
  const last = soaked.at(-1)!;
  if (NIGHTLY)
    assert.ok(last - middle < MOST_GROWTH_BYTES, `${middle} bytes resident in the middle, ${last} at the end`);
});
