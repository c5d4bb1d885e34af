import type { Counts } from "../lockstep/replica.ts";
import { steadyMs } from "./steady-clock.ts";

/** Odd while it is being written; how often it was written, twice. */
const VERSION = 0;
const HEADER_BYTES = 8;
const NUMBER_BYTES = 8;

/**
 * What a sink in one thread has taken, and when, for the threads that offer: one writes, many read, nobody waits for anybody. A reader that
 * meets a writer sees what was there before. Counts never become less, so that each is true for good once it was.
 */
export class SharedTaken {
  readonly buffer: SharedArrayBuffer;
  readonly #version: Int32Array;
  readonly #numbers: Float64Array;
  #seen = 0;
  #counts: Counts;
  #takenMs = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#version = new Int32Array(buffer, 0, 1);
    // The time comes first.
    this.#numbers = new Float64Array(buffer, HEADER_BYTES);
    this.#counts = Array.from(this.#numbers.subarray(1));
  }

  static create(devices: number): SharedTaken {
    return new SharedTaken(new SharedArrayBuffer(HEADER_BYTES + NUMBER_BYTES * (devices + 1)));
  }

  write(counts: Counts): void {
    Atomics.add(this.#version, VERSION, 1);
    this.#numbers[0] = steadyMs();
    this.#numbers.set(counts, 1);
    Atomics.add(this.#version, VERSION, 1);
  }

  get counts(): Counts {
    this.#read();
    return this.#counts;
  }

  /** How long ago that was written, in ms. */
  get agoMs(): number {
    this.#read();
    return steadyMs() - this.#takenMs;
  }

  #read(): void {
    const version = Atomics.load(this.#version, VERSION);
    if (version === this.#seen || version % 2 !== 0) return;
    const [takenMs, ...counts] = this.#numbers;
    if (Atomics.load(this.#version, VERSION) !== version) return;
    [this.#seen, this.#takenMs, this.#counts] = [version, takenMs, counts];
  }
}
