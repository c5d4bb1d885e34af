/** Bytes in order, added at the end and dropped from the front, without moving what is in between. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** Of the first chunk, bytes that are gone. */
  #dropped = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** A copy of `length` bytes from `start`; fewer at the end. */
  peek(start: number, length: number): Uint8Array {
    const result = new Uint8Array(Math.max(0, Math.min(length, this.#length - start)));
    let filled = 0;
    let skip = start + this.#dropped;
    for (const chunk of this.#chunks) {
      if (filled === result.length) break;
      if (skip < chunk.length) {
        const part = chunk.subarray(skip, skip + result.length - filled);
        result.set(part, filled);
        filled += part.length;
      }
      skip = Math.max(0, skip - chunk.length);
    }
    return result;
  }

  drop(length: number): void {
    this.#length -= length;
    this.#dropped += length;
    let gone = 0;
    while (gone < this.#chunks.length && this.#dropped >= this.#chunks[gone].length) {
      this.#dropped -= this.#chunks[gone++].length;
    }
    this.#chunks.splice(0, gone);
  }
}
