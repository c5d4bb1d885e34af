import { basename } from "node:path";
import packageDescription from "../../package.json" with { type: "json" };
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { MACHINE_DEVICES, type ReplicaHost } from "../lockstep/machine-replica.ts";
import type { Counts } from "../lockstep/replica.ts";
import type { Sight, Tap } from "../lockstep/tap.ts";
import type { EngineChoice, MachineConfiguration } from "../machine/configuration.ts";
import type { Inlet, Outlet } from "../machine/inlet.ts";
import type { Machine } from "../machine/machine.ts";
import type { Checkpoint } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { PairHeader, RecordedImage, RecordingHeader, RecordingSink } from "../replay/recording-message.ts";
import { type Doors, Timeline } from "../replay/timeline.ts";
import { bookmarksBeside, timelineOptions } from "./live-session.ts";
import { pairFile } from "./pair-files.ts";
import { PairLogWriter } from "./pair-log-codec.ts";
import { RecordingFile } from "./recording-file.ts";
import { threadMs } from "./thread-clock.ts";
import { AdaptiveTurns } from "./turn-length.ts";

/** What is gathered of the protocol goes to the file when it is so much, or so old: a killed process loses that. */
const LOG_BYTES = 16 * 1024;
const LOG_MS = 100;
/** A machine that is given another state again and again would fill a folder. */
const MOST_STRETCHES = 256;

export interface MemberRecordingParts {
  /** The recording of the pair's first member. */
  readonly path: string;
  readonly pair: string;
  readonly member: string;
  readonly role: PairHeader["role"];
  /** Whose state it is given when it is given one. */
  readonly partner: string | undefined;
  /** It begins with its partner's state, and is recorded from there on. */
  readonly joins: boolean;
  /** Of the machine, with its variation. */
  readonly configuration: MachineConfiguration;
  readonly images: readonly RecordedImage[];
  readonly engine?: EngineChoice | undefined;
  /** Somebody travels in what is recorded while it goes on: that needs whole states. */
  readonly isDebugged?: boolean;
  /** Since the pair's beginning. */
  readonly nowMs: () => number;
  /** The writer has room again, or has failed. */
  readonly onRoom: () => void;
}

/**
 * A member of a pair whose machine is under a timeline with its recorder: what it does, and what it sees of the protocol, is
 * recorded, in a file for each stretch. A stretch ends where the machine is given another state, and the next one begins
 * when the machine runs on from there.
 */
export class MemberRecording implements ReplicaHost {
  readonly #parts: MemberRecordingParts;
  readonly #machine: Machine;
  readonly #reset: Checkpoint;
  readonly #log = new PairLogWriter();
  #logMs = 0;
  #doors: Doors | undefined;
  #timeline: Timeline | undefined;
  #file: RecordingFile | undefined;
  readonly #closing: Promise<void>[] = [];
  readonly #paths: string[] = [];
  readonly #warnings: string[] = [];
  #closedBytes = 0;
  #failure: string | undefined;
  /** What the next stretch begins with. */
  #said: Counts = MACHINE_DEVICES.map(() => 0);
  #from: PairHeader["from"];
  #isClosed = false;
  /** The file has what the stretch begins with: all pages of that have come. */
  #hasStart = false;
  /** The machine stands before something that needs a page, or in the midst of an event. */
  #needsPage = false;
  /** Called when a stretch has begun: its timeline is another. */
  onStretch: (timeline: Timeline) => void = () => {};
  /** Runs the machine in its place, for a debugger. Undefined: the user does not let it go on. */
  runBy: ((timeline: Timeline, until: Instant) => MachineStop | undefined) | undefined;

  /** The machine at reset. */
  constructor(machine: Machine, parts: MemberRecordingParts) {
    this.#parts = parts;
    this.#machine = machine;
    this.#reset = machine.checkpoint();
  }

  /** Hears what the member sees of the protocol. */
  readonly tap: Tap = (sight) => this.saw(sight);

  /** Of the present stretch; undefined until its machine runs. */
  get timeline(): Timeline | undefined {
    return this.#timeline;
  }

  /** The recordings of its stretches so far, the newest last. */
  get paths(): readonly string[] {
    return this.#paths;
  }

  get file(): RecordingFile | undefined {
    return this.#file;
  }

  get fileBytes(): number {
    return this.#closedBytes + (this.#file?.fileBytes ?? 0);
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** A sentence once nothing more can be recorded. */
  get failure(): string | undefined {
    return this.#failure ?? this.#file?.failure;
  }

  connect(inlet: Inlet, outlet: Outlet): void {
    this.#doors = { inlet, outlet };
    if (!this.#parts.joins) this.#begin();
  }

  get toleratesAbsentPages(): boolean {
    return this.#parts.isDebugged !== true;
  }

  run(until: Instant): MachineStop | undefined {
    const timeline = this.#timeline ?? this.#begin();
    const stop = this.runBy === undefined ? timeline.advance(until) : this.runBy(timeline, until);
    if (stop !== undefined) this.#needsPage = stop.kind === "absent";
    return stop;
  }

  replace(checkpoint: Checkpoint, counts: Counts, isForeign: boolean): void {
    this.#end();
    this.#machine.restore(checkpoint);
    this.#said = [...counts];
    const { member, partner } = this.#parts;
    const why = this.#paths.length === 0 ? "join" : "resynchronise";
    this.#from = isForeign ? { member: partner ?? "", why } : { member, why: "fall-back" };
  }

  saw(sight: Sight): void {
    const nowMs = this.#parts.nowMs();
    const log = this.#log;
    if (log.length === 0) this.#logMs = nowMs;
    log.add(sight, Math.max(this.#timeline?.end ?? 0, this.#machine.instant), nowMs);
    // In the midst of a slice: what it has done comes before.
    if (sight.kind === "fault") return;
    if (log.length >= LOG_BYTES || nowMs - this.#logMs >= LOG_MS) this.flush();
  }

  /** What the member has seen goes to the writer. */
  flush(): void {
    if (this.#log.length === 0 || this.#timeline === undefined || !this.#hasStart) return;
    const bytes = this.#log.take();
    this.#file?.post({ kind: "lockstep", instant: this.#timeline.end, bytes });
  }

  /** Resolves when what was recorded until now is in the files, for other readers of them: ended stretches included. */
  async written(): Promise<void> {
    this.flush();
    await Promise.all([...this.#closing, this.#file?.flush()]);
  }

  /** Ends the recording in good order. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      // It was given a state and has not run on from there: what it saw is still to be told.
      if (this.#timeline === undefined && this.#log.length > 0 && this.#from !== undefined) this.#begin();
      this.#end();
    }
    this.#isClosed = true;
    await Promise.all(this.#closing);
  }

  /** Nobody ends it: as when its process was killed. */
  async abandon(): Promise<void> {
    this.#isClosed = true;
    this.#closeFile();
    await Promise.all(this.#closing);
  }

  #begin(): Timeline {
    const { engine, onRoom } = this.#parts;
    const file = this.#create(onRoom);
    this.#file = file;
    this.#hasStart = file === undefined;
    this.#needsPage = false;
    const isStart = this.#from === undefined;
    this.#timeline = Timeline.record(
      this.#machine,
      file && this.#sinkOf(file),
      {
        ...timelineOptions(engine),
        ...(this.toleratesAbsentPages && { pages: "elsewhere" as const }),
        turns: new AdaptiveTurns(() => performance.now(), undefined, threadMs),
        ...(this.#doors && { doors: this.#doors }),
        ...(isStart ? {} : { reset: this.#reset }),
        ...(file && { bookmarkKeeper: bookmarksBeside(file.path, this.#machine) }),
      },
      file?.checkpoints,
    );
    this.onStretch(this.#timeline);
    return this.#timeline;
  }

  /** Undefined: from here on the member is not recorded. */
  #create(onRoom: () => void): RecordingFile | undefined {
    const { path, member } = this.#parts;
    const stretch = this.#paths.length + 1;
    if (this.#failure !== undefined) return undefined;
    if (stretch > MOST_STRETCHES) {
      const sentence = tooManyStretches(member);
      if (!this.#warnings.includes(sentence)) this.#warnings.push(sentence);
      return undefined;
    }
    const target = pairFile(path, member, stretch);
    try {
      const file = RecordingFile.create(target, this.#header(stretch), onRoom);
      this.#paths.push(target);
      return file;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#failure = `Machine ${member} is not recorded any further: ${error.message}`;
      return undefined;
    }
  }

  #header(stretch: number): RecordingHeader {
    const { pair, member, role, configuration, images, nowMs } = this.#parts;
    const first = this.#paths[0];
    const from = this.#from;
    const lockstep: PairHeader = {
      ...{ pair, member, role, stretch, timeMs: nowMs(), said: this.#said },
      ...(from && { from }),
      ...(first !== undefined && { imagesIn: basename(first) }),
    };
    return {
      ...{ tool: `hindcast ${packageDescription.version}`, configuration, lockstep },
      images: images.map((image) => ({ ...image, bytes: first === undefined ? ownBytes(image) : undefined })),
      ...(from && { start: { instant: this.#machine.instant, digest: this.#machine.digest() } }),
    };
  }

  /** Nothing goes to the file before what the stretch begins with. */
  #sinkOf(file: RecordingFile): RecordingSink {
    return {
      post: (message) => {
        this.#hasStart = true;
        file.post(message);
      },
      get backlogBytes() {
        return file.backlogBytes;
      },
    };
  }

  #end(): void {
    const timeline = this.#timeline;
    if (timeline?.live === true) {
      // What waited for pages that have come is done, so that the last state is a whole one.
      if (this.#needsPage || !this.#hasStart) this.run(this.#machine.instant);
      this.flush();
      if (this.#hasStart && !this.#needsPage) timeline.close();
    }
    // The pages of a stretch without a start never came: nobody will know what was done there.
    if (!this.#hasStart) this.#log.take();
    this.#timeline = undefined;
    this.#closeFile();
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    const closed = file.close().then(() => {
      this.#closedBytes += file.fileBytes;
      this.#failure ??= file.failure;
    });
    this.#closing.push(closed);
  }
}

/** What is packed for a header goes to the writer's thread and is gone here; disks stay. */
function ownBytes({ role, bytes, packed }: RecordedImage): Uint8Array | undefined {
  return packed === undefined || role === "disk" ? bytes : bytes?.slice();
}

function tooManyStretches(member: string): string {
  return `Machine ${member} was given another state more than ${MOST_STRETCHES} times: what it does from here on is not recorded.`;
}
