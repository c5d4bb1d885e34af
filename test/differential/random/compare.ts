import assert from "node:assert/strict";
import { instructionLength } from "../../../src/isa/decode.ts";
import { disassembleWord } from "../../../src/isa/disassemble.ts";
import { runOurs } from "../our-machine.ts";
import { runQemu } from "../qemu.ts";
import { type Batch, placeBatch, type Suite } from "./suite.ts";

/** A batch takes about a million steps; one that goes on for longer has lost its way. */
const LIMIT_STEPS = 100_000_000;

const ENGINES = ["interpreter", "translator", "oracle"] as const;

/** What is done to our copy of a batch before it runs: for the proof that a difference is found. */
export type Sabotage = (bytes: Uint8Array) => void;

/** Runs a batch everywhere. Returns a sentence for each case that ends differently; empty when all agree. */
export async function compareBatch(suite: Suite, seeds: readonly number[], sabotage?: Sabotage): Promise<string[]> {
  const batch = suite.makeBatch(seeds, false);
  const { image, configuration, qemuArguments } = placeBatch(suite, batch);
  const theirs = await hashes(qemuArguments, seeds.length);
  sabotage?.(batch.bytes);
  const problems: string[] = [];
  const machines = ENGINES.map((engine) => {
    const ours = runOurs(image, engine, LIMIT_STEPS, configuration);
    const lines = ours.console.toString("latin1").trim().split("\n");
    seeds.forEach((seed, position) => {
      // Of a run that came to no end, the case that it hung in is the last one worth a word.
      const lost = ours.failure !== undefined && position > lines.length;
      if (lines[position] !== theirs[position] && !lost) problems.push(`seed ${seed}: ${engine} and QEMU differ`);
    });
    if (ours.failure !== undefined) problems.push(ours.failure);
    return ours.machine;
  });
  const ends = machines.map((machine) => `instant ${machine.instant}, digest ${machine.digest()}`);
  if (problems.length === 0 && new Set(ends).size > 1) {
    const found = ENGINES.map((engine, index) => `${engine}: ${ends[index]}`).join("; ");
    problems.push(
      `seeds from ${seeds[0]}: the engines agree on every case, and yet end in different states (${found})`,
    );
  }
  return problems;
}

/** Cases of one batch that are explained; the others are named only. */
const MOST_EXPLAINED = 2;

/** Fails when a case ends differently somewhere, with what differs and the command that repeats it. */
export async function assertAgreement(suite: Suite, seeds: readonly number[], option = ""): Promise<void> {
  const problems = await compareBatch(suite, seeds);
  if (problems.length === 0) return;
  const failing = [...new Set(problems.flatMap((problem) => /^seed (\d+)/.exec(problem)?.[1] ?? []))].map(Number);
  const explained: string[] = [];
  for (const seed of failing.slice(0, MOST_EXPLAINED)) {
    explained.push(await explainCase(suite, seed, false), `repeat with: npm run simulate -- ${option}--seed ${seed}`);
  }
  assert.fail([...problems, ...explained].join("\n"));
}

async function hashes(qemuArguments: readonly string[], count: number): Promise<string[]> {
  const { console, exitCode } = await runQemu(qemuArguments);
  const lines = console.toString("latin1").trim().split("\n");
  if (exitCode !== 0 || lines.length !== count)
    throw new Error(`QEMU ended with ${exitCode} after ${lines.length} cases`);
  return lines;
}

/** Runs one case everywhere with everything printed. Returns the differences, and the program when there are any. */
export async function explainCase(suite: Suite, seed: number, alwaysList: boolean): Promise<string> {
  const batch = suite.makeBatch([seed], true);
  const { image, configuration, qemuArguments } = placeBatch(suite, batch);
  const theirs = labelled(suite, (await runQemu(qemuArguments)).console);
  const text: string[] = [];
  for (const engine of ENGINES) {
    const ours = labelled(suite, runOurs(image, engine, LIMIT_STEPS, configuration).console);
    for (const [label, value] of theirs) {
      if (ours.get(label) !== value) text.push(`  ${label}: ${engine} ${ours.get(label)}, QEMU ${value}`);
    }
    for (const label of ours.keys()) {
      if (!theirs.has(label)) text.push(`  ${label}: ${engine} ${ours.get(label)}, not on QEMU`);
    }
  }
  const verdict = text.length === 0 ? [`seed ${seed}: no difference`] : [`seed ${seed}:`, ...text];
  if (text.length > 0 || alwaysList) verdict.push(...listing(batch));
  return verdict.join("\n");
}

/** The words that the harness prints, in its order, by name. */
function labelled(suite: Suite, console: Buffer): Map<string, string> {
  const words = console.toString("latin1").trim().split("\n");
  const labels = suite.labels(words);
  return new Map(words.map((word, index) => [labels[index] ?? `word ${index}`, word]));
}

function listing({ programs }: Batch): string[] {
  const lines: string[] = [];
  for (const { address, code, notes = [] } of programs) {
    lines.push(...notes.map((note) => `  ${note}`));
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    for (let offset = 0; offset < code.length; ) {
      const half = view.getUint16(offset, true);
      const length = offset + 2 < code.length ? instructionLength(half) : 2;
      const word = length === 4 ? view.getUint32(offset, true) : half;
      const { text } = disassembleWord(word, { pc: BigInt(address + offset) });
      lines.push(`  ${(address + offset).toString(16)}: ${word.toString(16).padStart(length * 2, "0")}  ${text}`);
      offset += length;
    }
  }
  return lines;
}
