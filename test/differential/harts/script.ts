import type { Prng } from "../../../src/base/prng.ts";
import * as plan from "./plan.ts";

// Scripts for several harts whose outcome does not depend on who comes first: between two barriers, harts do to the same
// word only what can be done in any order.

/** Operations by their numbers in harness.S. */
const OPERATIONS = [
  ...["end", "barrier", "reservedAdd", "atomic", "locked", "send", "remap", "readAlias", "addAlias", "sleep", "wake"],
] as const;
type Operation = (typeof OPERATIONS)[number];

/** AMOs in harness.S's order, as functions of what is there and what is given. */
const ATOMICS: readonly ((old: bigint, operand: bigint) => bigint)[] = [
  (old, operand) => old + operand,
  (old, operand) => old ^ operand,
  (old, operand) => old & operand,
  (old, operand) => old | operand,
  (old, operand) => (signed(old) > signed(operand) ? old : operand),
  (old, operand) => (signed(old) < signed(operand) ? old : operand),
  (old, operand) => (old > operand ? old : operand),
  (old, operand) => (old < operand ? old : operand),
];
const LOCK_KINDS = 3;
const TICKETS = 2;
const LOCKS_OF_A_KIND = 2;
/** Words that lr and sc add to, behind those of the AMOs: one for doublewords, one for words, and so on. */
const RESERVED_COUNTERS = 4;

const signed = (value: bigint) => BigInt.asIntN(64, value);

export interface Scripts {
  /** The words of each hart's script. */
  readonly words: readonly (readonly bigint[])[];
  /** What the scripts leave behind, by address; other words that are compared are zero. */
  readonly outcome: ReadonlyMap<number, bigint>;
}

export function randomScripts(prng: Prng, harts: number): Scripts {
  const writer = new ScriptWriter(prng, harts);
  for (let phases = 3 + prng.below(4); phases > 0; phases--) writer.phase();
  return writer.finish();
}

/** What a page of the aliases holds at the beginning. */
export function pageWord(page: number, word: number): bigint {
  return BigInt((page + 1) * 0x1_0001_0001 + word * 0x1000);
}

class ScriptWriter {
  readonly #prng: Prng;
  readonly #harts: number;
  readonly #words: bigint[][];
  /** The model: memory by address, and which page each alias leads to. */
  readonly #memory = new Map<number, bigint>();
  readonly #aliases = Array.from({ length: plan.ALIASES }, (_, alias) => alias);
  #flag = 0n;

  constructor(prng: Prng, harts: number) {
    this.#prng = prng;
    this.#harts = harts;
    this.#words = Array.from({ length: harts }, () => []);
    for (let page = 0; page < plan.PAGE_COUNT; page++) {
      for (let word = 0; word < plan.PAGES_WORDS; word++) {
        this.#memory.set(plan.PAGES + page * plan.PAGE_BYTES + word * 8, pageWord(page, word));
      }
    }
  }

  /** Work for every hart, up to the next barrier. */
  phase(): void {
    const prng = this.#prng;
    const kind = prng.below(4);
    // A mapping changes while nobody uses it.
    if (kind === 0) this.#remap(prng.below(this.#harts));
    const reading = kind > 0 && prng.below(2) === 0;
    for (let hart = 0; hart < this.#harts; hart++) {
      for (let count = 2 + prng.below(12); count > 0; count--) {
        switch (prng.below(reading ? 6 : 5)) {
          case 0:
            this.#reservedAdd(hart);
            break;
          case 1:
            this.#atomic(hart);
            break;
          case 2:
          case 3:
            this.#locked(hart);
            break;
          case 4:
            this.#send(hart);
            break;
          default:
            this.#readAlias(hart);
        }
      }
    }
    if (kind === 1) this.#wakeAll();
    this.#barrier();
    if (kind < 2) return;
    for (let hart = 0; hart < this.#harts; hart++) {
      for (let count = prng.below(6); count > 0; count--) this.#addAlias(hart);
    }
    this.#barrier();
  }

  finish(): Scripts {
    for (const hart of this.#words.keys()) this.#put(hart, "end");
    return { words: this.#words, outcome: this.#memory };
  }

  #put(hart: number, operation: Operation, ...operands: readonly (bigint | number)[]): void {
    const words = [OPERATIONS.indexOf(operation), ...operands].map(BigInt);
    while (words.length < 4) words.push(0n);
    this.#words[hart].push(...words.map((word) => BigInt.asUintN(64, word)));
  }

  #change(address: number, change: (old: bigint) => bigint): void {
    this.#memory.set(address, BigInt.asUintN(64, change(this.#memory.get(address) ?? 0n)));
  }

  #barrier(): void {
    for (const hart of this.#words.keys()) this.#put(hart, "barrier");
  }

  #reservedAdd(hart: number): void {
    const counter = this.#prng.below(RESERVED_COUNTERS);
    const address = plan.COMMON + (ATOMICS.length + counter) * 8;
    const value = this.#prng.next64();
    const isDouble = counter % 2 === 0;
    this.#put(hart, "reservedAdd", address, value, isDouble ? 1 : 0);
    this.#change(address, (old) => (isDouble ? old + value : BigInt.asUintN(32, old + value)));
  }

  /** Each has a word of its own: different ones do not commute. */
  #atomic(hart: number): void {
    const operation = this.#prng.below(ATOMICS.length);
    const address = plan.COMMON + operation * 8;
    const operand = this.#prng.next64();
    this.#put(hart, "atomic", address, operand, operation);
    this.#change(address, (old) => ATOMICS[operation](old, operand));
  }

  #locked(hart: number): void {
    const kind = this.#prng.below(LOCK_KINDS);
    const lock = plan.LOCKS + (kind * LOCKS_OF_A_KIND + this.#prng.below(LOCKS_OF_A_KIND)) * plan.LOCK_BYTES;
    const value = this.#prng.next64();
    this.#put(hart, "locked", lock, value, kind);
    if (kind === TICKETS) this.#change(lock, (old) => old + 0x1_0000_0001n);
    this.#change(lock + 8, (old) => old + value);
    this.#change(lock + 16, (old) => old ^ value);
    this.#change(lock + 24, (old) => old + 1n);
  }

  #send(hart: number): void {
    const to = this.#prng.below(this.#harts);
    const value = this.#prng.next64();
    this.#put(hart, "send", to, value);
    this.#change(plan.SUMS + to * plan.SUMS_BYTES, (old) => old + value);
  }

  #remap(hart: number): void {
    const alias = this.#prng.below(plan.ALIASES);
    const page = this.#prng.below(plan.PAGE_COUNT);
    this.#put(hart, "remap", alias, page);
    this.#aliases[alias] = page;
  }

  #readAlias(hart: number): void {
    const alias = this.#prng.below(plan.ALIASES);
    const offset = this.#prng.below(plan.PAGES_WORDS) * 8;
    this.#put(hart, "readAlias", alias, offset);
    const read = this.#memory.get(this.#behind(alias) + offset) ?? 0n;
    this.#change(plan.SUMS + hart * plan.SUMS_BYTES + 8, (old) => old * 3n + read);
  }

  #addAlias(hart: number): void {
    const alias = this.#prng.below(plan.ALIASES);
    const offset = this.#prng.below(plan.PAGES_WORDS) * 8;
    const value = this.#prng.next64();
    this.#put(hart, "addAlias", alias, offset, value);
    this.#change(this.#behind(alias) + offset, (old) => old + value);
  }

  #behind(alias: number): number {
    return plan.PAGES + this.#aliases[alias] * plan.PAGE_BYTES;
  }

  /** One hart wakes the others, which sleep until then: or not at all, when it comes first. */
  #wakeAll(): void {
    const waker = this.#prng.below(this.#harts);
    this.#flag++;
    for (const hart of this.#words.keys()) {
      if (hart === waker) continue;
      this.#put(waker, "wake", hart, this.#flag);
      this.#put(hart, "sleep", this.#flag);
    }
  }
}
