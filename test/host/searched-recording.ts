import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { Question, Row, SearchState, SegmentRunner } from "../../src/debuggee/search-protocol.ts";
import { loadBoot } from "../../src/host/boot-files.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { openRecording, type RecordedSession } from "../../src/host/recorded-session.ts";
import { RecordingFile } from "../../src/host/recording-file.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { SEARCHED } from "../debuggee/search-guests.ts";

/** The guest of the searches' tests, recorded with a checkpoint every few thousand steps, so that there are many segments. */
export async function recordSearched(folder: string, name: string, harts = 1): Promise<string> {
  const live = startSearched(folder, name, harts);
  finish(live.timeline.forward({ stops: NO_STOPS, limit: 15_000 as never }));
  live.timeline.close();
  await live.recording.close();
  return live.recording.path;
}

export function startSearched(folder: string, name: string, harts = 1) {
  // Some times as long as theirs.
  return startRecording(folder, name, SEARCHED.replace("li      t0, 100\n", "li      t0, 250\n"), harts);
}

/** Any guest, recorded so. */
export function startRecording(folder: string, name: string, source: string, harts = 1) {
  const program = `${folder}/${name}.s`;
  writeFileSync(program, source);
  const configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m" as const, harts };
  const machine = new Machine(configuration);
  const boot = loadBoot({ program }, configuration);
  machine.load(boot.image);
  const header = { tool: "test", configuration, images: boot.recorded };
  const recording = RecordingFile.create(`${folder}/${name}.hindcast`, header, () => {});
  const options = {
    spacingSteps: 500,
    sliceSteps: 200,
    stepsPerPage: 1,
    recorder: { fileSpacingSteps: 500, leastSpacingShare: 0, pageBytesPerStep: 1e6 },
  };
  const timeline = Timeline.record(machine, recording, options, recording.checkpoints);
  return { machine, timeline, recording, programs: boot.programs, image: boot.image };
}

export interface Asked {
  readonly session: RecordedSession;
  readonly debuggee: Debuggee;
}

export function openAsked(path: string, runner: (session: RecordedSession) => SegmentRunner | undefined): Asked {
  const session = openRecording(path);
  const { timeline, programs } = session;
  const segmentRunner = runner(session);
  const parts = { timeline, history: timeline.history, programs, emit: () => {} };
  return { session, debuggee: new Debuggee({ ...parts, ...(segmentRunner && { segmentRunner }) }) };
}

/** Waits for what threads do, and does what the debuggee's own machine has to. */
async function waitFor<T>(debuggee: Debuggee, look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    finish(debuggee.searchEngine.work());
    const found = await look();
    if (found !== undefined) return found;
    await sleep(2);
  }
}

export async function untilDone(debuggee: Debuggee, id: number): Promise<SearchState> {
  return waitFor(debuggee, async () => {
    const states = await debuggee.searchEngine.searches();
    return states.find((state) => state.id === id && state.done);
  });
}

/** All rows of a question, newest first. */
export async function rowsOf(debuggee: Debuggee, question: Question): Promise<{ state: SearchState; rows: Row[] }> {
  const engine = debuggee.searchEngine;
  const { id } = await engine.startSearch(question);
  const state = await untilDone(debuggee, id);
  const rows: Row[] = [];
  while (rows.length < state.rows) {
    let page: Row[] | undefined;
    const asked = engine.searchRows(id, rows.length, 200).then((found) => {
      page = found;
    });
    await waitFor(debuggee, async () => page);
    await asked;
    rows.push(...page!);
  }
  await engine.closeSearch(id);
  return { state, rows };
}
