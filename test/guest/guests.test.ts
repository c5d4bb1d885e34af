import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";
import { type Instant, type PhysicalAddress, virtualAddress } from "../../src/base/brand.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import type { Inlet } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { MachineStop } from "../../src/machine/stop.ts";

// The guests that ship, on the machine that ships: what they print and how they end.

const GUESTS = join(import.meta.dirname, "../../guest");
const LIMIT = 50_000_000;

function guestProgram(path: string, change: (source: string) => string = (source) => source): Program {
  const file = join(GUESTS, path);
  const include = (name: string) => {
    const found = join(dirname(file), name);
    return existsSync(found) ? { name: found, text: readFileSync(found, "utf8") } : undefined;
  };
  const { program, errors } = assemble(change(readFileSync(file, "utf8")), { file, include });
  assert.deepEqual(errors, []);
  assert.ok(program);
  return program;
}

class Run {
  readonly machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 64 << 20 });
  readonly #output: number[] = [];

  constructor(program: Program, input: Uint8Array) {
    this.machine.outlet = { consoleOutput: (_instant, byte) => void this.#output.push(byte) };
    if (input.length > 0) this.machine.inlet = new TypedAtOnce(input);
    this.machine.load(program);
  }

  get console(): string {
    return Buffer.from(this.#output).toString();
  }

  to(limit: number): MachineStop {
    return this.machine.run(limit as Instant, { departing: false });
  }
}

/** Everything is typed before the first instruction. */
class TypedAtOnce implements Inlet {
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(instant: Instant) {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return bytes && ({ kind: "console-input", instant, bytes } as const);
  }

  horizon(): number {
    return Number.POSITIVE_INFINITY;
  }
}

function textBeside(path: string, suffix: string): string | undefined {
  const file = join(GUESTS, path.replace(/\.s$/, suffix));
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Those that run for ever, and the one that runs too long for a unit test. */
const ENDLESS = ["samples/flood.s", "samples/loop.s"];
const LONG = "samples/count.s";

for (const path of globSync("samples/*.s", { cwd: GUESTS }).sort()) {
  if (ENDLESS.includes(path) || path === LONG) continue;
  test(`${path} prints what it should and ends well`, () => {
    const expected = textBeside(path, ".expected");
    assert.ok(expected !== undefined, `${path} has no .expected beside it`);
    const run = new Run(guestProgram(path), Buffer.from(textBeside(path, ".input") ?? ""));
    assert.deepEqual(run.to(LIMIT), { kind: "finished", exitCode: 0, reset: false });
    assert.equal(run.console, expected);
  });
}

test("samples/count.s runs as many steps as it is told", () => {
  const run = new Run(
    guestProgram(LONG, (source) => `.equ STEPS, 1000000\n${source}`),
    new Uint8Array(),
  );
  assert.equal(run.to(LIMIT).kind, "finished");
  assert.ok(Math.abs(run.machine.instant - 1_000_000) < 1000, `${run.machine.instant} steps`);
  assert.match(run.console, /^done, the generator stands at \d+\n$/);
});

test("samples/loop.s counts for ever", () => {
  const program = guestProgram("samples/loop.s");
  const run = new Run(program, new Uint8Array());
  assert.equal(run.to(400_002).kind, "reached");
  const counter = program.symbols.find(({ name }) => name === "counter")!.address;
  const bytes = run.machine.peek(counter, 8).map((byte) => byte!);
  assert.equal(Buffer.from(bytes).readBigUInt64LE(), 100_000n);
});

test("samples/flood.s prints line after line", () => {
  const run = new Run(guestProgram("samples/flood.s"), new Uint8Array());
  assert.equal(run.to(200_000).kind, "reached");
  const lines = run.console.split("\n");
  assert.ok(lines.length > 100);
  lines.slice(0, -1).forEach((line, number) => {
    assert.equal(line, `line ${number} of a flood that does not end`);
  });
});

const DEMO = "demo/work-queue.s";
const LOAD_ACCESS_FAULT = 5;
/** The mistake and its correction: the length of a message leaves out the NUL. */
const MISTAKE = "addi    a0, a0, 7\n";
const CORRECTION = "addi    a0, a0, 1 + 7\n";

function symbolAt(program: Program, address: bigint): string {
  const functions = program.symbols.filter(({ kind, address: start }) => kind === "function" && start <= address);
  return functions.reduce((best, symbol) => (symbol.address >= best.address ? symbol : best)).name;
}

function lineAt(program: Program, address: bigint): string {
  const row = program.lines.findLast((candidate) => candidate.address <= address)!;
  return readFileSync(program.files[row.file], "utf8").split("\n")[row.line - 1].replace(/\s+/g, " ").trim();
}

test("the demo: a trap through a pointer that was loaded two instructions before", () => {
  const program = guestProgram(DEMO);
  const run = new Run(program, new Uint8Array());
  run.machine.setStops({ breakpoints: [], watches: [], exceptions: [LOAD_ACCESS_FAULT] });
  const stop = run.to(LIMIT);
  assert.ok(stop.kind === "exception");
  assert.equal(stop.cause, LOAD_ACCESS_FAULT);
  const [hart] = run.machine.harts;
  assert.equal(symbolAt(program, hart.pc), "heap_alloc");
  assert.equal(lineAt(program, hart.pc), "lwu t2, BLOCK_SIZE(t1)");
  assert.match(run.console, /rush hour 6: orders so far 1\d\d\d/);

  // t0 is the block whose link was damaged: the bad pointer in t1 is what its first word holds.
  const [t0, t1] = [hart.register(5), hart.register(6)];
  assert.equal(stop.tval, BigInt.asUintN(64, t1 + 8n));
  const word = Buffer.from(run.machine.peek(virtualAddress(t0), 8).map((byte) => byte!)).readBigUInt64LE();
  assert.equal(word, t1);
  const trapInstant = run.machine.instant;

  // The last write to that word is the seal of a message that lies in the block before, millions of steps earlier.
  const again = new Run(program, new Uint8Array());
  const watch = { address: Number(t0) as PhysicalAddress, length: 8, access: "write" } as const;
  again.machine.setStops({ breakpoints: [], watches: [watch], exceptions: [LOAD_ACCESS_FAULT] });
  let culprit = { pc: 0n, instant: 0 };
  for (
    let hit = again.to(LIMIT);
    hit.kind === "watch";
    hit = again.machine.run(LIMIT as Instant, { departing: true })
  ) {
    culprit = { pc: hit.hits[0].pc, instant: hit.hits[0].instant };
  }
  assert.equal(symbolAt(program, culprit.pc), "message_seal");
  assert.equal(lineAt(program, culprit.pc), "sd a0, 0(s1)");
  assert.ok(trapInstant - culprit.instant > 1_000_000, `only ${trapInstant - culprit.instant} steps apart`);
});

test("the demo, left to itself, says which trap it was and exits with 3", () => {
  const run = new Run(guestProgram(DEMO), new Uint8Array());
  assert.deepEqual(run.to(LIMIT), { kind: "finished", exitCode: 3, reset: false });
  assert.match(run.console, /\ntrap, mcause 5\n$/);
});

test("the demo with its one mistake corrected runs to the end", () => {
  const program = guestProgram(DEMO, (source) => {
    assert.equal(source.split(MISTAKE).length, 2, "the mistake is in one place");
    return source.replace(MISTAKE, CORRECTION);
  });
  const run = new Run(program, new Uint8Array());
  assert.deepEqual(run.to(LIMIT), { kind: "finished", exitCode: 0, reset: false });
  assert.match(run.console, /all orders done\n$/);
});
