import { PAGE_BYTES } from "../memory/layout.ts";

/**
 * Breakpoints are virtual addresses, records belong to pages of RAM: this knows at which offsets of RAM the instruction
 * of some breakpoint lies, in whichever address space it was executed so far. That there is one for the pc which comes
 * there is for the engine to see.
 */
export class PlacedBreakpoints {
  readonly #mark: (offset: number, address: bigint, stands: boolean) => void;
  /** Places in RAM by virtual address. */
  readonly #placed = new Map<bigint, Set<number>>();
  /** Addresses of the breakpoints that lie at an offset of RAM. */
  readonly #at = new Map<number, Set<bigint>>();
  /** Addresses by virtual page. */
  readonly #pages = new Map<bigint, bigint[]>();

  /** `mark` hears of each address that comes to an offset of RAM or leaves it. */
  constructor(mark: (offset: number, address: bigint, stands: boolean) => void) {
    this.#mark = mark;
  }

  standsAt(offset: number): boolean {
    return this.#at.has(offset);
  }

  /** Addresses of the breakpoints that lie at an offset of RAM. */
  at(offset: number): Iterable<bigint> {
    return this.#at.get(offset) ?? [];
  }

  /** The one address whose breakpoint lies at an offset of RAM; undefined when there are none or several. */
  onlyAt(offset: number): bigint | undefined {
    const addresses = this.#at.get(offset);
    if (addresses?.size !== 1) return undefined;
    for (const address of addresses) return address;
    return undefined;
  }

  /** `places` gives the pages of RAM that are executed at a virtual page now. */
  set(addresses: ReadonlySet<bigint>, places: (virtualPage: bigint) => Iterable<number>): void {
    for (const address of [...this.#placed.keys()]) if (!addresses.has(address)) this.#remove(address);
    for (const address of addresses) {
      if (this.#placed.has(address)) continue;
      this.#placed.set(address, new Set());
      const page = address & PAGE_MASK;
      this.#pages.set(page, [...(this.#pages.get(page) ?? []), address]);
      for (const frame of places(page)) this.#place(address, frame);
    }
  }

  /** A page of RAM is about to be executed at a virtual page. */
  mapped(virtualPage: bigint, frame: number): void {
    if (this.#pages.size === 0) return;
    for (const address of this.#pages.get(virtualPage) ?? []) this.#place(address, frame);
  }

  /** Records are gone, and with them the marks in them. */
  forgetPlaces(): void {
    this.#at.clear();
    for (const places of this.#placed.values()) places.clear();
  }

  #place(address: bigint, frame: number): void {
    const places = this.#placed.get(address);
    const offset = frame * PAGE_BYTES + Number(address & ~PAGE_MASK);
    if (places === undefined || places.has(offset)) return;
    places.add(offset);
    const there = this.#at.get(offset);
    if (there === undefined) this.#at.set(offset, new Set([address]));
    else there.add(address);
    this.#mark(offset, address, true);
  }

  #remove(address: bigint): void {
    for (const offset of this.#placed.get(address) ?? []) {
      const there = this.#at.get(offset);
      there?.delete(address);
      if (there?.size === 0) this.#at.delete(offset);
      this.#mark(offset, address, false);
    }
    this.#placed.delete(address);
    const page = address & PAGE_MASK;
    const others = (this.#pages.get(page) ?? []).filter((other) => other !== address);
    if (others.length > 0) this.#pages.set(page, others);
    else this.#pages.delete(page);
  }
}

const PAGE_MASK = BigInt.asUintN(64, ~0xfffn);
