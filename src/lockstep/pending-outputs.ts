import { type Counts, type DeviceKind, type OutputRun, unitsOf } from "./replica.ts";

interface Pending {
  readonly run: OutputRun;
  /** When it was said. */
  readonly saidMs: number;
}

/**
 * Output that has been said and has not left, in the order in which it was said. It leaves in that order: an output of one
 * device waits for those of the others that were said before it.
 */
export class PendingOutputs {
  readonly #devices: readonly DeviceKind[];
  #pending: Pending[] = [];
  #bytes = 0;

  constructor(devices: readonly DeviceKind[]) {
    this.#devices = devices;
  }

  get length(): number {
    return this.#pending.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(run: OutputRun, saidMs: number): void {
    this.#pending.push({ run, saidMs });
    this.#bytes += run.bytes.length;
  }

  /** Takes what may leave: everything in front of the first output that is not below `limit`. */
  take(limit: Counts | undefined): readonly Pending[] {
    const leaving: Pending[] = [];
    let index = 0;
    for (; index < this.#pending.length; index++) {
      const { run, saidMs } = this.#pending[index];
      const kind = this.#devices[run.device];
      const end = run.number + unitsOf(run, kind);
      const bound = limit?.[run.device] ?? end;
      if (end <= bound) {
        leaving.push({ run, saidMs });
        continue;
      }
      if (kind === "stream" && bound > run.number) {
        leaving.push({ run: { ...run, bytes: run.bytes.subarray(0, bound - run.number) }, saidMs });
        const rest = { ...run, number: bound, bytes: run.bytes.subarray(bound - run.number) };
        this.#pending[index] = { run: rest, saidMs };
      }
      break;
    }
    if (index > 0) this.#pending = this.#pending.slice(index);
    for (const { run } of leaving) this.#bytes -= run.bytes.length;
    return leaving;
  }

  /** Drops what is below `limit`, wherever it stands: it has left by another way. */
  drop(limit: Counts): void {
    const kept: Pending[] = [];
    for (const { run, saidMs } of this.#pending) {
      const kind = this.#devices[run.device];
      const bound = limit[run.device];
      if (run.number + unitsOf(run, kind) <= bound) continue;
      const isCut = kind === "stream" && run.number < bound;
      const rest = isCut ? { ...run, number: bound, bytes: run.bytes.subarray(bound - run.number) } : run;
      kept.push({ run: rest, saidMs });
    }
    this.#pending = kept;
    this.#bytes = kept.reduce((sum, { run }) => sum + run.bytes.length, 0);
  }

  /** What is below `limit`, without taking it. */
  below(limit: Counts): OutputRun[] {
    return this.#pending.flatMap(({ run }) => {
      const kind = this.#devices[run.device];
      const bound = limit[run.device];
      if (run.number + unitsOf(run, kind) <= bound) return [run];
      return kind === "stream" && run.number < bound
        ? [{ ...run, bytes: run.bytes.subarray(0, bound - run.number) }]
        : [];
    });
  }
}
