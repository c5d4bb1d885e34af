import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Instant, instant, physicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Inlet, MachineEvent } from "../../src/machine/inlet.ts";
import type { Digest, MachineLike } from "../../src/machine/machine-interface.ts";
import { type MachineStop, NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";
import { recordedImage } from "../../src/replay/recorded-image.ts";
import type {
  ByteSource,
  ChunkCodec,
  RecordingHeader,
  RecordingMessage,
  RecordingSink,
} from "../../src/replay/recording-message.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";
import { RecordingWriter } from "../../src/replay/recording-writer.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import type { Hit, Motion, Progress, TravelOptions } from "../../src/replay/timeline-interface.ts";
import { CAUSES, dataAddress, type FakeGuest, FakeMachine, pcOf } from "./fake-machine.ts";

export const ZSTD: ChunkCodec = {
  compress: (bytes) => zstdCompressSync(bytes),
  decompress: (bytes, sizeBytes) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, sizeBytes) }),
};

/** Everything scaled down, so that runs of some ten thousand steps meet every case. */
export const SMALL: TimelineOptions = {
  sliceSteps: 400,
  spacingSteps: 2000,
  travelSpacingSteps: 2000,
  stepsPerPage: 1,
  nearSteps: 16,
  recorder: { fileSpacingSteps: 5000, restSpacingSteps: 3000, pageBytesPerStep: 1000 },
};

/** A recording in memory: sink of a recorder, and its bytes. */
export class MemoryRecording implements RecordingSink {
  readonly writer: RecordingWriter;
  readonly messages: RecordingMessage[] = [];
  readonly #parts: Uint8Array[] = [];
  backlogBytes = 0;

  constructor(header: RecordingHeader) {
    this.writer = new RecordingWriter({ write: (bytes) => void this.#parts.push(bytes.slice()) }, header, ZSTD);
  }

  post(message: RecordingMessage): void {
    // As another thread would get it.
    const received = structuredClone(message);
    this.messages.push(received);
    this.writer.write(received);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#parts));
  }
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

export function headerFor(machine: MachineLike): RecordingHeader {
  const text = new TextEncoder().encode("nop\n");
  return {
    tool: "hindcast test",
    configuration: machine.configuration,
    images: [recordedImage("program", "demo.elf", Uint8Array.of(1, 2, 3)), recordedImage("source", "demo.s", text)],
  };
}

/** Drives a motion to its end. A guest that waits without input would take for ever: `onWaiting` has to do something. */
export function drive<Result>(motion: Motion<Result>, onWaiting: (progress: Progress) => void = noInput): Result {
  for (;;) {
    const turn = motion.next();
    if (turn.done) return turn.value;
    if (turn.value.waiting) onWaiting(turn.value);
  }
}

function noInput(): never {
  throw new Error("the guest waits and there is no input");
}

/** Every accepted hit in [from, to), in order, at most `most`. */
export function* findAll(
  timeline: Timeline,
  { stops, accept }: TravelOptions,
  from: Instant,
  to: Instant,
  most: number,
): Motion<Hit[]> {
  const hits: Hit[] = [];
  const visit = (hit: Hit, machine: MachineLike) => {
    if (accept?.(hit, machine) ?? true) hits.push(hit);
    return hits.length < most ? 1 : "end";
  };
  yield* timeline.scan({ stops, visit }, from, to);
  return hits;
}

/** Counts the steps that a machine takes. */
export function counted(machine: MachineLike): { steps: number } {
  const count = { steps: 0 };
  const run = machine.run.bind(machine);
  machine.run = (until, options) => {
    const before = machine.instant;
    try {
      return run(until, options);
    } finally {
      count.steps += machine.instant - before;
    }
  };
  return count;
}

export interface Story {
  readonly seed: number;
  readonly guest: FakeGuest;
  readonly steps: number;
}

/** Runs a live timeline with input, idle time and edits at random moments up to `story.steps`. */
export function liveRun(story: Story, options: TimelineOptions = SMALL) {
  const prng = new Prng(story.seed);
  const machine = new FakeMachine(story.seed, story.guest);
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, options);
  advance(timeline, prng, story.steps);
  return { timeline, recording, prng };
}

/** Makes history up to `steps`, with things from outside happening at random. */
export function advance(timeline: Timeline, prng: Prng, steps: number): void {
  const type = () => void timeline.input(Uint8Array.from({ length: 1 + prng.below(4) }, () => prng.below(256)));
  while (timeline.end < steps) {
    const limit = Math.min(steps, timeline.end + 1 + prng.below(1500));
    const stop = drive(timeline.forward({ stops: NO_STOPS, limit: instant(limit) }), type);
    if (stop.kind !== "reached") return;
    const what = prng.below(8);
    if (what < 3) type();
    else if (what === 3) timeline.idle(prng.below(300));
    else if (what === 4) {
      timeline.edit({ target: "register", hart: 0, register: prng.below(4), value: BigInt(prng.next32()) });
    } else if (what === 5) {
      timeline.edit({
        target: "memory",
        address: physicalAddress(Number(dataAddress(prng.below(8)))),
        bytes: Uint8Array.of(prng.below(256)),
      });
    } else if (what === 6) timeline.edit({ target: "pc", hart: 0, value: pcOf(prng.below(60)) });
    else timeline.receive(Uint8Array.from({ length: 14 + prng.below(20) }, () => prng.below(256)));
  }
}

/** Says again what was recorded, at the instants at which it was: written apart from the replay under test. */
export class ScriptedInlet implements Inlet {
  readonly #events: readonly MachineEvent[];
  #next = 0;

  constructor(events: readonly MachineEvent[]) {
    this.#events = events;
  }

  take(at: Instant): MachineEvent | undefined {
    return this.#events[this.#next]?.instant === at ? this.#events[this.#next++] : undefined;
  }

  horizon(): number {
    return this.#events[this.#next]?.instant ?? Number.POSITIVE_INFINITY;
  }
}

/** Every event of a recording, as its messages have them. */
export function eventsOf(recording: MemoryRecording): MachineEvent[] {
  return recording.messages.flatMap((message) => (message.kind === "event" ? [message.event] : []));
}

/** What a straight run of another machine says about an instant. */
export interface TracedStep {
  readonly instant: Instant;
  readonly pc: bigint;
  readonly cause: number | undefined;
  /** Watches of `ALL_STOPS` that the step hit. */
  readonly watches: readonly number[];
}

export const ALL_STOPS: StopConditions = {
  breakpoints: [],
  watches: Array.from({ length: 8 }, (_, index) => ({
    address: dataAddress(index),
    length: 4,
    access: (["read", "write", "readWrite"] as const)[index % 3],
  })),
  exceptions: CAUSES,
};

/** Every step of a run, one at a time, on a machine of its own. */
export function trace(machine: MachineLike, events: readonly MachineEvent[], end: number): TracedStep[] {
  machine.inlet = new ScriptedInlet(events);
  machine.setStops(ALL_STOPS);
  const steps: TracedStep[] = [];
  machine.run(instant(0), { departing: false });
  while (machine.instant < end) {
    const at = machine.instant;
    const pc = machine.harts[0].pc;
    let stop = machine.run(instant(at + 1), { departing: false });
    const cause = stop.kind === "exception" ? stop.cause : undefined;
    if (cause !== undefined) stop = machine.run(instant(at + 1), { departing: true });
    const watches = stop.kind === "watch" ? [...new Set(stop.hits.map(({ watch }) => watch))] : [];
    steps.push({ instant: at, pc, cause, watches });
    if (machine.instant === at) break;
  }
  return steps;
}

/** Digests at some instants, by straight runs of one machine. */
export function digestsAt(machine: MachineLike, events: readonly MachineEvent[], instants: number[]) {
  machine.inlet = new ScriptedInlet(events);
  const digests = new Map<number, Digest>();
  for (const at of [...instants].sort((a, b) => a - b)) {
    const stop: MachineStop = machine.run(instant(at), { departing: true });
    if (machine.instant !== at) throw new Error(`stopped at ${machine.instant} before ${at}: ${stop.kind}`);
    digests.set(at, machine.digest());
  }
  return digests;
}

export function reopen(bytes: Uint8Array, outputLogBytes?: number): RecordingReader {
  return new RecordingReader(sourceOf(bytes), ZSTD, outputLogBytes);
}
