import { assert } from "../base/assert.ts";
import { SwapFile } from "./swap-file.ts";
import type { SwapThread } from "./swap-thread.ts";
import { systemReason } from "./system-errors.ts";

/** One write to the file, and what one piece of rubbish may keep from being used again. */
export const SEGMENT_BYTES = 256 * 1024;
/** Of the segments in the file so much may be rubbish; and a few may always be. */
const LEAST_LIVE_SHARE = 1 / 2;
const FEW_SEGMENTS = 8;
/** Memory of segments that is kept for the next ones. */
const MOST_SPARE = 4;

/** Who has a packed page, and where it is: there may be hundreds of thousands, so they are small. */
export interface PackedOwner {
  /** Undefined: it is not packed, or nobody's any more. */
  segment: Segment | undefined;
  offset: number;
  length: number;
}

export interface Segment {
  /** Undefined once it is in the file. */
  bytes: Uint8Array | undefined;
  /** In the file; -1: nowhere. */
  position: number;
  used: number;
  /** Bytes of pages that somebody still has. */
  live: number;
  /** And those that have gone, or are elsewhere by now. */
  readonly owners: PackedOwner[];
  isMoving: boolean;
}

/**
 * Packed pages one behind the other in segments: so many in memory, the older ones in a file. What is given back leaves holes; when
 * half of the file is holes the segment with most of them is written anew (a log-structured store, as Rosenblum and Ousterhout's).
 */
export class SwapLog {
  readonly #thread: SwapThread;
  readonly #mostBytes: number;
  readonly #file: SwapFile;
  /** In memory and full, the oldest first. */
  readonly #inMemory: Segment[] = [];
  readonly #inFile = new Set<Segment>();
  readonly #spare: Uint8Array[] = [];
  #open: Segment;
  #filedLive = 0;
  #packedBytes = 0;
  #isCleaning = false;
  #refusal: string | undefined;

  constructor(thread: SwapThread, mostBytes: number, where?: string | number) {
    this.#thread = thread;
    this.#mostBytes = mostBytes;
    this.#file = new SwapFile(SEGMENT_BYTES, where);
    this.#open = this.#segment();
  }

  /** Why pages stay in memory beyond the bound. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Bytes of packed pages that somebody has. */
  get packedBytes(): number {
    return this.#packedBytes;
  }

  /** Those of them that are in the file alone. */
  get filedBytes(): number {
    return this.#filedLive;
  }

  /** Bytes that are held in memory, and what the file has at most. */
  get memoryBytes(): number {
    return (this.#inMemory.length + 1 + this.#spare.length) * SEGMENT_BYTES;
  }

  get fileBytes(): number {
    return this.#file.bytes;
  }

  add(owner: PackedOwner, bytes: Uint8Array): void {
    if (this.#open.used + bytes.length > SEGMENT_BYTES) this.#seal();
    const segment = this.#open;
    owner.segment = segment;
    owner.offset = segment.used;
    owner.length = bytes.length;
    segment.bytes!.set(bytes, segment.used);
    segment.used += bytes.length;
    segment.live += bytes.length;
    segment.owners.push(owner);
    this.#packedBytes += bytes.length;
  }

  remove(owner: PackedOwner): void {
    const { segment, length } = owner;
    owner.segment = undefined;
    if (segment === undefined) return;
    segment.live -= length;
    this.#packedBytes -= length;
    if (this.#inFile.has(segment)) this.#filedLive -= length;
    if (segment.live === 0 && segment !== this.#open) this.#drop(segment);
    this.#clean();
  }

  /** The bytes of a packed page where they are in memory. */
  inMemory({ segment, offset, length }: PackedOwner): Uint8Array | undefined {
    return segment?.bytes?.subarray(offset, offset + length);
  }

  inFile({ segment, offset, length }: PackedOwner): { file: number; position: number; length: number } {
    assert(segment !== undefined && segment.position >= 0, "a page that is nowhere");
    return { file: this.#file.descriptor, position: segment.position + offset, length };
  }

  close(): void {
    this.#file.close();
  }

  #segment(): Segment {
    const bytes = this.#spare.pop() ?? new Uint8Array(new SharedArrayBuffer(SEGMENT_BYTES));
    return { bytes, position: -1, used: 0, live: 0, owners: [], isMoving: false };
  }

  #seal(): void {
    const sealed = this.#open;
    this.#inMemory.push(sealed);
    this.#open = this.#segment();
    if (sealed.live === 0) this.#drop(sealed);
    // Those that are on their way to the file will soon be gone.
    const staying = this.#inMemory.filter(({ isMoving }) => !isMoving);
    const most = Math.max(1, Math.floor(this.#mostBytes / SEGMENT_BYTES));
    for (const segment of staying.slice(0, Math.max(0, staying.length - most))) this.#write(segment);
  }

  #write(segment: Segment): void {
    let file: number;
    try {
      file = this.#file.descriptor;
    } catch (error) {
      this.#refusal = systemReason(error);
      return;
    }
    const position = this.#file.take();
    segment.isMoving = true;
    const bytes = segment.bytes!.subarray(0, segment.used);
    this.#thread.order({ kind: "write", file, position, bytes }, (answer) => {
      segment.isMoving = false;
      if (answer.kind !== "written") {
        // It stays where it is, and is tried again with the next.
        this.#file.giveBack(position);
        this.#refusal = answer.kind === "failed" ? answer.reason : answer.kind;
      } else {
        this.#refusal = undefined;
        this.#free(segment);
        segment.position = position;
        this.#inMemory.splice(this.#inMemory.indexOf(segment), 1);
        this.#inFile.add(segment);
        this.#filedLive += segment.live;
      }
      if (segment.live === 0) this.#drop(segment);
      this.#clean();
    });
  }

  #free(segment: Segment): void {
    if (segment.bytes !== undefined && this.#spare.length < MOST_SPARE) this.#spare.push(segment.bytes);
    segment.bytes = undefined;
  }

  /** Nobody has anything of it any more. */
  #drop(segment: Segment): void {
    if (segment.isMoving) return;
    if (segment.bytes !== undefined) {
      const at = this.#inMemory.indexOf(segment);
      if (at < 0) return;
      this.#inMemory.splice(at, 1);
      this.#free(segment);
    } else if (this.#inFile.delete(segment)) this.#file.giveBack(segment.position);
  }

  #clean(): void {
    const segments = this.#inFile.size;
    if (this.#isCleaning || segments <= FEW_SEGMENTS) return;
    if (this.#filedLive >= segments * SEGMENT_BYTES * LEAST_LIVE_SHARE) return;
    let sparsest: Segment | undefined;
    for (const segment of this.#inFile) {
      if (!segment.isMoving && (sparsest === undefined || segment.live < sparsest.live)) sparsest = segment;
    }
    if (sparsest === undefined) return;
    const segment = sparsest;
    this.#isCleaning = true;
    segment.isMoving = true;
    const stretch = { file: this.#file.descriptor, position: segment.position, length: segment.used };
    this.#thread.order({ kind: "load", ...stretch }, (answer) => {
      this.#isCleaning = false;
      segment.isMoving = false;
      if (answer.kind !== "loaded") return;
      for (const owner of segment.owners) {
        if (owner.segment !== segment) continue;
        const { offset, length } = owner;
        this.remove(owner);
        this.add(owner, answer.bytes.subarray(offset, offset + length));
      }
      if (segment.live === 0) this.#drop(segment);
      this.#clean();
    });
  }
}
