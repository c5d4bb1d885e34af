import { McapConstants } from "@mcap/core";
import type { Instant } from "../base/brand.ts";
import { MalformedBytes } from "../base/byte-cursor.ts";
import type { Checkpoint, CheckpointParts, MachineLike } from "../machine/machine-interface.ts";
import { DamagedFile, McapInput } from "./mcap-input.ts";
import { lowerBound } from "./number-column.ts";
import { decodePage, type PageChunk, type StoredCheckpoint } from "./payload.ts";
import type { ByteSource, ChunkCodec } from "./recording-message.ts";
import { recordingChannels } from "./recording-prologue.ts";
import { CHANNEL_IDS, PAGE_BYTES } from "./recording-writer.ts";

/** Stands for the offset of a chunk where a page has become zero: no chunk begins at the file's magic. */
const ZERO = 0;

/** A state in memory that is also a checkpoint of the file; `stored` undefined: the state at reset. */
export interface FileState {
  readonly checkpoint: Checkpoint;
  readonly stored: StoredCheckpoint | undefined;
}

/**
 * The checkpoints of a recording's file. Of each only its state and the numbers of its pages are in memory; the pages
 * are read when somebody travels there. Serves a finished recording and one that is still being written alike: the
 * writer's thread then says which checkpoints have reached the file.
 */
export class CheckpointFile {
  readonly #open: () => McapInput;
  readonly #stored: StoredCheckpoint[] = [];
  #opened: McapInput | undefined;

  /** `open` is called when somebody first travels there. */
  constructor(open: () => McapInput) {
    this.#open = open;
  }

  get #input(): McapInput {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Of a recording that is still being written; the writer's `onCheckpoint` says what to `add`. */
  static of(source: ByteSource, codec: ChunkCodec): CheckpointFile {
    return new CheckpointFile(() => new McapInput(source, codec, recordingChannels()));
  }

  /** Adds the next one, whose pages are in the file already. */
  add(stored: StoredCheckpoint): void {
    this.#stored.push(stored);
  }

  /** The checkpoints up to a state, that of so many events at `instant`; what comes to the file later is not among them. */
  upTo(instant: Instant, events: number): CheckpointFile {
    const file = new CheckpointFile(() => this.#input);
    for (const stored of this.#stored) if (stored.instant <= instant && stored.events <= events) file.add(stored);
    return file;
  }

  get checkpoints(): readonly StoredCheckpoint[] {
    return this.#stored;
  }

  /** The latest checkpoint at `instant` or earlier. */
  atOrBefore(instant: number): StoredCheckpoint | undefined {
    return this.#stored[this.#firstAt(instant + 1) - 1];
  }

  /** The checkpoint of exactly this state. */
  find(instant: number, events: number): StoredCheckpoint | undefined {
    for (let index = this.#firstAt(instant); this.#stored[index]?.instant === instant; index++) {
      if (this.#stored[index].events === events) return this.#stored[index];
    }
    return undefined;
  }

  /**
   * The earliest instant such that no step from there up to `to` has written any of some pages of RAM, nor an event behind it, as far
   * as this can be told without going there; `to` itself when nothing can be told. `arrival`: nor an event at `to`.
   */
  unwrittenSince(to: number, pages: readonly number[], arrival: boolean): number {
    let since = to;
    // What was written from one checkpoint up to the next is told by the next; an event at a checkpoint's instant may be behind it.
    for (let index = this.#firstAt(arrival ? to + 1 : to); index >= 0 && index < this.#stored.length; index--) {
      if (isWritten(this.#stored[index], pages)) return since;
      since = index === 0 ? 0 : this.#stored[index - 1].instant;
    }
    return since;
  }

  /** The latest instant such that no step from `from` up to there has written any of the pages; `from` when nothing can be told. */
  unwrittenUntil(from: number, pages: readonly number[]): number {
    let until = from;
    for (let index = this.#firstAt(from + 1); index < this.#stored.length; index++) {
      if (isWritten(this.#stored[index], pages)) break;
      until = this.#stored[index].instant;
    }
    return until;
  }

  /** Reads all pages of a checkpoint: what is wrong with them, or undefined. */
  damageOf(stored: StoredCheckpoint): DamagedFile | undefined {
    try {
      for (const { offset, pages } of stored.chunks) this.#readChunk(offset, new Set(pages), []);
      return undefined;
    } catch (error) {
      if (error instanceof DamagedFile) return error;
      throw error;
    }
  }

  /** Forgets a checkpoint that could not be read, and those that build on it. */
  dropFrom(stored: StoredCheckpoint): void {
    this.#stored.length = Math.min(this.#stored.length, Math.max(0, this.#stored.indexOf(stored)));
  }

  /**
   * Reads a checkpoint; yields after each chunk. `base` is what the machine holds in memory of another state: that of
   * another checkpoint in this file, earlier or later, or the initial one. (Between two of them a page may have changed
   * and changed back, which the file does not say.) Only pages that changed in between are read. Throws `DamagedFile`.
   */
  *load(
    stored: StoredCheckpoint,
    base: FileState,
    initial: Checkpoint,
    machine: MachineLike,
  ): Generator<void, Checkpoint, void> {
    const { places, untouched } = this.#placesOf(stored, base);
    const pages: CheckpointParts["pages"][number][] = [];
    for (const page of untouched) pages.push({ page, bytes: initial.pages.get(page)?.bytes });
    for (const [offset, numbers] of places) {
      if (offset === ZERO) for (const page of numbers) pages.push({ page, bytes: undefined });
      else this.#readChunk(offset, numbers, pages);
      yield;
    }
    const parts = { instant: stored.instant, state: stored.state, pages };
    return machine.importCheckpoint(parts, base.checkpoint);
  }

  /** How many checkpoints lie between a state and this one: what loading it from there takes. */
  distance(stored: StoredCheckpoint, base: FileState): number {
    return Math.abs(this.#stored.indexOf(stored) - this.#indexOf(base));
  }

  #indexOf({ stored }: FileState): number {
    return stored === undefined ? -1 : this.#stored.indexOf(stored);
  }

  #firstAt(instant: number): number {
    return lowerBound(this.#stored.length, (index) => this.#stored[index].instant >= instant);
  }

  /**
   * Where each page that may differ between `stored` and `base` has its version of `stored`: numbers by chunk, or
   * under ZERO; `untouched` are those that had not changed since the run began.
   */
  #placesOf(stored: StoredCheckpoint, base: FileState): { places: Map<number, Set<number>>; untouched: Set<number> } {
    const at = this.#stored.indexOf(stored);
    const baseAt = this.#indexOf(base);
    const sought = new Set<number>();
    for (let index = Math.min(at, baseAt) + 1; index <= Math.max(at, baseAt); index++) {
      for (const { pages } of pageLists(this.#stored[index])) for (const page of pages) sought.add(page);
    }
    const places = new Map<number, Set<number>>();
    for (let index = at; index >= 0 && sought.size > 0; index--) {
      for (const { offset, pages } of pageLists(this.#stored[index])) {
        const found = places.get(offset) ?? new Set<number>();
        for (const page of pages) if (sought.delete(page)) found.add(page);
        if (found.size > 0) places.set(offset, found);
      }
    }
    return { places, untouched: sought };
  }

  #readChunk(offset: number, wanted: ReadonlySet<number>, pages: CheckpointParts["pages"][number][]): void {
    const place = this.#input.placeAt(offset);
    if (place?.opcode !== McapConstants.Opcode.CHUNK) throw new DamagedFile(offset, "no pages where they should be");
    let found = 0;
    const payloads = this.#input.payloads(place, CHANNEL_IDS.page);
    // Views keep what the chunk expands to in memory for as long as one of the pages lives.
    const isMostlyWanted = wanted.size * 2 >= payloads.length;
    for (const payload of payloads) {
      const { page, bytes } = pageOf(offset, payload);
      if (!wanted.has(page)) continue;
      pages.push({ page, bytes: isMostlyWanted ? bytes : bytes.slice() });
      found++;
    }
    if (found !== wanted.size) throw new DamagedFile(offset, `${found} of ${wanted.size} pages`);
  }
}

function pageLists(stored: StoredCheckpoint): readonly PageChunk[] {
  return [{ offset: ZERO, pages: stored.zeroPages }, ...stored.chunks];
}

/** Whether one of some pages was written in the stretch that ends with a checkpoint. */
function isWritten(stored: StoredCheckpoint, pages: readonly number[]): boolean {
  if (stored.rewrittenPages === undefined) return true;
  const lists = [...pageLists(stored).map((list) => list.pages), stored.rewrittenPages];
  return lists.some((list) => pages.some((page) => list[lowerBound(list.length, (at) => list[at] >= page)] === page));
}

function pageOf(offset: number, payload: Uint8Array): { page: number; bytes: Uint8Array } {
  try {
    const decoded = decodePage(payload);
    if (decoded.bytes.length !== PAGE_BYTES) throw new MalformedBytes(`a page of ${decoded.bytes.length} bytes`);
    return decoded;
  } catch (error) {
    if (error instanceof MalformedBytes) throw new DamagedFile(offset, error.message);
    throw error;
  }
}
