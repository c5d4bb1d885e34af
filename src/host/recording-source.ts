import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import type { ByteSource } from "../replay/recording-message.ts";
import { systemReason } from "./system-errors.ts";

/** A file read at random. Its size is the one that it had when it was opened: a recording may still be growing. */
export class FileByteSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #fd: number;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, "r");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code === "ENOENT" ? "file-not-found" : "file-unreadable";
      throw new UserError(code, `cannot open ${path}: ${systemReason(error)}.`);
    }
    const status = fstatSync(this.#fd);
    if (!status.isFile()) {
      closeSync(this.#fd);
      throw new UserError("recording-not-file", `${path} is not a file: name a recording.`);
    }
    this.sizeBytes = status.size;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    let done = 0;
    while (done < bytes.length) {
      const count = this.#readSome(bytes, done, offset + done);
      // Somebody cut the file while it was open: what is missing is missing.
      if (count === 0) return bytes.subarray(0, done);
      done += count;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readSome(bytes: Uint8Array, at: number, position: number): number {
    try {
      return readSync(this.#fd, bytes, at, bytes.length - at, position);
    } catch (error) {
      throw new UserError("file-unreadable", `cannot read ${this.#path}: ${systemReason(error)}.`);
    }
  }
}
