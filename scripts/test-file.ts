import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface FileOutcome extends Outcome {
  readonly file: string;
  readonly seconds: number;
  /** What the tests printed, and why the file failed; bounded. */
  readonly report: string;
}

/** A single test that says nothing for longer than this is lost; Node's runner then fails it by name. */
const TEST_TIMEOUT_MS = 10 * 60_000;
/** Bytes of output kept of one file, half from the beginning and half from the end: a flood must not drown the log. */
const REPORT_LIMIT_BYTES = 64 * 1024;

/** Sources stripped of their types and compiled, for the next process: most files are read by most tests. */
const COMPILE_CACHE = fileURLToPath(new URL("../.cache/node-compile", import.meta.url));

const REPORTER = new URL("./test-reporter.ts", import.meta.url).href;

/**
 * Runs one test file in a process of its own. A file that overruns `timeoutMs` is killed with all that it started and
 * counts as failed, so that neither a leaked handle nor an endless loop (which Node's own test timeout cannot
 * interrupt) can hang the run.
 */
export async function runTestFile(file: string, timeoutMs: number): Promise<FileOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-test-"));
  const countsPath = join(folder, "counts.jsonl");
  const started = Date.now();
  const child = spawn(
    process.execPath,
    [
      "--enable-source-maps",
      "--test-force-exit",
      `--test-timeout=${Math.min(timeoutMs, TEST_TIMEOUT_MS)}`,
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      `--test-reporter=${REPORTER}`,
      `--test-reporter-destination=${countsPath}`,
      file,
    ],
    // Its own process group, so that a kill reaches emulators and browsers that the tests have started.
    {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_COMPILE_CACHE: COMPILE_CACHE },
    },
  );
  const output = new BoundedOutput(REPORT_LIMIT_BYTES);
  child.stdout.on("data", (bytes: Buffer) => output.add(bytes));
  child.stderr.on("data", (bytes: Buffer) => output.add(bytes));
  let overran = false;
  const watchdog = setTimeout(() => {
    overran = true;
    killGroup(child.pid);
  }, timeoutMs);
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once("error", reject);
    // "exit", not "close": a grandchild that keeps the pipe open must not keep the runner.
    child.once("exit", (code, signal) => setImmediate(() => resolve({ code, signal })));
  });
  clearTimeout(watchdog);
  killGroup(child.pid);
  const counted = readCounts(countsPath);
  rmSync(folder, { recursive: true, force: true });

  let { failed } = counted;
  let verdict = "";
  if (overran) verdict = `${file} did not end within ${timeoutMs / 1000} s and was killed.`;
  else if (code !== 0 && failed === 0) verdict = `${file} ended with ${signal ?? `exit code ${code}`}.`;
  else if (counted.passed + failed + counted.skipped === 0) verdict = `${file} ran no test.`;
  if (verdict !== "") failed += 1;
  const report = verdict === "" ? output.text() : `${output.text()}\n${verdict}`;
  return { file, seconds: (Date.now() - started) / 1000, ...counted, failed, report };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The whole group is gone already, which is the normal case.
  }
}

function readCounts(path: string): Outcome {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // Killed before the reporter opened its file.
  }
  // The last line may be torn when the process was killed.
  for (const line of text.split("\n").slice(0, -1)) {
    const { outcome } = JSON.parse(line) as { outcome: keyof typeof counts };
    counts[outcome] += 1;
  }
  return counts;
}

/** Keeps the first and the last half of a limit. */
class BoundedOutput {
  readonly #half: number;
  #head = "";
  #tail = "";
  #dropped = 0;

  constructor(limitBytes: number) {
    this.#half = limitBytes / 2;
  }

  add(bytes: Buffer): void {
    let text = bytes.toString();
    if (this.#head.length < this.#half) {
      const room = this.#half - this.#head.length;
      this.#head += text.slice(0, room);
      text = text.slice(room);
    }
    this.#tail += text;
    const excess = this.#tail.length - this.#half;
    if (excess > 0) {
      this.#tail = this.#tail.slice(excess);
      this.#dropped += excess;
    }
  }

  text(): string {
    const gap = this.#dropped === 0 ? "" : `\n… ${this.#dropped} characters left out …\n`;
    return `${this.#head}${gap}${this.#tail}`;
  }
}
