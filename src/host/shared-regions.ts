import { serialize } from "node:v8";
import { type CompilerSetup, compileRegions, type MadeRegions } from "../cpu/region-compiler.ts";
import { decodeOrder, type EncodedOrder } from "../cpu/region-order.ts";

/** Regions that were made for one machine and that the other has not asked for. */
const MOST_KEPT = 256;

interface Kept extends Pick<MadeRegions, "first" | "compiled"> {
  /** Whom it was made for. */
  readonly client: RegionClient;
}

/** A machine that regions are made for. */
export class RegionClient {
  readonly setup: CompilerSetup;
  /** What is made of an order follows from that, too. */
  readonly key: string;

  constructor(setup: CompilerSetup) {
    this.setup = setup;
    this.key = keyOf(setup);
  }
}

/**
 * Two machines that run the same guest at the same time order the same regions. What was made for one is kept until the other has
 * asked for it.
 */
export class SharedRegions {
  readonly #kept = new Map<string, Kept>();
  readonly #clients = new Set<RegionClient>();

  join(setup: CompilerSetup): RegionClient {
    const client = new RegionClient(setup);
    this.#clients.add(client);
    return client;
  }

  leave(client: RegionClient): void {
    this.#clients.delete(client);
    if (this.#clients.size < 2) this.#kept.clear();
  }

  /** All that was ordered, in its order; `onMade` is told of what was not there. */
  make(client: RegionClient, orders: readonly EncodedOrder[], onMade?: (made: MadeRegions) => void): MadeRegions[] {
    const answers: MadeRegions[] = [];
    const isShared = this.#clients.size > 1;
    let at = 0;
    while (at < orders.length) {
      const start = at;
      const keys: string[] = [];
      let known: Kept | undefined;
      for (; at < orders.length && known === undefined; at++) {
        if (!isShared) continue;
        const key = client.key + keyOf(orders[at]);
        known = this.#take(client, key);
        keys.push(key);
      }
      const end = known === undefined ? at : at - 1;
      if (end > start) {
        const compiled = compileRegions(orders.slice(start, end).map(decodeOrder), client.setup);
        for (let first = 0; isShared && first < end - start; first++)
          this.#keep(keys[first], { client, first, compiled });
        const made = { orders: end - start, first: 0, compiled };
        onMade?.(made);
        answers.push(made);
      }
      if (known !== undefined) append(answers, known);
    }
    return answers;
  }

  #take(client: RegionClient, key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.client === client) return undefined;
    this.#kept.delete(key);
    return kept;
  }

  #keep(key: string, made: Kept): void {
    this.#kept.set(key, made);
    if (this.#kept.size <= MOST_KEPT) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest);
  }
}

/** Functions that follow each other in one module are one answer: there is one instance of it then. */
function append(answers: MadeRegions[], { first, compiled }: Kept): void {
  const last = answers.at(-1);
  if (last?.compiled === compiled && last.first + last.orders === first) {
    answers[answers.length - 1] = { ...last, orders: last.orders + 1 };
  } else answers.push({ orders: 1, first, compiled });
}

function keyOf(value: unknown): string {
  return serialize(value).toString("latin1");
}
