import type { Instant } from "../base/brand.ts";
import { ByteWriter } from "../base/byte-cursor.ts";
import { fetchVersion } from "../machine/absent-version.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import type { Checkpoint, Digest, PageVersion, WrittenPages } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { SavedState } from "./checkpoint-store.ts";
import type { RecordingMessage, RecordingSink } from "./recording-message.ts";
import { PAGE_BYTES } from "./recording-writer.ts";

/** The machine is held while more than this waits for the writer. */
const MOST_BACKLOG_BYTES = 64 * 1024 * 1024;
/** Checkpoints, which can wait, are put off while more than this waits. */
const CHECKPOINT_BACKLOG_BYTES = 16 * 1024 * 1024;
/** Output is gathered up to this, or to the end of a slice: a message to another thread costs as much as many bytes. */
const MOST_OUTPUT_RECORD_BYTES = 4096;
/** Pages that cross to the writer in one message: a mebibyte. */
const PAGES_PER_MESSAGE = 256;

export interface RecorderOptions {
  /** Turns between two checkpoints of the file while the machine runs: a tenth of a second's work to replay. */
  readonly fileSpacingTurns: number;
  /** At most so many steps: a session that opens the file begins with code that is not translated, and is slower. */
  readonly fileSpacingSteps: number;
  /** The same where the machine comes to rest, where people come back to. */
  readonly restSpacingSteps: number;
  /**
   * Checkpoints are at least this part of the whole run apart: so in a run of hours their number, and what is in memory of each,
   * grows with its logarithm.
   */
  readonly leastSpacingShare: number;
  /**
   * Bytes of pages that the file may grow by, beyond the first checkpoint: per step, and per turn where that is more. A
   * guest that writes all over its memory gets checkpoints farther apart instead of a recording without end.
   */
  readonly pageBytesPerStep: number;
  readonly pageBytesPerTurn: number;
}

/** A turn is some ten milliseconds: 20 MB a second before compression, and more of a guest that takes more than 125 million steps in one second. */
export const RECORDER_OPTIONS: RecorderOptions = {
  fileSpacingTurns: 10,
  fileSpacingSteps: 50_000_000,
  restSpacingSteps: 10_000_000,
  leastSpacingShare: 1 / 8192,
  pageBytesPerStep: 0.16,
  pageBytesPerTurn: 200_000,
};

/** What happens while pages of the start are on their way is kept: as much as that, beside its payload, for each. */
const HELD_MESSAGE_BYTES = 64;

type Changed = readonly { readonly page: number; readonly version: PageVersion | undefined }[];

/** A start of which pages have still to come, and what has happened since. */
interface Unfinished {
  readonly saved: SavedState;
  readonly changed: Changed;
  /** Of those the first so many are here. */
  here: number;
  readonly messages: RecordingMessage[];
  bytes: number;
}

/** Turns what happens into messages for the writer: outputs gathered, checkpoints as what has changed. */
export class Recorder {
  readonly #sink: RecordingSink;
  readonly #options: RecorderOptions;
  /** The state that the next checkpoint of the file is told apart from; its pages stay in memory for that. */
  #base: Checkpoint;
  #baseEvents = 0;
  #pageBytes = 0;
  /** What `#pageBytes` may come to by now. */
  #mostPageBytes = 0;
  readonly #writtenPages: WrittenPages | undefined;
  /** Pages that were written since `#base`, as far as they were taken. */
  readonly #written = new Set<number>();
  /** Turns that the machine ran since `#base`. */
  #turns = 0;
  #unfinished: Unfinished | undefined;
  #outputs: number[] = [];
  #outputDeltas = new ByteWriter(MOST_OUTPUT_RECORD_BYTES);
  #outputStart = 0;
  #outputLast = 0;

  /**
   * The state at reset, and the one that the run begins with: where that is another, it is the file's first checkpoint.
   * `writtenPages` of the machine that makes the run; undefined: any page may have been written at any time.
   */
  constructor(
    sink: RecordingSink,
    { reset, start }: { readonly reset: Checkpoint; readonly start: SavedState },
    options: Partial<RecorderOptions> = {},
    writtenPages?: WrittenPages,
  ) {
    this.#sink = sink;
    this.#writtenPages = writtenPages;
    // What was written at reset.
    writtenPages?.take();
    this.#base = reset;
    this.#options = { ...RECORDER_OPTIONS, ...options };
    if (start.checkpoint === reset) return;
    this.#base = start.checkpoint;
    const changed = [...start.checkpoint.pages.changedSince(reset.pages)];
    this.#unfinished = { saved: start, changed, here: 0, messages: [], bytes: 0 };
    this.#finishStart();
  }

  /** The file has the state that the run begins with: until all of its pages have come, nothing of the run is in the file. */
  get hasStart(): boolean {
    return this.#unfinished === undefined;
  }

  /** The writer has fallen behind its bound, or too much waits for pages: the machine has to wait. */
  get isBehind(): boolean {
    return this.#sink.backlogBytes + (this.#unfinished?.bytes ?? 0) > MOST_BACKLOG_BYTES;
  }

  event(event: MachineEvent): void {
    this.flushOutput();
    this.#post({ kind: "event", event });
  }

  output(instant: Instant, byte: number): void {
    if (this.#outputs.length === 0) this.#outputStart = instant;
    else this.#outputDeltas.varint(instant - this.#outputLast);
    this.#outputs.push(byte);
    this.#outputLast = instant;
    if (this.#outputs.length === MOST_OUTPUT_RECORD_BYTES) this.flushOutput();
  }

  frame(instant: Instant, frame: Uint8Array): void {
    this.flushOutput();
    this.#post({ kind: "frame", instant, frame });
  }

  /** Posts what has been gathered. */
  flushOutput(): void {
    if (this.#outputs.length === 0) return;
    const bytes = Uint8Array.from(this.#outputs);
    const deltas = this.#outputDeltas.take();
    this.#outputs = [];
    this.#outputDeltas.clear();
    this.#post({ kind: "output", instant: this.#outputStart as Instant, bytes, deltas });
  }

  digest(instant: Instant, digest: Digest, events: number): void {
    this.flushOutput();
    this.#post({ kind: "digest", instant, digest, events });
  }

  bookmark(instant: Instant, name: string): void {
    this.#post({ kind: "bookmark", instant, name });
  }

  /** The machine has run so many steps, in so many turns. */
  ran(steps: number, turns: number): void {
    if (this.#unfinished !== undefined) this.#finishStart();
    const { pageBytesPerStep, pageBytesPerTurn } = this.#options;
    this.#mostPageBytes += Math.max(steps * pageBytesPerStep, turns * pageBytesPerTurn);
    this.#turns += turns;
  }

  /** The machine leaves the newest instant, of which a checkpoint was made. */
  departed(): void {
    for (const page of this.#writtenPages?.take() ?? []) this.#written.add(page);
  }

  /** It is back. What was written on the way is no part of the run. */
  arrived(): void {
    this.#writtenPages?.take();
  }

  /** Whether the file should have a checkpoint at `instant`. `atRest`: the machine stands still here. */
  wantsCheckpoint(instant: Instant, atRest: boolean): boolean {
    const { fileSpacingTurns, fileSpacingSteps, restSpacingSteps, leastSpacingShare } = this.#options;
    if (!this.hasStart) return false;
    const steps = instant - this.#base.instant;
    const isFar = this.#turns >= fileSpacingTurns || steps >= (atRest ? restSpacingSteps : fileSpacingSteps);
    return isFar && steps >= instant * leastSpacingShare && this.#sink.backlogBytes <= CHECKPOINT_BACKLOG_BYTES;
  }

  /** Posts a checkpoint, unless it is the one posted last, or the file has grown by too much for how far the run has come. */
  checkpoint(saved: SavedState): void {
    if (!this.hasStart) return;
    if (saved.checkpoint.instant === this.#base.instant && saved.events === this.#baseEvents) return;
    const { pages } = saved.checkpoint;
    const changed = [...pages.changedSince(this.#base.pages)];
    const bytes = changed.reduce((sum, { version }) => sum + (version === undefined ? 0 : PAGE_BYTES), 0);
    if (this.#pageBytes > 0 && this.#pageBytes + bytes > this.#mostPageBytes) return;
    this.#pageBytes += bytes;
    this.#postCheckpoint(saved, changed);
  }

  end(instant: Instant, reason: MachineStop | undefined): void {
    this.flushOutput();
    this.#post({ kind: "end", instant, reason });
  }

  #post(message: RecordingMessage): void {
    const unfinished = this.#unfinished;
    if (unfinished === undefined) {
      this.#sink.post(message);
      return;
    }
    unfinished.messages.push(message);
    const payload = message.kind === "output" ? message.bytes : message.kind === "frame" ? message.frame : undefined;
    unfinished.bytes += HELD_MESSAGE_BYTES + (payload?.length ?? 0);
  }

  /** Once the last page has come, the start is the first thing in the file, and what has happened since is behind it. */
  #finishStart(): void {
    const { saved, changed, messages } = this.#unfinished!;
    let { here } = this.#unfinished!;
    for (; here < changed.length; here++) {
      const { version } = changed[here];
      if (version !== undefined && fetchVersion(version) === undefined) break;
    }
    this.#unfinished!.here = here;
    if (here < changed.length) return;
    this.flushOutput();
    this.#unfinished = undefined;
    // Nobody has looked at what was written up to there.
    this.#postState(saved, changed, undefined);
    for (const message of messages) this.#sink.post(message);
  }

  #postCheckpoint(saved: SavedState, changed: Changed): void {
    this.flushOutput();
    const isChanged = new Set(changed.map(({ page }) => page));
    this.departed();
    const rewritten = [...this.#written].filter((page) => !isChanged.has(page));
    this.#postState(saved, changed, this.#writtenPages && Uint32Array.from(rewritten).sort());
    this.#written.clear();
    this.#base = saved.checkpoint;
    this.#baseEvents = saved.events;
    this.#turns = 0;
  }

  #postState(saved: SavedState, changed: Changed, rewrittenPages: Uint32Array | undefined): void {
    const { instant, state } = saved.checkpoint;
    const stored = changed.filter(({ version }) => version !== undefined);
    for (let start = 0; start < stored.length; start += PAGES_PER_MESSAGE) {
      const part = stored.slice(start, start + PAGES_PER_MESSAGE);
      const bytes = new Uint8Array(part.length * PAGE_BYTES);
      part.forEach(({ version }, index) => void bytes.set(version!.bytes, index * PAGE_BYTES));
      this.#post({ kind: "pages", instant, pages: Uint32Array.from(part, ({ page }) => page), bytes });
    }
    const zeroPages = Uint32Array.from(
      changed.filter(({ version }) => version === undefined),
      ({ page }) => page,
    );
    const { events, outputBytes, framesSent } = saved;
    const logs = { events, outputBytes, framesSent };
    // The state is copied: what crosses to another thread must not take a larger buffer along.
    this.#post({ kind: "checkpoint", instant, state: state.slice(), zeroPages, rewrittenPages, ...logs });
  }
}
