import { distance } from "./wire.ts";

/** RFC 6928. */
const FIRST_SEGMENTS = 10;
const DUPLICATES_BEFORE_RESENDING = 3;

/**
 * How much may be under way to a guest whose card runs out of buffers now and then: slow start, congestion avoidance, fast
 * retransmit and recovery (RFC 5681, 6582).
 */
export class Congestion {
  readonly #segment: number;
  readonly #mostBytes: number;
  #window: number;
  #slowStartThreshold = Number.POSITIVE_INFINITY;
  #duplicates = 0;
  /** Until this is acknowledged, an acknowledgement of less tells of another lost segment. */
  #recoverUntil: number | undefined;

  constructor(maximumSegment: number, mostBytes: number) {
    this.#segment = maximumSegment;
    this.#mostBytes = mostBytes;
    this.#window = FIRST_SEGMENTS * maximumSegment;
  }

  /** Bytes that may be under way. */
  get window(): number {
    return this.#window;
  }

  /** `advance` bytes more have arrived. True: what follows them is lost, and to be sent again. */
  acknowledged(acknowledgement: number, advance: number): boolean {
    this.#duplicates = 0;
    if (this.#recoverUntil !== undefined && distance(acknowledgement, this.#recoverUntil) < 0) return true;
    this.#recoverUntil = undefined;
    const isSlowStart = this.#window < this.#slowStartThreshold;
    const more = isSlowStart ? advance : Math.ceil((this.#segment * advance) / this.#window);
    this.#window = Math.min(this.#window + more, this.#mostBytes);
    return false;
  }

  /** The same was acknowledged once more, with everything up to `highest` under way. True as above. */
  duplicate(inFlight: number, highest: number): boolean {
    if (++this.#duplicates !== DUPLICATES_BEFORE_RESENDING || this.#recoverUntil !== undefined) return false;
    this.#halve(inFlight);
    this.#window = this.#slowStartThreshold;
    this.#recoverUntil = highest;
    return true;
  }

  /** Nothing was acknowledged for too long: it begins anew. */
  timeout(inFlight: number): void {
    this.#halve(inFlight);
    this.#window = this.#segment;
    this.#recoverUntil = undefined;
    this.#duplicates = 0;
  }

  #halve(inFlight: number): void {
    this.#slowStartThreshold = Math.max(inFlight / 2, 2 * this.#segment);
  }
}
