import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_REGIONS } from "../../src/cpu/translator.ts";
import { Guest } from "./guests.ts";

const HOT = 300;
const BATCH = 32;

/**
 * A guest that writes ever new routines, each with a loop, and runs each once; after each batch it calls all of a few
 * hundred that were there from the beginning. s9 counts the new ones.
 */
const GUEST = `
  .equ BYTES, 1 << 20
_start:
  la   s0, area
  la   s1, model
  li   s3, 0
  li   s5, ${HOT}
hot:
  call write
  addi s5, s5, -1
  bnez s5, hot
more:
  li   s5, ${BATCH}
new:
  call write
  la   t0, area
  add  t0, t0, s3
  addi t0, t0, -16
  li   a1, 12
  jalr t0
  addi s9, s9, 1
  addi s5, s5, -1
  bnez s5, new
  la   s7, area
  li   s5, ${HOT}
again:
  li   a1, 2
  jalr s7
  addi s7, s7, 16
  addi s5, s5, -1
  bnez s5, again
  li   t1, BYTES - ${BATCH * 16}
  blt  s3, t1, more
halt:
  j    halt
write:
  add  t0, s0, s3
  ld   t1, 0(s1)
  sd   t1, 0(t0)
  ld   t1, 8(s1)
  sd   t1, 8(t0)
  addi s3, s3, 16
  ret
  .option norvc
  .balign 8
model:
  addi a0, a0, 1
  addi a1, a1, -1
  bnez a1, model
  ret
  .bss
  .balign 4096
area:
  .space BYTES
`;

test("what stays hot keeps its translations while ever more code comes and goes", () => {
  const { Module } = WebAssembly;
  let modules = 0;
  WebAssembly.Module = class extends Module {
    constructor(bytes: BufferSource) {
      super(bytes);
      modules++;
    }
  };
  try {
    const guest = new Guest(GUEST, "translator", { memoryBytes: 2 << 20 });
    const routines = (): number => Number(guest.register(25));
    while (routines() < 1000) guest.step(10_000);
    const [before, from] = [modules, routines()];
    while (routines() < 1.2 * MOST_REGIONS) guest.step(10_000);
    const [made, written] = [modules - before, routines() - from];
    // A small one each, and a large one.
    assert.ok(made < 2 * written + HOT / 4, `${made} modules for ${written} new routines and ${HOT} old ones`);
  } finally {
    WebAssembly.Module = Module;
  }
});
