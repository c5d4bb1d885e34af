import { assert } from "../base/assert.ts";
import { type Encoding, encode, parseEncoding } from "../isa/encoding.ts";
import { findInstruction } from "../isa/table.ts";
import { compress, compressBranch, type Fields } from "./compression.ts";
import type { Expression } from "./expression.ts";
import type { FixupKind } from "./section.ts";
import type { Session } from "./session.ts";
import type { Span } from "./source.ts";

/** Puts a finished instruction into the section. */
export function emitWord(session: Session, size: 2 | 4, word: number): void {
  session.noteInstruction();
  session.section.emit(size, word);
}

interface Deferred {
  readonly relocation: string;
  readonly value: Expression;
  readonly span: Span;
}

/** Encodes an instruction, in 16 bits where GNU `as` would. */
export function emitInstruction(
  session: Session,
  mnemonic: string,
  encoding: Encoding,
  fields: Fields,
  deferred?: Deferred,
  compressAs?: string,
): void {
  if (deferred !== undefined) {
    session.noteInstruction();
    const place = session.section.emit(4, encode(encoding, fields));
    // Stores have no destination register, and their immediate is in two parts.
    const store = !encoding.fields.some((field) => field.name === "rd");
    session.fixup(relocationKind(deferred.relocation, store), place, deferred.value, deferred.span);
    return;
  }
  const short = session.state.compress ? compress(compressAs ?? mnemonic, fields) : undefined;
  if (short !== undefined) emitWord(session, 2, short);
  else emitWord(session, 4, encode(encoding, fields));
}

/** The same, by mnemonic. */
export function emit(session: Session, mnemonic: string, fields: Fields, deferred?: Deferred): void {
  emitInstruction(session, mnemonic, encodingOf(mnemonic), fields, deferred);
}

export function encodingOf(mnemonic: string): Encoding {
  const entry = findInstruction(mnemonic);
  assert(entry !== undefined, `${mnemonic} is not in the table`);
  return parseEncoding(entry.encoding);
}

function relocationKind(relocation: string, store: boolean): FixupKind {
  switch (relocation) {
    case "%hi":
      return "hi20";
    case "%pcrel_hi":
      return "pcrel-hi20";
    case "%lo":
      return store ? "lo12-store" : "lo12";
    default:
      assert(relocation === "%pcrel_lo", relocation);
      return store ? "pcrel-lo12-store" : "pcrel-lo12";
  }
}

/** What the explicit compressed branches are short for. */
const LONG_FORM: Readonly<Record<string, string>> = { "c.j": "jal", "c.beqz": "beq", "c.bnez": "bne" };

/**
 * A jump or branch. Layout chooses among the 16-bit form, the 32-bit form and, for a branch that does not reach, the
 * inverted branch around a jump. GNU `as` shortens `j`, but not a `jal` that is written out.
 */
export function emitBranch(
  session: Session,
  mnemonic: string,
  fields: Fields,
  target: { readonly value: Expression; readonly span: Span },
  compressAs: string | undefined,
): void {
  const long = LONG_FORM[mnemonic] ?? mnemonic;
  const conditional = long !== "jal";
  const word = encode(encodingOf(long), { ...fields, imm: 0 });
  let compressed: number | undefined;
  if (session.state.compress) {
    const jump = mnemonic === "c.j" || compressAs === "j";
    compressed = conditional ? compressBranch(long, fields) : jump ? COMPRESSED_JUMP : undefined;
  }
  session.noteInstruction();
  if (!conditional && compressed === undefined) {
    session.fixup("jump", session.section.emit(4, word), target.value, target.span);
    return;
  }
  const branch = { target: target.value, span: target.span, word, conditional, compressed };
  session.section.end({ kind: "branch", branch }, compressed === undefined ? 4 : 2, false);
}

/** c.j with a distance of zero. */
const COMPRESSED_JUMP = 0xa001;
