import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

/** The command line as a user starts it: a process of its own, from the sources. */
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** A command that has not ended by then hangs. */
const DEADLINE_MS = 60_000;

/** A folder for the files of one test file; gone when its tests are over. */
export const folder = mkdtempSync(join(tmpdir(), "hindcast-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Puts `content` into a file of the folder; its path. */
export function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of every command: sources are stripped of their types once and not in every one of a hundred processes. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_COMPILE_CACHE: join(tmpdir(), "hindcast-compile-cache"),
  NO_COLOR: "1",
};

/** The words of a command, for a shell. */
export function command(...args: string[]): string[] {
  return [process.execPath, MAIN, ...args];
}

export function start(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: ENVIRONMENT,
  });
}

/** Waits for the end of a command; kills it, and fails, when there is none. */
export async function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  const [exitCode, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { exitCode, signal, stdout, stderr };
}

/** Runs a command to its end, with nothing on stdin. */
export async function hindcast(...args: string[]): Promise<Ended> {
  const child = start(...args);
  child.stdin.end();
  return end(child);
}

export type Json = Record<string, unknown>;

/** The same with `--json`: the last line of stdout, and what stood before it. */
export async function hindcastJson(...args: string[]): Promise<Ended & { json: Json; before: string }> {
  const ended = await hindcast(...args, "--json");
  return { ...ended, ...lastLine(ended) };
}

export function lastLine({ stdout, stderr }: Ended): { json: Json; before: string } {
  assert.ok(stdout.endsWith("\n"), `stdout ends with a whole line: ${JSON.stringify(stdout.slice(-200))} ${stderr}`);
  const start = stdout.lastIndexOf("\n", stdout.length - 2) + 1;
  return { json: JSON.parse(stdout.slice(start)) as Json, before: stdout.slice(0, start) };
}

/** A mistake of the user: one sentence on stderr, no stack trace, the exit code, and the error in the JSON line. */
export async function assertRefused(args: readonly string[], exitCode: 2 | 3, code: string, sentence: RegExp) {
  const ended = await hindcastJson(...args);
  assert.equal(ended.exitCode, exitCode, ended.stderr);
  assert.match(ended.stderr, sentence);
  assert.doesNotMatch(ended.stderr, /^ {4}at /m, "no stack trace");
  const { error } = ended.json as { error: { code: string; message: string } };
  assert.equal(error.code, code);
  assert.match(error.message, sentence);
  return ended;
}
