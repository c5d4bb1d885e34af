import assert from "node:assert/strict";
import type { Instant, VirtualAddress } from "../../src/base/brand.ts";
import type { Question, Row } from "../../src/debuggee/search-protocol.ts";
import { EXCEPTION_CAUSES } from "../../src/isa/causes.ts";
import { decode } from "../../src/isa/decode.ts";
import { effectsOf } from "../../src/isa/effects.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { MachineLike } from "../../src/machine/machine-interface.ts";
import { program } from "./harness.ts";
import { ask, type SearchBench, searchBench } from "./search-bench.ts";
import { SEARCHED } from "./search-guests.ts";

/** What happened, found by taking the steps one by one with the oracle. */

export interface Step {
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  readonly registers: readonly bigint[];
  readonly access: { readonly first: bigint; readonly last: bigint; readonly kinds: string } | undefined;
  readonly exception: number | undefined;
  /** The first state in a handler of an interrupt. */
  readonly isInterrupted: boolean;
  readonly memory: Uint8Array;
}

const MCAUSE = 0x342;
export const DATA_BYTES = 128;
const ALL_CAUSES = EXCEPTION_CAUSES.map(({ code }) => code);

const SYMBOLS = new Map(program(SEARCHED).symbols.map(({ name, address }) => [name, address as bigint]));

export function symbol(name: string): bigint {
  return SYMBOLS.get(name) ?? assert.fail(name);
}

export function bytes(machine: MachineLike, address: bigint, length: number): Uint8Array {
  return Uint8Array.from(machine.peek(address as VirtualAddress, length, 0) as number[]);
}

export function word({ memory }: Step, address: bigint): bigint {
  return new DataView(memory.buffer).getBigUint64(Number(address - symbol("counter")), true);
}

export function singleSteps(harts: number, end: number): Step[] {
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m", harts }, "oracle");
  machine.load(program(SEARCHED));
  machine.setStops({ breakpoints: [], watches: [], exceptions: ALL_CAUSES });
  const steps: Step[] = [];
  while (machine.instant < end) {
    const { instant } = machine;
    machine.run(instant, { departing: true });
    const hart = machine.harts[machine.currentHart];
    const { id, pc } = hart;
    const registers = Array.from({ length: 32 }, (_, index) => hart.register(index));
    const isInterrupted = pc === symbol("handler") && hart.csr(MCAUSE)! >> 63n === 1n;
    const memory = bytes(machine, symbol("counter"), DATA_BYTES);
    const view = new DataView(bytes(machine, pc, 4).buffer);
    const instruction = decode((view.getUint16(0, true) & 3) === 3 ? view.getUint32(0, true) : view.getUint16(0, true));
    const stop = machine.run((instant + 1) as Instant, { departing: false });
    const exception = stop.kind === "exception" ? stop.cause : undefined;
    if (exception !== undefined) machine.run((instant + 1) as Instant, { departing: true });
    const effects = instruction && effectsOf(instruction.instruction);
    const kinds = { none: "", load: "r", store: "w", atomic: "rw" }[effects?.memory ?? "none"];
    const first = BigInt.asUintN(
      64,
      (instruction === undefined ? 0n : registers[instruction.rs1]) +
        (kinds === "rw" ? 0n : BigInt(instruction?.imm ?? 0)),
    );
    const access =
      kinds === "" || exception !== undefined ? undefined : { first, last: first + BigInt(effects!.size) - 1n, kinds };
    steps.push({ instant, hart: id, pc, registers, access, exception, isInterrupted, memory });
  }
  return steps;
}

export interface Case {
  readonly bench: SearchBench;
  readonly steps: readonly Step[];
  readonly what: string;
}

const BRUTE = new Map<number, Step[]>();

/** The same guest on several boards, searched in one piece and in pieces cut anywhere. */
export function* cases(): Generator<Case> {
  for (const harts of [1, 3]) {
    for (const [engine, seed] of [
      ["auto", undefined],
      ["translator", harts],
      [harts === 1 ? "interpreter" : "oracle", 2 + harts],
    ] as const) {
      const bench = searchBench(SEARCHED, { engine, board: { harts }, ...(seed !== undefined && { seed }) });
      const end = bench.timeline.end;
      if (!BRUTE.has(harts)) BRUTE.set(harts, singleSteps(harts, end));
      yield { bench, steps: BRUTE.get(harts)!, what: `${harts} harts, ${engine}, seed ${seed}` };
    }
  }
}

export function where({ instant, hart, pc }: { instant: number; hart: number; pc: bigint }) {
  return { instant, hart, pc };
}

export async function same(
  question: Question,
  { bench, what }: Case,
  expected: readonly Pick<Row, "instant" | "hart" | "pc">[],
) {
  const { rows } = await ask(bench, question);
  assert.deepEqual(rows.map(where), expected.map(where), what);
  assert.ok(expected.length > 0, "the test asks for something that happens");
  return rows;
}

export function touches({ access }: Step, kind: "r" | "w" | "", address: bigint, length: number): boolean {
  if (access === undefined || !access.kinds.includes(kind)) return false;
  return access.first < address + BigInt(length) && access.last >= address;
}
