import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { inflateSync } from "node:zlib";
import { type CodeWord, codeWord, flowOf, isCall } from "../../src/debuggee/code.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import type { Motion } from "../../src/replay/timeline-interface.ts";
import { CallFrames, type RegisterRule } from "../../src/symbols/call-frames.ts";
import { type ElfProgram, readElf } from "../../src/symbols/elf.ts";
import { LineTable } from "../../src/symbols/line-table.ts";
import { compileGuest } from "./cross-compiler.ts";
import { withoutGas } from "./gas.ts";

// GNU's tools are the second opinion on what a compiled program says about itself, and the program's own calls and
// returns are the second opinion on its stack.

const PREFIX = "riscv64-unknown-elf-";
const inflate = (bytes: Uint8Array) => inflateSync(bytes);

function tool(name: string, ...args: string[]): string {
  return execFileSync(`${PREFIX}${name}`, args, { encoding: "utf8", maxBuffer: 1 << 28 });
}

function compiled(name: string, optimisation: string, ...flags: string[]): { path: string; program: ElfProgram } {
  const { path, bytes } = compileGuest(name, optimisation, { flags });
  return { path, program: readElf(bytes, path, { inflate }) };
}

const VARIANTS: readonly (readonly [string, string, ...string[]])[] = [
  ["recursion", "O0"],
  ["recursion", "O2"],
  ["structures", "Os"],
  ["sorting", "O1", "-gdwarf-2", "-gstrict-dwarf"],
  ["sorting", "O2", "-gdwarf-3"],
  ["strings", "O2", "-gdwarf-4"],
  ["strings", "O0", "-gdwarf-5", "-gz=zlib"],
  ["coroutines", "O2", "-ffunction-sections", "-Wl,--gc-sections"],
];

function instructionsOf(program: ElfProgram): bigint[] {
  const addresses: bigint[] = [];
  for (const { name, kind, size, address } of program.symbols) {
    if (kind !== "function" || size === 0 || name.startsWith("__")) continue;
    const segment = program.segments.find(
      ({ virtualAddress, bytes }) => address >= virtualAddress && address < virtualAddress + BigInt(bytes.length),
    );
    if (segment === undefined) continue;
    const start = Number(address - segment.virtualAddress);
    for (let at = start; at < start + size; ) {
      addresses.push(segment.virtualAddress + BigInt(at));
      at += (segment.bytes[at] & 3) === 3 ? 4 : 2;
    }
  }
  return addresses;
}

for (const [name, optimisation, ...flags] of VARIANTS) {
  const title = [name, optimisation, ...flags].join(" ");

  test(`symbols of ${title} are readelf's`, { skip: withoutGas }, () => {
    const { path, program } = compiled(name, optimisation, ...flags);
    const theirs = tool("readelf", "-sW", path)
      .split("\n")
      .flatMap((line) => {
        const match = /^\s*\d+: ([0-9a-f]{16})\s+(\w+) (NOTYPE|OBJECT|FUNC)\s+(\w+)\s+\w+\s+(\w+) (\S+)/.exec(line);
        if (match === null || match[5] === "UND" || /^(\$|\.L)/.test(match[6])) return [];
        return [`${match[1]} ${Number(match[2])} ${match[3]} ${match[4]} ${match[6]}`];
      });
    const types = { function: "FUNC", object: "OBJECT", label: "NOTYPE", absolute: "NOTYPE" };
    const ours = program.symbols.map(({ address, size, kind, binding, name: symbol }) =>
      [address.toString(16).padStart(16, "0"), size, types[kind], binding.toUpperCase(), symbol].join(" "),
    );
    assert.ok(ours.length > 20);
    assert.deepEqual(ours.sort(), theirs.sort());
  });

  test(`lines of ${title} are addr2line's`, { skip: withoutGas }, () => {
    const { path, program } = compiled(name, optimisation, ...flags);
    assert.deepEqual(program.info.warnings, []);
    const addresses = instructionsOf(program);
    assert.ok(addresses.length > 100);
    const answers = tool("addr2line", "-e", path, ...addresses.map((address) => `0x${address.toString(16)}`))
      .trim()
      .split("\n");
    const lines = new LineTable([program]);
    const different: string[] = [];
    addresses.forEach((address, index) => {
      const span = lines.at(address);
      const ours = span === undefined ? "??:0" : `${span.path}:${span.line}`;
      const theirs = answers[index].replace(/ \(discriminator \d+\)$/, "").replace(/:\?$/, ":0");
      if (ours !== theirs) different.push(`${address.toString(16)}: ${ours}, addr2line ${theirs}`);
    });
    assert.deepEqual(different, []);
  });

  test(`call-frame information of ${title} is readelf's`, { skip: withoutGas }, () => {
    const { path, program } = compiled(name, optimisation, ...flags);
    const frames = new CallFrames(program.unwind);
    let rows = 0;
    let columns: string[] = [];
    for (const line of tool("readelf", "--debug-dump=frames-interp", path).split("\n")) {
      if (/^\s+LOC/.test(line)) columns = line.trim().split(/\s+/).slice(2);
      const match = /^([0-9a-f]{16}) (\w+)([+-]\d+)\s*(.*)$/.exec(line);
      if (match === null || BigInt(`0x${match[1]}`) === 0n) continue;
      rows++;
      const address = BigInt(`0x${match[1]}`);
      const rules = frames.rulesAt(address);
      assert.ok(rules !== undefined, match[1]);
      assert.equal(`${nameOf(rules.cfa.register)}${signed(rules.cfa.offset)}`, match[2] + match[3], match[1]);
      const theirs = match[4] === "" ? [] : match[4].trim().split(/\s+/);
      columns.forEach((register, index) => {
        assert.equal(ruleText(rules.registers.get(numberOf(register))), theirs[index], `${match[1]} ${register}`);
      });
    }
    assert.ok(rows > 20);
  });
}

const NAMES = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"];
const nameOf = (register: number) => NAMES[register] ?? `x${register}`;

function numberOf(name: string): number {
  const saved = /^s(\d+)$/.exec(name);
  if (saved !== null && Number(saved[1]) >= 2) return Number(saved[1]) + 16;
  return NAMES.indexOf(name);
}

const signed = (value: bigint) => (value < 0n ? String(value) : `+${value}`);

function ruleText(rule: RegisterRule | undefined): string {
  return rule?.kind === "saved" ? `c${signed(rule.offset)}` : "u";
}

// ---- the stack

function finish<Result>(motion: Motion<Result>): Result {
  for (;;) {
    const turn = motion.next();
    if (turn.done) return turn.value;
  }
}

/** Runs a program step by step beside a list of its calls, and compares the frames with the list every so often. */
function compareStacks(program: ElfProgram, steps: number, every: number, certain: boolean): number {
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20 });
  machine.load(program);
  const timeline = Timeline.record(machine);
  const debuggee = new Debuggee({ timeline, programs: [program], emit: () => {} });
  const [hart] = machine.harts;
  const calls: bigint[] = [];
  let compared = 0;
  for (let step = 0; step < steps; step++) {
    if (step % every === 0 && calls.length > 0) {
      const frames = debuggee.frames(0);
      const context = `step ${step} at ${frames[0].name}, called from ${[...calls].reverse().map((pc) => pc.toString(16))}`;
      assert.deepEqual(
        frames.slice(1).map(({ pc }) => pc.toString(16)),
        [...calls].reverse().map((pc) => pc.toString(16)),
        context,
      );
      if (certain)
        assert.ok(
          frames.every(({ confidence }) => confidence === "certain"),
          context,
        );
      compared++;
    }
    const code: CodeWord | undefined = codeWord(hart.pc, machine.peek(hart.pc, 4));
    assert.ok(code !== undefined);
    const flow = flowOf(code);
    if (isCall(flow)) calls.push(code.address + BigInt(code.length));
    const stop = finish(timeline.forward({ stops: NO_STOPS, limit: (timeline.now + 1) as never }));
    if (stop.kind !== "reached") break;
    if (flow.kind === "return") while (calls.length > 0 && calls.pop() !== hart.pc);
  }
  return compared;
}

for (const [name, optimisation] of [
  ["recursion", "O0"],
  ["recursion", "O2"],
  ["structures", "O1"],
  ["sorting", "Os"],
] as const) {
  test(`callers of ${name} ${optimisation} are those that called: by call-frame information, certainly`, {
    skip: withoutGas,
  }, () => {
    const { program } = compiled(name, optimisation);
    assert.ok(compareStacks(program, 30_000, 61, true) > 300);
  });

  test(`callers of ${name} ${optimisation} are found without call-frame information`, { skip: withoutGas }, () => {
    const { program } = compiled(name, optimisation);
    assert.ok(compareStacks({ ...program, unwind: [] }, 30_000, 61, false) > 300);
  });
}
