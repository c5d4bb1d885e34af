import type { LineRow, Program } from "../assembler/program.ts";
import { pathAffinity } from "./paths.ts";

/** A place in a source, with the addresses that belong to it without a gap. */
export interface LineSpan {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** First address of the span and the one behind its last. */
  readonly start: bigint;
  readonly end: bigint;
  /** `start` begins a statement: a place to stop at. */
  readonly statement: boolean;
}

/** Where a breakpoint on a line goes. */
export interface LinePlace {
  readonly path: string;
  /** The line that has code: the one asked for or a later one. */
  readonly line: number;
  readonly column: number;
  readonly addresses: readonly bigint[];
}

/** A compiled statement may be split over a function, as a loop's head is; assembly lines repeat only in macros. */
const ASSEMBLY_SOURCE = /\.(s|S|asm|inc|macro)$/;

/** How far a breakpoint slides down to a line with code. Farther down it would surprise rather than help. */
const FARTHEST_SLIDE_LINES = 200;

/**
 * The line tables of one or several programs: from addresses to lines and back. Rows of zero length (a line that
 * compiled to nothing) stand aside: they are used only where a line has no other.
 */
export class LineTable {
  readonly #spans: LineSpan[] = [];
  /** For each path of the programs: line -> spans, ascending. */
  readonly #byPath = new Map<string, Map<number, LineSpan[]>>();
  readonly #functionOf: (address: bigint) => unknown;
  readonly #matches = new Map<string, readonly string[]>();

  /** `functionOf` gives the same thing for addresses of one function; it tells apart what is split from what repeats. */
  constructor(programs: readonly Program[], functionOf: (address: bigint) => unknown = () => undefined) {
    this.#functionOf = functionOf;
    for (const program of programs) this.#add(program);
    this.#spans.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** Paths with lines, as the programs spell them. */
  get paths(): string[] {
    return [...this.#byPath.keys()];
  }

  #add(program: Program): void {
    const { lines, files } = program;
    for (let i = 0; i + 1 < lines.length; i++) {
      const row = lines[i];
      if (row.endSequence) continue;
      const end = lines[i + 1].address;
      const path = files[row.file];
      // Line 0 is the compiler's word for code that belongs to no line.
      if (path === undefined || path === "" || row.line === 0) continue;
      const span: LineSpan = {
        path,
        line: row.line,
        column: row.column,
        start: row.address,
        end,
        statement: row.statement || beginsStatementBefore(lines, i),
      };
      if (end > row.address) this.#spans.push(span);
      this.#index(span, lines, i);
    }
  }

  #index(span: LineSpan, lines: readonly LineRow[], at: number): void {
    let byLine = this.#byPath.get(span.path);
    if (byLine === undefined) {
      byLine = new Map();
      this.#byPath.set(span.path, byLine);
    }
    const spans = byLine.get(span.line) ?? [];
    // Consecutive rows of one line (other columns, other views) are one place to stop at.
    const continues = at > 0 && !lines[at - 1].endSequence && spans[spans.length - 1]?.end === span.start;
    if (!continues || !spans[spans.length - 1].statement) spans.push(span);
    else spans[spans.length - 1] = { ...spans[spans.length - 1], end: span.end };
    byLine.set(span.line, spans);
  }

  /** The row that an address belongs to. */
  at(address: bigint): LineSpan | undefined {
    const index = this.#indexAt(address);
    return index < 0 ? undefined : this.#spans[index];
  }

  /** All addresses around `address` that belong to its line without a gap, as one span. */
  lineAround(address: bigint): LineSpan | undefined {
    const index = this.#indexAt(address);
    if (index < 0) return undefined;
    const here = this.#spans[index];
    const joins = (a: LineSpan, b: LineSpan | undefined) =>
      b !== undefined && b.line === here.line && b.path === here.path && (a.end === b.start || a.start === b.end);
    let first = index;
    while (joins(this.#spans[first], this.#spans[first - 1])) first--;
    let last = index;
    while (joins(this.#spans[last], this.#spans[last + 1])) last++;
    return { ...this.#spans[first], end: this.#spans[last].end };
  }

  /** The address begins a statement: where stepping by line may come to rest. */
  beginsStatement(address: bigint): boolean {
    const span = this.at(address);
    return span !== undefined && span.start === address && span.statement;
  }

  /** The last address below `address` at which a row begins: an instruction begins there too. */
  rowBefore(address: bigint): bigint | undefined {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle].start < address) low = middle + 1;
      else high = middle;
    }
    return this.#spans[low - 1]?.start;
  }

  #indexAt(address: bigint): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle].start <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < this.#spans[low - 1].end ? low - 1 : -1;
  }

  /**
   * Paths of the programs that a path given by a user means: the same one, else those that share the most names from
   * the end, the file's own among them. The program may name `src/main.c`, or a place on the machine that built it.
   */
  pathsFor(path: string): readonly string[] {
    let matches = this.#matches.get(path);
    if (matches === undefined) {
      const rated = this.paths.map((candidate) => ({ candidate, affinity: pathAffinity(candidate, path) }));
      const best = Math.max(0, ...rated.map(({ affinity }) => affinity));
      matches = best === 0 ? [] : rated.filter(({ affinity }) => affinity === best).map(({ candidate }) => candidate);
      this.#matches.set(path, matches);
    }
    return matches;
  }

  /** Where a breakpoint on a line stands: there, or on the next line that has code. */
  place(path: string, line: number): LinePlace | undefined {
    let best: LinePlace | undefined;
    for (const candidate of this.pathsFor(path)) {
      const lines = this.#byPath.get(candidate);
      if (lines === undefined) continue;
      const place = this.#placeIn(candidate, lines, line);
      if (place === undefined || (best !== undefined && best.line < place.line)) continue;
      if (best === undefined || place.line < best.line) best = place;
      else best = { ...best, addresses: [...new Set([...best.addresses, ...place.addresses])] };
    }
    return best;
  }

  #placeIn(path: string, lines: ReadonlyMap<number, readonly LineSpan[]>, line: number): LinePlace | undefined {
    for (let actual = line; actual <= line + FARTHEST_SLIDE_LINES; actual++) {
      const spans = lines.get(actual);
      if (spans === undefined) continue;
      const chosen = this.#bestSpans(path, spans);
      if (chosen.length === 0) continue;
      const addresses = [...new Set(chosen.map(({ start }) => start))].sort((a, b) => (a < b ? -1 : 1));
      return { path, line: actual, column: chosen[0].column, addresses };
    }
    return undefined;
  }

  /** Statements that have code, and of a compiled line one in each function: the first, where the line begins. */
  #bestSpans(path: string, spans: readonly LineSpan[]): readonly LineSpan[] {
    const statements = spans.filter(({ statement }) => statement);
    const withCode = statements.filter(({ start, end }) => end > start);
    const best = withCode.length > 0 ? withCode : statements;
    if (ASSEMBLY_SOURCE.test(path)) return best;
    const first = new Map<unknown, LineSpan>();
    for (const span of best) {
      const key = this.#functionOf(span.start);
      const earlier = first.get(key);
      // Without functions nothing tells a split line from a repeated one: keep all.
      if (key === undefined) first.set(span, span);
      else if (earlier === undefined || span.start < earlier.start) first.set(key, span);
    }
    return [...first.values()];
  }

  /** Lines between two, both included, on which a breakpoint can stand. */
  locations(path: string, from: number, to: number): { path: string; line: number; column: number }[] {
    const found = new Map<number, { path: string; line: number; column: number }>();
    for (const candidate of this.pathsFor(path)) {
      for (const [line, spans] of this.#byPath.get(candidate) ?? []) {
        const first = spans.find(({ statement }) => statement);
        if (line < from || line > to || first === undefined || found.has(line)) continue;
        found.set(line, { path: candidate, line, column: first.column });
      }
    }
    return [...found.values()].sort((a, b) => a.line - b.line);
  }
}

/** Compilers mark the beginning of a statement in a row of no length, and describe its code in the next one. */
function beginsStatementBefore(lines: readonly LineRow[], at: number): boolean {
  const { address, file, line } = lines[at];
  for (let i = at - 1; i >= 0 && lines[i].address === address && !lines[i].endSequence; i--) {
    if (lines[i].file === file && lines[i].line === line && lines[i].statement) return true;
  }
  return false;
}
