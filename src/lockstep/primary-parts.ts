import type { Arbiter } from "./arbiter.ts";
import type { LockstepOptions } from "./options.ts";
import type { InputSource, OutputSink } from "./outside.ts";
import type { OutputRun, Replica, ReplicaInput } from "./replica.ts";
import type { Tap } from "./tap.ts";

export type PrimaryPhase =
  /** The only machine: what it says leaves at once. */
  | "alone"
  /** A new secondary gets a copy, in the background. */
  | "copying"
  /** It follows the log from a newer state on; the primary is still alone. */
  | "joining"
  /** Output waits until the arbiter knows of the pair. */
  | "pairing"
  | "paired"
  /** The secondary is not heard of; the arbiter has been asked. */
  | "claiming"
  /** The other goes on alone: this machine stands still for good. */
  | "fenced"
  | "over";

export interface PrimaryParts {
  readonly member: string;
  readonly replica: Replica;
  readonly sink: OutputSink;
  readonly inputs: InputSource;
  readonly arbiter: Arbiter;
  readonly options: LockstepOptions;
  /** Hears what it sees of the protocol. */
  readonly tap?: Tap | undefined;
  /** The clock of what it is told as `nowMs`, for how long output waits; absent: turns take no time. */
  readonly clock?: (() => number) | undefined;
}

/** What a primary begins with. */
export interface PrimaryStart {
  readonly term: number;
  readonly outputs?: readonly OutputRun[];
  readonly inputs?: readonly ReplicaInput[];
  readonly nextInput: number;
  readonly sequence: number;
}

/** What its guest waits for, or will once it has been given its inputs. */
export function tokensOut(replica: Replica, inputs: readonly ReplicaInput[]): readonly number[] {
  const told = inputs.flatMap(({ event }) => (event.kind === "page-not-ready" ? [event.token] : []));
  return [...(replica.tokens ?? []), ...told];
}
