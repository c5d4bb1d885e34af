import { assert } from "../base/assert.ts";
import type { FrameOffset } from "../base/brand.ts";
import type { Dependents } from "../cpu/dependents.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { PageVersion } from "./machine-interface.ts";
import type { RamVersions } from "./ram-versions.ts";

/** Contents of a page in no frame that somebody reads or writes: a copy. */
interface Held {
  readonly bytes: Uint8Array;
  /** What they were read from: good as long as this is what the page has. */
  readonly version: PageVersion | undefined;
  isWritten: boolean;
}

/** Made behind those who use this, and asked when they do. */
export interface RamBytesParts {
  readonly memory: PhysicalMemory;
  readonly versions: () => RamVersions;
  readonly dependents: () => Dependents;
}

/**
 * RAM for whoever is no instruction: devices, the user's edits, what is placed at reset. With residency a page that is in no frame
 * gets one while some are free, and is read in its version and written to as a new one where none is: no frame is taken away in the
 * midst of a step, and a request may be for more pages than there are frames.
 */
export class RamBytes {
  readonly #parts: RamBytesParts;
  readonly #held = new Map<number, Held>();

  constructor(parts: RamBytesParts) {
    this.#parts = parts;
  }

  /** The first page of these bytes of RAM whose contents cannot be had now, or -1. What can be had now stays so until `finish`. */
  lacking(offset: number, length: number): number {
    const { memory } = this.#parts;
    if (!memory.layout.isMapped) return memory.lacking(offset, length);
    const last = Math.floor((offset + length - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) if (!this.#hasContents(page)) return page;
    return -1;
  }

  /** Nothing of it is lacking. */
  read(offset: number, length: number): Uint8Array {
    const { memory } = this.#parts;
    if (!memory.layout.isMapped) return memory.frames.slice(offset, offset + length);
    const bytes = new Uint8Array(length);
    for (const { page, from, at, size } of partsOf(offset, length)) {
      const contents = memory.isHere(page) ? memory.frame(memory.frameOf(page)) : this.#heldOf(page).bytes;
      bytes.set(contents.subarray(from, from + size), at);
    }
    return bytes;
  }

  /** Nothing of it is lacking. */
  write(offset: number, bytes: Uint8Array): void {
    const { memory, dependents } = this.#parts;
    if (!memory.layout.isMapped) {
      const place = offset as FrameOffset;
      memory.frames.set(bytes, place);
      memory.markDirty(place, bytes.length);
      dependents().written(place, bytes.length);
      return;
    }
    for (const { page, from, at, size } of partsOf(offset, bytes.length)) {
      const part = bytes.subarray(at, at + size);
      if (memory.isHere(page)) {
        const place = memory.place(page * PAGE_BYTES + from);
        memory.frames.set(part, place);
        memory.markDirty(place, size);
        dependents().written(place, size);
      } else {
        const held = this.#heldOf(page);
        held.bytes.set(part, from);
        held.isWritten = true;
        dependents().writtenAway(memory.layout.ramBase + page * PAGE_BYTES + from, size);
      }
    }
  }

  /** Zeros, of which there may be much. */
  clear(offset: number, length: number): void {
    if (length === 0) return;
    const { memory } = this.#parts;
    if (!memory.layout.isMapped) {
      const place = offset as FrameOffset;
      memory.frames.fill(0, place, place + length);
      memory.markDirty(place, length);
      this.#parts.dependents().written(place, length);
      return;
    }
    for (const { page, from, size } of partsOf(offset, length)) {
      // What nobody has written is zero.
      if (memory.isHere(page) || this.#versionOf(page) !== undefined)
        this.place(page * PAGE_BYTES + from, new Uint8Array(size));
    }
  }

  /** Between two steps: the same as `write` for what has no reason to be held together, as long as it may be. */
  place(offset: number, bytes: Uint8Array): void {
    if (!this.#parts.memory.layout.isMapped) {
      this.write(offset, bytes);
      return;
    }
    for (const { page, from, at, size } of partsOf(offset, bytes.length)) {
      // Segments may share a page, and the store may have it in another form already.
      if (this.lacking(page * PAGE_BYTES + from, size) >= 0) this.#parts.versions().bringNow(page);
      this.write(page * PAGE_BYTES + from, bytes.subarray(at, at + size));
      this.finish();
    }
  }

  /** The machine is given another state. */
  forget(): void {
    this.#held.clear();
  }

  /** What was to be done is done: what was written becomes the contents of its pages. */
  finish(): void {
    if (this.#held.size === 0) return;
    const written = [...this.#held].filter(([, { isWritten }]) => isWritten);
    this.#held.clear();
    if (written.length > 0) this.#parts.versions().rewrite(new Map(written.map(([page, { bytes }]) => [page, bytes])));
  }

  #hasContents(page: number): boolean {
    const { memory } = this.#parts;
    const held = this.#held.get(page);
    if (held !== undefined) {
      if (!memory.isHere(page) && held.version === this.#versionOf(page)) return true;
      this.#held.delete(page);
    }
    const versions = this.#parts.versions();
    if (versions.bringInStep(page)) return true;
    const bytes = versions.contentsOf(page);
    if (bytes === undefined) return false;
    this.#held.set(page, { bytes: bytes.slice(), version: this.#versionOf(page), isWritten: false });
    return true;
  }

  #heldOf(page: number): Held {
    const held = this.#held.get(page);
    assert(held !== undefined, `the contents of page ${page} are held`);
    return held;
  }

  #versionOf(page: number): PageVersion | undefined {
    return this.#parts.versions().versionAt(page);
  }
}

interface PagePart {
  readonly page: number;
  /** Where it begins in the page, and in the whole. */
  readonly from: number;
  readonly at: number;
  readonly size: number;
}

function* partsOf(offset: number, length: number): Iterable<PagePart> {
  for (let at = 0; at < length; ) {
    const page = Math.floor((offset + at) / PAGE_BYTES);
    const from = (offset + at) % PAGE_BYTES;
    const size = Math.min(length - at, PAGE_BYTES - from);
    yield { page, from, at, size };
    at += size;
  }
}
