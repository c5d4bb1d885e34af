import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import test from "node:test";
import { command, ENVIRONMENT, end, file, folder, hindcast, hindcastJson, lastLine, start } from "./command.ts";
import { DAMAGE, ECHO, ENDLESS, FLOOD, HELLO, SEVEN, TIMER, TRAP, WAITS } from "./guests.ts";

test("the guest's console is stdout, and nothing else is", async () => {
  const { exitCode, stdout, stderr } = await hindcast("run", HELLO());
  assert.equal(stdout, "hello, world\n");
  assert.equal(stderr, "");
  assert.equal(exitCode, 0);
});

test("--json: the console as it is, then one object on a line of its own", async () => {
  const { json, before } = await hindcastJson("run", HELLO());
  assert.equal(before, "hello, world\n");
  assert.equal(json.reason, "exit");
  assert.equal(json.exitCode, 0);
  assert.ok((json.instant as number) > 50);
  assert.ok((json.seconds as number) > 0);
  assert.ok((json.stepsPerSecond as number) > 0);
  const unfinished = await hindcastJson("run", DAMAGE());
  assert.equal(unfinished.before, "x\n", "a line that the guest left open is ended");
});

test("the exit code is the guest's own", async () => {
  const { exitCode, json } = await hindcastJson("run", SEVEN());
  assert.equal(exitCode, 7);
  assert.equal(json.exitCode, 7);
  const large = file("large.s", "_start: li t0, 0x100000\n li t1, (0x300 << 16) | 0x3333\n sw t1, 0(t0)\n");
  const ended = await hindcastJson("run", large);
  assert.equal(ended.json.exitCode, 0x300, "told whole");
  assert.equal(ended.exitCode, 255, "a failure does not become 0 because exit codes have eight bits");
});

test("every engine does the same", async () => {
  const instants = new Set<unknown>();
  for (const engine of ["auto", "oracle"]) {
    const { json, before } = await hindcastJson("run", HELLO(), "--engine", engine);
    assert.equal(before, "hello, world\n");
    instants.add(json.instant);
  }
  assert.equal(instants.size, 1);
});

test("the cache group can be switched off, and is in the answer", async () => {
  for (const choice of ["on", "off"]) {
    const { json } = await hindcastJson("run", HELLO(), "--cache-group", choice);
    const { cacheGroup, elements } = json.translation as Record<string, unknown>;
    assert.deepEqual([cacheGroup, elements], [choice, 1]);
  }
});

test("a trap without a handler says what, where and why", async () => {
  const { exitCode, json, stderr } = await hindcastJson("run", TRAP());
  assert.equal(exitCode, 1);
  assert.equal(json.reason, "trap");
  const trap = json.trap as Record<string, unknown>;
  assert.equal(trap.name, "Load access fault");
  assert.equal(trap.cause, 5);
  assert.equal(trap.tval, "0x28");
  assert.equal(json.instant, 2);
  assert.match(stderr, /Load access fault \(mtval 0x28\) at 0x[0-9a-f]+ in _start\+0x\w+ \(trap\.s:\d+\)/);
});

test("--limit ends a program that never ends, at exactly that instant", async () => {
  const { exitCode, json } = await hindcastJson("run", ENDLESS(), "--limit", "1_234_567");
  assert.equal(exitCode, 1);
  assert.equal(json.reason, "limit");
  assert.equal(json.instant, 1_234_567);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends it cleanly`, async () => {
    const child = start("run", ENDLESS(), "--json");
    child.stdout.once("data", () => child.kill(signal));
    const ended = await end(child);
    assert.equal(ended.signal, null);
    assert.equal(ended.exitCode, signal === "SIGINT" ? 130 : 143);
    assert.equal(lastLine(ended).json.reason, "interrupted");
  });
}

test("a guest that waits for what never comes ends at once", async () => {
  const { exitCode, json, stderr } = await hindcastJson("run", WAITS());
  assert.equal(exitCode, 1);
  assert.equal(json.reason, "waiting");
  assert.match(stderr, /waits for an interrupt that nothing will raise/);
});

test("--input FILE is what is typed, and such a run repeats itself", async () => {
  const input = file("typed", "abcq");
  const first = await hindcastJson("run", ECHO(), "--input", input);
  assert.equal(first.before, "abcq\n");
  assert.equal(first.exitCode, 3);
  const second = await hindcastJson("run", ECHO(), "--input", input);
  assert.equal(second.json.instant, first.json.instant);
});

test("--input - takes stdin as it comes", async () => {
  const child = start("run", ECHO(), "--input", "-");
  child.stdin.write("one ");
  setTimeout(() => child.stdin.end("twoq"), 300);
  const { stdout, exitCode } = await end(child);
  assert.equal(stdout, "one twoq");
  assert.equal(exitCode, 3);
});

test("stdin that is no terminal is left alone unless it is asked for", async () => {
  const child = start("run", ECHO(), "--limit", "1000000", "--json");
  child.stdin.end("q");
  const ended = await end(child);
  assert.equal(lastLine(ended).json.reason, "limit");
});

test("at a terminal keys go to the guest, and Ctrl-C ends the run", async () => {
  const inTerminal = async (keys: string, then = "") => {
    // `script` gives the command a terminal of its own.
    const words = command("run", ECHO(), "--json").map((word) => `'${word}'`);
    const child = spawn("script", ["-qec", words.join(" "), "/dev/null"], { cwd: folder, env: ENVIRONMENT });
    let shown = "";
    const shows = (text: string) =>
      new Promise<void>((resolve) =>
        child.stdout.on("data", (piece: Buffer) => {
          shown += piece.toString();
          if (shown.includes(text)) resolve();
        }),
      );
    const greeted = shows("keyboard is the guest's");
    const ended = end(child);
    await greeted;
    // Before the terminal is in raw mode, a Ctrl-C would be the terminal's.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const echoed = shows(keys);
    child.stdin.write(keys);
    if (then === "") return ended;
    // What was typed a moment ago may be no part of a run that ends now.
    await echoed;
    child.stdin.write(then);
    return ended;
  };
  const typed = await inTerminal("ab\x01aq");
  assert.equal(typed.exitCode, 3);
  assert.ok(typed.stdout.includes('ab\x01q\r\n{"reason":"exit"'), JSON.stringify(typed.stdout));
  const interrupted = await inTerminal("ab", "\x03");
  assert.equal(interrupted.exitCode, 130);
  assert.match(interrupted.stdout, /ab\r\nInterrupted at instant/, "our line does not run on from the guest's");
});

test("a console flooded into a pipe that nobody reads any more ends the run", async () => {
  const child = start("run", FLOOD());
  child.stdout.once("data", () => child.stdout.destroy());
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exitCode = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(exitCode, 141);
  assert.match(stderr, /^Nobody reads the output: ended at instant .*\n$/);
});

test("a flood into a pipe that is read slowly is not gathered in memory, and a signal gets through", async () => {
  const child = start("run", FLOOD());
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  await new Promise((resolve) => child.stdout.once("readable", resolve));
  // Nobody reads on: the guest has to wait when the pipe and our bound are full.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const { readFileSync } = await import("node:fs");
  if (process.platform === "linux") {
    const resident = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]);
    assert.ok(resident < 400_000, `${resident} kB resident`);
  }
  child.kill("SIGINT");
  setTimeout(() => child.stdout.resume(), 200);
  assert.equal(await exited, 130);
});

test("a paced guest's timer takes about as long as it says", async () => {
  const source = TIMER();
  const virtual = await hindcastJson("run", source);
  assert.equal(virtual.exitCode, 0);
  assert.ok((virtual.json.seconds as number) < 0.2, "a virtual clock jumps");
  const paced = await hindcastJson("run", source, "--clock", "paced");
  assert.equal(paced.exitCode, 0);
  const seconds = paced.json.seconds as number;
  assert.ok(seconds > 0.29 && seconds < 2, `${seconds} s`);
});
