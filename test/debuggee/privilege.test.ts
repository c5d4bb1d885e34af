import assert from "node:assert/strict";
import test from "node:test";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { StepKind, VariableNode } from "../../src/debuggee/protocol.ts";
import { shiftProgram } from "../../src/symbols/shift.ts";
import { type Bench, bench, breakAt, currentLine, finish, lineOf, onLine, program, step } from "./harness.ts";
import { INTERRUPTED, KERNEL, TWO_SPACES, USER_PROGRAM } from "./kernel-guest.ts";

/** The whole machine in the debugger: privilege modes, page tables, traps between them. */

const BOARD = { memoryBytes: 4 << 20, modes: "msu" as const };

function kernel(): Bench {
  return bench(KERNEL, {}, BOARD);
}

const line = (marker: string) => lineOf(KERNEL, marker);

/** Stands at a marked line, where it is reached for the n-th time. */
function standing(marker: string, hit = 1): Bench {
  const b = kernel();
  breakAt(b, [{ at: onLine(line(marker)), hitCondition: String(hit) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  assert.equal(currentLine(b), line(marker));
  return b;
}

const value = ({ debuggee }: Bench, expression: string) => debuggee.evaluate(expression, 0, 0).value;
const bits = ({ debuggee }: Bench, expression: string) => debuggee.evaluate(expression, 0, 0).bits ?? 0n;

/** Steps from a marked line: direction, "over", "into instruction", …, and the marked line that it leads to. */
function goes(marker: string, steps: readonly (readonly ["forward" | "backward", string, string])[], hit = 1): void {
  const b = standing(marker, hit);
  for (const [direction, how, to] of steps) {
    const [kind, granularity] = how.split(" ");
    const stopped = step(b, kind as StepKind, direction, granularity === "instruction" ? granularity : "line");
    assert.equal(stopped.reason, "step", stopped.description);
    assert.equal(currentLine(b), line(to), `${how} from ${marker} leads to ${to}, not to line ${currentLine(b)}`);
  }
}

// ---- stepping through traps

test("mret and sret lead on, by line and by instruction", () => {
  goes("mret", [["forward", "over", "supervisor"]]);
  goes("mret", [["forward", "over instruction", "supervisor"]]);
  goes("sret", [["forward", "over", "user"]]);
  goes("sret", [["forward", "into", "user"]]);
});

test("over ecall comes back behind it, in user mode; into goes to the kernel's handler, and out comes back", () => {
  goes("ecall", [["forward", "over", "afterEcall"]]);
  goes("ecall", [["forward", "over instruction", "afterEcall"]], 2);
  goes("ecall", [
    ["forward", "into", "entry"],
    ["forward", "out", "afterEcall"],
  ]);
  goes("ecall", [["forward", "into instruction", "entry"]]);
});

// As with a stock kernel and its System.map: symbols without code, at addresses that the image does not know.
test("out of a handler whose code only the machine has", () => {
  const b = standing("entry");
  const { timeline, program: whole } = b;
  const segments = whole.segments.map((segment) => ({ ...segment, bytes: new Uint8Array(0) }));
  const debuggee = new Debuggee({ timeline, programs: [{ ...whole, segments }], emit: () => {} });
  const stopped = finish(debuggee.step("out", "forward", "line", 0));
  assert.equal(stopped.reason, "step", stopped.description);
  assert.equal(debuggee.frames(0)[0].source?.line, line("afterEcall"));
});

test("over a call in the kernel passes its own call of the firmware", () => {
  goes("dispatch", [["forward", "over", "afterCall"]]);
  goes("sbi", [["forward", "over", "afterSbi"]]);
  goes("sbi", [
    ["forward", "into", "firmware"],
    ["forward", "out", "afterSbi"],
  ]);
});

test("the last instruction of the handler leads into user code", () => {
  goes("sretToUser", [["forward", "over", "afterEcall"]]);
  goes("sretToUser", [["forward", "over instruction", "afterEcall"]]);
});

test("backwards it is the same way", () => {
  goes("afterEcall", [["backward", "over", "ecall"]]);
  goes("afterEcall", [["backward", "over instruction", "ecall"]]);
  goes("afterEcall", [["backward", "into", "sretToUser"]]);
  goes("entry", [["backward", "over", "ecall"]]);
  goes("entry", [["backward", "out", "ecall"]], 2);
  goes("afterSbi", [["backward", "over", "sbi"]]);
  goes("supervisor", [["backward", "over", "mret"]]);
  goes("user", [["backward", "over", "sret"]]);
});

// ---- frames

test("frames go from the kernel through the trap into the user program", () => {
  const b = standing("doCall");
  const frames = b.debuggee.frames(0);
  assert.deepEqual(
    frames.map(({ name, trap }) => `${name.replace(/\+0x\w+/, "")} ${trap ?? ""}`.trim()),
    ["do_call", "kernel_entry", "user_main Environment call from U-mode"],
  );
  assert.equal(frames[2].source?.line, line("ecall"));
  // The handler exchanged its stack pointer and saved what it uses on the other stack.
  const registers = (name: string) => b.debuggee.evaluate(name, 0, 2).bits;
  assert.equal(registers("s1"), 3n);
  assert.equal(registers("sp"), bits(b, "user_stack_top"));
  assert.match(b.debuggee.evaluate("ra", 0, 2).value, /<user_main\+0x14>/);
  assert.throws(() => registers("a0"), { code: "register-unknown" });
});

test("frames of the firmware: the supervisor that called, and behind its trap the user program", () => {
  const b = standing("firmware");
  assert.deepEqual(
    b.debuggee.frames(0).map(({ name, trap }) => `${name.replace(/\+0x\w+/, "")} ${trap ?? ""}`.trim()),
    ["firmware", "do_call Environment call from S-mode", "kernel_entry", "user_main Environment call from U-mode"],
  );
});

// Found with Linux: below every kernel thread stood a trap out of whatever the hart had last been interrupted in.
test("a trap that is over is no frame: what it interrupted was the kernel's own code", () => {
  const b = standing("afterSbi");
  const names = () => b.debuggee.frames(0).map(({ name }) => name.replace(/\+0x\w+/, ""));
  assert.equal(names().at(-1), "user_main");
  b.debuggee.setExpression("sepc", "do_call", 0);
  assert.equal(names().at(-1), "kernel_entry");
});

// ---- addresses

test("translate and pagetable show the way of an address; reads go through the hart's address space", () => {
  const b = standing("afterSbi");
  const root = bits(b, "root");
  assert.equal(value(b, "translate(calls)"), `0x${bits(b, "calls").toString(16)} (Sv39, page of 4 KiB)`);
  const walk = value(b, "pagetable(calls)").split("\n");
  assert.equal(walk[0], `0x${bits(b, "calls").toString(16)} in Sv39:`);
  assert.match(
    walk[1],
    new RegExp(`level 2 \\[2\\] +at 0x${(root + 16n).toString(16)}: 0x\\w+  V - - - - - - -  table`),
  );
  assert.match(walk[3], /level 0 .*V R W X - - A D {2}page 0x\w+, 4 KiB$/);
  assert.match(walk[4], /^physical address 0x/);
  const { reference } = b.debuggee.evaluate("pagetable(calls)", 0, 0);
  assert.deepEqual(
    b.debuggee.variables(reference).map(({ name }) => name.replace(/\d+\]/, "]")),
    ["level 2 []", "level 1 []", "level 0 []"],
  );
  // One physical page at two virtual addresses.
  assert.equal(bits(b, "translate(0x80100000)"), bits(b, "user_stack_top - 2048"));
  assert.equal(value(b, "*(u32*)0x80100000"), value(b, "*(u32*)phys(user_stack_top - 2048)"));
  assert.match(value(b, "pagetable(0x4000000000000000)"), /not mapped/);
  assert.throws(() => value(b, "translate(0x40000000)"), { code: "not-mapped" });
  assert.throws(() => value(b, "*(u8*)0x40000000"), /not mapped/);
});

test("in machine mode addresses are physical, and nothing is translated", () => {
  const b = standing("firmware");
  assert.match(value(b, "translate(calls)"), /no translation here/);
  assert.throws(() => value(b, "*(u8*)0x80400000"), { code: "memory-unreadable" });
});

test("edits, reads and data breakpoints go to the page behind an address", () => {
  const b = standing("again");
  b.debuggee.evaluate("*(u64*)0x80100008 = 0x1234", 0, 0);
  assert.equal(bits(b, "*(u64*)(user_stack_top - 2040)"), 0x1234n);
  b.debuggee.writeMemory(0x8010_0ffen, Uint8Array.of(7, 8));
  assert.deepEqual([...b.debuggee.readMemory(0x8010_0ffen, 2)], [7, 8]);
  b.debuggee.writeMemory(bits(b, "calls"), Uint8Array.of(40), "physical");
  assert.equal(bits(b, "*calls"), 40n);
  const at = { kind: "data", address: bits(b, "calls"), length: 8, access: "write" } as const;
  assert.deepEqual(
    breakAt(b, [{ at }]).map(({ verified }) => verified),
    [true],
  );
  const stopped = finish(b.debuggee.resume());
  assert.equal(stopped.reason, "data breakpoint");
  assert.match(stopped.description, /<calls>: now 0x29/);
  const [refused] = breakAt(b, [{ at: { ...at, address: 0x4000_0000n } }]);
  assert.match(refused.message ?? "", /is not mapped/);
});

// ---- where breakpoints count

test("a condition binds a breakpoint to a privilege mode and an address space", () => {
  const b = kernel();
  breakAt(b, [{ at: onLine(line("count")), condition: "priv == U" }]);
  assert.equal(finish(b.debuggee.resume()).reason, "finished");
  const other = kernel();
  breakAt(other, [{ at: onLine(line("count")), condition: "priv == S && asid == 5 && satp.MODE == 8" }]);
  assert.equal(finish(other.debuggee.resume()).reason, "breakpoint");
});

test("a breakpoint at an address that is not mapped yet is taken, and says so", () => {
  const b = kernel();
  const [far, odd] = breakAt(b, [
    { at: { kind: "instruction", address: 0xffff_ffc0_8000_0000n } },
    { at: { kind: "instruction", address: 0x8000_0001n } },
  ]);
  assert.equal(far.verified, true);
  assert.match(far.message ?? "", /Nothing is mapped/);
  assert.equal(odd.verified, false);
});

// ---- what views show

function child(nodes: readonly VariableNode[], name: string): VariableNode {
  return nodes.find((node) => node.name === name) ?? assert.fail(`no ${name} among ${nodes.map((node) => node.name)}`);
}

test("CSRs come in groups, and memory protection as ranges", () => {
  const b = standing("afterSbi");
  const scope = b.debuggee.scopes(0, 0).find(({ name }) => name === "CSRs");
  const groups = b.debuggee.variables(scope?.reference ?? 0);
  const supervisor = b.debuggee.variables(child(groups, "Supervisor").reference);
  assert.match(child(supervisor, "satp").value, /\(MODE=Sv39 ASID=5 PPN=0x\w+\)$/);
  assert.match(child(supervisor, "scause").value, /\(Environment call from U-mode\)$/);
  assert.match(child(supervisor, "stvec").value, /<kernel_entry>/);
  const protection = b.debuggee.variables(child(groups, "Physical memory protection").reference);
  assert.match(protection[0].value, /^0x0 to 0x\w+ {2}RWX, NAPOT$/);
});

test("the Machine view: harts, address spaces seen, tables with runs of pages, translations", () => {
  const b = standing("afterSbi");
  const { harts, spaces, memory } = b.debuggee.machine();
  assert.deepEqual(
    harts.map(({ privilege, space, turn, stopped }) => [privilege, space?.scheme, space?.asid, turn, stopped]),
    [["S", "Sv39", 5, true, true]],
  );
  assert.deepEqual(
    spaces.map(({ root, harts: inside }) => [root, inside]),
    [[bits(b, "root"), [0]]],
  );
  assert.deepEqual(memory.find(({ name }) => name === "RAM")?.end, 0x8040_0000n);
  const [{ satp }] = spaces;
  const root = b.debuggee.pageTable({ satp });
  assert.deepEqual(
    root.entries.map(({ index, kind, bytes }) => [index, kind, bytes]),
    [
      [0, "page", 1n << 30n],
      [2, "table", 1n << 30n],
    ],
  );
  const [, table] = root.entries;
  const middle = b.debuggee.pageTable({ satp, table: table.target, level: 1, base: table.virtual });
  const [below] = middle.entries;
  const leaf = b.debuggee.pageTable({ satp, table: below.target, level: 0, base: below.virtual });
  assert.equal(
    leaf.entries.reduce((sum, { count }) => sum + count, 0),
    512,
  );
  assert.ok(leaf.entries.length < 10, "pages in a row are told once");
  assert.ok(leaf.entries.some(({ flags, count }) => flags.includes("U") && count === 2));
  const translation = b.debuggee.translate("user_main", 0);
  assert.equal(translation.entries.length, 3);
  assert.match(translation.access, /by user mode.*without SUM/);
  assert.throws(() => b.debuggee.pageTable({ satp, level: 3 }), { code: "no-level" });
  assert.ok(b.debuggee.csrs(0).groups.some(({ name }) => name === "Supervisor"));
});

// ---- programs at the same addresses

/** The kernel with the user program's code in it, and that program's symbols where it runs. */
function twoSpaces(): Bench {
  const image = program(TWO_SPACES, "kernel.s");
  const user = program(USER_PROGRAM, "user.s");
  const start = image.symbols.find(({ name }) => name === "user_code")?.address ?? 0n;
  const [segment] = image.segments;
  segment.bytes.set(user.segments[0].bytes, Number(start - segment.virtualAddress));
  return bench(image, {}, BOARD, [shiftProgram(user, -0x4000_0000n)]);
}

const userLine = (marker: string) => lineOf(USER_PROGRAM, marker);
const inUser = (marker: string) => ({ kind: "source", path: "user.s", line: userLine(marker) }) as const;

test("over a call that lets another program run at the same addresses: back in the same one", () => {
  const b = twoSpaces();
  breakAt(b, [{ at: inUser("yield"), condition: "s8 == 2" }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  const space = bits(b, "satp");
  const { instant } = b.machine;
  step(b, "over");
  assert.equal(b.debuggee.frames(0)[0].source?.path, "user.s");
  assert.equal(currentLine(b), userLine("behind"));
  assert.equal(bits(b, "satp"), space);
  step(b, "over", "backward");
  assert.equal(currentLine(b), userLine("yield"));
  assert.equal(b.machine.instant, instant);
  step(b, "over", "forward", "instruction");
  assert.equal(bits(b, "satp"), space);
  assert.equal(currentLine(b), userLine("behind"));
});

test("a breakpoint that is bound to an address space counts there only, in both directions", () => {
  const b = twoSpaces();
  breakAt(b, [{ at: inUser("behind") }]);
  finish(b.debuggee.resume());
  const first = bits(b, "satp");
  const [unbound] = [b.machine.instant];
  finish(b.debuggee.resume());
  assert.notEqual(bits(b, "satp"), first, "the other program is at the same address");
  breakAt(b, [{ at: inUser("behind"), condition: `priv == U && satp == 0x${first.toString(16)}` }]);
  finish(b.debuggee.resume());
  assert.equal(bits(b, "satp"), first);
  finish(b.debuggee.reverseContinue());
  assert.equal(b.machine.instant, unbound);
  assert.equal(b.debuggee.machine().spaces.length, 2);
});

// ---- interrupts

/** Stands at the line that spins, in the first round that a timer interrupts. */
function interrupted(marker: string): Bench {
  const b = bench(INTERRUPTED, {}, BOARD);
  breakAt(b, [{ at: onLine(lineOf(INTERRUPTED, marker)) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  return b;
}

test("interrupts do not end a step, whatever it goes over, and are run through by into", () => {
  for (const [from, kind, to] of [
    ["spin", "over", "call"],
    ["spin", "into", "call"],
    ["call", "over", "again"],
    ["turn", "out", "again"],
  ] as const) {
    const b = interrupted(from);
    const { instant } = b.machine;
    const before = bits(b, "*ticks");
    step(b, kind);
    // Out comes to rest behind the call, which is where the next line begins.
    assert.equal(currentLine(b), lineOf(INTERRUPTED, to), `${kind} from ${from}`);
    assert.ok(bits(b, "*ticks") > before, "the timer has interrupted it");
    assert.equal(b.machine.harts[0].privilege, 0);
    if (kind !== "over") continue;
    step(b, "over", "backward");
    assert.equal(b.machine.instant, instant, `back over from ${to}`);
  }
});

test("a breakpoint in the handler shows what the interrupt came into", () => {
  const b = interrupted("tick");
  const [handler, user] = b.debuggee.frames(0);
  assert.match(handler.name, /^tick/);
  assert.equal(user.trap, "Machine timer interrupt");
  assert.equal(user.source?.line, lineOf(INTERRUPTED, "spin"));
  step(b, "out");
  assert.equal(b.machine.harts[0].privilege, 0);
  assert.equal(currentLine(b), lineOf(INTERRUPTED, "spin"));
});

// ---- several programs

test("where programs lie over each other the first is believed, and all names are known", () => {
  const first = program(USER_PROGRAM, "first.s");
  const second = program(
    USER_PROGRAM.replaceAll("user_start", "other_start").replace("li ", "nop\n        li "),
    "second.s",
  );
  const far = shiftProgram(program(USER_PROGRAM, "far.s"), 0x1000_0000n);
  const b = bench(KERNEL, {}, BOARD, [far, shiftProgram(first, 0x4000_0000n), shiftProgram(second, 0x4000_0000n)]);
  const sourceAt = (address: string) => {
    b.debuggee.evaluate(`pc = ${address}`, 0, 0);
    return b.debuggee.frames(0)[0].source?.path;
  };
  assert.equal(sourceAt("0xc0000000"), "first.s");
  assert.equal(sourceAt("0x90000000"), "far.s");
  assert.match(value(b, "0xc0000002"), /<user_start\+0x2>/);
  assert.equal(bits(b, "other_start"), 0xc000_0000n, "a name of the second is known all the same");
  // A bare image knows nothing of its addresses: a file with symbols speaks for them.
  const bare = bench({ ...program(KERNEL), symbols: [], lines: [], files: [] }, {}, BOARD, [
    program(KERNEL, "kernel.s"),
  ]);
  assert.equal(bare.debuggee.frames(0)[0].source?.path, "kernel.s");
});
