/**
 * The runner behind `npm test`: stage by stage, every test file in a process of its own, and one closing line that
 * counts them all. `npm test -- unit differential` runs some stages, `npm test -- test/cpu` the files below a path,
 * `--nightly` the long forms of the randomised suites.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, relative, resolve } from "node:path";
import { provide, type Requirement } from "./debian-packages.ts";
import { LONG_TESTS } from "./long-tests.ts";
import { type FileOutcome, type Outcome, runTestFile } from "./test-file.ts";

interface Stage {
  readonly name: string;
  readonly requirements: readonly Requirement[];
  /** Test files that run at the same time. */
  readonly concurrency: number;
  readonly fileTimeoutMs: number;
  /** Files that take longer are named. */
  readonly slowSeconds?: number;
  /** Takes the test files by their path, and their folder below test/. */
  readonly owns: (path: string, folder: string) => boolean;
}

const ROOT = resolve(import.meta.dirname, "..");
const NIGHTLY = process.argv.includes("--nightly");

/** Folders of test/ with a stage of their own; every other folder is part of the unit stage, which stays below a minute. */
const APART = ["cli", "differential", "gdb-client", "linux", "nats", "vscode"];

const STAGES: readonly Stage[] = [
  {
    name: "unit",
    requirements: [],
    concurrency: Math.max(2, availableParallelism()),
    // The slowest file takes two seconds on a quiet machine.
    fileTimeoutMs: 3 * 60_000,
    slowSeconds: 5,
    owns: (path, folder) => !APART.includes(folder) && !LONG_TESTS.includes(path),
  },
  {
    name: "long",
    requirements: [],
    concurrency: Math.max(2, availableParallelism()),
    fileTimeoutMs: NIGHTLY ? 8 * 3_600_000 : 5 * 60_000,
    owns: (path) => LONG_TESTS.includes(path),
  },
  {
    name: "cli",
    requirements: [],
    // The command in processes of its own, killed and interrupted: most of the time goes into starting Node.
    concurrency: Math.max(2, availableParallelism()),
    fileTimeoutMs: 3 * 60_000,
    owns: (_, folder) => folder === "cli",
  },
  {
    name: "differential",
    requirements: [
      { program: "qemu-system-riscv64", debianPackage: "qemu-system-misc" },
      { program: "riscv64-unknown-elf-gcc", debianPackage: "gcc-riscv64-unknown-elf" },
      { program: "riscv64-unknown-elf-as", debianPackage: "binutils-riscv64-unknown-elf" },
      { program: "dtc", debianPackage: "device-tree-compiler" },
      { program: "mke2fs", debianPackage: "e2fsprogs" },
      { program: "xz", debianPackage: "xz-utils" },
      // For the host's own floating point; the package brings gcc and the C library's headers.
      { program: "g++", debianPackage: "g++" },
    ],
    concurrency: Math.max(2, availableParallelism()),
    fileTimeoutMs: NIGHTLY ? 8 * 3_600_000 : 8 * 60_000,
    owns: (_, folder) => folder === "differential",
  },
  {
    name: "gdb",
    requirements: [
      { program: "gdb-multiarch", debianPackage: "gdb-multiarch" },
      { program: "riscv64-unknown-elf-gcc", debianPackage: "gcc-riscv64-unknown-elf" },
    ],
    concurrency: 1,
    fileTimeoutMs: 5 * 60_000,
    owns: (_, folder) => folder === "gdb-client",
  },
  {
    name: "nats",
    requirements: [
      { program: "nats-server", debianPackage: "nats-server" },
      { program: "openssl", debianPackage: "openssl" },
    ],
    // Servers, workers and queries in processes of their own.
    concurrency: 1,
    fileTimeoutMs: 5 * 60_000,
    owns: (_, folder) => folder === "nats",
  },
  {
    name: "linux",
    requirements: [
      { program: "dpkg-deb", debianPackage: "dpkg" },
      { program: "mke2fs", debianPackage: "e2fsprogs" },
      { program: "xz", debianPackage: "xz-utils" },
    ],
    // Each boots a machine of its own, a thousand million steps and more.
    concurrency: Math.max(1, availableParallelism() - 1),
    fileTimeoutMs: 45 * 60_000,
    owns: (_, folder) => folder === "linux",
  },
  {
    name: "vscode",
    requirements: [
      { program: "chromium", debianPackage: "chromium" },
      // The server host compiles two native modules of VS Code.
      { program: "g++", debianPackage: "g++" },
      { program: "make", debianPackage: "make" },
      { program: "python3", debianPackage: "python3" },
    ],
    // One browser and one server at a time: they take both cores, and the figures on screen are compared.
    concurrency: 1,
    fileTimeoutMs: 12 * 60_000,
    owns: (_, folder) => folder === "vscode",
  },
];

/** Types, lint and format, counted as tests so that `npm test` says everything. */
const CHECKS: readonly { name: string; command: readonly string[] }[] = [
  { name: "types (tsc)", command: ["node_modules/.bin/tsc"] },
  { name: "lint and format (biome)", command: ["node_modules/.bin/biome", "check", "--error-on-warnings"] },
];

const total = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

function add(outcome: Outcome): void {
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  total.skipped += outcome.skipped;
}

function runChecks(): void {
  for (const { name, command } of CHECKS) {
    const started = Date.now();
    const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), { cwd: ROOT, encoding: "utf8" });
    const passed = status === 0;
    add({ passed: Number(passed), failed: Number(!passed), skipped: 0 });
    console.log(`${passed ? "ok  " : "FAIL"} ${name}  ${((Date.now() - started) / 1000).toFixed(1)} s`);
    if (passed) continue;
    failures.push(name);
    console.log(`${stdout}${stderr}`.slice(0, 20_000));
  }
}

function report({ file, passed, failed, skipped, seconds, report }: FileOutcome): void {
  const path = relative(ROOT, file);
  const counts = [`${passed} passed`];
  if (failed > 0) counts.push(`${failed} failed`);
  if (skipped > 0) counts.push(`${skipped} skipped`);
  console.log(`${failed > 0 ? "FAIL" : "ok  "} ${path}  ${counts.join(", ")}  ${seconds.toFixed(1)} s`);
  if (failed === 0 && skipped === 0) return;
  if (failed > 0) failures.push(path);
  console.log(report);
}

/** How long each file took last time, by path: a wish, not a promise. */
const DURATIONS = resolve(ROOT, ".cache/test-durations.json");

function readDurations(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(DURATIONS, "utf8")) as Record<string, number>;
  } catch {
    return {};
  }
}

async function runFiles(stage: Stage, files: readonly string[]): Promise<void> {
  const durations = readDurations();
  // The longest first, so that none of them is left for the end when the other core has nothing to do any more.
  const expected = (file: string) => durations[relative(ROOT, file)] ?? 0;
  const queue = [...files].sort((a, b) => expected(b) - expected(a));
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const outcome = await runTestFile(file, stage.fileTimeoutMs);
      durations[relative(ROOT, file)] = outcome.seconds;
      add(outcome);
      report(outcome);
    }
  };
  await Promise.all(Array.from({ length: stage.concurrency }, worker));
  const slow = files
    .map((file) => relative(ROOT, file))
    .filter((path) => durations[path] > (stage.slowSeconds ?? Number.POSITIVE_INFINITY));
  if (slow.length > 0) console.log(`Took more than ${stage.slowSeconds} s, see docs/testing.md: ${slow.join(", ")}`);
  mkdirSync(dirname(DURATIONS), { recursive: true });
  writeFileSync(DURATIONS, JSON.stringify(durations));
}

async function runStage(stage: Stage, paths: readonly string[]): Promise<void> {
  const files = globSync("test/*/**/*.test.ts", { cwd: ROOT })
    .filter((path) => stage.owns(path, path.split("/")[1]))
    .filter((path) => paths.length === 0 || paths.some((wanted) => path === wanted || path.startsWith(`${wanted}/`)))
    .sort()
    .map((path) => resolve(ROOT, path));
  if (files.length === 0) return;
  console.log(`\n${stage.name}: ${files.length} files`);
  const missing = provide(stage.requirements);
  if (missing.length === 0) {
    const started = Date.now();
    await runFiles(stage, files);
    console.log(`${stage.name} took ${((Date.now() - started) / 60_000).toFixed(1)} minutes`);
    return;
  }
  add({ passed: 0, failed: 0, skipped: files.length });
  console.log(
    `SKIP ${stage.name}: ${missing.map(({ program }) => program).join(", ")} not found. ` +
      `Install them with: apt-get install ${missing.map(({ debianPackage }) => debianPackage).join(" ")}`,
  );
}

const wanted = process.argv.slice(2).filter((argument) => argument !== "--nightly");
const stageNames = ["check", ...STAGES.map(({ name }) => name)];
const paths = wanted.filter((word) => !stageNames.includes(word)).map((path) => path.replace(/\/$/, ""));
for (const path of paths) {
  if (existsSync(resolve(ROOT, path))) continue;
  console.error(`There is no ${path}. Name a stage (${stageNames.join(", ")}) or a path below test/.`);
  process.exit(2);
}
const chosen = wanted.filter((word) => stageNames.includes(word));
if (NIGHTLY) process.env.HINDCAST_NIGHTLY = "1";
process.chdir(ROOT);

if (chosen.includes("check") || wanted.length === 0) runChecks();
for (const stage of STAGES) {
  if (chosen.length === 0 || chosen.includes(stage.name)) await runStage(stage, paths);
}

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((name) => `  ${name}`).join("\n")}`);
const skippedInCi = process.env.CI === "true" && total.skipped > 0;
if (skippedInCi) console.log("\nIn CI a skipped test is a failure: nothing has shown that it would pass.");
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || skippedInCi || total.passed === 0 ? 1 : 0);
