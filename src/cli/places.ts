import { relative } from "node:path";
import type { Program } from "../assembler/program.ts";
import { LineTable } from "../symbols/line-table.ts";
import { SymbolTable } from "../symbols/symbol-table.ts";
import { formatAddress } from "./quantities.ts";

/** A place in the program as the JSON answers give it. */
export interface Place {
  readonly pc: string;
  /** `heap_split+0x1c`; null where no symbol reaches. */
  readonly symbol: string | null;
  readonly source: { readonly path: string; readonly line: number; readonly column: number } | null;
}

/** Names addresses of a program. */
export class Places {
  readonly symbols: SymbolTable;
  readonly lines: LineTable;

  constructor(programs: readonly Program[]) {
    this.symbols = new SymbolTable(programs);
    this.lines = new LineTable(programs);
  }

  at(address: bigint): Place {
    const span = this.lines.at(address);
    return {
      pc: formatAddress(address),
      symbol: this.symbols.describe(address) ?? null,
      source: span === undefined ? null : { path: span.path, line: span.line, column: span.column },
    };
  }
}

/** `0x8000013e in heap_split+0x1c (work-queue.s:142)`. */
export function placeText({ pc, symbol, source }: Place): string {
  const name = symbol === null ? "" : ` in ${symbol}`;
  const line = source === null ? "" : ` (${shownPath(source.path)}:${source.line})`;
  return `${pc}${name}${line}`;
}

/** A path as the user would write it from where they are, when that is shorter. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere !== "" && fromHere.length < path.length && !fromHere.startsWith("..") ? fromHere : path;
}
