import { runsOf } from "../base/runs.ts";
import type { FollowerStart } from "./follower.ts";
import type { Message } from "./message.ts";
import type { LockstepOptions } from "./options.ts";
import type { AbsentHashes, Replica, Snapshot } from "./replica.ts";

/** Of a page that differs; 0: it is as before, or zero. */
const MISSING = 1;
const ASKED = 2;
const HERE = 3;
/** Of pages that a machine waits for, so many are fetched at once: who needs one often needs those behind it next. */
export const PAGES_AHEAD = 8;

/**
 * The secondary's end of a state on its way: it learns the hashes of all pages, asks for those that differ from what it has,
 * and takes the state over; a replica that can do so runs on while pages are still to come.
 */
export class PageTransfer {
  readonly header: Extract<Message, { kind: "snapshot" }>;
  readonly #replica: Replica;
  readonly #options: LockstepOptions;
  /** What the replica was before: pages that are the same stay. */
  readonly #base: Snapshot;
  #hashesKnown = 0;
  /** By page. */
  readonly #hashes: BigUint64Array;
  readonly #states: Uint8Array;
  /** So many pages differ and have not been asked for, and have been and are not here. */
  #missing = 0;
  #asked = 0;
  /** No page before this one is missing. */
  #next = 0;
  readonly #pages = new Map<number, Uint8Array | undefined>();
  /** Came before it was known which are missing: the primary has come to need them. */
  readonly #early = new Map<number, Uint8Array | undefined>();
  #adopted = false;
  #corrupt = false;
  #lacking: Uint8Array | undefined;
  pagesReceived = 0;

  constructor(
    header: Extract<Message, { kind: "snapshot" }>,
    replica: Replica,
    options: LockstepOptions,
    base: Snapshot,
  ) {
    this.header = header;
    this.#replica = replica;
    this.#options = options;
    this.#base = base;
    this.#hashes = new BigUint64Array(base.pageCount);
    this.#states = new Uint8Array(base.pageCount);
  }

  get start(): FollowerStart {
    const { sequence, instant, counts, inputs } = this.header;
    return { sequence, instant, counts, inputs };
  }

  /** The replica has the state, and runs on from it. */
  get adopted(): boolean {
    return this.#adopted;
  }

  get complete(): boolean {
    return this.#adopted && this.#missing === 0 && this.#asked === 0;
  }

  /** What has arrived is not what was sent. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** Once, when the replica runs on from here without all pages: which are missing, by page. */
  takeLacking(): Uint8Array | undefined {
    const lacking = this.#lacking;
    this.#lacking = undefined;
    return lacking;
  }

  takeHashes(message: Extract<Message, { kind: "page-hashes" }>): void {
    if (message.id !== this.header.id || message.first !== this.#hashesKnown) return;
    const { first, present, hashes } = message;
    this.#hashes.set(hashes, first);
    if (this.#base.isEmpty?.(first, present.length) === true) this.#lackAll(first, present);
    else this.#compare(first, present, hashes);
    this.#hashesKnown += present.length;
    this.#adoptWhenReady();
  }

  /** All that the other machine has is missing here. */
  #lackAll(first: number, present: Uint8Array): void {
    for (const [from, to] of runsOf(present)) {
      this.#states.fill(MISSING, first + from, first + to);
      this.#missing += to - from;
    }
  }

  #compare(first: number, present: Uint8Array, hashes: BigUint64Array): void {
    for (let index = 0; index < present.length; index++) {
      const page = first + index;
      const before = this.#base.hashOf(page);
      if (present[index] === 0) {
        if (before !== undefined) this.#pages.set(page, undefined);
        // What this replica itself was still waiting for may never come.
      } else if (before === undefined || before !== hashes[index] || this.#base.isAbsent?.(page) === true) {
        this.#states[page] = MISSING;
        this.#missing++;
      }
    }
  }

  takePages(message: Extract<Message, { kind: "pages" }>): void {
    if (message.id !== this.header.id) return;
    const isEarly = this.#toleratesAbsence && !this.#adopted;
    for (const { page, bytes } of message.pages) {
      if (isEarly) this.#early.set(page, bytes?.slice());
      else this.#takePage(page, bytes);
    }
    this.#adoptWhenReady();
  }

  #takePage(page: number, bytes: Uint8Array | undefined): void {
    if (this.#states[page] === MISSING) this.#missing--;
    else if (this.#states[page] === ASKED) this.#asked--;
    else return;
    this.#states[page] = HERE;
    this.pagesReceived++;
    if (this.#adopted) this.#corrupt = !this.#replica.provide(page, bytes) || this.#corrupt;
    else this.#pages.set(page, bytes?.slice());
  }

  /** Pages to ask for now; `urgent`: what the machine waits for. */
  wanted(urgent: number | undefined): readonly number[] {
    const { pagesInFlight } = this.#options;
    // A machine that tolerates absent pages is given none before it knows which there are.
    if (this.#toleratesAbsence && !this.#adopted) return [];
    const pages: number[] = [];
    const ask = (page: number) => {
      if (this.#states[page] !== MISSING) return;
      this.#states[page] = ASKED;
      pages.push(page);
    };
    if (urgent !== undefined) {
      for (let page = urgent; page < Math.min(urgent + PAGES_AHEAD, this.#states.length); page++) ask(page);
    }
    if (this.#asked <= pagesInFlight / 2) {
      for (; this.#next < this.#hashesKnown && this.#asked + pages.length < pagesInFlight; this.#next++)
        ask(this.#next);
    }
    this.#missing -= pages.length;
    this.#asked += pages.length;
    return pages;
  }

  get #toleratesAbsence(): boolean {
    return this.#replica.toleratesAbsentPages && this.header.purpose !== "copy";
  }

  #adoptWhenReady(): void {
    if (this.#adopted || this.#hashesKnown < this.#base.pageCount) return;
    const isWhole = this.#missing === 0 && this.#asked === 0;
    if (!isWhole && !this.#toleratesAbsence) return;
    const { instant, state, counts, digest } = this.header;
    const foreign = { instant, state: state.slice(), pages: this.#pages, base: this.#base, digest };
    // Nothing has been asked for before it is known what is missing.
    this.#lacking = isWhole ? undefined : this.#states.slice();
    const isRight = this.#replica.adopt(foreign, counts, this.#lacking && this.#absent(this.#lacking));
    this.#adopted = true;
    this.#corrupt = !isRight || (isWhole && this.#replica.digest() !== digest);
    this.#pages.clear();
    for (const [page, bytes] of this.#early) this.#takePage(page, bytes);
    this.#early.clear();
  }

  /** The marks are the replica's from now on. */
  #absent(missing: Uint8Array): AbsentHashes {
    return { marks: missing.slice(), count: this.#missing, hashes: this.#hashes };
  }
}

/** The hashes of consecutive pages of a state, as they are sent. */
export function hashesOf(
  state: Snapshot,
  first: number,
  count: number,
): { present: Uint8Array; hashes: BigUint64Array } {
  const [present, hashes] = [new Uint8Array(count), new BigUint64Array(count)];
  for (let index = 0; index < count; index++) {
    const hash = state.hashOf(first + index);
    if (hash === undefined) continue;
    present[index] = 1;
    hashes[index] = hash;
  }
  return { present, hashes };
}
