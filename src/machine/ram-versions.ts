import { assert } from "../base/assert.ts";
import type { FrameOffset, Instant, PhysicalAddress } from "../base/brand.ts";
import { DIRTY_GROUP_PAGES, PAGE_BYTES, PAGE_FLAG, SCRATCH, SCRATCH_BYTES } from "../memory/layout.ts";
import { HASH_BLOCK_BYTES, type Maintenance, type Summation } from "../memory/maintenance-code.ts";
import type { PageBringer, PhysicalMemory } from "../memory/physical-memory.ts";
import { PLACE } from "./absent-leaf.ts";
import { AbsentVersion, fetchVersion, isAway } from "./absent-version.ts";
import type { Disks } from "./disks.ts";
import type { LatentWork } from "./latent-work.ts";
import type { AbsentPages, CheckpointParts, PageTable, PageVersion, WrittenPages } from "./machine-interface.ts";
import { COMPARE_BYTES, differingBlocks, setContents, ZERO_PAGE } from "./page-contents.ts";
import { contribution, isUnopened, type LeafChange, mix, Pages, sumsOf, versionsOf } from "./pages.ts";
import { sumsWith } from "./place-sums.ts";
import type { PageStore, ResidencyCounters } from "./residency.ts";
import { SecondChance } from "./second-chance.ts";
import { WithheldPages } from "./withheld-pages.ts";

/** PAGE_FLAG.dirty of eight pages. */
const DIRTY_OF_EIGHT = BigInt(PAGE_FLAG.dirty) * 0x0101_0101_0101_0101n;

/** Bytes that were written to RAM as they are. */
interface Placed {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * A restore that has put so many pages in place leaves the others absent until they are needed, also those whose contents are in
 * memory: a machine begins to run within some milliseconds wherever it is sent.
 */
const MOST_COPIED_PAGES = 8192;

/** Who must hear of what happens to RAM here. */
export interface RamObserver {
  /** The next store to each page must take the slow path. */
  rearm(): void;
  /** Pages have become absent: no translation may lead to them. */
  withdrawn(): void;
  /** RAM has other contents here. */
  overwritten(place: FrameOffset, size: number): void;
  /** A frame that was free holds a page; what was decoded of its contents was another's. */
  arrived(frame: number): void;
  /** A frame holds no page any more, and no translation leads to it. */
  freed(frame: number): void;
  /** A page that shall not be put away. */
  isKept(page: number): boolean;
  instant(): Instant;
}

/**
 * Which version of each page RAM and the disks hold. Pages written since the last `save` are found by their dirty flag, which the
 * slow path of a page's first store sets; saving clears the flags and the write tags, and so arms the slow path again.
 *
 * A block of a disk that was ever written has a version, even when it has come to equal the image: whether checkpoints
 * were made in between makes no difference to that.
 *
 * A page that is absent has a version, whose contents are not here: RAM holds what was there before, with what was decoded of
 * it, under a flag that keeps everybody away.
 *
 * With residency, pages are in frames, of which there are fewer. A page that is in none is as its version says; so what is put away
 * becomes a version first. Frames are freed between two steps only, when nothing is under way that knows where pages are.
 */
export class RamVersions implements WrittenPages, AbsentPages, PageBringer {
  readonly #memory: PhysicalMemory;
  readonly #maintenance: Pick<Maintenance, "hash" | "findBits"> & Summation;
  readonly #others: RamObserver;
  readonly #disks: Disks;
  readonly #ramPages: number;
  readonly #zeroHash: bigint;
  readonly #hashOf = (bytes: Uint8Array) => this.hash(bytes);
  #current: Pages;
  /** Found dirty since the last `take`. */
  #written = new Set<number>();
  /** Since the last `save`. */
  #placed: Placed[] = [];
  /** By the `restore` that is under way. */
  #hasWithdrawn = false;
  /** Pages whose contents the `restore` that is under way may still put in place. */
  #room = 0;
  /** Where `bringSome` goes on. */
  #bringAt = 0;
  /** Undefined: every page has its frame. */
  readonly #store: PageStore | undefined;
  readonly #chance: SecondChance | undefined;
  /** Pages that were put away since the last `save`, and written before. */
  readonly #writtenAway = new Set<number>();
  readonly #withheld: WithheldPages;
  #putAwayCount = 0;
  #broughtCount = 0;
  /** What somebody who looks on has fetched last. */
  #seen: { readonly version: PageVersion; readonly bytes: Uint8Array } | undefined;

  constructor(
    memory: PhysicalMemory,
    maintenance: Pick<Maintenance, "hash" | "findBits"> & Summation,
    others: RamObserver,
    disks: Disks,
    store?: PageStore,
  ) {
    assert(memory.layout.isMapped === (store !== undefined), "who has frames has a store");
    this.#store = store;
    this.#chance = store && new SecondChance(memory, (page) => others.isKept(page));
    this.#memory = memory;
    this.#withheld = new WithheldPages(memory);
    this.#maintenance = maintenance;
    this.#others = others;
    this.#disks = disks;
    this.#ramPages = memory.layout.ramPages;
    this.#current = Pages.initial(this.#ramPages + disks.blockCount);
    disks.settle(this.#current);
    memory.bringer = this;
    // Nothing is in RAM yet: its first frame gives the hash of all pages that are zero.
    assert(this.#dirtyFrames().length === 0, "RAM was written before it was versioned");
    this.#zeroHash = this.#hashFrame(0);
  }

  /**
   * Bytes that stay as they are, a kernel perhaps, have been written to RAM: its pages' first versions are parts of them,
   * not copies. Of a file that is mostly something else pages are copied, so that they do not keep all of it.
   */
  placed(offset: number, bytes: Uint8Array): void {
    if (bytes.length * 2 >= bytes.buffer.byteLength) this.#placed.push({ offset, bytes });
  }

  /** The present contents as a page table; what is in it is never written again. */
  save(): Pages {
    const dirty = this.#dirtyFrames();
    const { written } = this.#disks;
    this.#noteWrittenAway();
    if (dirty.length === 0 && written.size === 0) return this.#current;
    const changes: [number, PageVersion | undefined][] = [];
    for (const frame of dirty) {
      const page = this.#memory.pageOf(frame);
      this.#written.add(page);
      this.#memory.flags[frame] &= ~PAGE_FLAG.dirty;
      const change = this.#changeOf(page, this.#hashFrame(frame), (hash) => this.#versionOf(page, hash));
      if (change !== undefined) changes.push(change);
    }
    this.#placed = [];
    this.#others.rearm();
    for (const [page, bytes] of written) {
      const hash = this.hash(bytes);
      if (hash !== this.#current.get(page)?.hash) changes.push([page, { bytes, hash }]);
    }
    this.#current = this.#current.with(changes);
    this.#disks.settle(this.#current);
    return this.#current;
  }

  restore(pages: PageTable, mostCopied = MOST_COPIED_PAGES): void {
    assert(pages instanceof Pages && pages.pageCount === this.#current.pageCount, "a page table of another machine");
    const { flags } = this.#memory;
    this.#hasWithdrawn = false;
    this.#withheld.giveBackAll();
    this.#room = mostCopied;
    this.#noteWrittenAway();
    for (const frame of this.#dirtyFrames()) {
      const page = this.#memory.pageOf(frame);
      this.#written.add(page);
      this.#replace(page, pages.get(page));
      flags[frame] &= ~PAGE_FLAG.dirty;
    }
    const absentBlocks: number[] = [];
    // Dirty pages hold their final bytes already; writing those that differ a second time is harmless.
    if (pages !== this.#current) {
      for (const change of pages.changedLeaves(this.#current)) this.#replaceLeaf(change, absentBlocks);
    }
    this.#current = pages;
    this.#disks.settle(pages, absentBlocks);
    if (this.#hasWithdrawn) this.#others.withdrawn();
    this.#others.rearm();
  }

  /** See `AbsentPages`. */
  get count(): number {
    return this.#memory.absentCount + this.#disks.absentBlocks;
  }

  get counters(): ResidencyCounters | undefined {
    if (this.#chance === undefined) return undefined;
    return {
      ...{ frames: this.#memory.layout.frames, pages: this.#ramPages, resident: this.#chance.used },
      ...{ putAway: this.#putAwayCount, broughtIn: this.#broughtCount },
    };
  }

  /** Why an absent page will never be there. */
  failureOf(page: number): Error | undefined {
    const version = this.#current.get(page);
    return version instanceof AbsentVersion ? version.failure : undefined;
  }

  request(page: number): LatentWork {
    const version = this.#current.get(page);
    return version instanceof AbsentVersion ? version.request() : "recording-read";
  }

  spare(page: number): void {
    if (page < this.#ramPages) this.#chance?.spare(page);
  }

  withhold(marks: Uint8Array): void {
    assert(this.#chance === undefined, "every page has its frame");
    this.#withheld.giveBackAll();
    if (!marks.includes(1)) return;
    // Their versions have what RAM has, as of every absent page.
    this.save();
    if (this.#withheld.take(marks)) this.#others.withdrawn();
  }

  bringNow(page: number): void {
    this.#withheld.giveBack(page);
    if (this.bring(page)) return;
    const version = this.#current.get(page);
    assert(version !== undefined, "what nobody has written is here");
    const { bytes } = version;
    if (page < this.#ramPages) this.#admit(page, bytes);
    else this.#disks.bring(page);
  }

  hashOf(bytes: Uint8Array): bigint {
    return this.hash(bytes);
  }

  bring(page: number): boolean {
    if (page >= this.#ramPages) return this.#disks.bring(page);
    if (this.#memory.isHere(page)) return true;
    if (!this.#admit(page, this.contentsOf(page))) return false;
    const version = this.#chance === undefined ? this.#current.get(page) : undefined;
    if (version instanceof AbsentVersion) this.#bringNeighbours(version);
    return true;
  }

  /** See PageBringer. */
  bringInStep(page: number): boolean {
    if (page < this.#ramPages && !this.#memory.isHere(page) && this.#chance?.hasFree === false) return false;
    return this.bring(page);
  }

  /** Between two steps: brings in a page that was lacking because it had no frame. False: its contents cannot be had now. */
  admit(page: number): boolean {
    return this.#chance !== undefined && page < this.#ramPages && this.bring(page);
  }

  #admit(page: number, contents: Uint8Array | undefined): boolean {
    if (contents === undefined) return false;
    if (this.#chance?.hasFree === false) {
      // They may be good only as long as nothing else is read.
      const kept = contents.slice();
      this.#makeRoom();
      this.#put(page, kept);
    } else this.#put(page, contents);
    return true;
  }

  /** Of a page in no frame; undefined: its contents cannot be had now. */
  contentsOf(page: number): Uint8Array | undefined {
    if (this.#withheld.has(page)) return undefined;
    const version = this.#current.get(page);
    return version === undefined ? ZERO_PAGE : fetchVersion(version);
  }

  /** See PageBringer. */
  look(page: number): Uint8Array | undefined {
    const version = this.#current.get(page);
    if (version === undefined) return ZERO_PAGE;
    if (this.#seen?.version !== version) {
      const canWait = version instanceof AbsentVersion && version.canWait;
      const bytes = canWait ? version.bytes : fetchVersion(version);
      if (bytes === undefined) return undefined;
      this.#seen = { version, bytes: bytes.slice() };
    }
    return this.#seen.bytes;
  }

  /** Which contents a page in no frame has: as long as this is the same, they are. */
  versionAt(page: number): PageVersion | undefined {
    return this.#current.get(page);
  }

  /** Pages in no frame get other contents. */
  rewrite(pages: ReadonlyMap<number, Uint8Array>): void {
    const changes: [number, PageVersion | undefined][] = [];
    for (const [page, bytes] of pages) {
      assert(!this.#memory.isHere(page), `page ${page} is in a frame`);
      this.#writtenAway.add(page);
      const change = this.#changeOf(page, this.hash(bytes), (hash) => this.#stored(page, hash, bytes));
      if (change !== undefined) changes.push(change);
    }
    if (changes.length > 0) this.#current = this.#current.with(changes);
  }

  bringSome(most: number): void {
    // Where there are fewer frames than pages, they come when they are needed; what is withheld, when it is asked for.
    if (this.#chance !== undefined || this.#withheld.any) return;
    const { flags } = this.#memory;
    let looked = 0;
    for (let brought = 0; brought < most && this.#memory.absentCount > 0 && looked < flags.length; looked++) {
      if (this.#bringAt >= flags.length) this.#bringAt = 0;
      const page = this.#bringAt++;
      const before = this.#memory.absentCount;
      if ((flags[page] & PAGE_FLAG.absent) !== 0 && this.bring(page)) brought += before - this.#memory.absentCount;
    }
  }

  /** What its source has read together with it is put in place as well: pages that need not be asked for. */
  #bringNeighbours({ source }: AbsentVersion): void {
    if (source?.together === undefined || this.#memory.absentCount === 0) return;
    const { flags } = this.#memory;
    for (const page of source.together) {
      if (page >= this.#ramPages || (flags[page] & PAGE_FLAG.absent) === 0) continue;
      const version = this.#current.get(page);
      if (!(version instanceof AbsentVersion) || version.source !== source) continue;
      const bytes = version.fetch();
      if (bytes !== undefined) this.#put(page, bytes);
    }
  }

  /** See `WrittenPages`: all that were written from one call up to the last `save` before the next are in the second's answer. */
  take(): readonly number[] {
    const pages = [...this.#written].sort((a, b) => a - b);
    this.#written.clear();
    return pages;
  }

  unsaved(): number {
    return this.#dirtyFrames().length;
  }

  pagesOf(address: PhysicalAddress, length: number): readonly number[] | undefined {
    return this.#memory.pagesOf(BigInt(address), length);
  }

  /** A page table out of a recording: pages not given are those of `base`; undefined are zero, or as in the image. */
  import({ state, pages, absent }: CheckpointParts, base: PageTable | undefined): Pages {
    assert(base === undefined || base instanceof Pages, "a page table of another machine");
    const changes: [number, PageVersion | undefined][] = [];
    for (const { page, bytes } of pages) {
      assert(page >= 0 && page < this.#current.pageCount, `no page ${page}`);
      const hash = bytes === undefined ? this.#zeroHash : this.hash(bytes);
      const isZero = page < this.#ramPages && hash === this.#zeroHash;
      const isInitial = bytes === undefined || isZero;
      // Blocks of disks are in memory as often as there are versions of them.
      changes.push([
        page,
        isInitial ? undefined : page < this.#ramPages ? this.#stored(page, hash, bytes) : { bytes, hash },
      ]);
    }
    const successorOf = base ?? Pages.initial(this.#current.pageCount);
    if (absent === undefined) return successorOf.with(changes);
    if ("hashes" in absent) {
      const { source } = absent;
      for (const [page, hash] of absent.hashes) changes.push([page, new AbsentVersion(page, hash, source)]);
      return successorOf.with(changes);
    }
    const { places, initial, digest } = absent;
    assert(initial instanceof Pages && pages.length === 0, "contents beside places");
    const sums =
      digest === undefined
        ? sumsWith(this.#memory, this.#maintenance, successorOf, places)
        : sumsOf(digest, this.hash(state));
    return successorOf.withAbsent(places, initial, this.#hashOf, sums);
  }

  /** The sums of a page table; or of the present contents of RAM and disks, as `save().sums` would give them. */
  sums(pages?: PageTable): readonly [bigint, bigint] {
    if (pages !== undefined) {
      assert(pages instanceof Pages, "a page table of another machine");
      return pages.sums;
    }
    let [first, second] = this.#current.sums;
    const add = (page: number, hash: bigint | undefined) => {
      const [oldFirst, oldSecond] = contribution(page, this.#current.get(page)?.hash);
      const [newFirst, newSecond] = contribution(page, hash);
      first = BigInt.asUintN(64, first - oldFirst + newFirst);
      second = BigInt.asUintN(64, second - oldSecond + newSecond);
    };
    for (const frame of this.#dirtyFrames()) {
      const hash = this.#hashFrame(frame);
      add(this.#memory.pageOf(frame), hash === this.#zeroHash ? undefined : hash);
    }
    for (const [page, bytes] of this.#disks.written) add(page, this.hash(bytes));
    return [first, second];
  }

  /** Pages of RAM that count as unchanged since the last `save` or `restore`, and are not. Looks at every byte. */
  changedUnseen(): number[] {
    const { flags, layout } = this.#memory;
    const pages: number[] = [];
    for (let frame = 0; frame < layout.frames; frame++) {
      const page = this.#memory.pageOf(frame);
      if (page < 0 || (flags[frame] & (PAGE_FLAG.dirty | PAGE_FLAG.absent)) !== 0) continue;
      if (this.#hashFrame(frame) !== (this.#current.get(page)?.hash ?? this.#zeroHash)) pages.push(page);
    }
    return pages;
  }

  /** Hash of any bytes. */
  hash(bytes: Uint8Array): bigint {
    const scratch = this.#memory.bytes.subarray(SCRATCH, SCRATCH + SCRATCH_BYTES);
    let hash = BigInt(bytes.length);
    for (let at = 0; at < bytes.length; at += SCRATCH_BYTES) {
      const part = bytes.subarray(at, at + SCRATCH_BYTES);
      const padded = Math.ceil(part.length / HASH_BLOCK_BYTES) * HASH_BLOCK_BYTES;
      scratch.set(part);
      scratch.fill(0, part.length, padded);
      const partHash = BigInt.asUintN(64, this.#maintenance.hash(SCRATCH, padded));
      hash = at === 0 && bytes.length === PAGE_BYTES ? partHash : mix(hash ^ partHash);
    }
    return hash;
  }

  /** Of the page's contents in its frame. */
  #versionOf(page: number, hash: bigint): PageVersion {
    if (this.#store === undefined) return { bytes: this.#bytesOf(page, hash), hash };
    return this.#stored(page, hash, this.#memory.frame(this.#memory.frameOf(page)));
  }

  #stored(page: number, hash: bigint, bytes: Uint8Array): PageVersion {
    return this.#store === undefined ? { bytes, hash } : AbsentVersion.stored(page, hash, this.#store.put(bytes, hash));
  }

  #bytesOf(page: number, hash: bigint): Uint8Array {
    for (const { offset, bytes } of this.#placed) {
      const start = page * PAGE_BYTES - offset;
      if (start < 0 || start + PAGE_BYTES > bytes.length) continue;
      const part = bytes.subarray(start, start + PAGE_BYTES);
      if (this.hash(part) === hash) return part;
    }
    return this.#memory.frame(page).slice();
  }

  #hashFrame(frame: number): bigint {
    return BigInt.asUintN(64, this.#maintenance.hash(this.#memory.layout.ram + frame * PAGE_BYTES, PAGE_BYTES));
  }

  #dirtyFrames(): number[] {
    const { dirtyGroups } = this.#memory;
    const frames: number[] = [];
    for (let group = 0; group < dirtyGroups.length; group++) {
      if (dirtyGroups[group] === 0) continue;
      const found = frames.length;
      this.#dirtyFramesOf(group, frames);
      // Somebody has cleared the flags since.
      if (frames.length === found) dirtyGroups[group] = 0;
    }
    return frames;
  }

  #dirtyFramesOf(group: number, frames: number[]): void {
    const { flags } = this.#memory;
    const { pageFlags } = this.#memory.layout;
    // Eight flags at a time; those beyond the last frame are never set.
    const groupEnd = Math.min((group + 1) * DIRTY_GROUP_PAGES, flags.length);
    const end = pageFlags + Math.ceil(groupEnd / 8) * 8;
    for (let at = pageFlags + group * DIRTY_GROUP_PAGES; ; at += 8) {
      at = this.#maintenance.findBits(at, end, DIRTY_OF_EIGHT);
      if (at >= end) return;
      const first = at - pageFlags;
      for (let at = first; at < first + 8; at++) if ((flags[at] & PAGE_FLAG.dirty) !== 0) frames.push(at);
    }
  }

  #noteWrittenAway(): void {
    for (const page of this.#writtenAway) this.#written.add(page);
    this.#writtenAway.clear();
  }

  #replaceLeaf({ first, end, then, now }: LeafChange, absentBlocks: number[]): void {
    const known = isUnopened(then) || then === undefined ? undefined : versionsOf(then);
    if (isUnopened(now)) {
      this.#withdrawMany(first, Math.min(end, this.#ramPages), now.places.numbers);
      for (let page = first; page < end; page++) {
        if (now.has(page)) {
          if (page >= this.#ramPages) absentBlocks.push(page);
        } else if (isUnopened(then) ? then.has(page) : known?.[page - first] !== undefined)
          this.#replace(page, undefined);
      }
      return;
    }
    const versions = now && versionsOf(now);
    for (let page = first; page < end; page++) {
      const version = versions?.[page - first];
      // Of what nobody has looked at only what had no version can be the same.
      if (isUnopened(then) ? version === undefined && !then.has(page) : version === known?.[page - first]) continue;
      if (page < this.#ramPages) this.#replace(page, version);
      else if (isAway(version)) absentBlocks.push(page);
    }
  }

  #replace(page: number, version: PageVersion | undefined): void {
    if (page >= this.#ramPages) return;
    if (this.#chance !== undefined && !this.#memory.isHere(page)) return;
    if (isAway(version) || this.#room <= 0) this.#withdraw(page);
    else {
      this.#room--;
      this.#memory.setAbsent(page, false);
      this.#fill(this.#memory.frameOf(page), version?.bytes);
    }
  }

  #withdrawMany(first: number, end: number, numbers: Uint32Array): void {
    if (this.#chance === undefined) {
      if (this.#memory.setManyAbsent(first, end, numbers, PLACE.sources)) this.#hasWithdrawn = true;
      return;
    }
    for (let page = first; page < end; page++) {
      if (numbers[page] >= PLACE.sources && this.#memory.isHere(page)) this.#withdraw(page);
    }
  }

  /** No frame is given away before the tags are flushed, which is when the restore ends. */
  #withdraw(page: number): void {
    if (this.#chance === undefined) {
      if (this.#memory.setAbsent(page, true)) this.#hasWithdrawn = true;
      return;
    }
    this.#hasWithdrawn = true;
    this.#free(this.#memory.frameOf(page));
  }

  #put(page: number, bytes: Uint8Array | undefined): void {
    if (this.#chance === undefined) {
      this.#memory.setAbsent(page, false);
      this.#fill(page, bytes);
      return;
    }
    const frame = this.#chance.take();
    setContents(this.#memory.frame(frame), bytes);
    this.#memory.map(page, frame);
    this.#others.arrived(frame);
    if (bytes !== undefined && bytes !== ZERO_PAGE) this.#broughtCount++;
  }

  /** Gives the page in a frame other contents. What is made of bytes that stay the same stays. */
  #fill(frame: number, bytes: Uint8Array | undefined): void {
    const contents = this.#memory.frame(frame);
    const isObserved = (this.#memory.flags[frame] & (PAGE_FLAG.code | PAGE_FLAG.table)) !== 0;
    const changed = isObserved ? differingBlocks(contents, bytes) : [];
    setContents(contents, bytes);
    for (const block of changed) {
      this.#others.overwritten((frame * PAGE_BYTES + block) as FrameOffset, COMPARE_BYTES);
    }
  }

  /** Puts pages away. */
  #makeRoom(): void {
    assert(this.#chance !== undefined && this.#store !== undefined, "pages can be put away");
    const { frames, cleared } = this.#chance.victims(this.#others.instant());
    // Whatever leads to a frame that is not in use any more: it is used again through the slow path.
    if (cleared) this.#others.withdrawn();
    const changes: [number, PageVersion | undefined][] = [];
    for (const frame of frames) {
      const page = this.#memory.pageOf(frame);
      const old = this.#current.get(page);
      let change: [number, PageVersion | undefined] | undefined;
      if ((this.#memory.flags[frame] & PAGE_FLAG.dirty) !== 0) {
        this.#writtenAway.add(page);
        change = this.#changeOf(page, this.#hashFrame(frame), (hash) => this.#versionOf(page, hash));
      }
      if (change !== undefined) changes.push(change);
      else if (old instanceof AbsentVersion) old.putAway(this.#store);
      this.#free(frame);
      this.#putAwayCount++;
    }
    if (changes.length > 0) this.#current = this.#current.with(changes);
  }

  /** What contents of RAM with this hash make of the present page table; undefined: nothing. */
  #changeOf(
    page: number,
    hash: bigint,
    version: (hash: bigint) => PageVersion,
  ): [number, PageVersion | undefined] | undefined {
    if (hash === (this.#current.get(page)?.hash ?? this.#zeroHash)) return undefined;
    return [page, hash === this.#zeroHash ? undefined : version(hash)];
  }

  #free(frame: number): void {
    this.#others.freed(frame);
    this.#memory.unmap(frame);
    this.#chance?.freed(frame);
  }
}
