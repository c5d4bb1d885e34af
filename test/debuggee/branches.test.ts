import assert from "node:assert/strict";
import { test } from "node:test";
import type { BranchComparison } from "../../src/debuggee/branch-protocol.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { DebuggeeEvent } from "../../src/debuggee/protocol.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { Branches } from "../../src/replay/branches.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { finish, lineOf, program } from "./harness.ts";

/** Sums numbers up to `limit` and prints a letter for each; `limit` is read once, at the beginning of the loop. */
const SUM = `
        .equ    UART, 0x10000000
        .equ    FINISHER, 0x100000
        .text
        .globl  _start
        .type   _start, @function
        .type   done, @function
        .type   add, @function
_start:
        la      sp, stack_top
        la      s0, limit
        ld      s1, 0(s0)
        li      s2, 0
        li      s3, 0
loop:                                   # @loop
        bge     s3, s1, done            # @test
        addi    s3, s3, 1
        mv      a0, s3
        call    add                     # @call
        li      t0, UART
        addi    t1, s3, 0x40
        sb      t1, 0(t0)               # @print
        j       loop
done:
        la      t0, result
        sd      s2, 0(t0)
        li      t0, FINISHER
        li      t1, 0x5555
        sw      t1, 0(t0)
        j       .
add:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        add     s2, s2, a0              # @add
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret
        .data
        .balign 8
limit:  .dword  5
result: .dword  0
        .bss
        .space  1024
stack_top:
`;

function recorded(source = SUM, end = true) {
  const loaded = program(source);
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m" });
  machine.load(loaded);
  const timeline = Timeline.record(machine);
  const branches = new Branches(timeline);
  const events: DebuggeeEvent[] = [];
  const { history } = branches;
  const emit = (event: DebuggeeEvent) => void events.push(event);
  const debuggee = new Debuggee({ timeline: branches, branches, history, programs: [loaded], emit });
  const branching = debuggee.branching!;
  if (end) finish(debuggee.resume());
  const text = () => new TextDecoder().decode(history.outputBytes(0, 1000));
  const at = (marker: string) => {
    const request = { kind: "source", path: "guest.s", line: lineOf(source, marker) } as const;
    debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [{ id: 1, at: request }]);
  };
  return { machine, timeline, branches, debuggee, branching, events, text, at };
}

test("an edit in the past starts a branch; the recording stays as it was", () => {
  const { timeline, branches, debuggee, branching, events, text, at, machine } = recorded();
  assert.equal(text(), "ABCDE");
  const { end } = timeline;
  at("add");
  finish(debuggee.seek(0));
  finish(debuggee.resume());
  const origin = branches.now;
  const digest = machine.digest();
  assert.equal(debuggee.setExpression("s1", "2", 0).bits, 2n);
  const { current, branches: listed } = branching.branches();
  assert.equal(current, 1);
  assert.deepEqual(listed[0], { id: 1, parent: 0, origin, now: origin, end: origin, inputs: true, edits: 1 });
  assert.ok(events.some((event) => event.type === "branch" && event.current === 1));
  assert.equal(debuggee.timeline({ most: 0 }).branch?.id, 1);

  // Once more at the breakpoint of the second call, then to the end.
  assert.deepEqual(finish(debuggee.resume()).breakpoints, [1]);
  const stopped = finish(debuggee.resume());
  assert.equal(stopped.reason, "finished");
  assert.equal(text(), "AB");
  assert.equal(debuggee.evaluate("*(u64*)result", 0, 0).bits, 3n);

  // Backwards through the branch and on into what came before it.
  assert.deepEqual(finish(debuggee.reverseContinue()).breakpoints, [1]);
  assert.deepEqual(finish(debuggee.reverseContinue()).breakpoints, [1]);
  assert.equal(branches.now, origin);
  assert.equal(finish(debuggee.reverseContinue()).reason, "start");

  const back = branching.discardBranch();
  assert.equal(back.instant, origin);
  assert.match(back.description, /^In the recording, at add/);
  assert.equal(machine.digest(), digest);
  assert.equal(branches.end, end);
  assert.equal(text(), "ABCDE");
  finish(debuggee.seek(end));
  assert.equal(debuggee.evaluate("*(u64*)result", 0, 0).bits, 15n);
});

test("memory, pc and a forced return are edits like any other", () => {
  const { debuggee, branching, text, at } = recorded();
  at("add");
  finish(debuggee.seek(0));
  finish(debuggee.resume());
  // The first call adds nothing.
  const stopped = debuggee.forceReturn(0, "7");
  assert.match(stopped.description, /_start\+/);
  assert.equal(debuggee.evaluate("a0", 0, 0).bits, 7n);
  debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, []);
  finish(debuggee.resume());
  assert.equal(debuggee.evaluate("*(u64*)result", 0, 0).bits, 14n);
  branching.switchBranch(0);

  finish(debuggee.seek(3));
  const limit = debuggee.evaluate("limit", 0, 0).bits ?? assert.fail();
  assert.equal(debuggee.writeMemory(limit, Uint8Array.of(3)), 1);
  finish(debuggee.resume());
  assert.equal(text(), "ABC");
  // What was in the past of the branch is changed in a branch of the branch.
  finish(debuggee.seek(10));
  debuggee.evaluate("s1 = 1", 0, 0);
  finish(debuggee.resume());
  assert.equal(text(), "A");
  const { branches, current } = branching.branches();
  assert.deepEqual([current, branches.length, branches[2].parent, branches[2].origin], [3, 3, 2, 10]);
  branching.switchBranch(1);
  assert.equal(debuggee.evaluate("*(u64*)result", 0, 0).bits, 14n);
});

test("a comparison names the first effect, where the paths part, what is printed, and what differs", () => {
  const { debuggee, branching, at, branches } = recorded();
  at("test");
  finish(debuggee.seek(0));
  finish(debuggee.resume());
  const origin = branches.now;
  debuggee.setExpression("s1", "2", 0);
  debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, []);
  finish(debuggee.resume());
  const comparison: BranchComparison = finish(branching.compareBranch());
  assert.equal(comparison.differs, true);
  assert.deepEqual(comparison.parted, { instant: origin, branch: "edit of s1 to 0x2" });
  const { pathsPart, outputs } = comparison;
  assert.match(pathsPart?.branch.symbol ?? "", /^done/);
  assert.match(pathsPart?.recording.symbol ?? "", /^_start/);
  assert.equal(pathsPart?.exact, true);
  assert.equal(outputs.equalBytes, 2);
  assert.equal(outputs.difference?.offset, 2);
  assert.equal(outputs.difference?.branch, undefined);
  assert.equal(outputs.difference?.recording?.line, "ABCDE");
  // Up to the end of the branch, which is the shorter one.
  const s2 = comparison.at.registers.find(({ name }) => name === "s1");
  assert.deepEqual([s2?.recording, s2?.branch], [5n, 2n]);
  assert.equal(comparison.at.words.find(({ symbol }) => symbol === "result")?.branch, 3n);
  const told = comparison.lines.join("\n");
  assert.match(told, /^They part at instant [\d,]+: edit of s1 to 0x2 in the branch\.$/m);
  assert.match(told, /^Paths part at instant [\d,]+: the recording goes on at .*guest\.s:\d+\), the branch at done/m);
  assert.match(told, /recording: “ABCDE”, instant [\d,]+, hart 0/);
  // Nobody has moved.
  assert.equal(branches.branch?.id, 1);
  assert.equal(branches.now, branches.end);
});

test("a branch in which nothing is changed does not differ", () => {
  const { debuggee, branching } = recorded();
  finish(debuggee.seek(20));
  branching.startBranch();
  finish(debuggee.resume());
  const comparison = finish(branching.compareBranch());
  assert.equal(comparison.differs, false);
  assert.match(comparison.lines[0], /^The branch and the recording are the same up to instant/);
});

test("hit counts are those of the run that is looked at", () => {
  const { debuggee, branching, branches } = recorded();
  const request = { kind: "source", path: "guest.s", line: lineOf(SUM, "add") } as const;
  debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [{ id: 1, at: request, hitCondition: ">= 3" }]);
  finish(debuggee.seek(0));
  finish(debuggee.resume());
  const third = branches.now;
  assert.equal(debuggee.evaluate("s3", 0, 0).bits, 3n);
  finish(debuggee.seek(third - 1));
  // The third call is left out in the branch: what is the fourth there was the third hit.
  const { pc } = branches.machine.harts[0];
  debuggee.setExpression("pc", "loop", 0);
  assert.notEqual(branches.machine.harts[0].pc, pc);
  assert.deepEqual(finish(debuggee.resume()).breakpoints, [1]);
  assert.equal(debuggee.evaluate("s3", 0, 0).bits, 4n);
  branching.switchBranch(0);
  assert.equal(finish(debuggee.resume()).instant, third);
  assert.equal(debuggee.evaluate("s3", 0, 0).bits, 3n);
});

test("a live run: an edit at its newest instant is the run's own, one before it is a branch's", () => {
  const { debuggee, branching, branches, timeline, at } = recorded(SUM, false);
  at("add");
  finish(debuggee.resume());
  debuggee.setExpression("a1", "1", 0);
  assert.equal(branching.branches().current, 0);
  finish(debuggee.resume());
  const { end } = timeline;
  finish(debuggee.step("into", "backward", "instruction", 0));
  debuggee.setExpression("a1", "2", 0);
  assert.equal(branching.branches().current, 1);
  assert.equal(branches.live, true);
  finish(debuggee.resume());
  branching.discardBranch();
  assert.equal(timeline.end, end);
  finish(debuggee.seek(end));
  debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, []);
  assert.equal(finish(debuggee.resume()).reason, "finished");
  assert.equal(debuggee.evaluate("*(u64*)result", 0, 0).bits, 15n);
  const edits = timeline.history.events.filter(({ kind }) => kind === "edit");
  assert.equal(edits.length, 1);
});

test("without branches the past cannot be changed; there is none to leave", () => {
  const { branching, debuggee } = recorded();
  assert.throws(() => branching.discardBranch(), { code: "no-branch" });
  assert.throws(() => branching.switchBranch(4), { code: "no-branch" });
  finish(debuggee.seek(0));
  assert.throws(() => debuggee.forceReturn(0), { code: "no-return" });
  assert.throws(() => finish(branching.compareBranch()), { code: "no-branch" });
});

/** Does what searches have to do on the debuggee's own machine. */
function work(debuggee: Debuggee): void {
  while (debuggee.searchEngine.hasWork) finish(debuggee.searchEngine.work());
}

test("searches are of the run in which they were begun", async () => {
  const { debuggee, branching, branches, at } = recorded();
  const { searchEngine } = debuggee;
  at("test");
  finish(debuggee.seek(0));
  finish(debuggee.resume());
  debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, []);
  const calls = { kind: "calls", function: "add" } as const;
  const question = { kind: "hits", at: { kind: "function", name: "add" } } as const;
  const inRecording = await searchEngine.startSearch(question);
  work(debuggee);
  const rowsOf = async (id: number) => {
    const rows = searchEngine.searchRows(id, 0, 100);
    work(debuggee);
    return (await rows).length;
  };
  assert.equal(await rowsOf(inRecording.id), 5);
  const unfinished = await searchEngine.startSearch(calls);

  debuggee.setExpression("s1", "2", 0);
  const ended = (await searchEngine.searches()).find(({ id }) => id === unfinished.id);
  assert.equal(ended?.cancelled, true);
  assert.match(ended?.problem ?? "", /This search is of the recording: go there/);
  finish(debuggee.resume());
  const { now } = branches;
  const inBranch = await searchEngine.startSearch(question);
  work(debuggee);
  assert.equal(await rowsOf(inBranch.id), 2);
  assert.equal(branches.now, now);
  await assert.rejects(searchEngine.searchRows(inRecording.id, 0, 10), { code: "search-elsewhere" });
  branching.switchBranch(0);
  assert.equal(await rowsOf(inRecording.id), 5);
  await assert.rejects(searchEngine.searchRows(inBranch.id, 0, 10), { code: "search-elsewhere" });
});
