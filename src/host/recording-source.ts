import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import type { ByteSource } from "../replay/recording-message.ts";
import { systemReason } from "./system-errors.ts";

/** A file read at random. */
export class FileByteSource implements ByteSource {
  readonly #sizeBytes: number | undefined;
  readonly #path: string;
  #fd: number | undefined;

  /**
   * The size is the one that the file has now, though it may be growing; `follows`: the one that it has when somebody
   * asks.
   */
  constructor(path: string, follows = false) {
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
    this.#sizeBytes = follows ? undefined : status.size;
  }

  get name(): string {
    return this.#path;
  }

  get sizeBytes(): number {
    return this.#sizeBytes ?? this.#attempt((fd) => fstatSync(fd).size);
  }

  read(offset: number, length: number, room?: Uint8Array): Uint8Array {
    const size = Math.max(0, Math.min(length, this.sizeBytes - offset));
    const bytes = room !== undefined && room.length >= size ? room.subarray(0, size) : new Uint8Array(size);
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
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #readSome(bytes: Uint8Array, at: number, position: number): number {
    return this.#attempt((fd) => readSync(fd, bytes, at, bytes.length - at, position));
  }

  #attempt<Result>(act: (fd: number) => Result): Result {
    // Once it is closed its number may be another file's.
    if (this.#fd === undefined) throw new UserError("file-closed", `${this.#path} has been closed.`);
    try {
      return act(this.#fd);
    } catch (error) {
      throw new UserError("file-unreadable", `cannot read ${this.#path}: ${systemReason(error)}.`);
    }
  }
}
