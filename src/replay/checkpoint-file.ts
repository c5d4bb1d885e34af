import { McapConstants } from "@mcap/core";
import type { Instant } from "../base/brand.ts";
import { MalformedBytes } from "../base/byte-cursor.ts";
import { UserError } from "../base/errors.ts";
import { PLACE } from "../machine/absent-leaf.ts";
import type { Checkpoint, CheckpointParts, Digest, MachineLike, PageSource } from "../machine/machine-interface.ts";
import { DamagedFile, McapInput } from "./mcap-input.ts";
import { lowerBound } from "./number-column.ts";
import { decodePage, type PageChunk, type StoredCheckpoint } from "./payload.ts";
import type { ByteSource, ChunkCodec } from "./recording-message.ts";
import { recordingChannels } from "./recording-prologue.ts";
import { CHANNEL_IDS, PAGE_BYTES } from "./recording-writer.ts";

/** Pages that were left in the file cannot be read. */
export class DamagedPages extends Error {
  override readonly name = "DamagedPages";
  /** Where their chunk is. */
  readonly chunk: number;

  constructor(chunk: number, cause: DamagedFile | UserError) {
    super(cause.message, { cause });
    this.chunk = chunk;
  }
}

/** Bytes of pages that are kept expanded, of the chunks that were used last: who steps to and fro needs the same again and again. */
const EXPANDED_BYTES = 32 * 1024 * 1024;

/** Pages by their numbers. */
type ChunkPages = ReadonlyMap<number, Uint8Array>;

/**
 * The chunks of a file, as sources of pages that stay there until a machine needs one. A machine that asks for one takes all of its
 * chunk at once; what it has taken need not be kept here, and not with its checkpoints.
 */
class Chunks {
  readonly sources: ChunkSource[] = [];
  /** By checkpoint: the index of its first chunk. */
  readonly first = new Map<StoredCheckpoint, number>();
  readonly #read: (chunk: PageChunk) => ChunkPages;
  readonly #expanded = new Map<PageChunk, ChunkPages>();
  #expandedBytes = 0;
  #newest: PageChunk | undefined;

  constructor(read: (chunk: PageChunk) => ChunkPages) {
    this.#read = read;
  }

  add(stored: StoredCheckpoint): void {
    this.first.set(stored, this.sources.length);
    for (const chunk of stored.chunks) this.sources.push(new ChunkSource(chunk, this));
  }

  has(chunk: PageChunk): boolean {
    return this.#expanded.has(chunk);
  }

  read(chunk: PageChunk): ChunkPages {
    const known = this.#expanded.get(chunk);
    if (known !== undefined && this.#newest === chunk) return known;
    const pages = known ?? this.#read(chunk);
    this.#expanded.delete(chunk);
    this.#expanded.set(chunk, pages);
    this.#newest = chunk;
    if (known === undefined) this.#expandedBytes += pages.size * PAGE_BYTES;
    for (const [oldest, { size }] of this.#expanded) {
      if (this.#expandedBytes <= EXPANDED_BYTES || oldest === chunk) break;
      this.#expanded.delete(oldest);
      this.#expandedBytes -= size * PAGE_BYTES;
    }
    return pages;
  }
}

class ChunkSource implements PageSource {
  failure: DamagedPages | undefined;
  readonly work = "recording-read";
  readonly chunk: PageChunk;
  readonly #chunks: Chunks;

  constructor(chunk: PageChunk, chunks: Chunks) {
    this.chunk = chunk;
    this.#chunks = chunks;
  }

  get together(): Iterable<number> {
    return this.chunk.pages;
  }

  has(): boolean {
    return this.#chunks.has(this.chunk);
  }

  /** Throws nothing: somebody is in the midst of a step, and hears of it behind it. */
  read(page: number): Uint8Array | undefined {
    if (this.failure !== undefined) return undefined;
    try {
      return this.#chunks.read(this.chunk).get(page);
    } catch (error) {
      if (!(error instanceof DamagedFile || error instanceof UserError)) throw error;
      this.failure = new DamagedPages(this.chunk.offset, error);
      return undefined;
    }
  }
}

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
  readonly #chunks: Chunks;
  #opened: McapInput | undefined;

  /** `open` is called when somebody first travels there. `chunks`: those of another one of the same file. */
  constructor(open: () => McapInput, chunks?: Chunks) {
    this.#open = open;
    this.#chunks = chunks ?? new Chunks((chunk) => this.#readChunk(chunk));
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
    if (!this.#chunks.first.has(stored)) this.#chunks.add(stored);
  }

  /** The checkpoints up to a state, that of so many events at `instant`; what comes to the file later is not among them. */
  upTo(instant: Instant, events: number): CheckpointFile {
    const file = new CheckpointFile(() => this.#input, this.#chunks);
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
      for (const chunk of stored.chunks) this.#readChunk(chunk);
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
    const { numbers, inFile } = this.#placesOf(stored, base);
    const { instant, state } = stored;
    const { sources } = this.#chunks;
    if (inFile > eagerPages && digest !== undefined && machine.absentPages !== undefined) {
      const absent = { places: { numbers, sources }, initial: initial.pages, digest };
      return machine.importCheckpoint({ instant, state, pages: [], absent }, base.checkpoint);
    }
    const pages: CheckpointParts["pages"][number][] = [];
    const wanted = new Map<number, number[]>();
    for (let page = 0; page < numbers.length; page++) {
      const number = numbers[page];
      if (number === PLACE.unchanged) continue;
      if (number === PLACE.none) pages.push({ page, bytes: undefined });
      else if (number === PLACE.initial) pages.push({ page, bytes: initial.pages.get(page)?.bytes });
      else {
        const ofChunk = wanted.get(number) ?? [];
        if (ofChunk.length === 0) wanted.set(number, ofChunk);
        ofChunk.push(page);
      }
    }
    for (const [number, ofChunk] of wanted) {
      const { chunk } = sources[number - PLACE.sources];
      const read = this.#readChunk(chunk);
      // Views keep what the chunk expands to in memory for as long as one of the pages lives.
      const isMostlyWanted = ofChunk.length * 2 >= chunk.pages.length;
      for (const page of ofChunk) {
        const bytes = read.get(page)!;
        pages.push({ page, bytes: isMostlyWanted ? bytes : bytes.slice() });
      }
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

  /** Where each page that may differ between `stored` and `base` has its version of `stored`. */
  #placesOf(stored: StoredCheckpoint, base: FileState): Places {
    const at = this.#stored.indexOf(stored);
    const baseAt = this.#indexOf(base);
    const places = new Places(base.checkpoint.pages.pageCount);
    // What was written since is as it was before: at first, unless a checkpoint in between says otherwise.
    for (let index = at + 1; index <= baseAt; index++) {
      for (const pages of pageLists(this.#stored[index])) places.seek(pages);
    }
    if (baseAt > at) for (let index = at; index >= 0 && places.sought > 0; index--) this.#place(index, places);
    // Whatever comes later takes the place of what was before.
    else for (let index = baseAt + 1; index <= at; index++) this.#place(index, places);
    return places;
  }

  #place(index: number, places: Places): void {
    const stored = this.#stored[index];
    places.put(stored.zeroPages, PLACE.none);
    let number = this.#chunks.first.get(stored)! + PLACE.sources;
    for (const { pages } of stored.chunks) places.put(pages, number++);
  }

  /** The pages of a chunk, as views of what it expands to. */
  #readChunk({ offset, pages }: PageChunk): ChunkPages {
    const place = this.#input.placeAt(offset);
    if (place?.opcode !== McapConstants.Opcode.CHUNK) throw new DamagedFile(offset, "no pages where they should be");
    const payloads = this.#input.payloads(place, CHANNEL_IDS.page);
    const read = new Map(payloads.map((payload) => pageOf(offset, payload)));
    for (const page of pages) if (!read.has(page)) throw new DamagedFile(offset, `page ${page} is not among its pages`);
    return read;
  }
}

/** Where pages are: `AbsentPlaces.numbers`, in the making. */
class Places {
  readonly numbers: Uint32Array;
  /** Of so many the contents are in the file. */
  inFile = 0;
  /** So many have PLACE.initial, and may be in the file as well. */
  sought = 0;
  #isSeeking = false;

  constructor(pageCount: number) {
    this.numbers = new Uint32Array(pageCount);
  }

  /** From here on only these pages are put anywhere, and each only once. */
  seek(pages: Uint32Array): void {
    this.#isSeeking = true;
    const { numbers } = this;
    let count = 0;
    for (let index = 0; index < pages.length; index++) {
      const page = pages[index];
      if (numbers[page] !== PLACE.initial) count++;
      numbers[page] = PLACE.initial;
    }
    this.sought += count;
  }

  put(pages: Uint32Array, number: number): void {
    const { numbers } = this;
    const isSeeking = this.#isSeeking;
    let placed = 0;
    let wereInFile = 0;
    for (let index = 0; index < pages.length; index++) {
      const page = pages[index];
      const before = numbers[page];
      if (isSeeking && before !== PLACE.initial) continue;
      if (before >= PLACE.sources) wereInFile++;
      numbers[page] = number;
      placed++;
    }
    if (isSeeking) this.sought -= placed;
    this.inFile += (number >= PLACE.sources ? placed : 0) - wereInFile;
  }
}

function pageLists(stored: StoredCheckpoint): readonly Uint32Array[] {
  return [stored.zeroPages, ...stored.chunks.map(({ pages }) => pages)];
}

/** Whether one of some pages was written in the stretch that ends with a checkpoint. */
function isWritten(stored: StoredCheckpoint, pages: readonly number[]): boolean {
  if (stored.rewrittenPages === undefined) return true;
  const lists = [...pageLists(stored), stored.rewrittenPages];
  return lists.some((list) => pages.some((page) => list[lowerBound(list.length, (at) => list[at] >= page)] === page));
}

function pageOf(offset: number, payload: Uint8Array): [page: number, bytes: Uint8Array] {
  try {
    const decoded = decodePage(payload);
    if (decoded.bytes.length !== PAGE_BYTES) throw new MalformedBytes(`a page of ${decoded.bytes.length} bytes`);
    return [decoded.page, decoded.bytes];
  } catch (error) {
    if (error instanceof MalformedBytes) throw new DamagedFile(offset, error.message);
    throw error;
  }
}
