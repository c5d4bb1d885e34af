import { UserError } from "../base/errors.ts";
import type { Pair } from "./pair.ts";

/** The pairs that are debugged now, by the key that a partner's session names in its launch. */
export class Pairs {
  readonly #makeKey: () => string;
  readonly #pairs = new Map<string, Pair>();

  /** @param makeKey gives what nobody can guess: whoever knows it debugs the machine. */
  constructor(makeKey: () => string) {
    this.#makeKey = makeKey;
  }

  add(pair: Pair): string {
    const key = this.#makeKey();
    this.#pairs.set(key, pair);
    return key;
  }

  has(key: string): boolean {
    return this.#pairs.has(key);
  }

  get(key: string): Pair {
    const pair = this.#pairs.get(key);
    if (pair === undefined) throw new UserError("no-pair", "The pair's debug session is over; start it again.");
    return pair;
  }

  remove(pair: Pair): void {
    for (const [key, known] of this.#pairs) if (known === pair) this.#pairs.delete(key);
  }
}
