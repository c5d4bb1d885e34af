import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { Edit, Inlet, MachineEvent, PageNotReadyNotice } from "../machine/inlet.ts";
import type { EventLog } from "./event-log.ts";
import type { FurtherInputs } from "./further-inputs.ts";

/** Frames that wait for the newest instant, while nobody lets it come: more are refused, and their senders wait. */
const MOST_QUEUED_FRAMES = 512;
/**
 * Bytes of frames in a run: all of them stay in memory, since replay needs them, and a recording with more than twice as
 * much input is not opened. Beyond it the network is silent.
 */
const MOST_FRAME_BYTES = 512 * 1024 * 1024;

/** Who brings pages, and says when they have come. */
export interface PageArrivals {
  /** They shall be asked for after so many steps. */
  readonly pollSteps: number;
  /** Queues what has come. */
  poll(): void;
}

export interface InletOptions {
  readonly mostFrameBytes?: number | undefined;
  readonly further?: FurtherInputs | undefined;
  readonly source?: Inlet | undefined;
}

/**
 * The door for chance, both ways: in the past it delivers what the log has; at the newest instant of a live run it
 * delivers what waits outside, stamped with the instant at which the machine takes it, and logs it.
 */
export class TimelineInlet implements Inlet {
  readonly #log: EventLog;
  readonly #isWaiting: () => boolean;
  readonly #onEvent: (event: MachineEvent) => void;
  readonly #mostFrameBytes: number;
  readonly #further: FurtherInputs | undefined;
  readonly #source: Inlet | undefined;
  /** A guest that waits is given the next of the further inputs, whatever its instant was. */
  #hastened = false;
  /** Events that the machine has taken. */
  #taken = 0;
  #live = false;
  #input: Uint8Array[] = [];
  #frames: Uint8Array[] = [];
  #frameBytes = 0;
  #framesExhausted = false;
  #idleTicks = 0;
  #edits: Edit[] = [];
  /** At the newest instant. */
  arrivals: PageArrivals | undefined;
  #notices: PageNotReadyNotice[] = [];
  #readyTokens: number[] = [];
  /** Interrupts of this instant have been decided: input that came after would be too late for it. */
  #closedAt = -1;

  /**
   * `onEvent` hears of every new event, after it was logged; `isWaiting`: every hart of the machine waits. `further`:
   * what a branch is given by itself. `source` decides by itself when something comes from outside.
   */
  constructor(
    log: EventLog,
    isWaiting: () => boolean,
    onEvent: (event: MachineEvent) => void,
    { mostFrameBytes = MOST_FRAME_BYTES, further, source }: InletOptions = {},
  ) {
    this.#further = further;
    this.#source = source;
    this.#mostFrameBytes = mostFrameBytes;
    this.#log = log;
    this.#isWaiting = isWaiting;
    this.#onEvent = onEvent;
  }

  /** Events that the machine has taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Somebody else decides what comes from outside, and when. */
  get hasSource(): boolean {
    return this.#source !== undefined;
  }

  /** Something waits for the newest instant. */
  get pending(): boolean {
    return this.#isArriving || this.#idleTicks > 0 || this.#edits.length > 0 || this.#notices.length > 0;
  }

  get #isArriving(): boolean {
    return this.#input.length > 0 || this.#frames.length > 0 || this.#readyTokens.length > 0;
  }

  /** The machine stands where it had taken so many events; until `goLive` it is told what the log has. */
  goTo(taken: number): void {
    assert(taken <= this.#log.length, "more events taken than there are");
    this.#taken = taken;
    this.#live = false;
  }

  /** The machine stands at the newest instant, settled: from here on it makes history. */
  goLive(now: Instant): void {
    assert(this.#taken === this.#log.length, "live with events of the log not taken");
    this.#live = true;
    this.close(now);
  }

  /**
   * The machine has stopped in the midst of a run, and may have decided without asking which interrupt to take at this
   * instant: input is for the next one.
   */
  close(now: Instant): void {
    this.#closedAt = now;
  }

  /** The guest waits at the newest instant: it gets the next of the further inputs now. False: there are no more. */
  hasten(): boolean {
    this.#hastened = this.#further?.next !== undefined;
    return this.#hastened;
  }

  queueInput(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#input.push(bytes.slice());
  }

  /** Frames that wait. */
  get queuedFrames(): number {
    return this.#frames.length;
  }

  /** The run has had as many bytes of frames as it may. */
  get framesExhausted(): boolean {
    return this.#framesExhausted;
  }

  /** False: too many wait, or the run has had as many as it may. */
  queueFrame(frame: Uint8Array): boolean {
    if (this.#frameBytes + frame.length > this.#mostFrameBytes) this.#framesExhausted = true;
    if (this.#frames.length >= MOST_QUEUED_FRAMES || this.#framesExhausted) return false;
    this.#frameBytes += frame.length;
    this.#frames.push(frame.slice());
    return true;
  }

  queueIdle(ticks: number): void {
    this.#idleTicks += ticks;
  }

  queueEdit(edit: Edit): void {
    this.#edits.push(edit);
  }

  /** The guest is told of the page that it stands before: at this very instant, before all else. */
  queueNotReady(notice: PageNotReadyNotice): void {
    this.#notices.push(notice);
  }

  queueReady(token: number): void {
    this.#readyTokens.push(token);
  }

  take(instant: Instant): MachineEvent | undefined {
    if (this.#taken < this.#log.length) {
      const next = this.#log.instantAt(this.#taken);
      assert(next >= instant, `the event at ${next} was not taken by ${instant}`);
      return next === instant ? this.#log.at(this.#taken++) : undefined;
    }
    if (!this.#live) return undefined;
    const event = this.#newEvent(instant);
    if (event === undefined) return undefined;
    this.#log.push(event);
    this.#taken++;
    this.#onEvent(event);
    return event;
  }

  horizon(instant: Instant): number {
    if (this.#taken < this.#log.length) return this.#log.instantAt(this.#taken);
    // What came too late for this instant is in time for the next.
    if (this.#live && this.pending) return instant + 1;
    if (!this.#live) return Number.POSITIVE_INFINITY;
    const poll = instant + (this.arrivals?.pollSteps ?? Number.POSITIVE_INFINITY);
    const further = this.#further?.next?.instant ?? Number.POSITIVE_INFINITY;
    const source = this.#source?.horizon(instant) ?? Number.POSITIVE_INFINITY;
    return Math.max(instant + 1, Math.min(further, source, poll));
  }

  #newEvent(instant: Instant): MachineEvent | undefined {
    const notice = this.#notices.shift();
    if (notice !== undefined) return { ...notice, instant };
    const edit = this.#edits.shift();
    if (edit !== undefined) return { kind: "edit", instant, edit };
    const told = this.#source?.takeNotice?.(instant);
    if (told !== undefined) return told;
    // A machine that waits has taken no interrupt at this instant, so that input first and then interrupts, as a
    // replay has it, is what happens to it as well.
    if (this.#closedAt === instant && !this.#isWaiting()) return undefined;
    this.arrivals?.poll();
    const token = this.#readyTokens.shift();
    if (token !== undefined) return { kind: "page-ready", instant, token };
    const further = this.#further?.next;
    if (further !== undefined && (this.#hastened || further.instant <= instant)) {
      this.#hastened = false;
      this.#further!.advance();
      return { ...further, instant };
    }
    const bytes = this.#input.shift();
    if (bytes !== undefined) return { kind: "console-input", instant, bytes };
    const frame = this.#frames.shift();
    if (frame !== undefined) return { kind: "network-input", instant, frame };
    if (this.#idleTicks > 0) {
      const ticks = this.#idleTicks;
      this.#idleTicks = 0;
      return { kind: "idle-jump", instant, ticks };
    }
    const event = this.#source?.take(instant);
    if (event === undefined) this.#closedAt = instant;
    return event;
  }
}
