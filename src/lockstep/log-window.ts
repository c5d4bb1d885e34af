import { bytesOf, type LogEntry } from "./entry.ts";

/** Entries of the log that the secondary has not been through: what the primary may be ahead is bounded by them. */
export class LogWindow {
  #entries: { readonly sequence: number; readonly bytes: number }[] = [];
  #bytes = 0;

  get length(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: LogEntry): void {
    const bytes = bytesOf(entry);
    this.#entries.push({ sequence: entry.sequence, bytes });
    this.#bytes += bytes;
  }

  /** The secondary has been through everything up to there. True when it had not before. */
  consume(through: number): boolean {
    let count = 0;
    for (; count < this.#entries.length && this.#entries[count].sequence <= through; count++) {
      this.#bytes -= this.#entries[count].bytes;
    }
    if (count > 0) this.#entries = this.#entries.slice(count);
    return count > 0;
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }
}
