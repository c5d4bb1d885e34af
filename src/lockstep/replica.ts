import type { PageNotReadyNotice } from "../machine/inlet.ts";
import type { PageNotice } from "../machine/stop.ts";

/** How much has been said: for each device the number of its next output. */
export type Counts = readonly number[];

/**
 * What a device says. A stream is numbered by bytes, and where it is cut into pieces means nothing; a device of datagrams
 * is numbered by its frames, each of which is one whole.
 */
export type DeviceKind = "stream" | "datagrams";

/** Something that a machine said: consecutive bytes of a stream, or one datagram. */
export interface OutputRun {
  readonly device: number;
  /** Of the first byte, or of the datagram, counted from 0. */
  readonly number: number;
  /** The state before the step that said (the first byte of) it. */
  readonly instant: number;
  /** The same of the last byte. */
  readonly lastInstant: number;
  readonly bytes: Uint8Array;
}

/** How many numbers a run takes up. */
export function unitsOf(run: OutputRun, kind: DeviceKind): number {
  return kind === "stream" ? run.bytes.length : 1;
}

/** Whether as much has been said, on every device, as there had been at a place. */
export function hasReached(counts: Counts, place: Counts): boolean {
  return counts.every((count, device) => count >= place[device]);
}

export function sameCounts(left: Counts, right: Counts): boolean {
  return left.length === right.length && left.every((count, device) => count === right[device]);
}

/** The last thing that a guest says is how it ended, on the last device. */
export function isEndSaid(counts: Counts): boolean {
  return counts[counts.length - 1] > 0;
}

export type InputEvent =
  | { readonly kind: "console-input"; readonly bytes: Uint8Array }
  | { readonly kind: "network-input"; readonly frame: Uint8Array }
  | { readonly kind: "idle-jump"; readonly ticks: number }
  /** What the primary tells its guest of pages, as its machine does: docs/async-pages.md. */
  | PageNotReadyNotice
  | { readonly kind: "page-ready"; readonly token: number };

/** Input as its source numbers it, from 0; what the primary decides by itself (idle time, pages) has no number. */
export interface ReplicaInput {
  readonly number: number | undefined;
  readonly event: InputEvent;
}

/** What a machine did, in the order in which it happened. */
export type Happening =
  | { readonly kind: "input"; readonly instant: number; readonly input: ReplicaInput }
  | { readonly kind: "output"; readonly run: OutputRun };

export type ReplicaStop =
  | { readonly kind: "reached" }
  /** Only an event goes on; with `ticks` idle time does it as well. */
  | { readonly kind: "waiting"; readonly ticks?: number }
  /** The guest is over; how is the last thing that it says. */
  | { readonly kind: "ended" }
  /** Who has the machine lets it go no farther now. */
  | { readonly kind: "held" }
  /**
   * It needs a page that has not arrived yet, or that is withheld. With `notice` its guest can be told now: by `schedule`, at this instant;
   * with `needs` it could be if that page were here.
   */
  | { readonly kind: "absent"; readonly page: number; readonly notice?: PageNotice; readonly needs?: number };

/** A state of a machine that never changes any more. */
export interface Snapshot {
  readonly instant: number;
  /** Everything but pages. */
  readonly state: Uint8Array;
  readonly pageCount: number;
  /** Undefined: the page is zero, or as in its disk's image. */
  hashOf(page: number): bigint | undefined;
  bytesOf(page: number): Uint8Array | undefined;
  /** None of these pages has a hash. False, or absent: perhaps one has. */
  isEmpty?(first: number, count: number): boolean;
  /** The contents have not arrived; absent: all have. */
  isAbsent?(page: number): boolean;
  readonly digest: string;
}

/** A state that came from another machine. */
export interface ForeignState {
  readonly instant: number;
  readonly state: Uint8Array;
  /** Pages that differ from those of `base`. */
  readonly pages: ReadonlyMap<number, Uint8Array | undefined>;
  readonly base: Snapshot;
  /** What the other machine said that its digest is. */
  readonly digest: string;
}

/** Pages of a state that are still on their way. */
export interface AbsentHashes {
  /** By page, 1: it is on its way. The replica's from now on. */
  readonly marks: Uint8Array;
  readonly count: number;
  /** By page. */
  readonly hashes: BigUint64Array;
}

/** What the protocol needs of a machine. */
export interface Replica {
  readonly instant: number;
  /** Steps that take a tick of its clock; what is idle time takes none. */
  readonly stepsPerTick: number;
  readonly devices: readonly DeviceKind[];
  /** What it has said so far; the numbers go on behind those that `adopt` and `restore` are told. */
  readonly counts: Counts;
  run(until: number): ReplicaStop;
  /**
   * The input takes effect as soon as it may; with `place` not before the machine has said so much, and then directly
   * behind that. Inputs take effect in the order in which they were given.
   */
  queue(input: ReplicaInput, place?: Counts): void;
  /** Inputs that were queued and have not taken effect. */
  readonly queued: number;
  /**
   * The input takes effect on arrival at exactly this instant, at which the machine has not yet decided anything; behind those that
   * were scheduled before, which are not for a later one. What the guest is told of a page that is not ready does so also where
   * the machine stands already: it comes behind what is decided.
   */
  schedule(instant: number, input: ReplicaInput): void;
  /** What the guest was told of pages that are not ready, and not yet that they are; absent: none ever is. */
  readonly tokens?: readonly number[];
  /** Inputs that have not taken effect are forgotten, and given back. */
  withdraw(): readonly ReplicaInput[];
  /** What has happened since the last call. */
  drain(): readonly Happening[];
  digest(): string;
  snapshot(): Snapshot;
  /** The state that this machine had at a snapshot of it. */
  restore(snapshot: Snapshot, counts: Counts): void;
  /**
   * The state of another machine. `absent` pages are still on their way: when the machine needs one it stops. Only a replica that can
   * do that is given any; then no page of the state has contents. False: it is not the state that was said.
   */
  adopt(state: ForeignState, counts: Counts, absent?: AbsentHashes): boolean;
  readonly toleratesAbsentPages: boolean;
  /** No page is absent, and nothing waits for one. */
  readonly isWhole: boolean;
  /** An absent page has come; undefined: it is zero. False: it has another hash than was said. */
  provide(page: number, bytes: Uint8Array | undefined): boolean;
  /**
   * The machine does without the pages with a mark, 1, which it has: where it needs one it stops, so that its guest can be told. Replaces what
   * was withheld before. False, or absent: it cannot, and nothing is withheld.
   */
  withhold?(marks: Uint8Array): boolean;
  /** It has a page again that was withheld. */
  release?(page: number): void;
}
