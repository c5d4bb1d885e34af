/** Positions; how often somebody wrote, or woke the reader, which sleeps on that; and whether it does. */
const HEAD = 0;
const TAIL = 1;
const WRITES = 2;
const SLEEPS = 3;
const HEADER_BYTES = 64;
const LENGTH_BYTES = 4;
/** More than two of the longest frames; a power of two, so that positions may overflow. */
const RING_BYTES = 2 ** 20;
/** To fall asleep and be woken takes both threads longer than that. */
const SPIN_MS = 0.05;
const LOOKS_PER_CLOCK = 32;
/** Who looked in vain so often in a row falls asleep at once, but for one time of so many: the other has no processor, or no haste. */
const MOST_VAIN_SPINS = 3;
const SPIN_AGAIN = 16;

/**
 * Frames on their way from one thread to another, in memory that both have: written and read without a call into the event loop.
 * One thread writes, one reads; who dies in the midst of writing has written nothing.
 */
export class SharedRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Writes before the reader looked last, or was roused: what came behind that it has not seen. */
  #seen = 0;
  #vainSpins = 0;
  /** Somebody listens, and has not been called. */
  #isListening = false;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES);
    this.#view = new DataView(buffer, HEADER_BYTES);
  }

  static create(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + RING_BYTES);
  }

  /** False: there is no room now. */
  write(frame: Uint8Array): boolean {
    const head = Atomics.load(this.#words, HEAD);
    const used = (head - Atomics.load(this.#words, TAIL)) >>> 0;
    const needed = LENGTH_BYTES + roundUp(frame.length);
    if (needed > RING_BYTES - used) return false;
    const at = (head >>> 0) % RING_BYTES;
    // Aligned, so that it never lies across the end.
    this.#view.setUint32(at, frame.length, true);
    this.#copyIn((at + LENGTH_BYTES) % RING_BYTES, frame);
    Atomics.store(this.#words, HEAD, (head + needed) | 0);
    this.wake();
    return true;
  }

  read(): Uint8Array | undefined {
    this.#seen = Atomics.load(this.#words, WRITES);
    const tail = Atomics.load(this.#words, TAIL);
    if (Atomics.load(this.#words, HEAD) === tail) return undefined;
    const at = (tail >>> 0) % RING_BYTES;
    const length = this.#view.getUint32(at, true);
    const from = (at + LENGTH_BYTES) % RING_BYTES;
    const frame = this.#copyOut(from, length);
    Atomics.store(this.#words, TAIL, (tail + LENGTH_BYTES + roundUp(length)) | 0);
    return frame;
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#words, HEAD) === Atomics.load(this.#words, TAIL);
  }

  /**
   * Holds the reader's thread until something is written, somebody wakes it (true: since it read last), or `ms` have passed. It looks
   * for some moments before it falls asleep: between two that are as fast the next frame is about to come. It is roused once for
   * what came, whether it reads it or not.
   */
  wait(ms: number): boolean {
    if (this.#spin(Math.min(ms, SPIN_MS))) return true;
    Atomics.store(this.#words, SLEEPS, 1);
    Atomics.wait(this.#words, WRITES, this.#seen, ms);
    Atomics.store(this.#words, SLEEPS, 0);
    return this.#rouse();
  }

  /**
   * Calls `listener` once, when something is written or somebody wakes the reader: at once if that happened since it read last.
   * One that is never called is kept for good, and the ring with it.
   */
  listen(listener: () => void): void {
    Atomics.store(this.#words, SLEEPS, 1);
    const called = () => {
      Atomics.store(this.#words, SLEEPS, 0);
      listener();
    };
    if (this.#rouse()) return called();
    if (this.#isListening) return;
    const waiting = Atomics.waitAsync(this.#words, WRITES, this.#seen);
    if (!waiting.async) return called();
    this.#isListening = true;
    void waiting.value.then(() => {
      this.#isListening = false;
      called();
    });
  }

  #spin(ms: number): boolean {
    if (this.#rouse()) return true;
    if (this.#vainSpins >= MOST_VAIN_SPINS && ++this.#vainSpins % SPIN_AGAIN !== 0) return false;
    const untilMs = performance.now() + ms;
    do {
      for (let looks = 0; looks < LOOKS_PER_CLOCK; looks++) {
        if (!this.#rouse()) continue;
        this.#vainSpins = 0;
        return true;
      }
    } while (performance.now() < untilMs);
    this.#vainSpins++;
    return false;
  }

  #rouse(): boolean {
    const writes = Atomics.load(this.#words, WRITES);
    if (writes === this.#seen) return false;
    this.#seen = writes;
    return true;
  }

  /** Wakes the reader as if something had been written. */
  wake(): void {
    Atomics.add(this.#words, WRITES, 1);
    if (Atomics.load(this.#words, SLEEPS) !== 0) Atomics.notify(this.#words, WRITES);
  }

  #copyOut(at: number, length: number): Uint8Array {
    if (at + length <= RING_BYTES) return this.#bytes.slice(at, at + length);
    const frame = new Uint8Array(length);
    const first = RING_BYTES - at;
    frame.set(this.#bytes.subarray(at));
    frame.set(this.#bytes.subarray(0, length - first), first);
    return frame;
  }

  #copyIn(at: number, frame: Uint8Array): void {
    const first = Math.min(frame.length, RING_BYTES - at);
    this.#bytes.set(frame.subarray(0, first), at);
    if (first < frame.length) this.#bytes.set(frame.subarray(first), 0);
  }
}

function roundUp(length: number): number {
  return (length + LENGTH_BYTES - 1) & -LENGTH_BYTES;
}
