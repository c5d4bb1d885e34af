import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Bell } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { type DivergenceSource, differ } from "../../src/lockstep/divergence-sources.ts";
import type { MachineConfiguration } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { encodeImage, recordedImage } from "../../src/replay/recorded-image.ts";
import { LocalPair, type PairMachine, type PairParts } from "../lockstep/local-pair.ts";
import { program, SMALL } from "../machine/guests.ts";
import { PairRecorder } from "./pair-recorder.ts";

/** All that it says follows from all that it has computed: a number in a table, stirred and printed now and then. */
export const computing = (rounds: number): string => `
  .equ UART, 0x10000000
_start:
  li   s0, ${rounds}
  li   s1, 1
  li   s2, UART
  la   s3, table
round:
  li   t0, 200
1:
  li   t1, 6364136223846793005
  mul  s1, s1, t1
  addi s1, s1, 1021
  srli t1, s1, 53
  andi t1, t1, -8
  add  t1, t1, s3
  ld   t2, 0(t1)
  add  s1, s1, t2
  sd   s1, 0(t1)
  addi t0, t0, -1
  bnez t0, 1b
  srli t1, s1, 60
  addi t1, t1, 'a'
  sb   t1, 0(s2)
  addi s0, s0, -1
  bnez s0, round
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
  .bss
  .balign 8
table: .zero 2048
`;

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-pair-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface RecordedPairOptions extends Partial<PairParts> {
  readonly configuration?: Partial<MachineConfiguration>;
  readonly diverge?: readonly DivergenceSource[];
  readonly input?: string;
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
  { configuration, diverge = [], input, ...parts }: RecordedPairOptions = {},
): Promise<RecordedPair> {
  const board = { ...SMALL, ...configuration };
  const differing = differ(board, diverge, 3);
  const recorder = new PairRecorder(path, new Bell());
  const image = program(source);
  const make = (of: MachineConfiguration): PairMachine => {
    const machine = new Machine(of);
    machine.load(image);
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
