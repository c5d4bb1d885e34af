import type { FollowerStart } from "./follower.ts";
import type { Message } from "./message.ts";
import type { LockstepOptions } from "./options.ts";
import type { Replica, Snapshot } from "./replica.ts";

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
  /** Pages that differ: to be asked for, and asked for and not here. */
  readonly #missing = new Map<number, bigint | undefined>();
  readonly #asked = new Map<number, bigint | undefined>();
  readonly #pages = new Map<number, Uint8Array | undefined>();
  #adopted = false;
  #corrupt = false;
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
    return this.#adopted && this.#missing.size === 0 && this.#asked.size === 0;
  }

  /** What has arrived is not what was sent. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  takeHashes(message: Extract<Message, { kind: "page-hashes" }>): void {
    if (message.id !== this.header.id || message.first !== this.#hashesKnown) return;
    message.hashes.forEach((hash, index) => {
      const page = message.first + index;
      // What this replica itself was still waiting for may never come.
      if (hash === this.#base.hashOf(page) && this.#base.isAbsent?.(page) !== true) return;
      if (hash === undefined) this.#pages.set(page, undefined);
      else this.#missing.set(page, hash);
    });
    this.#hashesKnown += message.hashes.length;
    this.#adoptWhenReady();
  }

  takePages(message: Extract<Message, { kind: "pages" }>): void {
    if (message.id !== this.header.id) return;
    for (const { page, bytes } of message.pages) {
      if (!this.#asked.delete(page) && !this.#missing.delete(page)) continue;
      this.pagesReceived++;
      if (this.#adopted) this.#corrupt = !this.#replica.provide(page, bytes) || this.#corrupt;
      else this.#pages.set(page, bytes?.slice());
    }
    this.#adoptWhenReady();
  }

  /** Pages to ask for now; `urgent`: what the machine waits for. */
  wanted(urgent: number | undefined): readonly number[] {
    const pages: number[] = [];
    if (urgent !== undefined && this.#missing.has(urgent)) pages.push(urgent);
    if (this.#asked.size <= this.#options.pagesInFlight / 2) {
      for (const page of this.#missing.keys()) {
        if (this.#asked.size + pages.length >= this.#options.pagesInFlight) break;
        if (page !== urgent) pages.push(page);
      }
    }
    for (const page of pages) {
      this.#asked.set(page, this.#missing.get(page));
      this.#missing.delete(page);
    }
    return pages;
  }

  #adoptWhenReady(): void {
    if (this.#adopted || this.#hashesKnown < this.#base.pageCount) return;
    const absent = new Map([...this.#missing, ...this.#asked]);
    if (absent.size > 0 && (!this.#replica.toleratesAbsentPages || this.header.purpose === "copy")) return;
    const { instant, state, counts } = this.header;
    this.#replica.adopt({ instant, state: state.slice(), pages: this.#pages, base: this.#base }, counts, absent);
    this.#adopted = true;
    if (absent.size === 0) this.#corrupt = this.#replica.digest() !== this.header.digest;
  }
}
