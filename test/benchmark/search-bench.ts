/**
 * `npm run bench:search`: searches of a whole recording of ten thousand million steps by one thread and by two, and by one worker and
 * by two over a NATS server of this computer. Prints a table. Needs `npm run build`.
 *
 *     --steps N      how long the run is, about (1e10)
 *     --repeats N    of each search, in turns (3)
 *     --only threads or --only nats
 *     --json FILE    the figures
 */
import { type ChildProcess, type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { provide } from "../../scripts/debian-packages.ts";
import { CLI } from "./contenders.ts";
import { type Spread, spreadOf, spreadText, table } from "./statistics.ts";
import { buildTravelGuest, hotLine, STEPS_PER_ROUND } from "./travel.ts";

/** The hot line is hit a hundred million times in this many steps. */
const HOT_STEPS = 800_000_000;

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "1e10" },
    repeats: { type: "string", default: "3" },
    only: { type: "string", default: "threads,nats" },
    json: { type: "string" },
  },
});
const rounds = Math.round(Number(values.steps) / STEPS_PER_ROUND);
const repeats = Number(values.repeats);
const sections = values.only.split(",");
const missing = provide([
  { program: "riscv64-unknown-elf-gcc", debianPackage: "gcc-riscv64-unknown-elf" },
  { program: "nats-server", debianPackage: "nats-server" },
]);
if (missing.length > 0) {
  console.error(`The benchmark needs ${missing.map(({ debianPackage }) => debianPackage).join(", ")}.`);
  process.exit(3);
}

const folder = mkdtempSync(join(tmpdir(), "hindcast-bench-search-"));
const recording = join(folder, "travel.hindcast");
const children: ChildProcess[] = [];

interface Figures {
  readonly question: string;
  readonly by: string;
  readonly one: Spread;
  readonly two: Spread;
}

/** The answer's own seconds: from the opened recording to the last row. */
function searchSeconds(args: readonly string[]): { seconds: number; answer: string } {
  const options: ExecFileSyncOptionsWithStringEncoding = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  let stdout: string;
  try {
    stdout = execFileSync(process.execPath, [CLI, "query", recording, ...args, "--json"], options);
  } catch (error) {
    // Nothing found is an answer, of exit code 1.
    stdout = (error as { stdout: string }).stdout;
  }
  // Columns are for drawing: at their edges they depend on how the recording was cut.
  const {
    seconds,
    columns: _,
    ...answer
  } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { seconds: number; columns?: unknown };
  if (seconds === undefined) throw new Error(`query ${args.join(" ")}: ${stdout}`);
  return { seconds, answer: JSON.stringify(answer) };
}

/** Alternates, so that whatever else the computer does meets both; the answers must be the same. */
function compare(question: readonly string[], by: string, one: readonly string[], two: readonly string[]): Figures {
  const times: [number[], number[]] = [[], []];
  const answers = new Set<string>();
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [index, how] of [one, two].entries()) {
      const { seconds, answer } = searchSeconds([...question, ...how]);
      times[index].push(seconds);
      answers.add(answer);
    }
  }
  if (answers.size !== 1) throw new Error(`${question.join(" ")}: the answers differ`);
  return { question: question.join(" "), by, one: spreadOf(times[0]), two: spreadOf(times[1]) };
}

async function natsServer(name: string): Promise<string> {
  const args = ["-js", "-a", "127.0.0.1", "-p", "-1", "-sd", join(folder, name)];
  const server = spawn("nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
  children.push(server);
  for (let log = ""; ; ) {
    log += String((await once(server.stderr, "data"))[0]);
    const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (port !== undefined && log.includes("Server is ready")) return `nats://127.0.0.1:${port}`;
  }
}

async function natsWorker(url: string): Promise<void> {
  const args = [CLI, "worker", "--nats", url, "--threads", "1"];
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  children.push(worker);
  while (!String((await once(worker.stderr, "data"))[0]).includes("Working for"));
}

try {
  const { path } = buildTravelGuest(rounds);
  execFileSync(process.execPath, [CLI, "record", path, "-o", recording, "--quiet"], { stdio: "ignore" });
  const info = execFileSync(process.execPath, [CLI, "info", recording, "--json"], { encoding: "utf8" });
  const { instants, checkpoints, bytes } = JSON.parse(info) as Record<string, number>;
  const after = String(Math.max(0, instants - HOT_STEPS));
  const questions = [
    ["writes", "rare", "--count"],
    ["hits", "mark", "--if", "$a0 == 99999999", "--count"],
    ["hits", `travel.c:${hotLine()}`, "--if", "$a5 == 0x123456789", "--after", after, "--count"],
    ["series", "*marked", "--most", "10"],
  ];
  const figures: Figures[] = [];
  if (sections.includes("threads")) {
    for (const question of questions)
      figures.push(compare(question, "threads", ["--threads", "1"], ["--threads", "2"]));
  }
  if (sections.includes("nats")) {
    const [one, two] = [await natsServer("one"), await natsServer("two")];
    for (const url of [one, two, two]) await natsWorker(url);
    // The recording is sent, and machines are warm, as they are for whoever asks more than once.
    for (const url of [one, two]) searchSeconds([...questions[0], "--nats", url]);
    for (const question of questions) figures.push(compare(question, "workers", ["--nats", one], ["--nats", two]));
  }
  const size = `${instants.toLocaleString("en-US")} steps, ${checkpoints} checkpoints, ${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`${size}; ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} at the end; seconds\n`);
  console.log(
    table(
      ["question", "by", "one", "two", "one / two"],
      figures.map(({ question, by, one, two }) => [
        question,
        by,
        spreadText(one, 2),
        spreadText(two, 2),
        (one.median / two.median).toFixed(2),
      ]),
    ),
  );
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ instants, checkpoints, bytes, figures }));
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
