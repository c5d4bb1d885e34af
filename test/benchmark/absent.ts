/**
 * `npm run bench:absent [-- --rounds N] [--only seek,join]`: a machine of 1 GiB, two thirds of it filled, that runs before its
 * pages are there. How long a seek takes in its recording until the first instruction there has run, in a session that has just opened it and in
 * one that has been to other places; and how long one who joins such a machine in lockstep takes until it runs, and its primary
 * stands still. On a machine with two cores that does nothing else. The recording takes some 400 MB of the folder for temporary files.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Prng } from "../../src/base/prng.ts";
import { FileByteSource } from "../../src/host/recording-source.ts";
import { ZSTD } from "../../src/host/zstd.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";
import { FILLED_PAGES, STIRRING } from "./absent-guests.ts";
import { measureJoin } from "./absent-join.ts";
import { buildCli } from "./contenders.ts";
import { timed, withDebuggee } from "./machine-thread.ts";
import { checkNames } from "./names.ts";
import { spreadOf, spreadText } from "./statistics.ts";

const SECTIONS = ["seek", "join"];
const GIB = 2 ** 30;
const SEEKS_PER_SESSION = 20;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, only: { type: "string", default: SECTIONS.join(",") } },
});
const rounds = Number(values.rounds);
const sections = values.only.split(",");
checkNames("--only", sections, SECTIONS);
buildCli();
console.log(`Node ${process.versions.node}, load ${loadavg()[0].toFixed(2)}; 1 GiB, ${FILLED_PAGES} pages filled\n`);
if (sections.includes("seek")) await seek();
if (sections.includes("join")) joins();
process.exit(0);

/** To a checkpoint and one instruction on: what replaying from a checkpoint to a place takes is not the question here. */
async function seek(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-bench-"));
  try {
    const [program, recording] = [join(folder, "guest.s"), join(folder, "guest.hindcast")];
    writeFileSync(program, STIRRING);
    await withDebuggee(async (debuggee) => {
      await debuggee.launch({ program, recordTo: recording, memoryBytes: GIB, stopOnEntry: true });
      await debuggee.resume();
      await debuggee.close();
    });
    const { checkpoints } = new RecordingReader(new FileByteSource(recording), ZSTD);
    const places = checkpoints.checkpoints.slice(1, -1).map(({ instant }) => instant + 1);
    const random = new Prng(1);
    const [opening, fresh, warm]: number[][] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      await withDebuggee(async (debuggee) => {
        opening.push((await timed(() => debuggee.launch({ recording, stopOnEntry: true })))[0]);
        for (let count = 0; count < SEEKS_PER_SESSION; count++) {
          const place = random.pick(places);
          const [ms, { instant }] = await timed(() => debuggee.seek(place));
          if (instant !== place) throw new Error(`arrived at ${instant} instead of ${place}`);
          (count === 0 ? fresh : warm).push(ms);
        }
        await debuggee.close();
      });
    }
    const shown = (times: readonly number[]) => `${spreadText(spreadOf(times), 1)} ms (${times.length})`;
    console.log(`a seek until the first instruction there has run (goal: 50 ms)`);
    console.log(`  the first one of a session: ${shown(fresh)}; opening the recording before it: ${shown(opening)}`);
    console.log(`  further ones: ${shown(warm)}, p99 ${spreadOf(warm).p99.toFixed(1)} ms\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function joins(): void {
  const times = Array.from({ length: rounds }, () => measureJoin(GIB));
  const shown = (of: (one: (typeof times)[number]) => number) => `${spreadText(spreadOf(times.map(of)), 1)} ms`;
  console.log(`one who joins (both machines in one thread) runs after ${shown((one) => one.untilRun)} (goal: 100 ms)`);
  console.log(`  the primary stands still ${shown((one) => one.standsBefore)} at most until then,`);
  console.log(
    `  and ${shown((one) => one.standsAfter)} at most while pages come, which takes ${shown((one) => one.untilWhole)}`,
  );
}
