import assert from "node:assert/strict";
import test from "node:test";
import type { VariableNode } from "../../src/debuggee/protocol.ts";
import { CALLS, ROUNDS, TRAPS } from "./guests.ts";
import { type Bench, bench, breakAt, FILE, finish, lineOf, onLine, program } from "./harness.ts";

/** Stands at a marked line, where it is reached for the n-th time. */
function standing(source: string, marker: string, hit = 1): Bench {
  const b = bench(source);
  breakAt(b, [{ at: onLine(lineOf(source, marker)), hitCondition: String(hit) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  return b;
}

const value = ({ debuggee }: Bench, expression: string, level = 0) => debuggee.evaluate(expression, 0, level).value;

// ---- frames

function callers(b: Bench): string[] {
  return b.debuggee.frames(0).map(({ name, source, confidence }) => `${name}:${source?.line}:${confidence}`);
}

test("frames: the current one is certain, callers found without call-frame information are guesses", () => {
  const b = standing(CALLS, "fibSaved", 2);
  const first = lineOf(CALLS, "fibFirst");
  const names = callers(b).map((text) => text.replace(/\+0x\w+/, ""));
  assert.deepEqual(names, [
    `fib:${lineOf(CALLS, "fibSaved")}:certain`,
    `fib:${first}:guess`,
    `_start:${lineOf(CALLS, "fib")}:guess`,
  ]);
});

test("frames are found at every instruction of a function, in its prologue and epilogue too", () => {
  const b = standing(CALLS, "fibEntry", 3);
  assert.equal(b.debuggee.frames(0).length, 4);
  const start = b.machine.instant;
  finish(b.debuggee.resume());
  let inside = 0;
  for (let instant = start; instant < start + 200; instant++) {
    finish(b.debuggee.seek(instant));
    const frames = b.debuggee.frames(0);
    const [{ name }] = frames;
    if (!name.startsWith("fib")) continue;
    inside++;
    // Every frame but the outermost is fib, called from fib or from _start: nothing else may turn up.
    assert.match(frames[frames.length - 1].name, /^_start/, `instant ${instant}`);
    for (const frame of frames.slice(0, -1)) assert.match(frame.name, /^fib/, `instant ${instant}`);
  }
  assert.ok(inside > 100);
});

test("frames of a handler: what it interrupted comes next, and then that one's callers", () => {
  const b = standing(TRAPS, "exception");
  const frames = b.debuggee.frames(0);
  assert.match(frames[0].name, /^handler/);
  assert.equal(frames[1].source?.line, lineOf(TRAPS, "ecall"));
  assert.equal(frames[1].confidence, "guess");
  assert.equal(frames.length, 2);
});

test("a handler that is a bare label behind a function has frames too", () => {
  const b = standing(ROUNDS, "handler");
  const frames = b.debuggee.frames(0);
  assert.equal(frames[0].name, "handler");
  assert.equal(frames[1].source?.line, lineOf(ROUNDS, "fault"));
});

test("a damaged stack gives fewer frames or guesses, never certainty and never an endless list", () => {
  const b = standing(CALLS, "fibSaved", 4);
  b.debuggee.evaluate("*(u64*)(sp + 24) = 0x1234", 0, 0);
  const frames = b.debuggee.frames(0);
  assert.ok(frames.slice(1).every(({ confidence }) => confidence === "guess"));
  b.debuggee.evaluate("sp = 0", 0, 0);
  b.debuggee.evaluate("ra = 0", 0, 0);
  assert.equal(b.debuggee.frames(0).length, 1);
});

test("frames follow code that was written anew", () => {
  const b = standing(CALLS, "fibSaved", 2);
  assert.equal(b.debuggee.frames(0).length, 3);
  // The frame is taken to be 16 bytes larger than it is: ra is then looked for where it is not.
  const frame = b.debuggee.disassemble(b.debuggee.evaluate("fib", 0, 0).bits ?? 0n, 2, 1)[0];
  assert.equal(frame.text, "addi sp,sp,-32");
  b.debuggee.evaluate(`*(u16*)0x${frame.address.toString(16)} = 0x7139`, 0, 0);
  assert.equal(b.debuggee.disassemble(frame.address, 0, 1)[0].text, "addi sp,sp,-64");
  assert.notEqual(b.debuggee.frames(0)[1]?.sp, b.debuggee.evaluate("sp + 32", 0, 0).bits);
});

test("names and positions: a bare address where nothing has a name", () => {
  const b = bench({ ...program(CALLS), symbols: [], lines: [], files: [] });
  const [frame] = b.debuggee.frames(0);
  assert.equal(frame.source, undefined);
  assert.match(frame.name, /^0x80000000$/);
});

// ---- variables

function child(nodes: readonly VariableNode[], name: string): VariableNode {
  return nodes.find((node) => node.name === name) ?? assert.fail(`no ${name} among ${nodes.map((node) => node.name)}`);
}

function scope({ debuggee }: Bench, name: string, level = 0): VariableNode[] {
  const found = debuggee.scopes(0, level).find((candidate) => candidate.name === name);
  return debuggee.variables(found?.reference ?? assert.fail(`no scope ${name}`));
}

test("scopes: registers with names for addresses, CSRs by field, the machine, the program's data", () => {
  const b = standing(ROUNDS, "work", 4);
  const registers = scope(b, "Registers");
  assert.equal(child(registers, "a0").value, "0x3 (3)");
  assert.equal(child(registers, "a0").type, "x10");
  assert.match(child(registers, "pc").value, /^0x\w+ <work>$/);
  assert.match(child(registers, "ra").value, /^0x\w+ <loop\+0x\w+>$|^0x\w+ <_start\+0x\w+>$/);
  assert.equal(registers.length, 32);

  const groups = scope(b, "CSRs");
  assert.deepEqual(
    groups.map(({ name }) => name),
    ["Machine", "Floating point", "Counters", "Physical memory protection"],
  );
  const csrs = b.debuggee.variables(child(groups, "Machine").reference);
  assert.match(child(csrs, "mstatus").value, /^0x\w+ \(.*MPP=M.*\)$/);
  assert.match(child(csrs, "mtvec").value, /<handler>/);
  const status = b.debuggee.variables(child(csrs, "mstatus").reference);
  assert.equal(child(status, "MPP").type, "bits 12:11");
  assert.equal(child(status, "MPP").evaluateName, "$mstatus.MPP");

  const machine = scope(b, "Machine");
  assert.equal(child(machine, "instant").value, `${b.machine.instant} (the newest)`);
  assert.equal(child(machine, "privilege").value, "M (machine)");
  assert.equal(child(machine, "pending interrupts").value, "none");
  assert.ok(child(machine, "uart16550").reference > 0);

  const globals = scope(b, "Globals");
  assert.deepEqual(
    [child(globals, "result").value, child(globals, "result").type, child(globals, "result").size],
    ["0x4 (4)", "u64", 8],
  );
  assert.equal(child(globals, "greeting").value, '"hello, world"');
  const pair = b.debuggee.variables(child(globals, "pair").reference);
  assert.deepEqual(
    pair.map(({ name, value: text }) => `${name} ${text}`),
    ["[0] 0x1 (1)", "[1] 0x2 (2)"],
  );
  assert.equal(value(b, pair[1].evaluateName ?? ""), "0x2 (2)", "its evaluateName evaluates to it");
});

test("floating-point registers: a scope of their own, set as numbers or as bits, part of the history", () => {
  const guest = `
_start: li      t0, 0x2000
        csrs    mstatus, t0
        li      t0, 0x3fc00000
        fmv.w.x fa1, t0
        nop                             # @here
1:      j       1b
`;
  const b = bench(guest, {}, { isa: "rv64gc" });
  breakAt(b, [{ at: onLine(lineOf(guest, "here")) }]);
  finish(b.debuggee.resume());
  const found = b.debuggee.scopes(0, 0).find(({ name }) => name === "Floating point");
  const registers = b.debuggee.variables(found?.reference ?? 0);
  assert.equal(registers.length, 32);
  assert.equal(child(registers, "fa1").value, "1.5 (0x3fc00000) single");
  assert.equal(child(registers, "fa1").type, "f11");
  assert.equal(child(registers, "ft0").value, "0.0 (0x0)");
  assert.equal(b.debuggee.setVariable(found?.reference ?? 0, "fa1", "2.25").value, "2.25 (0x40100000)");
  assert.equal(b.machine.harts[0].floatRegister(11), 0xffff_ffff_4010_0000n);
  b.debuggee.evaluate("fa0 = 1.5", 0, 0);
  assert.equal(b.machine.harts[0].floatRegister(10), 0x3ff8_0000_0000_0000n);
  b.debuggee.evaluate("fa0.s = 3", 0, 0);
  assert.equal(b.machine.harts[0].floatRegister(10), 0xffff_ffff_4040_0000n);
  b.debuggee.evaluate("fa0.x = 0x1234", 0, 0);
  assert.equal(b.machine.harts[0].floatRegister(10), 0x1234n);
  b.debuggee.evaluate("a0 = 2.9", 0, 0);
  assert.equal(value(b, "a0"), "0x2 (2)");
  const edited = b.machine.digest();
  const { instant } = b.machine;
  finish(b.debuggee.step("into", "forward", "instruction", 0));
  finish(b.debuggee.seek(0));
  finish(b.debuggee.seek(instant));
  assert.equal(b.machine.digest(), edited, "travel comes back to the edited state");
});

test("a hart without floating point has neither the scope nor the names", () => {
  const b = bench(ROUNDS, {}, { isa: "rv64imac", modes: "m" });
  assert.deepEqual(b.debuggee.machine().harts[0].space, undefined, "nor has one without supervisor mode a satp");
  assert.ok(!b.debuggee.scopes(0, 0).some(({ name }) => name === "Floating point"));
  assert.throws(() => value(b, "fa0"), { code: "no-register" });
});

test("every evaluateName gives the value that is shown beside it", () => {
  const b = standing(TRAPS, "interrupt");
  const check = (nodes: readonly VariableNode[]) => {
    for (const node of nodes) {
      if (node.reference !== 0) check(b.debuggee.variables(node.reference));
      if (node.evaluateName === undefined || node.reference !== 0) continue;
      const shown = /^(-?\w+)/.exec(node.value)?.[1] ?? "";
      const { bits } = b.debuggee.evaluate(node.evaluateName, 0, 0);
      if (/^(0x)?[0-9a-f]+$/.test(shown)) assert.equal(bits, BigInt(shown), node.evaluateName);
    }
  };
  for (const { reference } of b.debuggee.scopes(0, 0)) check(b.debuggee.variables(reference));
});

test("registers of a caller: what the callee has saved is the caller's, what may be lost says so", () => {
  const b = standing(CALLS, "fibSaved", 3);
  const callerArgument = value(b, "s0", 1);
  assert.equal(value(b, "a0", 0), "0x4 (4)", "fib(6), fib(5), fib(4)");
  assert.equal(callerArgument, "0x5 (5)");
  assert.equal(value(b, "s0", 2), "0x6 (6)");
  assert.equal(b.debuggee.evaluate("sp", 0, 1).bits, (b.debuggee.evaluate("sp", 0, 0).bits ?? 0n) + 32n);
  assert.match(value(b, "pc", 1), /<fib\+/);
  assert.equal(child(scope(b, "Registers", 1), "a0").value, "not known in this caller");
  assert.throws(() => value(b, "a0", 1), { code: "register-unknown" });
});

test("references are void when the machine has moved", () => {
  const b = bench(ROUNDS);
  const [{ reference }] = b.debuggee.scopes(0, 0);
  finish(b.debuggee.step("into", "forward", "instruction", 0));
  assert.throws(() => b.debuggee.variables(reference), { code: "stale-reference" });
  assert.throws(() => b.debuggee.variables(999_999), { code: "stale-reference" });
});

// ---- evaluating

test("evaluate: formats, arrays with children, strings, instructions", () => {
  const b = standing(ROUNDS, "read");
  assert.equal(value(b, "*result"), "0x12 (18)");
  assert.equal(value(b, "*result,d"), "18");
  assert.equal(value(b, "*result,b"), "0b10010");
  assert.equal(value(b, "greeting,s"), '"hello, world"');
  assert.equal(value(b, "u8(greeting),s"), '"hello, world"');
  assert.equal(value(b, "u8(greeting),c"), "'h'");
  assert.equal(value(b, "(u8*)greeting,3,c"), "{'h', 'e', 'l'}");
  assert.equal(value(b, "handler,i"), "csrr t6,mepc");
  assert.equal(value(b, "pair"), `0x${b.debuggee.evaluate("pair", 0, 0).bits?.toString(16)} <pair>`);
  const array = b.debuggee.evaluate("(u64*)pair,2", 0, 0);
  assert.equal(array.value, "{0x1 (1), 0x2 (2)}");
  const children = b.debuggee.variables(array.reference);
  assert.deepEqual(
    children.map(({ name, memoryAddress, size }) => [name, memoryAddress, size]),
    [0n, 8n].map((offset, i) => [`[${i}]`, (b.debuggee.evaluate("pair", 0, 0).bits ?? 0n) + offset, 8]),
  );
  assert.deepEqual((({ memoryAddress, size }) => [memoryAddress, size])(b.debuggee.evaluate("u32(pair + 8)", 0, 0)), [
    (b.debuggee.evaluate("pair", 0, 0).bits ?? 0n) + 8n,
    4,
  ]);
});

test("evaluate on a hart that is not there", () => {
  assert.throws(() => bench(ROUNDS).debuggee.evaluate("1", 3, 0), { code: "no-hart" });
});

// ---- changing

test("registers, pc, CSRs and their fields, memory: set, seen at once, and part of the history", () => {
  const b = standing(ROUNDS, "work", 2);
  const { debuggee } = b;
  const { instant } = b.machine;
  assert.equal(debuggee.setExpression("a0", "20 + 1", 0).value, "0x15 (21)");
  assert.equal(debuggee.evaluate("s3 = a0 * 2", 0, 0).value, "0x2a (42)");
  assert.equal(debuggee.setExpression("*(u16*)(pair + 8)", "0xbeef", 0).value, "0xbeef (48879)");
  assert.equal(value(b, "u64(pair + 8),x"), "0xbeef");
  assert.equal(debuggee.setExpression("mstatus.MIE", "1", 0).value, "0x1 (1)");
  assert.equal(value(b, "mstatus.MPIE"), "0x0 (0)", "other fields stay");
  const registers = debuggee.scopes(0, 0)[0].reference;
  assert.equal(debuggee.setVariable(registers, "s4", "7").value, "0x7 (7)");
  const back = debuggee.evaluate("ra", 0, 0).value;
  assert.equal(debuggee.setExpression("pc", "ra", 0).value, back);
  assert.ok(b.events.some((event) => event.type === "invalidated" && event.memory?.length === 2));
  // Away and back: the edits are events of this instant.
  finish(debuggee.seek(0));
  finish(debuggee.seek(instant));
  assert.equal(value(b, "s3"), "0x2a (42)");
  assert.equal(value(b, "pc"), back);
  assert.equal(finish(debuggee.resume()).reason, "finished");
});

test("what cannot be changed says why", () => {
  const b = standing(ROUNDS, "work", 2);
  const { debuggee } = b;
  assert.throws(() => debuggee.setExpression("a0 + 1", "2", 0), { code: "not-assignable" });
  assert.throws(() => debuggee.setExpression("zero", "2", 0), { code: "read-only" });
  assert.throws(() => debuggee.setExpression("mhartid", "2", 0), { code: "read-only" });
  assert.throws(() => debuggee.setExpression("pair", "2", 0), { code: "not-assignable" });
  assert.throws(() => debuggee.evaluate("s0 = 1", 0, 1), { code: "edit-caller" });
  assert.throws(() => debuggee.writeMemory(16n, Uint8Array.of(1)), { code: "memory-unwritable" });
  assert.throws(() => debuggee.writeMemory(0x8000_0000n, new Uint8Array()), { code: "length" });
  const machine = debuggee.scopes(0, 0).find(({ name }) => name === "Machine")?.reference ?? 0;
  assert.throws(() => debuggee.setVariable(machine, "privilege", "0"), { code: "read-only" });
  assert.throws(() => debuggee.setVariable(machine, "nonsense", "0"), { code: "no-variable" });
  finish(debuggee.seek(5));
  assert.throws(() => debuggee.setExpression("a0", "2", 0), { code: "edit-past" });
  finish(debuggee.seek(b.timeline.end));
  b.timeline.close();
  assert.throws(() => debuggee.setExpression("a0", "2", 0), { code: "edit-finished" });
});

test("memory: reads end where memory does, writes are seen by the guest", () => {
  const b = standing(ROUNDS, "read");
  const end = 0x8000_0000n + (1n << 20n);
  assert.equal(b.debuggee.readMemory(end - 4n, 16).length, 4);
  assert.equal(b.debuggee.readMemory(0n, 16).length, 0);
  assert.throws(() => b.debuggee.readMemory(0n, 1 << 30), { code: "length" });
  const result = b.debuggee.evaluate("result", 0, 0).bits ?? 0n;
  assert.equal(b.debuggee.writeMemory(result, Uint8Array.of(0xff, 1)), 2);
  finish(b.debuggee.step("over", "forward", "line", 0));
  assert.equal(value(b, "a1"), "0x1ff (511)");
});

// ---- disassembly

test("disassembly: text, bytes, names and sources, forwards", () => {
  const b = bench(ROUNDS);
  const work = b.debuggee.evaluate("work", 0, 0).bits ?? 0n;
  const lines = b.debuggee.disassemble(work, 0, 2);
  assert.deepEqual(
    lines.map(({ text, symbol, source }) => [text, symbol, source?.line]),
    [
      ["slli a0,a0,0x1", "work", lineOf(ROUNDS, "work")],
      ["ret", "work+0x2", lineOf(ROUNDS, "ret")],
    ],
  );
  assert.equal(lines[0].bytes, "0506");
  assert.equal(b.debuggee.disassemble(work, 1, 1)[0].text, "ret");
});

test("disassembly backwards keeps to the instructions that are there, of two and of four bytes", () => {
  const b = bench(ROUNDS);
  const start = b.debuggee.evaluate("_start", 0, 0).bits ?? 0n;
  const handler = b.debuggee.evaluate("handler", 0, 0).bits ?? 0n;
  const all = b.debuggee.disassemble(start, 0, 200).filter(({ address }) => address <= handler + 12n);
  const addresses = all.map(({ address }) => address);
  for (const from of [3, 10, all.length - 1]) {
    for (const offset of [1, 2, 3, 9, from]) {
      if (offset > from) continue;
      const got = b.debuggee.disassemble(addresses[from], -offset, offset + 1).map(({ address }) => address);
      assert.deepEqual(got, addresses.slice(from - offset, from + 1), `${offset} before ${from}`);
    }
  }
});

test("disassembly: exactly as many lines as asked for, also where there is no memory", () => {
  const b = bench(ROUNDS);
  for (const [address, offset, count] of [
    [0x8000_0000n, -5, 10],
    [0n, 0, 4],
    [0n, -3, 8],
    [(1n << 64n) - 2n, 0, 4],
    [0x8010_0000n, -2, 4],
    [0x8000_0000n, 5, 0],
  ] as const) {
    const lines = b.debuggee.disassemble(address, offset, count);
    assert.equal(lines.length, count);
  }
  const [before] = b.debuggee.disassemble(0x8000_0000n, -1, 2);
  assert.deepEqual([before.valid, before.text], [false, "no memory"]);
});

// ---- sources and names

test("sources, their text, places for breakpoints, names to complete", () => {
  const { debuggee } = bench(ROUNDS);
  assert.deepEqual(debuggee.sources(), [{ path: FILE, embedded: true }]);
  assert.equal(debuggee.sourceText(FILE), ROUNDS);
  assert.equal(debuggee.sourceText("other.s"), undefined);
  const places = debuggee.breakpointLocations(FILE, lineOf(ROUNDS, "work") - 3, lineOf(ROUNDS, "ret"));
  assert.deepEqual(
    places.map(({ line }) => line),
    [lineOf(ROUNDS, "work"), lineOf(ROUNDS, "ret")],
  );
  assert.deepEqual(debuggee.names("wor", 10), [{ name: "work", kind: "function" }]);
  assert.deepEqual(debuggee.names("mst", 10), [{ name: "mstatus", kind: "csr" }]);
  assert.ok(debuggee.names("mstatus.M", 10).some(({ name }) => name === "mstatus.MIE"));
  assert.deepEqual(
    debuggee.names("s", 3).map(({ kind }) => kind),
    ["register", "register", "register"],
  );
});
