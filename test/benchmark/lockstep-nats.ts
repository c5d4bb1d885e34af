/**
 * `npm run bench:lockstep:nats`: a pair of two processes that meet at a NATS server on this computer. How long output waits (the server
 * has it then), what the log needs, and how long nothing is heard when the primary is killed. On a machine that does nothing else.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PairReport } from "../../src/host/pair-report.ts";
import { buildCli, CLI } from "./contenders.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-bench-"));

/** `count` times `text`, with so many steps before each. */
function saying(count: number, steps: number, text: string): string {
  const bytes = [...text].map((byte) => `  li t0, ${byte.charCodeAt(0)}\n  sb t0, 0(s0)\n`).join("");
  return `
_start:
  li s0, 0x10000000
  li s1, ${count}
1:
  li t0, ${steps >> 1}
2:
  addi t0, t0, -1
  bnez t0, 2b
${bytes}
  addi s1, s1, -1
  bnez s1, 1b
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .
`;
}

/**
 * A word every now and then, a line at a time without a pause, letters with arithmetic between: some twelve seconds each, which the first
 * moments, in which all code is new, are a small part of.
 */
const GUESTS = {
  sparse: saying(8_000, 4_000_000, "word "),
  console: saying(360_000, 400, "a line of forty characters, all of them\n"),
  integer: saying(3_000, 20_000_000, "i"),
};

async function startServer(): Promise<{ url: string; stop: () => void }> {
  const child = spawn("nats-server", ["-js", "-a", "127.0.0.1", "-p", "-1", "-sd", join(folder, "store")]);
  let log = "";
  for await (const text of child.stderr) {
    log += String(text);
    const port = /127\.0\.0\.1:(\d+)[\s\S]*Server is ready/.exec(log)?.[1];
    if (port !== undefined) return { url: `nats://127.0.0.1:${port}`, stop: () => void child.kill() };
  }
  throw new Error(log);
}

function member(url: string, pair: string, ...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [CLI, "lockstep", "--nats", url, "--pair", pair, "--json", ...args]);
}

async function answerOf(child: ChildProcessWithoutNullStreams): Promise<{ seconds: number; lockstep: PairReport }> {
  let last = "";
  child.stdout.on("data", (text: Buffer) => {
    last = (last + text.toString("latin1")).slice(-20_000);
  });
  await once(child, "close");
  return JSON.parse(last.trimEnd().split("\n").at(-1)!);
}

const shown = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(value < 100 ? 1 : 0));

buildCli();
const server = await startServer();
try {
  for (const [name, source] of Object.entries(GUESTS)) {
    const path = join(folder, `${name}.s`);
    writeFileSync(path, source);
    const primary = member(server.url, name, path, "--role", "primary");
    const secondary = member(server.url, name, "--role", "secondary");
    const [{ seconds, lockstep }] = await Promise.all([answerOf(primary), answerOf(secondary)]);
    const { latencyMs, bytesSent, outputsReleased, lagStepsMax } = lockstep;
    console.log(
      `${name}: ${seconds.toFixed(1)} s, ${outputsReleased} bytes said; output waits ${shown(latencyMs.median)} ms (median), ` +
        `p99 ${shown(latencyMs.p99)} ms; ${shown((bytesSent * 8) / seconds / 1e6)} Mbit/s; at most ${lagStepsMax} steps behind`,
    );
  }
  const gaps: number[] = [];
  const path = join(folder, "killed.s");
  writeFileSync(path, saying(100_000, 400_000, "."));
  for (let times = 0; times < 5; times++) {
    const primary = member(server.url, `killed-${times}`, path, "--role", "primary");
    const secondary = member(server.url, `killed-${times}`, "--role", "secondary");
    await once(primary.stdout, "data");
    await sleep(500);
    const killed = performance.now();
    primary.kill("SIGKILL");
    await once(secondary.stdout, "data");
    gaps.push(performance.now() - killed);
    secondary.kill("SIGKILL");
    await once(secondary, "close");
  }
  console.log(`take-over: output goes on ${gaps.map((ms) => ms.toFixed(0)).join(", ")} ms after the primary is killed`);
} finally {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
}
