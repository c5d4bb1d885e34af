import { PAGE_BYTES } from "../memory/layout.ts";
import type { SwapAnswer, SwapOrder } from "./swap-jobs.ts";

/** As many pages may be on their way at once; more go by messages. */
const SLOTS = 128;
const HEADER_WORDS = 8;
const HEADERS_BYTES = SLOTS * HEADER_WORDS * 4;

const STATE = 0;
const LENGTH = 1;
const FILE = 2;
/** Of the position in the file: segments are this large at least, so that it fits. */
const POSITION_LOW = 3;
const POSITION_HIGH = 4;
const HALF = 2 ** 31;

const FREE = 0;
const UNPACK = 1;
const FETCH = 2;
const TAKEN = 3;
const PAGE = 4;
const FAILED = 5;

export type PageOrder = Extract<SwapOrder, { kind: "unpack" | "fetch" }>;

export function slotsBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADERS_BYTES + SLOTS * PAGE_BYTES);
}

/**
 * Pages that are asked for and given back in memory that both threads have: a message costs the machine's thread a tenth of a
 * millisecond for each, which is as long as all else that it has to do for a page.
 */
export class SwapSlots {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, SLOTS * HEADER_WORDS);
    this.#bytes = new Uint8Array(buffer, HEADERS_BYTES);
  }

  /** The slot that has the order; undefined: all are in use. */
  order(order: Omit<PageOrder, "id">): number | undefined {
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = slot * HEADER_WORDS;
      if (Atomics.load(this.#words, at + STATE) !== FREE) continue;
      if (order.kind === "unpack") {
        const { bytes } = order as Extract<PageOrder, { kind: "unpack" }>;
        this.#words[at + LENGTH] = bytes.length;
        this.#payload(slot).set(bytes);
        Atomics.store(this.#words, at + STATE, UNPACK);
      } else {
        const { file, position, length } = order as Extract<PageOrder, { kind: "fetch" }>;
        this.#words[at + LENGTH] = length;
        this.#words[at + FILE] = file;
        this.#words[at + POSITION_LOW] = position % HALF;
        this.#words[at + POSITION_HIGH] = Math.floor(position / HALF);
        Atomics.store(this.#words, at + STATE, FETCH);
      }
      return slot;
    }
    return undefined;
  }

  /** Orders that nobody has taken yet, in no order: they do not depend on each other. */
  *ordered(): Generator<PageOrder> {
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = slot * HEADER_WORDS;
      const state = Atomics.load(this.#words, at + STATE);
      if (state !== UNPACK && state !== FETCH) continue;
      Atomics.store(this.#words, at + STATE, TAKEN);
      const length = this.#words[at + LENGTH];
      if (state === UNPACK) yield { id: slot, kind: "unpack", bytes: this.#payload(slot).slice(0, length) };
      else {
        const position = this.#words[at + POSITION_LOW] + this.#words[at + POSITION_HIGH] * HALF;
        yield { id: slot, kind: "fetch", file: this.#words[at + FILE], position, length };
      }
    }
  }

  answer(answer: SwapAnswer): void {
    const bytes =
      answer.kind === "page" ? answer.bytes : new TextEncoder().encode(answer.kind === "failed" ? answer.reason : "");
    this.#payload(answer.id).set(bytes.subarray(0, PAGE_BYTES));
    const at = answer.id * HEADER_WORDS;
    this.#words[at + LENGTH] = bytes.length;
    Atomics.store(this.#words, at + STATE, answer.kind === "page" ? PAGE : FAILED);
  }

  /** What has come to a slot, which is free then; undefined: nothing yet. */
  take(slot: number): SwapAnswer | undefined {
    const at = slot * HEADER_WORDS;
    const state = Atomics.load(this.#words, at + STATE);
    if (state !== PAGE && state !== FAILED) return undefined;
    const bytes = this.#payload(slot).slice(0, this.#words[at + LENGTH]);
    Atomics.store(this.#words, at + STATE, FREE);
    if (state === PAGE) return { id: slot, kind: "page", bytes };
    return { id: slot, kind: "failed", reason: new TextDecoder().decode(bytes) };
  }

  #payload(slot: number): Uint8Array {
    return this.#bytes.subarray(slot * PAGE_BYTES, (slot + 1) * PAGE_BYTES);
  }
}
