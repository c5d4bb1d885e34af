/** Taken bytes are let go once they are more than this and half of all: each byte is moved a bounded number of times. */
const MOST_TAKEN = 4096;

/** Bytes in the order of their arrival. An array's `shift` moves all that are left, which a flood of input makes slow. */
export class ByteQueue {
  #bytes: number[] = [];
  #taken = 0;

  get length(): number {
    return this.#bytes.length - this.#taken;
  }

  push(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#bytes.push(byte);
  }

  shift(): number | undefined {
    if (this.length === 0) return undefined;
    const byte = this.#bytes[this.#taken++];
    if (this.#taken > MOST_TAKEN && this.#taken > this.length) {
      this.#bytes = this.contents();
      this.#taken = 0;
    }
    return byte;
  }

  clear(): void {
    this.#bytes = [];
    this.#taken = 0;
  }

  contents(): number[] {
    return this.#bytes.slice(this.#taken);
  }
}
