import { assert } from "../base/assert.ts";
import { type Expression, evaluate } from "./expression.ts";
import type { Branch, Chunk, Section } from "./section.ts";
import type { Session } from "./session.ts";
import type { Span } from "./source.ts";

/** Sections end here: nothing that the machine can hold is larger. */
export const MOST_BYTES = 2 ** 30;

/** Where code goes unless told otherwise: the start of the board's RAM. */
export const DEFAULT_TEXT_ADDRESS = 0x8000_0000n;

/**
 * Writable sections begin on a page of their own. The machine watches stores by the page to find changed code and to
 * take checkpoints; data beside code would make it look at every store twice.
 */
const PAGE_BYTES = 4096n;

/** Passes before gaps whose sizes depend on each other are given up. Branches only grow, and need no limit. */
const MOST_PASSES = 1000;

/**
 * Gives every section its address and every chunk its offset. Branches start short and grow until all reach, so that
 * the result is the smallest that there is.
 */
export function layOut(session: Session): Section[] {
  const sections = placedSections(session);
  const loose = [...session.sections.values()].filter((section) => !section.flags.allocated);
  const provided = providedSymbols(session);
  const start = session.options.textAddress ?? DEFAULT_TEXT_ADDRESS;
  for (let pass = 0; ; pass++) {
    assignAddresses(session, sections, start);
    for (const section of loose) assignOffsets(session, section);
    for (const { symbol, compute } of provided) {
      const value = { kind: "constant", value: compute(sections, start) } as const;
      symbol.definition = { kind: "value", value, lazy: true };
    }
    let changed = false;
    for (const section of [...sections, ...loose]) {
      for (const chunk of section.chunks) if (updateTail(session, chunk)) changed = true;
    }
    if (!changed) return sections;
    if (pass === MOST_PASSES) {
      const tail = sections
        .flatMap((section) => section.chunks)
        .find((chunk) => chunk.tail && "span" in chunk.tail)?.tail;
      if (tail && "span" in tail)
        session.diagnostics.error(tail.span, "this size and what it depends on do not settle");
      return sections;
    }
  }
}

/** Sections that have a place in memory, in their order: code, constants, data, zeros. */
function placedSections(session: Session): Section[] {
  const rank = ({ name, flags }: Section): number => {
    if (flags.executable) return name.startsWith(".text.init") || name === ".init" ? 0 : 1;
    if (!flags.writable) return name.startsWith(".srodata") ? 3 : 2;
    if (flags.noBits) return name.startsWith(".sbss") ? 6 : 7;
    return name.startsWith(".sdata") ? 5 : 4;
  };
  return [...session.sections.values()]
    .filter((section) => section.flags.allocated)
    .map((section, index) => ({ section, key: rank(section) * 1e6 + index }))
    .sort((a, b) => a.key - b.key)
    .map(({ section }) => section);
}

function alignUp(value: bigint, alignment: bigint): bigint {
  return ((value + alignment - 1n) / alignment) * alignment;
}

function assignAddresses(session: Session, sections: readonly Section[], start: bigint): void {
  let address = start;
  let writable = false;
  for (const section of sections) {
    if (section.flags.writable && !writable && !section.empty) {
      address = alignUp(address, PAGE_BYTES);
      writable = true;
    }
    address = alignUp(address, BigInt(section.alignment));
    section.address = address;
    assignOffsets(session, section);
    address += BigInt(section.size);
  }
}

function assignOffsets(session: Session, section: Section): void {
  let offset = 0;
  for (const chunk of section.chunks) {
    chunk.offset = offset;
    offset += chunk.length;
    if (chunk.tail?.kind === "align") {
      const { alignment, most, onlyOdd } = chunk.tail;
      const padding = (alignment - (offset % alignment)) % alignment;
      chunk.tailSize = padding > most || (onlyOdd && offset % 2 === 0) ? 0 : padding;
    }
    offset += chunk.tailSize;
  }
  if (offset > MOST_BYTES && section.size <= MOST_BYTES && session.statement) {
    session.diagnostics.error(session.statement.tokens[0], `${section.name} is larger than a program can be`);
  }
  section.size = offset;
}

/** Looks again at a tail whose size depends on addresses; true when it has changed. */
function updateTail(session: Session, chunk: Chunk): boolean {
  const { tail } = chunk;
  if (tail === undefined) return false;
  let size = chunk.tailSize;
  switch (tail.kind) {
    case "branch":
      size = Math.max(size, branchSize(chunk, tail.branch));
      break;
    case "space": {
      const count = finalNumber(session, tail.count, tail.span);
      if (count < 0n) {
        session.diagnostics.error(tail.span, `${count} bytes: the count is negative`);
        return false;
      }
      size = checkedSize(session, count * BigInt(tail.unit), tail.span);
      break;
    }
    case "org": {
      // A plain number counts from the start of the section; a label is an address.
      const result = evaluate(tail.target, "final");
      if (!result.ok) {
        session.diagnostics.error(result.span ?? tail.span, result.message);
        return false;
      }
      const { section } = chunk;
      const target = result.base === undefined ? result.value : result.value - section.address;
      const gap = target - BigInt(chunk.offset + chunk.length);
      if (result.base !== undefined && result.base !== section) {
        session.diagnostics.error(tail.span, `this lies in another section than ${section.name}`);
      } else if (gap < 0n) {
        session.diagnostics.error(tail.span, "the location counter cannot go back");
      } else size = checkedSize(session, gap, tail.span);
      break;
    }
    case "leb128":
      size = Math.max(size, leb128(finalNumber(session, tail.value, tail.span), tail.signed, 0).length);
      break;
    case "align":
    case "fill":
      return false;
  }
  if (size === chunk.tailSize) return false;
  chunk.tailSize = size;
  return true;
}

function checkedSize(session: Session, size: bigint, span: Span): number {
  if (size <= BigInt(MOST_BYTES)) return Number(size);
  session.diagnostics.error(span, `${size} bytes are more than a program can have`);
  return 0;
}

/** A number after layout; an address or an error gives 0, reported. */
export function finalNumber(session: Session, expression: Expression, span: Span): bigint {
  const result = evaluate(expression, "final");
  if (!result.ok) session.diagnostics.error(result.span ?? span, result.message);
  else if (result.base !== undefined)
    session.diagnostics.error(span, "a number is needed here, and this is an address");
  else return result.value;
  return 0n;
}

const COMPRESSED_JUMP_REACH = 2048n;
const COMPRESSED_BRANCH_REACH = 256n;
const BRANCH_REACH = 4096n;

/** Bytes that a branch needs with the present addresses. GNU `as` knows nothing of other sections and weak symbols. */
function branchSize(chunk: Chunk, branch: Branch): number {
  const { target, conditional, compressed } = branch;
  const far = conditional ? 8 : 4;
  if (target.kind === "symbol" && target.symbol.binding === "weak") return far;
  const result = evaluate(target, "final");
  if (!result.ok || result.base !== chunk.section) return far;
  const distance = result.value - (chunk.section.address + BigInt(chunk.offset + chunk.length));
  const within = (reach: bigint): boolean => distance >= -reach && distance < reach;
  if (compressed !== undefined && within(conditional ? COMPRESSED_BRANCH_REACH : COMPRESSED_JUMP_REACH)) return 2;
  if (!conditional || within(BRANCH_REACH)) return 4;
  return compressed === undefined ? 8 : 6;
}

/** LEB128 bytes of a value, padded to `size`. */
export function leb128(value: bigint, signed: boolean, size: number): Uint8Array {
  const bytes: number[] = [];
  let rest = signed ? value : BigInt.asUintN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = signed ? (rest === 0n && low < 64) || (rest === -1n && low >= 64) : rest === 0n;
    if (done && bytes.length + 1 >= size) {
      bytes.push(low);
      return Uint8Array.from(bytes);
    }
    bytes.push(low | 0x80);
    assert(bytes.length < 64, "a LEB128 that does not end");
  }
}

interface Provided {
  readonly symbol: NonNullable<ReturnType<Session["symbols"]["find"]>>;
  readonly compute: (sections: readonly Section[], start: bigint) => bigint;
}

/** The end of the last section that `which` accepts; where there is none, the end of everything before. */
function endOfSections(which: (section: Section) => boolean) {
  return (sections: readonly Section[], start: bigint): bigint => {
    let end = start;
    for (const section of sections) if (which(section)) end = section.address + BigInt(section.size);
    return end;
  };
}

const endOfEverything = endOfSections(() => true);

/** Start of the zeros: the end of the data when there are none. */
function startOfZeros(sections: readonly Section[], start: bigint): bigint {
  const first = sections.find((section) => section.flags.noBits);
  return first?.address ?? endOfEverything(sections, start);
}

/**
 * Symbols that linker scripts give and start-up code uses. They exist when they are mentioned and not defined:
 * - `__bss_start`, `__bss_end`: what start-up code has to clear (the loader has done it already);
 * - `_end`, `end`: the first byte behind the program;
 * - `_etext`, `_edata`: the end of code and constants, and of initialised data;
 * - `__global_pointer$`: 2 KiB into the writable data, for `gp`.
 */
const PROVIDED: Readonly<Record<string, Provided["compute"]>> = {
  __bss_start: startOfZeros,
  __bss_end: endOfEverything,
  _end: endOfEverything,
  end: endOfEverything,
  _etext: endOfSections((section) => section.flags.executable),
  _edata: endOfSections((section) => !section.flags.noBits),
  __global_pointer$: (sections, start) =>
    (sections.find((section) => section.flags.writable)?.address ?? endOfEverything(sections, start)) + 0x800n,
};

export const PROVIDED_SYMBOLS: readonly string[] = Object.keys(PROVIDED);

function providedSymbols(session: Session): Provided[] {
  const provided: Provided[] = [];
  for (const [name, compute] of Object.entries(PROVIDED)) {
    const symbol = session.symbols.find(name);
    if (symbol !== undefined && symbol.definition === undefined) provided.push({ symbol, compute });
  }
  return provided;
}
