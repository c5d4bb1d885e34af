import { assert } from "../base/assert.ts";
import { type Expression, evaluate } from "./expression.ts";
import type { Branch, Chunk, Section, Tail } from "./section.ts";
import type { Session } from "./session.ts";
import type { Span } from "./source.ts";

/** Sections end here: nothing that the machine can hold is larger. */
export const MOST_BYTES = 2 ** 30;
/** Sections with bytes of their own, in sum: as much as the board has memory unless it is asked for more. */
export const MOST_IMAGE_BYTES = 2 ** 27;

/** Passes over a section that may shrink branches; from then on they only grow, so that there is an end. */
const SHRINKING_PASSES = 200;
/** Passes before gaps whose sizes depend on each other are given up. */
const MOST_PASSES = 1000;

/**
 * Settles the sizes of a section's branches and gaps. The sizes depend on distances, the distances on the sizes, and
 * there can be several solutions. This finds the one that GNU `as` finds, by going about it in the same way: a first
 * guess from front to back, in which what lies ahead seems to lie at the section's start, so that branches far into
 * the section begin long; then passes that correct, until one changes nothing.
 */
export function relaxSection(session: Session, section: Section): void {
  for (const chunk of section.chunks) chunk.offset = 0;
  let offset = 0;
  for (const chunk of section.chunks) {
    chunk.offset = offset;
    offset += chunk.length;
    // Gaps whose size is not known yet count as empty.
    const guess = chunk.tail?.kind === "space" || chunk.tail?.kind === "org" ? 0 : tailSize(chunk);
    chunk.tailSize = guess;
    offset += guess;
  }
  adjustSection(session, section);
}

/** The passes that correct; again when addresses in other sections have changed. True when anything has. */
export function adjustSection(session: Session, section: Section): boolean {
  let changedAtAll = false;
  for (let pass = 0; ; pass++) {
    let stretch = 0;
    let changed = false;
    for (const chunk of section.chunks) {
      chunk.offset += stretch;
      let size = tailSize(chunk);
      if (pass > SHRINKING_PASSES && chunk.tail?.kind !== "align") size = Math.max(size, chunk.tailSize);
      if (size === chunk.tailSize) continue;
      stretch += size - chunk.tailSize;
      chunk.tailSize = size;
      changed = true;
      if (pass >= MOST_PASSES && chunk.tail !== undefined && "span" in chunk.tail) {
        session.diagnostics.error(chunk.tail.span, "this size and what it depends on do not settle");
        return false;
      }
    }
    const last = section.chunks[section.chunks.length - 1];
    section.size = last.offset + last.length + last.tailSize;
    if (!changed) return changedAtAll;
    changedAtAll = true;
  }
}

/** Bytes that a tail needs with the present addresses. */
function tailSize(chunk: Chunk): number {
  const { tail } = chunk;
  if (tail === undefined) return 0;
  switch (tail.kind) {
    case "fill":
      return chunk.tailSize;
    case "align":
      return paddingOf(tail, chunk.offset + chunk.length);
    case "branch":
      return branchSize(chunk, tail.branch);
    case "space":
      return clamp(presentValue(tail.count) * BigInt(tail.unit));
    case "org":
      return clamp(orgGap(chunk, tail.target));
    case "leb128":
      // A size that shrank could grow again with what it makes room for.
      return Math.max(chunk.tailSize, leb128(presentValue(tail.value), tail.signed, 0).length);
  }
}

/** While sizes are in flux a gap may seem negative or huge; what is wrong in the end is said in the end. */
function clamp(size: bigint): number {
  return size < 0n ? 0 : size > BigInt(MOST_BYTES) ? MOST_BYTES : Number(size);
}

function presentValue(expression: Expression): bigint {
  const result = evaluate(expression, "final");
  return result.ok ? result.value : 0n;
}

function paddingOf({ alignment, most, onlyOdd }: Tail & { kind: "align" }, offset: number): number {
  const padding = (alignment - (offset % alignment)) % alignment;
  return padding > most || (onlyOdd && offset % 2 === 0) ? 0 : padding;
}

/** Bytes up to the target of an `.org`: a plain number counts from the start of the section, a label is an address. */
function orgGap(chunk: Chunk, target: Expression): bigint {
  const result = evaluate(target, "final");
  if (!result.ok) return 0n;
  const offset = result.base === undefined ? result.value : result.value - chunk.section.address;
  return offset - BigInt(chunk.offset + chunk.length);
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

/** Reports what is wrong with a section's gaps, now that all sizes are final. */
export function checkGaps(session: Session, section: Section): void {
  for (const chunk of section.chunks) {
    const { tail } = chunk;
    if (tail?.kind === "space") {
      const count = finalNumber(session, tail.count, tail.span);
      if (count < 0n) session.diagnostics.error(tail.span, `${count} bytes: the count is negative`);
      else if (count * BigInt(tail.unit) > BigInt(MOST_BYTES)) {
        session.diagnostics.error(tail.span, `${count} is more than a program can have`);
      }
    } else if (tail?.kind === "leb128") {
      finalNumber(session, tail.value, tail.span);
    } else if (tail?.kind === "org") {
      checkOrg(session, chunk, tail);
    }
  }
}

function checkOrg(session: Session, chunk: Chunk, { target, span }: Tail & { kind: "org" }): void {
  const result = evaluate(target, "final");
  const { section } = chunk;
  if (!result.ok) session.diagnostics.error(result.span ?? span, result.message);
  else if (result.base !== undefined && result.base !== section) {
    session.diagnostics.error(span, `this lies in another section than ${section.name}`);
  } else {
    const gap = orgGap(chunk, target);
    if (gap < 0n) session.diagnostics.error(span, "the location counter cannot go back");
    if (gap > BigInt(MOST_BYTES)) session.diagnostics.error(span, `${gap} bytes are more than a program can have`);
  }
}

/** A number after layout; an address or an error gives 0, reported. */
function finalNumber(session: Session, expression: Expression, span: Span): bigint {
  const result = evaluate(expression, "final");
  if (!result.ok) session.diagnostics.error(result.span ?? span, result.message);
  else if (result.base !== undefined)
    session.diagnostics.error(span, "a number is needed here, and this is an address");
  else return result.value;
  return 0n;
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
