import type { Instant } from "../base/brand.ts";
import type { Edit, MachineEvent } from "../machine/inlet.ts";
import type { MachineLike, TracedPlace, TracedWrite, TraceFilter } from "../machine/machine-interface.ts";
import type { MachineStop, StopConditions } from "../machine/stop.ts";
import type { Scan } from "./scan.ts";

/** Yielded now and then by every motion, at least once every 10 ms or so of work: the caller may stop iterating
 * (cancel: call `return()`), report, or serve its messages. */
export interface Progress {
  /** Where the machine is right now (during a backward search: inside a segment). */
  readonly instant: Instant;
  /** 0..1 of a search whose extent is known, else undefined. */
  readonly fraction: number | undefined;
  /**
   * Every hart waits for an interrupt that only an event can raise: the motion goes on when it is asked again, so
   * whoever drives it should sleep until there is input, a pause or a close.
   */
  readonly waiting?: boolean;
  /** Paced clock, with `waiting`: the timer interrupt is due after so many ticks. Sleep, then call `idle`. */
  readonly waitingTicks?: number;
  /** The recording's writer has fallen behind its bound: let it work for a moment before asking again. */
  readonly writerBehind?: boolean;
  /** The machine runs elsewhere: whoever drives the motion should sleep until it is heard of. */
  readonly elsewhere?: boolean;
}

/**
 * Long motions are generators, so that the layers below `host` need no clock, no timer and no shared flag: whoever
 * drives them decides how often to look at the world. A motion that is abandoned (`return()`) leaves the timeline at a
 * true instant: forward motions where they are, searches and backward motions where they began.
 */
export type Motion<Result> = Generator<Progress, Result, void>;

export type TravelStop =
  | MachineStop
  /** Ran into the newest instant of a finished recording. */
  | { readonly kind: "end" }
  /** Ran backwards into instant 0 (or into the first instant that the recording holds). */
  | { readonly kind: "start" };

/**
 * A hit of a stop condition. `instant` names the state before the step in question, for all kinds: the instruction at
 * the breakpoint not yet executed, the access not yet done, the trap not yet taken.
 */
export interface Hit {
  readonly instant: Instant;
  readonly stop: MachineStop;
}

export interface TravelOptions {
  readonly stops: StopConditions;
  /** Bounds the search: forward motions stop ("reached") here, backward ones ("reached") there. */
  readonly limit?: Instant;
  /** Evaluated at each hit, with the machine in the state in which `run` stopped; false goes on. */
  readonly accept?: (hit: Hit, machine: MachineLike) => boolean;
  /**
   * A breakpoint at the very state where a forward motion begins does not count: the user resumes from it. Nor does
   * an exception there, when the motion before had stopped for it. Default true; false for motions that continue
   * another one (the second half of a step): then both count.
   */
  readonly departing?: boolean;
}

/** Something of a hart that is written by steps and traps. */
export interface RegisterQuestion {
  readonly hart: number;
  readonly place: TracedPlace;
  /** Of the place "csr": its number. */
  readonly csr?: number;
  /** Writes that do not count. */
  readonly filter?: TraceFilter;
}

export interface TimelineLike {
  readonly machine: MachineLike;
  readonly now: Instant;
  readonly first: Instant;
  /** Newest instant known: where a live machine stands, or the last of the recording. */
  readonly end: Instant;
  /** The recording is still open: running forward past `end` makes new history. */
  readonly live: boolean;
  /** Why the run ended for good, when it has. */
  readonly ended: MachineStop | undefined;

  /** The branch that the timeline is; undefined: the recording itself. */
  readonly branch?: BranchState | undefined;

  seek(instant: Instant): Motion<void>;
  /** From now to the first accepted hit. Past `end` it records (live) or stops with "end". */
  forward(options: TravelOptions): Motion<TravelStop>;
  /**
   * To the last accepted hit before now, segment by segment, newest first. Arrives at the hit's instant: the step in
   * question is the next one. With none: arrives at `limit` or `first`, and says so.
   */
  backward(options: TravelOptions): Motion<TravelStop>;
  /** The last accepted hit before `before`; the timeline stays where it is. */
  findLast(options: TravelOptions, before: Instant): Motion<Hit | undefined>;

  /**
   * To the last step before `before` that wrote a register of a hart, or for traps and interrupts on arrival at `before`:
   * arrives before the step in question. Undefined when there is none: arrives at `first`.
   */
  toLastRegisterWrite(question: RegisterQuestion, before: Instant): Motion<TracedWrite | undefined>;
  /** Lays checkpoints close behind where the timeline stands, so that the next steps back are instant; it stays where it is. */
  prepare(): Motion<void>;
  /** Goes through [from, to) with somebody who looks; the timeline stays where it is. See `scanStretch`. */
  scan(scan: Scan, from: Instant, to: Instant): Motion<Instant>;

  /** Queues console input for the newest instant. Ignored with `false` when not live. */
  input(bytes: Uint8Array): boolean;
  /** Queues a network frame for the newest instant. False when not live, or when too many wait already. */
  receive(frame: Uint8Array): boolean;
  /** Paced clock: lets `ticks` of mtime pass at the newest instant, an "idle-jump" event. Ignored when not live. */
  idle(ticks: number): void;
  /** Edits at the newest instant; throws a UserError in the past or on a finished recording. */
  edit(edit: Edit): void;
}

/** A what-if run that left another one. */
export interface BranchState {
  /** 1, 2, …; 0 stands for the recording. */
  readonly id: number;
  /** Of a branch that is kept. */
  readonly name?: string;
  /** What it left. */
  readonly parent: number;
  /** Where it left it. */
  readonly origin: Instant;
  readonly now: Instant;
  readonly end: Instant;
  /** It is given what came from outside in the run that it left. */
  readonly inputs: boolean;
  /** Changes made in it. */
  readonly edits: number;
}

export interface Bookmark {
  readonly instant: Instant;
  readonly name: string;
}

/** Keeps bookmarks beside a recording, in the order in which they come and go. What it throws is the user's to see. */
export interface BookmarkKeeper {
  add(bookmark: Bookmark): void;
  remove(bookmark: Bookmark): void;
}

/** What is remembered of the run besides its states: what the Timeline view draws. All in order of instant. */
export interface HistoryLike {
  /** Input, frames received and edits; idle jumps of a paced machine are left out, there may be millions. */
  readonly events: readonly MachineEvent[];
  /** Bytes that the guest printed since reset. */
  readonly outputLength: number;
  /** Console output is kept within a bound: what was printed before this offset is no longer held. */
  readonly firstOutputHeld?: number;
  /** The instant that printed the byte at `offset` (0 is the first since reset); undefined when there is none. */
  instantOfOutput(offset: number): Instant | undefined;
  /** Bytes that had been printed at an instant. */
  outputLengthAt?(instant: Instant): number | undefined;
  /** Printed bytes from `offset`, at most `length`. */
  outputBytes(offset: number, length: number): Uint8Array;
  /** Lines that are still held and whose first byte was printed in [from, to), in order. */
  lines?(from: Instant, to: Instant): Iterable<PrintedLine>;
  /** Frames that the guest sent since reset. */
  readonly frameCount?: number;
  /** The instant that sent a frame, by its number; undefined when there is none. */
  instantOfFrame?(number: number): Instant | undefined;
  /** Frames that had been sent at an instant. */
  frameCountAt?(instant: Instant): number;
  readonly checkpoints: readonly Instant[];
  readonly bookmarks: readonly Bookmark[];
  /**
   * Recorded when the recording is open, else told to whoever keeps it. Throws a UserError when the name may not be used
   * (bookmarks.ts), or when it is for the session only.
   */
  addBookmark(bookmark: Bookmark): void;
  /** Throws a UserError when there is no such bookmark. */
  removeBookmark(bookmark: Bookmark): void;
  /** Throws a UserError when there is no such bookmark, or when the new name may not be used. */
  renameBookmark(bookmark: Bookmark, name: string): void;
  /** What happened in [from, to), thinned to about `most` marks of `total`; bookmarks are never left out. */
  marks?(from: Instant, to: Instant, most: number): { marks: HistoryMark[]; total: number };
}

export interface PrintedLine {
  /** Of its first byte. */
  readonly instant: Instant;
  readonly offset: number;
  /** Without the line feed; cut at some thousand bytes. */
  readonly bytes: readonly number[];
  /** It has no line feed as yet: more of it may come. */
  readonly open?: true;
}

export interface HistoryMark {
  readonly kind: "event" | "output" | "checkpoint" | "bookmark" | "wait";
  readonly instant: Instant;
  /** Of a wait: when it ended; absent: it did not, as far as the run goes. */
  readonly until?: Instant;
  /** An event in words, the beginning of a line, the name of a bookmark. */
  readonly label: string;
  /** Where the line begins in the console's output. */
  readonly outputOffset?: number;
}
