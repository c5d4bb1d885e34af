import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, writeSync } from "node:fs";
import type { ByteSink } from "../replay/recording-message.ts";

/** The calls that we need of the file system; tests put failing ones in their place. */
export interface FileCalls {
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
  fdatasyncSync(fd: number): void;
  ftruncateSync(fd: number, length: number): void;
  closeSync(fd: number): void;
}

const NODE_CALLS: FileCalls = { writeSync, fdatasyncSync, ftruncateSync, closeSync };

/** A file that only grows. What a failed write left half done is cut off again, so the file ends with a whole piece. */
export class AppendFile implements ByteSink {
  readonly #fd: number;
  readonly #calls: FileCalls;
  /** Devices (`/dev/full`, a pipe) are written at no position and cannot be cut. */
  readonly #isRegular: boolean;
  #length = 0;
  #synced = 0;

  /** Takes over `fd`, open for writing and empty. */
  constructor(fd: number, calls: FileCalls = NODE_CALLS) {
    this.#fd = fd;
    this.#calls = calls;
    this.#isRegular = fstatSync(fd).isFile();
  }

  get length(): number {
    return this.#length;
  }

  /** Throws what the operating system says when not all of it could be written. */
  write(bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) {
        const position = this.#isRegular ? this.#length + done : null;
        done += this.#calls.writeSync(this.#fd, bytes, done, bytes.length - done, position);
      }
    } catch (error) {
      if (this.#isRegular) this.#calls.ftruncateSync(this.#fd, this.#length);
      throw error;
    }
    this.#length += bytes.length;
  }

  /** Everything written so far survives a power failure. */
  sync(): void {
    if (!this.#isRegular || this.#synced === this.#length) return;
    this.#calls.fdatasyncSync(this.#fd);
    this.#synced = this.#length;
  }

  close(): void {
    this.#calls.closeSync(this.#fd);
  }
}
