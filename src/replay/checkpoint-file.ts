import { McapConstants } from "@mcap/core";
import type { Instant } from "../base/brand.ts";
import { MalformedBytes } from "../base/byte-cursor.ts";
import type { Checkpoint, CheckpointParts, MachineLike } from "../machine/machine-interface.ts";
import { DamagedFile, type McapInput } from "./mcap-input.ts";
import { lowerBound } from "./number-column.ts";
import { decodePage, type StoredCheckpoint } from "./payload.ts";
import { CHANNEL_IDS, PAGE_BYTES } from "./recording-writer.ts";

/**
 * The checkpoints of a recording's file. Of each only its state and the numbers of its pages are in memory; the pages
 * are read when somebody travels there. Serves a finished recording and one that is still being written alike: the
 * writer's thread then says which checkpoints have reached the file.
 */
export class CheckpointFile {
  readonly #input: McapInput;
  readonly #stored: StoredCheckpoint[] = [];

  constructor(input: McapInput) {
    this.#input = input;
  }

  /** Adds the next one, whose pages are in the file already. */
  add(stored: StoredCheckpoint): void {
    this.#stored.push(stored);
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

  /** Forgets a checkpoint that could not be read, and those that build on it. */
  dropFrom(stored: StoredCheckpoint): void {
    this.#stored.length = Math.min(this.#stored.length, Math.max(0, this.#stored.indexOf(stored)));
  }

  /**
   * Reads a checkpoint; yields after each chunk. `base` is what the machine holds in memory of an earlier state: that
   * of another checkpoint in this file, or the initial one. (Between two of them a page may have changed and changed
   * back, which the file does not say.) Only pages that changed since are read. Throws `DamagedFile`.
   */
  *load(stored: StoredCheckpoint, base: Checkpoint, machine: MachineLike): Generator<void, Checkpoint, void> {
    const wanted = this.#newestPages(stored, base.instant);
    const pages: { page: number; bytes: Uint8Array | undefined }[] = [...wanted.zero].map((page) => {
      return { page, bytes: undefined };
    });
    for (const [offset, numbers] of wanted.byChunk) {
      this.#readChunk(offset, numbers, pages);
      yield;
    }
    pages.sort((a, b) => a.page - b.page);
    const parts: CheckpointParts = { instant: stored.instant, state: stored.state, pages };
    return machine.importCheckpoint(parts, base);
  }

  #firstAt(instant: number): number {
    return lowerBound(this.#stored.length, (index) => this.#stored[index].instant >= instant);
  }

  /** Which chunk has the newest version of each page that changed after `since`, up to `stored`. */
  #newestPages(stored: StoredCheckpoint, since: Instant) {
    const seen = new Set<number>();
    const zero = new Set<number>();
    const byChunk = new Map<number, Set<number>>();
    for (let index = this.#stored.indexOf(stored); index >= 0; index--) {
      const { instant, zeroPages, chunks } = this.#stored[index];
      if (instant <= since) break;
      for (const page of zeroPages) {
        if (!seen.has(page)) zero.add(page);
        seen.add(page);
      }
      for (const { offset, pages } of chunks) {
        const fresh = new Set<number>();
        for (const page of pages) {
          if (seen.has(page)) continue;
          fresh.add(page);
          seen.add(page);
        }
        if (fresh.size > 0) byChunk.set(offset, fresh);
      }
    }
    return { zero, byChunk };
  }

  #readChunk(
    offset: number,
    wanted: ReadonlySet<number>,
    pages: { page: number; bytes: Uint8Array | undefined }[],
  ): void {
    const place = this.#input.placeAt(offset);
    if (place?.opcode !== McapConstants.Opcode.CHUNK) throw new DamagedFile(offset, "no pages where they should be");
    let found = 0;
    for (const message of this.#input.messages(place)) {
      if (message.channelId !== CHANNEL_IDS.page) throw new DamagedFile(offset, "no pages where they should be");
      const { page, bytes } = pageOf(offset, message.data);
      if (!wanted.has(page)) continue;
      // A page in a buffer of its own: a view would keep the whole chunk in memory for as long as the page lives.
      pages.push({ page, bytes: bytes.slice() });
      found++;
    }
    if (found !== wanted.size) throw new DamagedFile(offset, `${found} of ${wanted.size} pages`);
  }
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
