import { randomUUID } from "node:crypto";
import { closeSync, openSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Places of one size in a file of the temporary folder. It has no name from the moment it is there: a process that is killed leaves
 * nothing behind.
 */
export class SwapFile {
  readonly #placeBytes: number;
  readonly #folder: string;
  readonly #free: number[] = [];
  #descriptor: number | undefined;
  #end = 0;

  /** `where`: a folder, or an open file. */
  constructor(placeBytes: number, where: string | number = tmpdir()) {
    this.#placeBytes = placeBytes;
    if (typeof where === "number") this.#descriptor = where;
    this.#folder = String(where);
  }

  /** Bytes that the file has at most. */
  get bytes(): number {
    return this.#end;
  }

  /** Throws what the operating system says when there can be none. */
  get descriptor(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    const path = join(this.#folder, `hindcast-pages-${process.pid}-${randomUUID()}`);
    this.#descriptor = openSync(path, "wx+", 0o600);
    try {
      unlinkSync(path);
    } catch {
      // A system that does not take the names of open files: it goes with the temporary folder.
    }
    return this.#descriptor;
  }

  /** The position of a place that is free. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#end += this.#placeBytes;
    return this.#end - this.#placeBytes;
  }

  giveBack(position: number): void {
    this.#free.push(position);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
