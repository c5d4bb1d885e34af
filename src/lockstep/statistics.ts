/** How long things took: of the newest so many the median and the 99th percentile are known. */
export class Durations {
  readonly #values: number[] = [];
  #count = 0;

  add(ms: number): void {
    this.#values[this.#count++ % MOST_KEPT] = ms;
  }

  get count(): number {
    return this.#count;
  }

  /** The value that `fraction` of them do not exceed; undefined: there are none. */
  quantile(fraction: number): number | undefined {
    const sorted = [...this.#values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
  }
}

const MOST_KEPT = 65_536;

export interface PrimaryStatistics {
  /** Entries of the log. */
  entries: number;
  /** Outputs that have left: bytes of streams, datagrams. */
  released: number;
  /** From being said to leaving. */
  readonly latency: Durations;
  lagStepsMax: number;
  /** Times that a bound of the log held the primary. */
  held: number;
  /** How long it had no steps because the secondary was behind: by a bound, or by more than a turn. */
  waitedMs: number;
  resynchronisations: number;
  pagesSent: number;
  /** Times that it went on alone. */
  survivals: number;
}

export function newPrimaryStatistics(): PrimaryStatistics {
  const counts = { entries: 0, released: 0, lagStepsMax: 0, held: 0, waitedMs: 0, resynchronisations: 0 };
  return { ...counts, latency: new Durations(), pagesSent: 0, survivals: 0 };
}
