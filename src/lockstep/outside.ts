import { assert } from "../base/assert.ts";
import type { Counts, DeviceKind, OutputRun, ReplicaInput } from "./replica.ts";
import { unitsOf } from "./replica.ts";

/**
 * Where output goes. It counts what it took: what is offered again is dropped, so that a survivor, who cannot know what the
 * dead one had still released, offers everything.
 */
export interface OutputSink {
  /** In the order in which they are to leave. */
  offer(runs: readonly OutputRun[]): void;
  /**
   * Numbers below which it has everything for certain, whatever happens to the process that offered it; absent: everything
   * that it was offered. Before that nobody may be told that an output has left.
   */
  readonly taken?: Counts;
  /** How long ago it took the newest of that, in ms; absent: just now, for all that anybody knows. */
  readonly takenAgoMs?: number;
  /** What it is offered is on its way at once. Else whoever offers has to let his event loop in. */
  readonly isImmediate?: boolean;
}

/** Where input comes from. It keeps each until both machines have been through it, so that it outlives either. */
export interface InputSource {
  /** Input number `number`; undefined while there is none, and for one that is forgotten. */
  at(number: number): ReplicaInput["event"] | undefined;
  /** Nobody will ask for inputs with smaller numbers. */
  forget(below: number): void;
}

/** A sink in the memory of one process, before something that takes what it is given. */
export class CountingSink implements OutputSink {
  readonly #devices: readonly DeviceKind[];
  readonly #next: number[];
  readonly #take: (run: OutputRun) => void;

  constructor(devices: readonly DeviceKind[], take: (run: OutputRun) => void) {
    this.#devices = devices;
    this.#next = devices.map(() => 0);
    this.#take = take;
  }

  get taken(): Counts {
    return this.#next;
  }

  offer(runs: readonly OutputRun[]): void {
    for (const run of runs) this.#offer(run);
  }

  #offer(run: OutputRun): void {
    const next = this.#next[run.device];
    const kind = this.#devices[run.device];
    const end = run.number + unitsOf(run, kind);
    if (end <= next) return;
    // A gap would be lost output; it cannot be repaired here, and must not be passed over.
    assert(run.number <= next, `output ${run.number} of device ${run.device} came before ${next}`);
    const bytes = kind === "stream" ? run.bytes.subarray(next - run.number) : run.bytes;
    this.#next[run.device] = end;
    this.#take({ ...run, number: next, bytes });
  }
}

/** A queue of inputs in the memory of one process. */
export class InputQueue implements InputSource {
  readonly #events: ReplicaInput["event"][] = [];
  #first: number;

  /** `first`: the number of the first input that there will be. */
  constructor(first = 0) {
    this.#first = first;
  }

  /** Inputs that are kept, and the number of the first. */
  get kept(): { readonly first: number; readonly events: readonly ReplicaInput["event"][] } {
    return { first: this.#first, events: this.#events };
  }

  push(event: ReplicaInput["event"]): void {
    this.#events.push(event);
  }

  at(number: number): ReplicaInput["event"] | undefined {
    return this.#events[number - this.#first];
  }

  forget(below: number): void {
    while (this.#first < below && this.#events.length > 0) {
      this.#events.shift();
      this.#first++;
    }
  }
}
