import { McapConstants } from "@mcap/core";
import type { Instant } from "../base/brand.ts";
import { MalformedBytes } from "../base/byte-cursor.ts";
import type { Checkpoint, CheckpointParts, Digest, MachineLike, PageSource } from "../machine/machine-interface.ts";
import { DamagedFile, McapInput } from "./mcap-input.ts";
import { lowerBound } from "./number-column.ts";
import { decodePage, type PageChunk, type StoredCheckpoint } from "./payload.ts";
import type { ByteSource, ChunkCodec } from "./recording-message.ts";
import { recordingChannels } from "./recording-prologue.ts";
import { CHANNEL_IDS, PAGE_BYTES } from "./recording-writer.ts";

/** Stands for the offset of a chunk where a page has become zero: no chunk begins at the file's magic. */
const ZERO = 0;

/** Pages that were left in the file cannot be read. */
export class DamagedPages extends DamagedFile {
  /** Where their chunk is. */
  readonly chunk: number;

  constructor(chunk: number, cause: DamagedFile) {
    super(cause.offset, cause.message);
    this.chunk = chunk;
  }
}

/**
 * Pages that stay in the file until the machine needs one; then all of its chunk that are wanted are read. So no chunk is read twice,
 * however the machine goes through its memory.
 */
class ChunkSource implements PageSource {
  failure: DamagedPages | undefined;
  /** By page: the number of its chunk, counted from 1. */
  readonly #numbers: Uint32Array;
  readonly #chunks: (readonly [offset: number, pages: readonly number[]] | undefined)[];
  readonly #readChunk: ReadPages;
  /** Read, and not asked for. */
  readonly #bytes = new Map<number, Uint8Array | undefined>();

  constructor(chunks: ReadonlyMap<number, readonly number[]>, pageCount: number, readChunk: ReadPages) {
    this.#readChunk = readChunk;
    this.#chunks = [...chunks];
    this.#numbers = new Uint32Array(pageCount);
    this.#chunks.forEach((chunk, index) => {
      for (const page of chunk![1]) this.#numbers[page] = index + 1;
    });
  }

  *pages(): Iterable<number> {
    for (const chunk of this.#chunks) if (chunk !== undefined) yield* chunk[1];
  }

  read(page: number): Uint8Array | undefined {
    const index = this.#numbers[page] - 1;
    const chunk = this.#chunks[index];
    if (chunk !== undefined && this.failure === undefined) {
      const [offset, wanted] = chunk;
      try {
        for (const read of this.#readChunk(offset, wanted)) this.#bytes.set(read.page, read.bytes);
        this.#chunks[index] = undefined;
      } catch (error) {
        if (!(error instanceof DamagedFile)) throw error;
        this.failure = new DamagedPages(offset, error);
      }
    }
    const bytes = this.#bytes.get(page);
    this.#bytes.delete(page);
    return bytes;
  }
}

type ReadPages = (offset: number, pages: readonly number[]) => CheckpointParts["pages"];

/** How a checkpoint is to be read. */
export interface LoadChoices {
  /** The digest of its state, when it is known: what is needed to leave pages in the file. */
  readonly digest: Digest | undefined;
  /** So many pages at most are read at once; with more, pages are absent until the machine needs them. */
  readonly eagerPages: number;
}

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
      for (const { offset, pages } of stored.chunks) this.#readChunk(offset, pages, []);
      return undefined;
    } catch (error) {
      if (error instanceof DamagedFile) return error;
      throw error;
    }
  }

  /** The checkpoint that pages in a chunk were saved for. */
  ownerOf(chunk: number): StoredCheckpoint | undefined {
    return this.#stored.find(({ chunks }) => chunks.some(({ offset }) => offset === chunk));
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
    { digest, eagerPages }: LoadChoices,
  ): Generator<void, Checkpoint, void> {
    const { places, untouched } = this.#placesOf(stored, base);
    const pages: CheckpointParts["pages"][number][] = [];
    for (const page of untouched) pages.push({ page, bytes: initial.pages.get(page)?.bytes });
    const { instant, state } = stored;
    let count = 0;
    for (const [offset, numbers] of places) if (offset !== ZERO) count += numbers.length;
    if (count > eagerPages && digest !== undefined && machine.absentPages !== undefined) {
      for (const page of places.get(ZERO) ?? []) pages.push({ page, bytes: undefined });
      places.delete(ZERO);
      const { pageCount } = base.checkpoint.pages;
      const source = new ChunkSource(places, pageCount, (offset, numbers) => this.#readChunk(offset, numbers, []));
      const absent = { source, pages: source.pages(), digest };
      return machine.importCheckpoint({ instant, state, pages, absent }, base.checkpoint);
    }
    for (const [offset, numbers] of places) {
      if (offset === ZERO) for (const page of numbers) pages.push({ page, bytes: undefined });
      else this.#readChunk(offset, numbers, pages);
      yield;
    }
    return machine.importCheckpoint({ instant, state, pages }, base.checkpoint);
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
  #placesOf(stored: StoredCheckpoint, base: FileState): { places: Map<number, number[]>; untouched: number[] } {
    const at = this.#stored.indexOf(stored);
    const baseAt = this.#indexOf(base);
    // A byte for each page: a set of all pages of a gibibyte takes longer to fill than anything else here.
    const sought = new Uint8Array(base.checkpoint.pages.pageCount);
    let left = 0;
    for (let index = Math.min(at, baseAt) + 1; index <= Math.max(at, baseAt); index++) {
      for (const { pages } of pageLists(this.#stored[index])) {
        for (const page of pages) {
          left += 1 - sought[page];
          sought[page] = 1;
        }
      }
    }
    const places = new Map<number, number[]>();
    for (let index = at; index >= 0 && left > 0; index--) {
      for (const { offset, pages } of pageLists(this.#stored[index])) {
        const found = places.get(offset) ?? [];
        for (const page of pages) {
          if (sought[page] !== 1) continue;
          sought[page] = 0;
          left--;
          found.push(page);
        }
        if (found.length > 0) places.set(offset, found);
      }
    }
    const untouched: number[] = [];
    if (left > 0) for (let page = 0; page < sought.length; page++) if (sought[page] === 1) untouched.push(page);
    return { places, untouched };
  }

  /** Adds to `pages`, and returns them. */
  #readChunk(
    offset: number,
    numbers: ArrayLike<number>,
    pages: CheckpointParts["pages"][number][],
  ): CheckpointParts["pages"] {
    const place = this.#input.placeAt(offset);
    if (place?.opcode !== McapConstants.Opcode.CHUNK) throw new DamagedFile(offset, "no pages where they should be");
    let found = 0;
    const wanted = new Set(Array.from(numbers));
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
    return pages;
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
