import type { Expression } from "./expression.ts";
import type { Place } from "./section.ts";
import type { Span } from "./source.ts";

/** A symbol, defined or only mentioned. */
export interface AssemblerSymbol {
  readonly name: string;
  /** Undefined as long as nothing defines it. A "common" symbol gets a place in .bss at the end. */
  definition:
    | undefined
    | { readonly kind: "label"; readonly place: Place }
    | { readonly kind: "value"; readonly value: Expression; readonly lazy: boolean }
    | { readonly kind: "common"; readonly size: number; readonly alignment: number };
  binding: "local" | "global" | "weak";
  type: "none" | "function" | "object";
  size: Expression | undefined;
  /** Every place that defines it; more than one for `.set`. */
  readonly definitions: Span[];
  readonly references: Span[];
  /** Its address or number, once linked. */
  value: bigint | undefined;
  /** Guards against `.set a, b` with `.set b, a`. */
  evaluating: boolean;
}

/** All symbols of an assembly. Numeric labels (`1:`) are a row of symbols each. */
export class SymbolTable {
  readonly #byName = new Map<string, AssemblerSymbol>();
  readonly #numeric = new Map<string, AssemblerSymbol[]>();

  /** The symbol of this name; made when it is the first mention. */
  get(name: string): AssemblerSymbol {
    let symbol = this.#byName.get(name);
    if (symbol === undefined) {
      symbol = makeSymbol(name);
      this.#byName.set(name, symbol);
    }
    return symbol;
  }

  find(name: string): AssemblerSymbol | undefined {
    return this.#byName.get(name);
  }

  /** `1f` or `1b`; undefined for a backward reference with nothing behind it. */
  numeric(reference: string): AssemblerSymbol | undefined {
    const row = this.#numericRow(reference.slice(0, -1));
    const last = row.at(-1);
    if (reference.endsWith("b")) return last?.definition ? last : row.at(-2);
    if (last !== undefined && last.definition === undefined) return last;
    const next = makeSymbol(reference.slice(0, -1));
    row.push(next);
    return next;
  }

  /** The symbol that the next `1:` defines. */
  defineNumeric(name: string): AssemblerSymbol {
    const row = this.#numericRow(name);
    const last = row.at(-1);
    if (last !== undefined && last.definition === undefined) return last;
    const next = makeSymbol(name);
    row.push(next);
    return next;
  }

  named(): IterableIterator<AssemblerSymbol> {
    return this.#byName.values();
  }

  *numericLabels(): IterableIterator<AssemblerSymbol> {
    for (const row of this.#numeric.values()) yield* row;
  }

  #numericRow(number: string): AssemblerSymbol[] {
    // `01:` and `1f` are the same label.
    const key = String(Number(number));
    let row = this.#numeric.get(key);
    if (row === undefined) {
      row = [];
      this.#numeric.set(key, row);
    }
    return row;
  }
}

function makeSymbol(name: string): AssemblerSymbol {
  return {
    name,
    definition: undefined,
    binding: "local",
    type: "none",
    size: undefined,
    definitions: [],
    references: [],
    value: undefined,
    evaluating: false,
  };
}
