import { assert } from "../base/assert.ts";
import type { BlockStore } from "../devices/virtio-block.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import { AbsentPage, fetchVersion } from "./absent-version.ts";
import { type DiskConfiguration, MAX_DISK_BYTES, MAX_DISKS } from "./configuration.ts";
import { errors } from "./errors.ts";
import type { PageTable } from "./machine-interface.ts";

/** What a disk holds at instant 0. It never changes: what the guest writes is kept by the machine. */
export interface DiskImage {
  readonly sizeBytes: number;
  /** Fewer bytes than asked for only where the image ends; what follows there reads as zero. */
  read(offset: number, length: number): Uint8Array;
}

/**
 * The disks of a machine, copy on write: a block of 4 KiB is the one written last, else that of the page table which the
 * machine has come from, else that of the image. Blocks count like pages, behind those of RAM.
 */
export class Disks {
  /** Blocks of all disks. */
  readonly blockCount: number;
  readonly stores: readonly BlockStore[];
  readonly #firstPage: number;
  /** Blocks written since the last `settle`, by page. */
  #written = new Map<number, Uint8Array>();
  #pages: PageTable | undefined;
  #absent = new Set<number>();
  /** What blocks that are written meanwhile were before, while it may have to be undone. */
  #before: Map<number, Uint8Array | undefined> | undefined;

  /** `firstPage`: the number of the first block among the pages. */
  constructor(configurations: readonly DiskConfiguration[], images: readonly DiskImage[], firstPage: number) {
    checkDisks(configurations);
    assert(images.length === configurations.length, "an image for each disk");
    this.#firstPage = firstPage;
    let page = firstPage;
    this.stores = configurations.map(({ sizeBytes }, index) => {
      const store = new Disk(this, images[index], sizeBytes, page);
      page += Math.ceil(sizeBytes / PAGE_BYTES);
      return store;
    });
    this.blockCount = page - firstPage;
  }

  /** Blocks that were written since, with their contents as they are now. */
  get written(): ReadonlyMap<number, Uint8Array> {
    return this.#written;
  }

  /** The disks are as in this page table; blocks that were given to it as versions are not written to again. */
  settle(pages: PageTable, absent: Iterable<number> = []): void {
    assert(pages.pageCount === this.#firstPage + this.blockCount, "a page table of another machine");
    this.#pages = pages;
    for (const page of absent) this.#absent.add(page);
    if (this.#written.size > 0) this.#written = new Map();
  }

  /** The bytes of a block, not to be written to; undefined when it is as in the image. */
  block(page: number): Uint8Array | undefined {
    return this.#written.get(page) ?? this.#versionOf(page);
  }

  /** Fetches the contents of a block if they are absent; false: they cannot be had now. */
  bring(page: number): boolean {
    const version = this.#absent.has(page) ? this.#pages?.get(page) : undefined;
    if (version !== undefined && fetchVersion(version) === undefined) return false;
    this.#absent.delete(page);
    return true;
  }

  /** Blocks whose contents may be absent. */
  get absentBlocks(): number {
    return this.#absent.size;
  }

  /** From here on `undo` takes back what is written, until `keep`. */
  begin(): void {
    this.#before = new Map();
  }

  keep(): void {
    this.#before = undefined;
  }

  undo(): void {
    for (const [page, bytes] of this.#before ?? []) {
      if (bytes === undefined) this.#written.delete(page);
      else this.#written.set(page, bytes);
    }
    this.#before = undefined;
  }

  #versionOf(page: number): Uint8Array | undefined {
    const version = this.#pages?.get(page);
    if (version === undefined) return undefined;
    const bytes = fetchVersion(version);
    if (bytes === undefined) throw new AbsentPage(page);
    if (this.#absent.size > 0) this.#absent.delete(page);
    return bytes;
  }

  /** The bytes of a block, to be written to. `original` gives them when it is as in the image. */
  writable(page: number, original: () => Uint8Array): Uint8Array {
    const written = this.#written.get(page);
    if (this.#before?.has(page) === false) this.#before.set(page, written?.slice());
    if (written !== undefined) return written;
    const bytes = this.#versionOf(page)?.slice() ?? original();
    this.#written.set(page, bytes);
    return bytes;
  }
}

class Disk implements BlockStore {
  readonly sizeBytes: number;
  readonly #disks: Disks;
  readonly #image: DiskImage;
  readonly #firstPage: number;

  constructor(disks: Disks, image: DiskImage, sizeBytes: number, firstPage: number) {
    this.#disks = disks;
    this.#image = image;
    this.sizeBytes = sizeBytes;
    this.#firstPage = firstPage;
  }

  read(offset: number, length: number): Uint8Array {
    assert(offset + length <= this.sizeBytes, "beyond the disk's end");
    const bytes = new Uint8Array(length);
    // Neighbouring blocks that are as in the image are read from there together.
    let plainFrom = offset;
    const copyPlain = (to: number) => {
      if (plainFrom < to) bytes.set(this.#image.read(plainFrom, to - plainFrom), plainFrom - offset);
    };
    for (const { page, from, to } of this.#blocks(offset, length)) {
      const block = this.#disks.block(page);
      if (block === undefined) continue;
      copyPlain(from);
      bytes.set(block.subarray(from % PAGE_BYTES, (from % PAGE_BYTES) + to - from), from - offset);
      plainFrom = to;
    }
    copyPlain(offset + length);
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(offset + bytes.length <= this.sizeBytes, "beyond the disk's end");
    for (const { page, from, to } of this.#blocks(offset, bytes.length)) {
      const block = this.#disks.writable(page, () => this.#original(page, to - from === PAGE_BYTES));
      block.set(bytes.subarray(from - offset, to - offset), from % PAGE_BYTES);
    }
  }

  /** A block of the image, at its full size; one that is written over as a whole need not be read. */
  #original(page: number, whole: boolean): Uint8Array {
    const block = new Uint8Array(PAGE_BYTES);
    if (!whole) block.set(this.#image.read((page - this.#firstPage) * PAGE_BYTES, PAGE_BYTES));
    return block;
  }

  /** The blocks that a stretch of the disk touches, and from where to where it does. */
  *#blocks(offset: number, length: number) {
    for (let from = offset; from < offset + length; ) {
      const block = Math.floor(from / PAGE_BYTES);
      const to = Math.min((block + 1) * PAGE_BYTES, offset + length);
      yield { page: this.#firstPage + block, from, to };
      from = to;
    }
  }
}

function checkDisks(configurations: readonly DiskConfiguration[]): void {
  if (configurations.length > MAX_DISKS) throw errors.disks(configurations.length, MAX_DISKS);
  let total = 0;
  for (const { sizeBytes } of configurations) {
    total += sizeBytes;
    const possible = Number.isSafeInteger(sizeBytes) && sizeBytes > 0 && sizeBytes % 512 === 0;
    if (!possible || total > MAX_DISK_BYTES) throw errors.diskSize(sizeBytes, MAX_DISK_BYTES);
  }
}
