/** Positions, and how often somebody wrote: the reader sleeps on that. */
const HEAD = 0;
const TAIL = 1;
const WRITES = 2;
const HEADER_BYTES = 64;
const LENGTH_BYTES = 4;
/** More than two of the longest frames; a power of two, so that positions may overflow. */
const RING_BYTES = 2 ** 20;

/**
 * Frames on their way from one thread to another, in memory that both have: written and read without a call into the event loop.
 * One thread writes, one reads; who dies in the midst of writing has written nothing.
 */
export class SharedRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES);
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
    new DataView(this.#bytes.buffer).setUint32(HEADER_BYTES + at, frame.length, true);
    this.#copyIn((at + LENGTH_BYTES) % RING_BYTES, frame);
    Atomics.store(this.#words, HEAD, (head + needed) | 0);
    Atomics.add(this.#words, WRITES, 1);
    Atomics.notify(this.#words, WRITES);
    return true;
  }

  read(): Uint8Array | undefined {
    const tail = Atomics.load(this.#words, TAIL);
    if (Atomics.load(this.#words, HEAD) === tail) return undefined;
    const at = (tail >>> 0) % RING_BYTES;
    const frame = new Uint8Array(new DataView(this.#bytes.buffer).getUint32(HEADER_BYTES + at, true));
    const from = (at + LENGTH_BYTES) % RING_BYTES;
    const first = this.#bytes.subarray(from, Math.min(from + frame.length, RING_BYTES));
    frame.set(first);
    if (first.length < frame.length) frame.set(this.#bytes.subarray(0, frame.length - first.length), first.length);
    Atomics.store(this.#words, TAIL, (tail + LENGTH_BYTES + roundUp(frame.length)) | 0);
    return frame;
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#words, HEAD) === Atomics.load(this.#words, TAIL);
  }

  /** Calls `listener` when something has been written, until it says true. */
  async listen(listener: () => boolean): Promise<void> {
    for (;;) {
      const writes = Atomics.load(this.#words, WRITES);
      if (listener()) return;
      const waiting = Atomics.waitAsync(this.#words, WRITES, writes);
      if (waiting.async) await waiting.value;
    }
  }

  /** Asks who listens as if something had been written: one that is never woken is kept for good, and the ring with it. */
  wake(): void {
    Atomics.notify(this.#words, WRITES);
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
