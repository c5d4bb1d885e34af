import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { Row } from "../../src/debuggee/search-protocol.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { FileByteSource } from "../../src/host/recording-source.ts";
import { ZSTD } from "../../src/host/zstd.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { startRecording } from "./searched-recording.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-leaps-"));
after(() => rmSync(folder, { recursive: true }));

/** Writes one page all the time, and another one now and then. */
const GUEST = `
        .globl  _start
_start: la      s0, busy
        la      s1, seldom
outer:  li      s2, 3000
1:      sd      s2, 0(s0)
        addi    s2, s2, -1
        bnez    s2, 1b
        ld      t0, 0(s1)
        addi    t0, t0, 1
        sd      t0, 0(s1)
        j       outer
        .data
        .balign 4096
busy:   .zero   4096
seldom: .zero   4096
`;
const END = 100_000;

test("a series leaps over what the recording says was not written, and has the same rows, an edit's included", async () => {
  const { machine, timeline, recording, programs, image } = startRecording(folder, "guest", GUEST);
  const address = programs[0].symbols.find(({ name }) => name === "seldom")!.address;
  for (const limit of [31_000, 70_000, END]) {
    finish(timeline.forward({ stops: NO_STOPS, limit: limit as never }));
    if (limit < END) {
      timeline.edit({ target: "memory", address: Number(address) as never, bytes: Uint8Array.of(limit / 1000) });
      finish(timeline.forward({ stops: NO_STOPS, limit: (limit + 1) as never }));
    }
  }
  const expected: [number, bigint][] = [];
  const alive = new Debuggee({ timeline, history: timeline.history, programs, emit: () => {} });
  for (const { instant, bits } of await rowsOf(alive)) expected.push([instant, bits!]);
  assert.ok(expected.length > 10);
  assert.ok(
    expected.some(([instant]) => instant === 30_999),
    "the edit at instant 31,000",
  );
  timeline.close();
  await recording.close();

  const source = new FileByteSource(recording.path);
  const fresh = new Machine(machine.configuration);
  fresh.load(image);
  const replay = Timeline.open(fresh, new RecordingReader(source, ZSTD), { sliceSteps: 200 });
  const parts = { timeline: replay, history: replay.history, programs };
  const again = new Debuggee({ ...parts, emit: () => {} });
  assert.deepEqual(
    (await rowsOf(again)).map(({ instant, bits }) => [instant, bits]),
    expected,
  );
  assert.ok(longestLeap > 1000, `${longestLeap} steps`);
  // From any instant on, too.
  for (const from of [1, 12_345, 30_999, 31_000, 31_001, 60_000]) {
    const found = finish(again.firstDifference({ expression: "*(u64*)seldom" }, from));
    assert.equal(found?.instant, expected.find(([instant]) => instant >= from)?.[0], `from ${from}`);
    const bytes = finish(again.firstDifference({ address, length: 8 }, from));
    assert.equal(bytes?.instant, found?.instant);
  }
  source.close();
});

/** Between two looks of the last search: what it need not run through. */
let longestLeap = 0;

async function rowsOf({ searchEngine }: Debuggee): Promise<Row[]> {
  const { id } = await searchEngine.startSearch({ kind: "series", expression: "*(u64*)seldom" });
  let last = 0;
  longestLeap = 0;
  for (const { instant } of searchEngine.work()) {
    longestLeap = Math.max(longestLeap, instant - last);
    last = instant;
  }
  const [state] = await searchEngine.searches();
  assert.ok(state.done && state.problem === undefined, state.problem);
  const page = searchEngine.searchRows(id, 0, Math.min(1000, state.rows));
  finish(searchEngine.work());
  return (await page).reverse();
}
