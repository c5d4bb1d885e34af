/** Bounds and times of the protocol. All of them are the pair's: both members have the same. */
export interface LockstepOptions {
  /** What a frame carries at most: a message that is longer is cut. Channels have bounds (of a NATS server: 1 MiB). */
  readonly frameBytes: number;
  /** Somebody who says nothing else says that he is alive, so often. */
  readonly heartbeatMs: number;
  /** Silence that is taken for death, and leads to the arbiter. */
  readonly silenceMs: number;
  /** What was sent and not acknowledged is sent again, an arbiter that did not answer is asked again. */
  readonly retryMs: number;
  /** A secondary that is alive and has come no farther for so long is resynchronised. */
  readonly progressMs: number;
  /** The primary is held while more entries, or bytes of them, are in the log than the secondary has been through. */
  readonly windowEntries: number;
  readonly windowBytes: number;
  /** The primary is never farther ahead of the secondary, in steps. */
  readonly lagSteps: number;
  /**
   * Machines that differ inside say the same thing at different instants. How far apart, beyond what they were at the last
   * match, before it counts as missing or extra.
   */
  readonly slackSteps: number;
  /** The same in ticks of idle time, for machines that wait on a paced clock. */
  readonly slackTicks: number;
  /** The primary's digest is in the log so often. */
  readonly digestSteps: number;
  /** And not more often than that: of a fast guest they would cost more than they tell. */
  readonly digestMs: number;
  /** Pages that the secondary asks for at a time. */
  readonly pagesInFlight: number;
  /**
   * Pages that the secondary has still to fetch, when the primary comes to need one. "told": a guest that can be told is told, in both machines
   * (docs/async-pages.md), and otherwise as "ahead": the page is sent before the log says of its use; of machines that differ on purpose, which must not
   * be told. "waited": the secondary waits for it, as it did before there was either; for measuring.
   */
  readonly fetches: "told" | "ahead" | "waited";
  /** "stop": two programs that differ on purpose are compared up to the first difference. */
  readonly onDivergence: "resynchronise" | "stop";
  /** For tests alone: a mistake in the protocol, which the simulation must find. */
  readonly planted?: PlantedMistake;
}

export type PlantedMistake =
  /** Output leaves when the secondary has received it. */
  | "release-on-receipt"
  /** Whoever asks the arbiter believes that it won. */
  | "no-arbiter"
  /** The survivor does not release what was pending. */
  | "forget-pending"
  /** Pending output leaves as soon as a resynchronisation has begun. */
  | "release-at-resynchronisation"
  /** What the sink was offered counts as what it has. */
  | "believe-the-sink"
  /** A machine that differs inside has no idle time but its partner's. */
  | "no-idle-time"
  /** What the guest was told is not ready stays so when the transfer ends. */
  | "forget-tokens";

export const LOCKSTEP_OPTIONS: LockstepOptions = {
  frameBytes: 256 * 1024,
  heartbeatMs: 50,
  // Six heartbeats: a garbage collection is not a death. With the arbiter's answer a take-over stays below half a second.
  silenceMs: 300,
  retryMs: 100,
  progressMs: 2_000,
  windowEntries: 4_096,
  windowBytes: 4 * 1024 * 1024,
  // Some tenths of a second of work: what a survivor has to make up for at most.
  lagSteps: 50_000_000,
  slackSteps: 5_000_000,
  // A second of the guest's.
  slackTicks: 10_000_000,
  digestSteps: 10_000_000,
  digestMs: 50,
  // A mebibyte.
  pagesInFlight: 256,
  fetches: "told",
  onDivergence: "resynchronise",
};
