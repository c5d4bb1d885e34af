import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Bell } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { type DivergenceSource, differ } from "../../src/lockstep/divergence-sources.ts";
import type { Fault } from "../../src/lockstep/fault.ts";
import type { MachineConfiguration } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { encodeImage, recordedImage } from "../../src/replay/recorded-image.ts";
import { LocalPair, type PairMachine, type PairParts } from "../lockstep/local-pair.ts";
import { program, SMALL } from "../machine/guests.ts";
import { PairRecorder } from "./pair-recorder.ts";

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-pair-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface RecordedPairOptions extends Partial<PairParts> {
  readonly configuration?: Partial<MachineConfiguration>;
  readonly diverge?: readonly DivergenceSource[];
  readonly input?: string;
  readonly onMachine?: (machine: Machine) => void;
}

export interface RecordedPair {
  readonly pair: LocalPair;
  readonly output: string;
  readonly paths: readonly string[];
}

/** Runs a pair to its end and records it, on a clock that goes on by a millisecond at each look. */
export async function recordPair(
  path: string,
  source: string,
  { configuration, diverge = [], input, onMachine, ...parts }: RecordedPairOptions = {},
): Promise<RecordedPair> {
  const board = { ...SMALL, ...configuration };
  const differing = differ(board, diverge, 3);
  const recorder = new PairRecorder(path, new Bell());
  const image = program(source);
  const make = (of: MachineConfiguration): PairMachine => {
    const machine = new Machine(of);
    machine.load(image);
    onMachine?.(machine);
    const text = new TextEncoder().encode(source);
    const images = [recordedImage("program", "guest.s", text), recordedImage("memory", "memory", encodeImage(image))];
    return { machine, record: recorder.of(machine, images, "guest.s") };
  };
  let output = "";
  let now = 0;
  const secondary = () => ({ ...make(differing.configuration), skew: differing.skew });
  const pair = new LocalPair({
    ...{ primary: make(board), secondary: secondary(), newSecondary: secondary },
    onConsole: (bytes) => {
      output += String.fromCharCode(...bytes);
    },
    onFrame: () => {},
    nowMs: () => now++,
    ...parts,
  });
  if (input !== undefined) pair.input({ kind: "console-input", bytes: new TextEncoder().encode(input) });
  const motion = pair.forward(Number.MAX_SAFE_INTEGER);
  while (!motion.next().done) {
    assert.equal(pair.failure, undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(now < 10_000_000, `the pair does not come to its end: ${JSON.stringify(pair.report())}`);
  }
  await Promise.all(pair.recordings.map((recording) => recording.close()));
  return { pair, output, paths: pair.recordings.flatMap(({ paths }) => paths) };
}

/** Replays a recording to its end, which throws when it does anything else than was recorded. */
export function replayed(path: string): { first: number; end: number; verified: number; output: string } {
  const session = openRecording(path);
  try {
    const { timeline } = session;
    const { first } = timeline;
    const motion = timeline.forward({ stops: NO_STOPS, limit: timeline.end });
    while (!motion.next().done);
    // And back, and there again by way of its checkpoints.
    for (const at of [first, timeline.end, first + Math.floor((timeline.end - first) / 2)]) {
      const seek = timeline.seek(at as typeof first);
      while (!seek.next().done);
      assert.equal(timeline.now, at);
    }
    const { history } = timeline;
    const output = new TextDecoder().decode(history.outputBytes(0, history.outputLength));
    return { first, end: timeline.end, verified: timeline.verifiedDigests, output };
  } finally {
    session.close();
  }
}

/** Flips of which one is heard, of a guest that computes for 100 rounds. */
export const HEARD: RecordedPairOptions & { readonly faults: readonly Fault[] } = {
  faults: (["flip-register", "flip-memory"] as const).map((kind, index) => {
    return { kind, role: "secondary", instant: 70_000 + index };
  }),
  ...{ faultSeed: 3, options: { slackSteps: 20_000, digestSteps: 20_000 } },
};
