import { UserError } from "../base/errors.ts";
import type { LatentWork } from "../machine/latent-work.ts";
import type { PageSource } from "../machine/machine-interface.ts";
import type { PageStore } from "../machine/residency.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import { readStretch, type SwapAnswer, unpack } from "./swap-jobs.ts";
import { type PackedOwner, SwapLog } from "./swap-log.ts";
import { SwapThread } from "./swap-thread.ts";
import { systemReason } from "./system-errors.ts";

/** Packed together, so that the thread is woken for some at a time. */
const SLAB_PAGES = 16;
const SLAB_BYTES = SLAB_PAGES * PAGE_BYTES;
/** Slabs that wait to be packed: who has more to put away than the thread can pack packs himself. */
const LEAST_SLABS = 4;
const MOST_SLABS = 64;
/** Pages that have come and that nobody takes: the oldest may be asked for again. */
const MOST_ARRIVED = 64;

export interface SwapOptions {
  /** Most bytes of packed pages in memory, about: the others go to the file. */
  readonly memoryBytes: number;
  /** Pages take at least so many milliseconds to come in. For measurements and tests. */
  readonly latencyMs?: number | undefined;
  /** The folder that the file is in, or an open file; absent: the folder for temporary files. */
  readonly file?: string | number | undefined;
  /** Finds out at once which pages nobody has any more; absent: when the collector comes by itself. */
  readonly collectGarbage?: (() => void) | undefined;
}

/** What the store holds, in bytes: as they are, packed in memory, packed in the file. */
export interface SwapBytes {
  readonly raw: number;
  readonly compressed: number;
  readonly file: number;
}

interface Slab {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly entries: Entry[];
}

/** Where the bytes of a page are: as they are in a slab, or packed. */
class Entry implements PackedOwner {
  slab: Slab | undefined;
  segment: PackedOwner["segment"];
  /** In the slab, or in the segment. */
  offset: number;
  length = PAGE_BYTES;
  isGone = false;
  isAsked = false;
  failure: UserError | undefined;

  constructor(slab: Slab, offset: number) {
    this.slab = slab;
    this.offset = offset;
  }
}

/** A page in the store, for as long as anybody refers to it. */
class StoredPage implements PageSource {
  readonly #store: SwapStore;
  readonly #entry: Entry;

  constructor(store: SwapStore, entry: Entry) {
    this.#store = store;
    this.#entry = entry;
  }

  read(): Uint8Array | undefined {
    return this.#store.read(this.#entry);
  }

  request(): void {
    this.#store.request(this.#entry);
  }

  readNow(): Uint8Array {
    return this.#store.readNow(this.#entry);
  }

  get work(): LatentWork {
    return this.#store.workOf(this.#entry);
  }

  get failure(): UserError | undefined {
    return this.#entry.failure;
  }
}

/** Collected when so much more is kept than was alive the last time. */
const LEAST_GROWTH_BYTES = 64 * 1024 * 1024;

/**
 * Where pages of RAM go: as they are for a moment, then packed in memory, then in a file. A thread packs, writes, reads and unpacks; the
 * machine's own looks where things are. What nobody refers to any more is found by the collector.
 */
export class SwapStore implements PageStore {
  readonly #options: SwapOptions;
  readonly #thread: SwapThread;
  readonly #log: SwapLog;
  readonly #mostSlabs: number;
  readonly #spareSlabs: Slab[] = [];
  readonly #arrived = new Map<Entry, Uint8Array>();
  #hasCome = false;
  readonly #registry = new FinalizationRegistry<Entry>((entry) => this.#release(entry));
  #slab: Slab | undefined;
  #packing = 0;
  #kept = 0;
  #collectAt = LEAST_GROWTH_BYTES / PAGE_BYTES;

  constructor(options: SwapOptions) {
    this.#options = options;
    this.#thread = new SwapThread(options.latencyMs ?? 0);
    this.#log = new SwapLog(this.#thread, options.memoryBytes, options.file);
    const share = Math.floor(options.memoryBytes / 16 / SLAB_BYTES);
    this.#mostSlabs = Math.min(MOST_SLABS, Math.max(LEAST_SLABS, share));
  }

  put(bytes: Uint8Array): PageSource {
    this.#slab ??= this.#spareSlabs.pop() ?? newSlab();
    const slab = this.#slab;
    const entry = new Entry(slab, slab.entries.length * PAGE_BYTES);
    slab.bytes.set(bytes, entry.offset);
    slab.entries.push(entry);
    if (slab.entries.length === SLAB_PAGES) {
      this.#slab = undefined;
      this.#pack(slab);
    }
    const page = new StoredPage(this, entry);
    this.#registry.register(page, entry);
    this.#kept++;
    if (this.#kept >= this.#collectAt) this.#collect();
    return page;
  }

  /** Takes what has come from the thread. True when an answer of a page has, since this was called last. */
  poll(): boolean {
    this.#thread.collect();
    const hasCome = this.#hasCome;
    this.#hasCome = false;
    return hasCome;
  }

  /** Stands still until something comes, or so many milliseconds. */
  wait(mostMs: number): void {
    this.#thread.wait(mostMs);
  }

  /** The thread has something to do. */
  get isBusy(): boolean {
    return this.#thread.open > 0;
  }

  get bytes(): SwapBytes {
    const { packedBytes, filedBytes } = this.#log;
    const slabs = this.#packing * SLAB_PAGES + (this.#slab?.entries.length ?? 0);
    return { raw: slabs * PAGE_BYTES, compressed: packedBytes - filedBytes, file: filedBytes };
  }

  /** Pages that somebody has, as far as the collector has found out. */
  get pages(): number {
    return this.#kept;
  }

  /** Bytes that are reserved in memory, and those of the file. */
  get reserved(): { memory: number; file: number } {
    const slabs = this.#packing + this.#spareSlabs.length + (this.#slab === undefined ? 0 : 1);
    return { memory: this.#log.memoryBytes + slabs * SLAB_BYTES, file: this.#log.fileBytes };
  }

  /** A sentence when the file cannot take any more: pages then stay in memory. */
  get warning(): string | undefined {
    const { refusal } = this.#log;
    return refusal === undefined
      ? undefined
      : `Pages that were put away stay in memory, because the file for them cannot be written: ${refusal}.`;
  }

  async close(): Promise<void> {
    await this.#thread.close();
    this.#log.close();
  }

  /** For tests: see `SwapThread.kill`. */
  async killThread(): Promise<void> {
    await this.#thread.kill();
  }

  read(entry: Entry): Uint8Array | undefined {
    const arrived = this.#arrived.get(entry);
    if (arrived !== undefined) {
      this.#arrived.delete(entry);
      return arrived;
    }
    // A store that is to be slow is always slow.
    return this.#options.latencyMs ? undefined : this.#raw(entry)?.slice();
  }

  request(entry: Entry): void {
    if (entry.isAsked || this.#arrived.has(entry)) return;
    entry.isAsked = true;
    const done = (answer: SwapAnswer) => this.#came(entry, answer);
    const bytes = this.#raw(entry) ?? this.#log.inMemory(entry);
    if (bytes !== undefined) this.#thread.order({ kind: "unpack", bytes: bytes.slice() }, done);
    else this.#thread.order({ kind: "fetch", ...this.#log.inFile(entry) }, done);
  }

  readNow(entry: Entry): Uint8Array {
    const raw = this.#arrived.get(entry) ?? this.#raw(entry);
    if (raw !== undefined) return raw.slice();
    const bytes = this.#log.inMemory(entry);
    if (bytes !== undefined) return unpack(bytes);
    try {
      return unpack(readStretch(this.#log.inFile(entry)));
    } catch (error) {
      throw this.#failed(entry, systemReason(error));
    }
  }

  workOf(entry: Entry): LatentWork {
    const isInMemory = entry.segment === undefined || this.#log.inMemory(entry) !== undefined;
    return isInMemory ? "decompression" : "page-in";
  }

  #raw({ slab, offset }: Entry): Uint8Array | undefined {
    return slab?.bytes.subarray(offset, offset + PAGE_BYTES);
  }

  #pack(slab: Slab): void {
    this.#thread.collect();
    const order = { kind: "pack", slab: slab.buffer, count: slab.entries.length } as const;
    const done = (answer: SwapAnswer) => this.#packed(slab, answer);
    this.#packing++;
    if (this.#packing > this.#mostSlabs) this.#thread.orderHere(order, done);
    else this.#thread.order(order, done);
  }

  #packed(slab: Slab, answer: SwapAnswer): void {
    this.#packing--;
    if (answer.kind !== "packed") throw new Error(`pages could not be packed: ${answer.kind}`);
    let at = 0;
    slab.entries.forEach((entry, index) => {
      const length = answer.lengths[index];
      entry.slab = undefined;
      if (!entry.isGone) this.#log.add(entry, answer.bytes.subarray(at, at + length));
      at += length;
    });
    slab.entries.length = 0;
    if (this.#spareSlabs.length < LEAST_SLABS) this.#spareSlabs.push(slab);
  }

  #came(entry: Entry, answer: SwapAnswer): void {
    entry.isAsked = false;
    this.#hasCome = true;
    if (entry.isGone) return;
    if (answer.kind === "failed") {
      this.#failed(entry, answer.reason);
      return;
    }
    this.#arrived.set(entry, answer.kind === "page" ? answer.bytes : this.readNow(entry));
    if (this.#arrived.size <= MOST_ARRIVED) return;
    const [oldest] = this.#arrived.keys();
    this.#arrived.delete(oldest);
  }

  #failed(entry: Entry, reason: string): UserError {
    entry.failure = new UserError("page-lost", `A page that was put away cannot be read back: ${reason}.`);
    return entry.failure;
  }

  #release(entry: Entry): void {
    entry.isGone = true;
    this.#kept--;
    this.#arrived.delete(entry);
    this.#log.remove(entry);
  }

  #collect(): void {
    this.#options.collectGarbage?.();
    // Those that were found are told of later: from here on as much again may come.
    this.#collectAt = this.#kept + LEAST_GROWTH_BYTES / PAGE_BYTES;
  }
}

function newSlab(): Slab {
  const buffer = new SharedArrayBuffer(SLAB_BYTES);
  return { buffer, bytes: new Uint8Array(buffer), entries: [] };
}
