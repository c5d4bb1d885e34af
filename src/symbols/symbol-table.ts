import type { Program, ProgramSymbol } from "../assembler/program.ts";

export interface NearestSymbol {
  readonly symbol: ProgramSymbol;
  /** Bytes from the symbol to the address. */
  readonly offset: bigint;
}

/** A symbol without a size reaches to the next one, but not farther than this: beyond it a name misleads. */
const FARTHEST_OFFSET = 1n << 20n;

/**
 * Symbols of one or several programs, by address and by name. An address inside a function or object that has a size
 * is named after it; elsewhere after the nearest symbol before it in the same segment.
 */
export class SymbolTable {
  readonly #byAddress: readonly ProgramSymbol[];
  readonly #byName = new Map<string, ProgramSymbol[]>();
  readonly #ranges: readonly { readonly start: bigint; readonly end: bigint; readonly executable: boolean }[];
  /** `#enclosing[i]`: position of the innermost sized symbol that begins before position i and reaches to its address. */
  readonly #enclosing: Int32Array;

  /** `named` have the symbols that can be asked for by name, when there are more of them than names for addresses. */
  constructor(programs: readonly Program[], named: readonly Program[] = programs) {
    const symbols = programs.flatMap((program) => program.symbols);
    for (const symbol of named.flatMap((program) => program.symbols)) {
      const others = this.#byName.get(symbol.name);
      if (others === undefined) this.#byName.set(symbol.name, [symbol]);
      else others.push(symbol);
    }
    for (const homonyms of this.#byName.values()) homonyms.sort((a, b) => rank(a) - rank(b));
    this.#byAddress = symbols.filter(({ kind }) => kind !== "absolute").sort(byAddressThenRank);
    this.#enclosing = enclosing(this.#byAddress);
    this.#ranges = programs.flatMap((program) =>
      program.segments.map((segment) => ({
        start: segment.virtualAddress,
        end: segment.virtualAddress + BigInt(segment.memoryBytes),
        executable: segment.executable,
      })),
    );
  }

  get all(): readonly ProgramSymbol[] {
    return this.#byAddress;
  }

  /** Global before weak before local; among locals of one name the first. */
  named(name: string): ProgramSymbol | undefined {
    return this.#byName.get(name)?.[0];
  }

  allNamed(name: string): readonly ProgramSymbol[] {
    return this.#byName.get(name) ?? [];
  }

  names(): Iterable<string> {
    return this.#byName.keys();
  }

  /** The symbol that an address is best named after; undefined outside every segment or before the first symbol. */
  nearest(address: bigint): NearestSymbol | undefined {
    const range = this.#rangeOf(address);
    let index = this.#lastAtOrBefore(address);
    if (range === undefined || index < 0) return undefined;
    // Of symbols at one address the best one stands first.
    while (index > 0 && this.#byAddress[index - 1].address === this.#byAddress[index].address) index--;
    for (let outer = index; outer >= 0; outer = this.#enclosing[outer]) {
      const symbol = this.#byAddress[outer];
      if (symbol.size > 0 && address < symbol.address + BigInt(symbol.size)) {
        return { symbol, offset: address - symbol.address };
      }
    }
    const symbol = this.#byAddress[index];
    const offset = address - symbol.address;
    if (symbol.address < range.start || offset >= FARTHEST_OFFSET) return undefined;
    // A sized symbol that ended before the address leaves it nameless.
    return symbol.size > 0 && offset >= BigInt(symbol.size) ? undefined : { symbol, offset };
  }

  /** `heap_split+0x1c`, `main`, or undefined. */
  describe(address: bigint): string | undefined {
    const nearest = this.nearest(address);
    if (nearest === undefined) return undefined;
    return nearest.offset === 0n ? nearest.symbol.name : `${nearest.symbol.name}+0x${nearest.offset.toString(16)}`;
  }

  /** Symbols at exactly this address, the best first. */
  at(address: bigint): ProgramSymbol[] {
    let index = this.#lastAtOrBefore(address);
    const found: ProgramSymbol[] = [];
    for (; index >= 0 && this.#byAddress[index].address === address; index--) found.unshift(this.#byAddress[index]);
    return found;
  }

  /** First symbol behind an address, and so the end of whatever unsized symbol holds the address. */
  nextAfter(address: bigint): ProgramSymbol | undefined {
    return this.#byAddress[this.#lastAtOrBefore(address) + 1];
  }

  isExecutable(address: bigint): boolean {
    return this.#ranges.some(({ start, end, executable }) => executable && address >= start && address < end);
  }

  /** The segment's addresses that hold `address`. */
  segmentOf(address: bigint): { readonly start: bigint; readonly end: bigint } | undefined {
    return this.#rangeOf(address);
  }

  #rangeOf(address: bigint) {
    return this.#ranges.find(({ start, end }) => address >= start && address < end);
  }

  #lastAtOrBefore(address: bigint): number {
    let low = 0;
    let high = this.#byAddress.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#byAddress[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Smaller is better. */
function rank(symbol: ProgramSymbol): number {
  const binding = { global: 0, weak: 1, local: 2 }[symbol.binding];
  const kind = { function: 0, object: 0, label: 1, absolute: 2 }[symbol.kind];
  return kind * 4 + binding;
}

function byAddressThenRank(a: ProgramSymbol, b: ProgramSymbol): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return rank(a) - rank(b) || b.size - a.size || underscores(a) - underscores(b);
}

/** Names that linkers and compilers make begin with underscores; of two names for one place people know the other. */
function underscores({ name }: ProgramSymbol): number {
  return /^_*/.exec(name)?.[0].length ?? 0;
}

function enclosing(symbols: readonly ProgramSymbol[]): Int32Array {
  const result = new Int32Array(symbols.length).fill(-1);
  const open: number[] = [];
  symbols.forEach(({ address, size }, index) => {
    while (open.length > 0) {
      const outer = symbols[open[open.length - 1]];
      if (address < outer.address + BigInt(outer.size)) break;
      open.pop();
    }
    result[index] = open[open.length - 1] ?? -1;
    if (size > 0) open.push(index);
  });
  return result;
}
