import assert from "node:assert/strict";
import { test } from "node:test";
import type { VirtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { patchedFormat } from "../../src/cpu/translated-code.ts";
import { decode } from "../../src/isa/decode.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import * as layout from "../../src/memory/layout.ts";
import { Guest, SMALL } from "../machine/guests.ts";
import { alike, guest, loop } from "./hot-guest.ts";

/** Runs a guest on the translator, and tells how many modules were made and how often its routine had a translation. */
function translated(source: string, steps: number): { modules: number; share: number } {
  const { Module, Memory } = WebAssembly;
  const memories: WebAssembly.Memory[] = [];
  let modules = 0;
  WebAssembly.Module = class extends Module {
    constructor(bytes: BufferSource) {
      super(bytes);
      modules++;
    }
  };
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.push(this);
    }
  };
  try {
    const run = new Guest(source, "translator");
    const { ramBase, decodedPointers } = layout.layoutFor(RAM_BASE, SMALL.memoryBytes);
    const view = new DataView(memories[0].buffer);
    const offset = Number(run.at("routine")) - ramBase;
    let [looks, found] = [0, 0];
    // Until it is hot for the first time, nobody looks.
    run.step(1000);
    for (; run.machine.instant < steps; looks++) {
      run.step(7);
      const page = view.getInt32(decodedPointers + (offset >>> 12) * 4, true);
      const arrival = page + layout.ARRIVALS + (offset & 4095) * (layout.ARRIVAL_BYTES / 2);
      if (view.getInt32(arrival + layout.ARRIVAL.slot, true) !== 0) found++;
    }
    return { modules, share: found / looks };
  } finally {
    WebAssembly.Module = Module;
    WebAssembly.Memory = Memory;
  }
}

/**
 * A guest whose routine changes, does on the translator what it does in the interpreter, by few translations: a small one
 * and a large one of each piece of code.
 */
function staysTranslated(source: string, steps: number, most: { modules: number; share: number }): void {
  alike(source, steps);
  const { modules, share } = translated(source, steps);
  assert.ok(modules <= most.modules, `${modules} modules`);
  assert.ok(share >= most.share, `translated ${share} of the time`);
}

test("another immediate makes no other instruction of one whose immediate is looked for in RAM", () => {
  const prng = new Prng(20_261_126);
  const met = new Set<string>();
  for (let round = 0; round < 200_000; round++) {
    const word = (prng.below(0x1_0000) << 16) | prng.below(0x1_0000) | 3;
    const format = patchedFormat(word);
    const decoded = decode(word);
    if (format === undefined || decoded === undefined) continue;
    const immediate = prng.below(0x1_0000) << 16;
    const other = decode(format === "I" ? (word & 0xf_ffff) | (immediate & -0x10_0000) : (word & 0xfff) | immediate);
    assert.deepEqual({ ...other, imm: 0, word: 0 }, { ...decoded, imm: 0, word: 0 }, word.toString(16));
    assert.equal(other?.imm, format === "I" ? other!.word >> 20 : other!.word & -4096);
    met.add(decoded.instruction.mnemonic);
  }
  assert.deepEqual([...met].sort(), ["addi", "addiw", "andi", "lui", "ori", "slti", "sltiu", "xori"]);
});

/** Rounds in which a routine is made another, and called a few times. */
function rewriting(rounds: number, change: string, routine: string): string {
  return guest(`
  li   s5, ${rounds}
next:
  la   s7, routine
${change}
  fence.i
${loop(6, "call routine")}
  addi s5, s5, -1
  bnez s5, next
  j    halt
  .option norvc
  .balign 64
routine:
${routine}
  ret
`);
}

const SEVERAL_IMMEDIATES = rewriting(
  200,
  `
  andi t0, s5, 3
  slli t0, t0, 2
  add  s7, s7, t0
  lw   t1, 0(s7)
  slli t2, s5, 24
  xor  t1, t1, t2
  sw   t1, 0(s7)`,
  "addi s4, s4, 1\n  lui t1, 0x12345\n  xori s4, s4, 3\n  addiw t3, s4, -7\n  add s6, s6, t1\n  add s6, s6, t3",
);

test("immediates that are patched again and again cost a translation each, once", () => {
  staysTranslated(SEVERAL_IMMEDIATES, 20_000, { modules: 32, share: 0.95 });
});

/** Writes one of the routines that stand in `versions`, by turns. */
function turns(count: number): string {
  return `
  la   t0, versions
  li   t1, ${count}
  rem  t1, s5, t1
  slli t1, t1, 3
  add  t0, t0, t1
  lw   t1, 0(t0)
  sw   t1, 0(s7)
  lw   t1, 4(t0)
  sw   t1, 4(s7)`;
}
const VERSIONS = "  add s4, s4, s5\n  xor s6, s6, s4\n  ret\nversions:\n  add s4, s4, s5\n  xor s6, s6, s4\n";
const OTHERS = "  sub s4, s4, s5\n  or s6, s6, s4\n  sll s4, s4, s5\n  and s6, s6, s4\n";

test("code that changes between a few versions finds the translations of each again", () => {
  staysTranslated(rewriting(200, turns(3), VERSIONS + OTHERS), 24_000, { modules: 20, share: 0.5 });
});

test("code that is written again as it was stays translated", () => {
  staysTranslated(rewriting(200, turns(1), VERSIONS), 22_000, { modules: 20, share: 1 });
});

test("a breakpoint that comes and goes on changing code is always hit", () => {
  const guests = (["interpreter", "translator"] as const).map((engine) => new Guest(SEVERAL_IMMEDIATES, engine));
  for (let round = 0; round < 60; round++) {
    const stops = guests.map((hot) => {
      hot.step(70 + round);
      hot.stops({ breakpoints: [(hot.at("routine") + BigInt((round & 3) * 4)) as VirtualAddress] });
      const stop = hot.run();
      hot.stops({});
      return stop;
    });
    assert.equal(stops[0].kind, "breakpoint");
    assert.deepEqual(stops[1], stops[0]);
    assert.equal(guests[1].machine.digest(), guests[0].machine.digest());
  }
});

test("data beside code on its page leaves translations alone", () => {
  const source = guest(`
  la   s7, beside
${loop(300, "call routine\n  sd s2, 0(s7)\n  sw s2, 12(s7)\n  sb s2, 19(s7)\n  ld t1, 8(s7)\n  add s4, s4, t1")}
  j    halt
  .balign 64
routine:
  addi s4, s4, 1
  ret
  .balign 8
beside:
  .space 32
`);
  staysTranslated(source, 3_000, { modules: 12, share: 1 });
});

test("bytes and halves of instructions are patched, one of which lies on two pages", () => {
  // Bits of immediates, and of rs2 or the low immediate with them; all four instructions are xori or xor.
  const change = `
  andi t0, s5, 12
  addi t0, t0, 2
  add  s7, s7, t0
  lhu  t1, 0(s7)
  andi t2, s5, 0x70
  xor  t1, t1, t2
  sh   t1, 0(s7)
  lbu  t1, 1(s7)
  andi t2, s5, 1
  xor  t1, t1, t2
  sb   t1, 1(s7)`;
  const routine = "  xori s4, s4, 33\n  xori s6, s6, 65\n  xori s4, s4, 3\n  xori s6, s6, 1\n  add s4, s4, s6";
  const straddling = rewriting(300, change, routine).replace(".balign 64", ".balign 4096\n  .space 4096 - 6");
  alike(straddling, 30_000);
});

test("an old translation that comes back hears of changes where nothing was executed since", () => {
  const source = guest(`
  li   s5, 60
  la   s7, changing
  lw   s8, 0(s7)
  li   s9, 0x00108093 ^ 0x00112093
next:
  li   a0, 1
${loop(5, "call routine")}
  # Another instruction, and back, before anybody comes by; then nobody executes it for a while.
  xor  t1, s8, s9
  sw   t1, 0(s7)
  sw   s8, 0(s7)
  li   a0, 0
${loop(5, "call routine")}
  xor  t1, s8, s9
  sw   t1, 0(s7)
  li   a0, 1
  call routine
  sw   s8, 0(s7)
  addi s5, s5, -1
  bnez s5, next
  j    halt
  .option norvc
  .balign 64
routine:
  beqz a0, over
changing:
  addi s4, s4, 1
over:
  ret
`);
  alike(source, 12_000);
});
