import type { OutputSink } from "./outside.ts";
import { type Counts, type DeviceKind, type OutputRun, unitsOf } from "./replica.ts";

/** What has left for certain: how many numbers from which one on, and how long it had waited. */
export interface Departure {
  readonly device: number;
  readonly number: number;
  readonly units: number;
  readonly latencyMs: number;
}

interface Leaving {
  readonly device: number;
  readonly end: number;
  readonly units: number;
  readonly saidMs: number;
}

/** Output that a sink was given, and may not have for certain. */
export class LeavingOutputs {
  readonly #sink: OutputSink;
  readonly #devices: readonly DeviceKind[];
  readonly #isBelieved: boolean;
  readonly #offered: number[];
  readonly #leaving: Leaving[] = [];

  /** `counts`: what was said before; `isBelieved`: the sink has what it was offered, whatever it says (a planted mistake). */
  constructor(sink: OutputSink, devices: readonly DeviceKind[], counts: Counts, isBelieved: boolean) {
    this.#sink = sink;
    this.#devices = devices;
    this.#isBelieved = isBelieved;
    this.#offered = [...counts];
  }

  get length(): number {
    return this.#leaving.length;
  }

  /** Numbers of what was given to the sink. */
  get offered(): Counts {
    return this.#offered;
  }

  /** Numbers of what has left. */
  get released(): Counts {
    const taken = this.#isBelieved ? undefined : this.#sink.taken;
    return taken === undefined ? this.#offered : this.#offered.map((end, device) => Math.min(end, taken[device]));
  }

  offer(outputs: readonly { readonly run: OutputRun; readonly saidMs: number }[]): void {
    if (outputs.length === 0) return;
    this.#sink.offer(outputs.map(({ run }) => run));
    for (const { run, saidMs } of outputs) {
      const units = unitsOf(run, this.#devices[run.device]);
      const end = run.number + units;
      this.#offered[run.device] = end;
      this.#leaving.push({ device: run.device, end, units, saidMs });
    }
  }

  /** What has left since this was asked last, in the order in which it was offered. */
  depart(nowMs: number): Departure[] {
    if (this.#leaving.length === 0) return [];
    const { released } = this;
    const leftMs = nowMs - (this.#sink.takenAgoMs ?? 0);
    const first = this.#leaving.findIndex(({ device, end }) => end > released[device]);
    const count = first < 0 ? this.#leaving.length : first;
    return this.#leaving.splice(0, count).map(({ device, end, units, saidMs }) => {
      return { device, number: end - units, units, latencyMs: Math.max(0, leftMs - saidMs) };
    });
  }
}
