import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "node:test";
import { buildBenchGuest } from "../benchmark/guests.ts";
import { temporaryPath } from "../differential/cross-compiler.ts";
import { gdb, hindcast, LEDGER, piped } from "./gdb.ts";

/**
 * Debian's gdb debugs a C program (guest/gdb/ledger.c), forwards and backwards: what a user would see. The bug that it
 * finds: the fee of every seventh day is taken from the first account.
 */

const RECORDING = temporaryPath("ledger.hindcast");
hindcast("record", LEDGER, "--harts", "2", "-o", RECORDING, "--quiet");

function expect(answers: ReadonlyMap<string, string>, command: string, ...patterns: readonly RegExp[]): void {
  const answer = answers.get(command);
  assert.ok(answer !== undefined, `nothing was asked: ${command}`);
  for (const pattern of patterns) assert.match(answer, pattern, `(gdb) ${command}\n${answer}`);
}

test("forwards through a recording: breakpoints, callers, variables, registers, threads", async () => {
  const answers = await gdb(piped(RECORDING), [
    "break charge if day == 6",
    "continue",
    "backtrace",
    "print day",
    "print ledger.accounts[0]",
    "finish",
    "print rate",
    "watch ledger.accounts[0].balance",
    "delete 1",
    "continue",
    "info registers sp pc",
    "info registers mhartid",
    "p $mstatus",
    "p $mtvec",
    "p $mstatus & 0x6000",
    "info registers float",
    "next",
    "step",
    "delete",
    "tbreak count_on",
    "continue",
    "info threads",
    "p counted",
    "x/2i $pc",
    "thread 1",
    "info registers mhartid",
    "continue",
    "continue",
  ]);
  expect(answers, "target remote", /^_start \(\) at guest\/c\/runtime\/crt0\.S/);
  for (const answer of answers.values()) assert.doesNotMatch(answer, /warning|not supported|Remote failure/i);
  expect(answers, "continue", /hit Breakpoint 1, charge \(day=6\) at guest\/gdb\/ledger\.c:\d+/);
  expect(answers, "backtrace", /^#0 {2}charge \(day=6\).*\n#1 .* in main \(\) at guest\/gdb\/ledger\.c:\d+$/);
  expect(answers, "print day", /^\$1 = 6$/);
  expect(answers, "print ledger.accounts[0]", /balance = 100, owner = 0x[0-9a-f]+ "Ada"/);
  expect(answers, "finish", /main \(\) at guest\/gdb\/ledger\.c/);
  expect(answers, "print rate", /= 2$/);
  expect(answers, "continue #2", /Hardware watchpoint 2: .*\n\nOld value = 97\nNew value = 94\ncharge \(day=13\)/);
  expect(answers, "info registers sp pc", /^sp +0x8\w+.*\npc +0x8\w+.*<charge\+\d+>$/);
  expect(answers, "info registers mhartid", /^mhartid +0x0/);
  expect(answers, "p $mstatus", /^\$4 = \[ .*FS=3/);
  expect(answers, "p $mtvec", /^\$\d+ = \(void \(\*\)\(\)\) 0x8\w+ <trap_entry>$/);
  expect(answers, "p $mstatus & 0x6000", /= 24576$/);
  expect(answers, "info registers float", /^ft0 +\{float = .*\nfcsr/s);
  expect(answers, "continue #3", /^Ada has 97\n.*\[Switching to Thread 2\].*hit Temporary breakpoint 3, count_on/s);
  expect(
    answers,
    "info threads",
    /^ +1 +Thread 1 "hart 0" \(M mode\) .*\n\* 2 +Thread 2 "hart 1" \(M mode\) +count_on/m,
  );
  expect(answers, "p counted", /= 0$/);
  expect(answers, "x/2i $pc", /^=> 0x8\w+ <count_on\+\d+>:/);
  expect(answers, "thread 1", /^\[Switching to thread 1/);
  expect(
    answers,
    "continue #4",
    /The guest ended with exit code 0 at instant \d+\.\n\nNo more reverse-execution history/,
  );
  expect(answers, "continue #5", /exited normally/);
});

test("backwards from the end: the culprit, the start, travel by instants", async () => {
  const answers = await gdb(piped(RECORDING), [
    "continue",
    "watch ledger.accounts[0].balance",
    "reverse-continue",
    "reverse-continue",
    "backtrace",
    "print day",
    "print $instant",
    "stepi",
    "reverse-stepi",
    "delete",
    "reverse-stepi",
    "stepi",
    "reverse-step",
    "reverse-finish",
    "reverse-next",
    "break deposit",
    "reverse-continue",
    "monitor instant",
    "monitor bookmark here",
    "set $instant = 20",
    "info registers instant",
    "monitor goto end",
    "maintenance flush register-cache",
    "print $instant",
    "print ledger.accounts[3].balance",
    "monitor goto here",
    "monitor last-write ledger 8",
    "monitor checks",
    "delete",
    "reverse-continue",
    "reverse-stepi",
  ]);
  for (const answer of answers.values()) assert.doesNotMatch(answer, /warning|not supported/i);
  // Going back, the value that was written later is the old one.
  expect(
    answers,
    "reverse-continue",
    /Hardware watchpoint 1/,
    /deposit \(.*ledger\.c/,
    /Old value = 88\nNew value = 85/,
  );
  expect(answers, "reverse-continue #2", /Old value = 85\nNew value = 88/, /in charge \(day=55\)/);
  expect(answers, "backtrace", /^#0 .* in charge \(day=55\).*\n#1 .* in main \(\)/);
  expect(answers, "print day", /= 55$/);
  expect(answers, "print $instant", /= \d+$/);
  expect(answers, "stepi", /Hardware watchpoint 1/, /Old value = 88\nNew value = 85/);
  expect(answers, "reverse-stepi", /Hardware watchpoint 1/, /Old value = 85\nNew value = 88/);
  expect(answers, "reverse-stepi #2", /ledger\.fees\[day % WEEK\] -= 3/);
  expect(answers, "reverse-finish", /in main \(\) at guest\/gdb\/ledger\.c:\d+\n.*charge \(day\);|charge\(day\);/);
  expect(answers, "reverse-continue #3", /hit Breakpoint 2, deposit \(account=.*\) at guest\/gdb\/ledger\.c/);
  expect(answers, "monitor instant", /^Instant \d+, of a recording from 0 to \d+\.\n/);
  expect(answers, "monitor bookmark here", /^Bookmark "here" at instant \d+\.$/);
  expect(answers, "info registers instant", /^instant\s+0x14\s+20$/);
  expect(answers, "monitor goto end", /instant \d+\./);
  expect(answers, "print $instant #2", /= [1-9]\d{4}$/);
  expect(answers, "print ledger.accounts[3].balance", /= 1051$/);
  expect(
    answers,
    "monitor last-write ledger 8",
    /^charge\+0x[0-9a-f]+ \(ledger\.c:\d+\), pc 0x8\w+, wrote there last, at/,
  );
  expect(answers, "reverse-continue #4", /begins here, at instant 0\.\n\nNo more reverse-execution history\.\n_start/);
  expect(answers, "reverse-stepi #3", /No more reverse-execution history/);
});

test("what if: an edit in the past runs on in a branch, and the recording is what it was", async () => {
  const saved = temporaryPath("what-if.hindcast");
  const answers = await gdb(piped(RECORDING), [
    "break charge if day == 6",
    "continue",
    "print $instant",
    "set var day = 5",
    "next",
    "monitor branch",
    "delete",
    "continue",
    "print ledger.accounts[0].balance",
    "monitor branch compare",
    `monitor branch save ${saved}`,
    "monitor branch discard",
    "maintenance flush register-cache",
    "print day",
    "print $instant",
    "continue",
    "print ledger.accounts[0].balance",
  ]);
  for (const answer of answers.values()) assert.doesNotMatch(answer, /warning|not supported|Remote failure/i);
  const [instant] = /\d+$/.exec(answers.get("print $instant") ?? "") ?? assert.fail("no instant");
  expect(answers, "next", new RegExp(`^Branch 1 of instant ${instant} has begun; the recording stays as it is`));
  expect(answers, "monitor branch", /^the recording\n\* branch 1 of instant [\d,]+, up to [\d,]+, \d edits?$/);
  expect(answers, "continue #2", /The guest ended with exit code \d+ at instant/);
  expect(answers, "monitor branch compare", /^They part at instant .* in the branch\.$/m, /→ 0x\w+/);
  expect(answers, "monitor branch discard", /^In the recording, at charge/);
  expect(answers, "print day", /= 6$/);
  expect(answers, "print $instant #2", new RegExp(`= ${instant}$`));
  assert.notEqual(answers.get("print ledger.accounts[0].balance"), answers.get("print ledger.accounts[0].balance #2"));
  // What was saved is a recording that proves itself.
  hindcast("replay", saved, "--no-console", "--quiet");
});

test("a program that runs: edits, calls of its functions, and its past", async () => {
  const recording = temporaryPath("live.hindcast");
  const answers = await gdb(piped(LEDGER, "-o", recording), [
    "break deposit",
    "continue",
    "print account->balance",
    "set var account->balance = 1000",
    "call interest(account)",
    "set $t3 = 0x1234",
    "print/x $t3",
    "next",
    "next",
    "reverse-continue",
    "print account->balance",
    "reverse-stepi",
    "set var account->balance = 1",
    "print account->balance",
    "monitor branch discard",
    "maintenance flush register-cache",
    "hbreak charge",
    "delete 1",
    "continue",
    "awatch rate",
    "continue",
    "break *1",
    "continue",
    "detach",
  ]);
  expect(answers, "print account->balance", /= 94$/);
  expect(answers, "call interest(account)", /= 40$/);
  expect(answers, "print/x $t3", /= 0x1234$/);
  expect(answers, "next #2", /^Ada has 1003$/m);
  expect(answers, "reverse-continue", /Breakpoint 1, deposit/);
  expect(answers, "print account->balance #2", /= 1000$/);
  expect(answers, "print account->balance #3", /= 1$/);
  expect(answers, "monitor branch discard", /^Branch 1 of instant \d+ has begun.*\nIn the recording, at/s);
  expect(answers, "continue #2", /^Ada has 1003\nBob has 260\n.*Breakpoint 2, charge \(day=15\)/s);
  expect(answers, "continue #3", /Hardware access \(read\/write\) watchpoint 3: rate/);
  expect(answers, "continue #4", /Cannot insert breakpoint 4/);
  expect(answers, "detach", /detached/);
  // The edits are events of the recording.
  hindcast("replay", recording, "--no-console", "--quiet");
});

test("a kernel and user mode: memory as the hart sees it, its mode, and its address space", async () => {
  const kernel = buildBenchGuest({ name: "spaces", group: "address spaces", rounds: 1, kernel: true }, 1).path;
  const answers = await gdb(
    piped(kernel, "-o", temporaryPath("spaces.hindcast")),
    [
      "info registers satp priv",
      "tbreak *0x40000000",
      "continue",
      "info registers priv",
      "p $satp",
      "info threads",
      "x/i $pc",
      "x/gx 0x60000040",
      "tbreak user_trap",
      "continue",
      "p cause",
      "p $sepc",
      "p $priv",
      "x/gx 0x60000040",
      "tbreak *0x40000000",
      "reverse-continue",
      "p $priv",
      "monitor evaluate translate($pc)",
    ],
    kernel,
  );
  expect(answers, "info registers satp priv", /^satp\s+0x0\s.*\npriv\s+0x3\s+prv:3 \[Machine\]$/);
  expect(answers, "info registers priv", /prv:0 \[User/);
  expect(answers, "p $satp", /PPN=\d+ ASID=0 MODE=8/);
  expect(answers, "info threads", /\(U mode, Sv39 ASID 0\)/);
  expect(answers, "x/i $pc", /^=> 0x40000000:\s+\w+/);
  expect(answers, "x/gx 0x60000040", /^0x60000040:\s+0x0000000000000000$/);
  expect(answers, "continue #2", /user_trap \(.*cause=8/);
  expect(answers, "p $sepc", /0x400000\w\w/);
  expect(answers, "p $priv", /= 1$/);
  expect(answers, "x/gx 0x60000040 #2", /^0x60000040:\s+0x0*[1-9a-f]/);
  expect(answers, "reverse-continue", /0x0*40000000 in/);
  expect(answers, "p $priv #2", /= 0$/);
  expect(answers, "monitor evaluate translate($pc)", /Sv39/);
});

test("a gdb without a program takes it out of the recording, though the file is gone; assembly as well", async () => {
  const copy = temporaryPath("copied.elf");
  copyFileSync(LEDGER, copy);
  const recording = temporaryPath("copied.hindcast");
  hindcast("record", copy, "-o", recording, "--quiet");
  rmSync(copy);
  const answers = await gdb(piped(recording), ["break charge", "continue", "print day"], null);
  expect(answers, "target remote", /Reading symbols from target:.*copied\.elf/);
  expect(answers, "print day", /= 0$/);
  const source = resolve(import.meta.dirname, "../../guest/samples/hello.s");
  const assembly = await gdb(piped(source, "-o", temporaryPath("hello.hindcast")), ["break done", "continue"], null);
  expect(assembly, "continue", /^Hello, RISC-V!\n/, /done \(\) at guest\/samples\/hello\.s:\d+/);
});

test("Ctrl-C ends a run that would never end; from there one goes back", async () => {
  const source = resolve(import.meta.dirname, "../../guest/samples/loop.s");
  const answers = await gdb(
    piped(source, "-o", temporaryPath("loop.hindcast")),
    ["shell (sleep 2; kill -INT $PPID) &", "continue", "print $instant > 1000", "reverse-stepi", "reverse-continue"],
    null,
  );
  expect(answers, "continue", /Program received signal SIGINT, Interrupt\./);
  expect(answers, "print $instant > 1000", /= 1$/);
  expect(answers, "reverse-stepi", /^\d+\s|loop\.s|0x8/);
  expect(answers, "reverse-continue", /begins here, at instant 0/);
});

test("over a port: a second gdb, and one that finds the machine where the first one left it", async () => {
  const main = resolve(import.meta.dirname, "../../src/cli/main.ts");
  const server = spawn(process.execPath, [main, "gdb", "--port", "0", LEDGER, "--harts", "2"], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: resolve(RECORDING, ".."),
  });
  const [line] = (await once(server.stderr.setEncoding("utf8"), "data")) as [string];
  const port = Number(/listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  let said = "";
  const connected = new Promise<void>((done) => {
    server.stderr.on("data", (text: string) => {
      said += text;
      if (said.includes("A client has connected.")) done();
    });
  });
  // The first one stays until the second one has been turned away.
  const turned = temporaryPath("turned-away");
  const waiting = `shell while [ ! -e ${turned} ]; do sleep 0.1; done`;
  const running = gdb(`:${port}`, ["break charge", "continue", waiting, "print day", "detach"]);
  await connected;
  const second = await gdb(`:${port}`, ["print day"]);
  writeFileSync(turned, "");
  const first = await running;
  expect(first, "print day", /= 0$/);
  expect(second, "target remote", /closed|reset|Remote communication error/i);
  const third = await gdb(`:${port}`, ["print day", "kill"]);
  expect(third, "target remote", /^charge \(day=0\)/);
  expect(third, "print day", /= 0$/);
  const [exitCode] = await once(server, "close");
  assert.equal(exitCode, 0, "a kill ends the server");
});
