import type { Message } from "./message.ts";
import type { LockstepOptions } from "./options.ts";
import { hashesOf } from "./page-transfer.ts";
import { RemoteFetches } from "./remote-fetches.ts";
import type { Replica, Snapshot } from "./replica.ts";
import type { PrimaryStatistics } from "./statistics.ts";

/** Hashes in one message, which fits a frame; the machine goes on between messages. */
const HASHES_PER_TURN = 28_672;

type Header = Extract<Message, { kind: "snapshot" }>;

export interface SnapshotSenderParts {
  readonly replica: Replica;
  readonly options: LockstepOptions;
  readonly statistics: PrimaryStatistics;
  /** Sends to the secondary, and says the number of the last frame. */
  readonly send: (message: Message) => number;
  readonly nowMs: () => number;
}

/**
 * The primary's end of a state on its way (`PageTransfer` is the other one): it sends the hashes of all pages, some at a time, and the pages that
 * are asked for, or that its guest has come to need.
 */
export class SnapshotSender {
  readonly #parts: SnapshotSenderParts;
  #newest = 0;
  #hashesSent = 0;
  /** Pages that have a hash. */
  #present = new Uint8Array(0);
  /** The newest state is a copy of which nothing was asked for: who joins may begin with the next one. */
  #isUnwanted = false;
  /** What the secondary lacks of the newest state is known, or believed. */
  #isLacking = false;
  #current: { readonly id: number; readonly state: Snapshot; readonly purpose: Header["purpose"] } | undefined;
  readonly fetches: RemoteFetches;

  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts;
    const { replica, options, nowMs } = parts;
    const send = (pages: readonly number[]) => this.#send(pages);
    this.fetches = new RemoteFetches({ replica, send, nowMs, forgetsTokens: options.planted === "forget-tokens" });
  }

  /** Number of the state that was sent last. */
  get newest(): number {
    return this.#newest;
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  /** Pauses at a checkpoint: it costs what making one costs, since pages of a checkpoint do not change any more. */
  begin(purpose: Header["purpose"], place: Pick<Header, "sequence" | "inputs">): void {
    const { replica, send } = this.#parts;
    this.fetches.end();
    const state = replica.snapshot();
    const id = ++this.#newest;
    this.#current = { id, state, purpose };
    this.#isLacking = purpose === "resynchronise" && this.#isUnwanted;
    this.#isUnwanted = purpose === "copy";
    this.#hashesSent = 0;
    this.#present = new Uint8Array(state.pageCount);
    send({
      ...{ kind: "snapshot", id, purpose, ...place, instant: state.instant },
      ...{ counts: [...replica.counts], digest: state.digest, state: state.state },
    });
    // The first state for somebody who has nothing.
    if (this.#isLacking) this.#lack(new Uint8Array(state.pageCount).fill(1));
  }

  /** Some hashes that have not been sent; they do not change any more. True when there are more. */
  sendHashes(): boolean {
    if (this.#current === undefined) return false;
    const { id, state } = this.#current;
    const first = this.#hashesSent;
    const count = Math.min(HASHES_PER_TURN, state.pageCount - first);
    if (count === 0) return false;
    const hashes = hashesOf(state, first, count);
    this.#parts.send({ kind: "page-hashes", id, first, ...hashes });
    this.#present.set(hashes.present, first);
    this.#hashesSent += count;
    const hasMore = this.#hashesSent < state.pageCount;
    if (!hasMore) this.fetches.narrow(this.#present);
    return hasMore;
  }

  /** The secondary goes on without the pages with a mark, 1. */
  lack(id: number, marks: Uint8Array): void {
    if (this.#current?.id !== id) return;
    if (this.#isLacking) this.fetches.narrow(marks);
    else this.#lack(marks);
    this.#isLacking = true;
  }

  /** The secondary asks for pages. False: of another state. */
  want(id: number, pages: readonly number[]): boolean {
    if (this.#current?.id !== id) return false;
    this.#isUnwanted = false;
    this.#send(pages);
    this.fetches.sent(pages);
    return true;
  }

  /** The secondary has all of a state: what for. Undefined: of another one. */
  complete(id: number): Header["purpose"] | undefined {
    if (this.#current?.id !== id) return undefined;
    const { purpose } = this.#current;
    this.drop();
    return purpose;
  }

  #lack(marks: Uint8Array): void {
    if (this.#parts.options.fetches !== "waited") this.fetches.begin(marks);
  }

  drop(): void {
    this.#current = undefined;
    this.fetches.end();
  }

  #send(pages: readonly number[]): number {
    const { id, state } = this.#current!;
    this.#parts.statistics.pagesSent += pages.length;
    return this.#parts.send({ kind: "pages", id, pages: pages.map((page) => ({ page, bytes: state.bytesOf(page) })) });
  }
}
