import type { Device, DeviceContext, DeviceState } from "./device.ts";

const PRIORITY = 0x00_0000;
const PENDING = 0x00_1000;
const ENABLE = 0x00_2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x20_0000;
const CONTEXT_STRIDE = 0x1000;
const THRESHOLD = 0;
const CLAIM_COMPLETE = 4;
/** Priorities have three bits on QEMU's `virt`. */
const MAX_PRIORITY = 7;

/** Sources of QEMU's `virt` board: 1 to 95; 0 means none. */
export const PLIC_SOURCES = 96;
const WORDS = PLIC_SOURCES / 32;

/**
 * Platform-level interrupt controller (RISC-V PLIC specification 1.0.0): level-triggered sources, for each context
 * (hart and privilege) enables, a threshold, and claim/complete. A request that a source's gateway has passed on stays
 * pending until it is claimed, even if the level falls meanwhile; the gateway passes on the next one after completion.
 */
export class Plic implements Device {
  readonly name = "plic";
  readonly base: number;
  readonly sizeBytes = 0x60_0000;
  readonly #context: DeviceContext;
  readonly #contexts: number;
  readonly #lines: ReadonlyMap<number, () => boolean>;
  readonly #priority = new Array<number>(PLIC_SOURCES).fill(0);
  /** Words of 32 sources, like those that follow. */
  readonly #pending = new Array<number>(WORDS).fill(0);
  readonly #claimed = new Array<number>(WORDS).fill(0);
  readonly #enabled: number[];
  readonly #threshold: number[];

  /** `lines` gives the level of each source that is wired to a device; it is asked when a request would be passed on. */
  constructor(base: number, contexts: number, lines: ReadonlyMap<number, () => boolean>, context: DeviceContext) {
    this.base = base;
    this.#context = context;
    this.#contexts = contexts;
    this.#lines = lines;
    this.#enabled = new Array<number>(contexts * WORDS).fill(0);
    this.#threshold = new Array<number>(contexts).fill(0);
  }

  /** Looks at the levels of the sources: to be called when one of them may have changed. */
  sense(): void {
    for (const [source, level] of this.#lines) {
      const bit = 1 << (source & 31);
      if ((this.#claimed[source >> 5] & bit) === 0 && level()) this.#pending[source >> 5] |= bit;
    }
  }

  /** Level of the interrupt line to a context. */
  interrupt(context: number): boolean {
    return this.#best(context, this.#threshold[context]) !== 0;
  }

  /** Whether the line to a context rises when a source's level does. */
  passes(context: number, source: number): boolean {
    const [word, bit] = [source >> 5, 1 << (source & 31)];
    if ((this.#enabled[context * WORDS + word] & bit) === 0 || (this.#claimed[word] & bit) !== 0) return false;
    return this.#priority[source] > this.#threshold[context];
  }

  read(offset: number, sizeBytes: number): bigint | undefined {
    if (sizeBytes !== 4) return undefined;
    return BigInt(this.#readWord(offset) >>> 0);
  }

  write(offset: number, sizeBytes: number, value: bigint): boolean {
    if (sizeBytes !== 4) return false;
    this.#context.attention();
    this.#writeWord(offset, Number(value & 0xffff_ffffn) | 0);
    return true;
  }

  nextDeadline(): undefined {
    return undefined;
  }

  save(): DeviceState {
    return {
      priority: [...this.#priority],
      pending: [...this.#pending],
      claimed: [...this.#claimed],
      enabled: [...this.#enabled],
      threshold: [...this.#threshold],
    };
  }

  restore(state: DeviceState): void {
    copy(this.#priority, state.priority);
    copy(this.#pending, state.pending);
    copy(this.#claimed, state.claimed);
    copy(this.#enabled, state.enabled);
    copy(this.#threshold, state.threshold);
  }

  #readWord(offset: number): number {
    if (offset < PENDING) return this.#priority[(offset - PRIORITY) / 4] ?? 0;
    if (offset < ENABLE) return this.#pending[(offset - PENDING) / 4] ?? 0;
    if (offset < CONTEXT) return this.#enabled[this.#enableIndex(offset)] ?? 0;
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
    if (context >= this.#contexts) return 0;
    const register = (offset - CONTEXT) % CONTEXT_STRIDE;
    if (register === THRESHOLD) return this.#threshold[context];
    return register === CLAIM_COMPLETE ? this.#claim(context) : 0;
  }

  #writeWord(offset: number, value: number): void {
    if (offset < PENDING) {
      const source = (offset - PRIORITY) / 4;
      if (source > 0 && source < PLIC_SOURCES) this.#priority[source] = value & MAX_PRIORITY;
    } else if (offset >= ENABLE && offset < CONTEXT) {
      const index = this.#enableIndex(offset);
      // Source 0 does not exist.
      if (index >= 0) this.#enabled[index] = index % WORDS === 0 ? value & ~1 : value;
    } else if (offset >= CONTEXT) {
      const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
      if (context >= this.#contexts) return;
      const register = (offset - CONTEXT) % CONTEXT_STRIDE;
      if (register === THRESHOLD) this.#threshold[context] = value & MAX_PRIORITY;
      else if (register === CLAIM_COMPLETE) this.#complete(context, value >>> 0);
    }
  }

  #enableIndex(offset: number): number {
    const context = Math.floor((offset - ENABLE) / ENABLE_STRIDE);
    const word = ((offset - ENABLE) % ENABLE_STRIDE) / 4;
    return context < this.#contexts && word < WORDS ? context * WORDS + word : -1;
  }

  #claim(context: number): number {
    // A claim looks at all enabled sources, whatever the threshold says.
    const source = this.#best(context, 0);
    if (source === 0) return 0;
    this.#claimed[source >> 5] |= 1 << (source & 31);
    this.#pending[source >> 5] &= ~(1 << (source & 31));
    this.#context.attention();
    return source;
  }

  /** Completion opens the source's gateway again; for a source that is not enabled here it is ignored. */
  #complete(context: number, source: number): void {
    if (source === 0 || source >= PLIC_SOURCES) return;
    const bit = 1 << (source & 31);
    if ((this.#enabled[context * WORDS + (source >> 5)] & bit) === 0) return;
    this.#claimed[source >> 5] &= ~bit;
    this.sense();
  }

  /** The enabled pending source of the highest priority above the threshold, the lowest number among equals; or 0. */
  #best(context: number, threshold: number): number {
    let best = 0;
    let bestPriority = threshold;
    for (let word = 0; word < WORDS; word++) {
      // Most times none is: this is asked at every trap.
      let waiting = this.#enabled[context * WORDS + word] & this.#pending[word];
      while (waiting !== 0) {
        const source = word * 32 + 31 - Math.clz32(waiting & -waiting);
        waiting &= waiting - 1;
        if (this.#priority[source] <= bestPriority) continue;
        best = source;
        bestPriority = this.#priority[source];
      }
    }
    return best;
  }
}

function copy(into: number[], from: DeviceState[string]): void {
  (from as readonly number[]).forEach((value, index) => {
    into[index] = value;
  });
}
