import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { type DebianFiles, debianFiles } from "../../scripts/debian.ts";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
/** A boot with modules takes 3.4 thousand million steps. */
const LIMIT_STEPS = "8e9";

const folder = mkdtempSync(join(tmpdir(), "hindcast-linux-"));
after(() => rmSync(folder, { recursive: true }));

let files: DebianFiles | undefined;

/** Stock Debian, fetched the first time that somebody asks. */
export function debian(): DebianFiles {
  files ??= debianFiles();
  return files;
}

export interface Boot {
  /** Arguments of `hindcast record`, beside the kernel and its initramfs. */
  readonly options: readonly string[];
  /** What /init is asked to do. */
  readonly asked: string;
}

export interface Recorded {
  readonly path: string;
  readonly console: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

let recordings = 0;

/** Boots Debian by the command line, as a user would, and records it. */
export async function record({ options, asked }: Boot): Promise<Recorded> {
  const { kernel, initrd, symbols } = debian();
  const path = join(folder, `boot-${recordings++}.hindcast`);
  const { console, answer } = await hindcast([
    ...["record", "--kernel", kernel, "--initrd", initrd, "--symbols", symbols, "-o", path],
    ...["--append", `console=ttyS0 hindcast=${asked}`, "--limit", LIMIT_STEPS, ...options],
  ]);
  return { path, console, answer };
}

/** Boots Debian by another command than `record`. */
export async function boot(command: "run" | "lockstep", options: readonly string[]) {
  const { kernel, initrd } = debian();
  const asked = ["--append", "console=ttyS0 hindcast=poweroff", "--limit", LIMIT_STEPS];
  return hindcast([command, "--kernel", kernel, "--initrd", initrd, ...asked, ...options]);
}

/** Replays a recording against its digests. */
export async function replay(path: string): Promise<Readonly<Record<string, unknown>>> {
  return (await hindcast(["replay", path, "--no-console"])).answer;
}

/** The last write to a place, as `hindcast query` has it; undefined for none. */
export async function lastWrite(path: string, place: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { answer } = await hindcast(["query", path, "last-write", place]);
  return (answer.hits as Readonly<Record<string, unknown>>[])[0];
}

async function hindcast(args: readonly string[]) {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [MAIN, ...args, "--json"], { maxBuffer: 64 * 2 ** 20 });
  const lines = stdout.trimEnd().split("\n");
  const answer = JSON.parse(lines.pop()!) as Record<string, unknown>;
  return { console: lines.join("\n"), answer };
}

/** Records a boot, compares what it printed, replays it, and compares every digest. Gives the recording. */
export async function checkBoot(boot: Boot, expected: readonly RegExp[]): Promise<string> {
  const { path, console, answer } = await record(boot);
  for (const pattern of expected) assert.match(console, pattern);
  assert.equal(answer.reason, "exit", JSON.stringify(answer));
  assert.equal(answer.exitCode, 0);
  const replayed = await replay(path);
  assert.equal(replayed.reason, "exit", JSON.stringify(replayed));
  assert.equal(replayed.instant, answer.instant);
  // How many there are depends on the speed of the host: one every some 160 ms.
  assert.ok((replayed.verified as number) > 5, `${replayed.verified} digests compared`);
  return path;
}
