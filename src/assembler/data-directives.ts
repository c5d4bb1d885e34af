import {
  expressionOf,
  type Handler,
  misuse,
  numberOf,
  parts,
  type SpannedExpression,
  wordOf,
} from "./directive-operands.ts";
import { badToken, constantOf } from "./expression.ts";
import { stringBytes } from "./lexer.ts";
import { leb128, MOST_BYTES } from "./relax.ts";
import { alignSection, type FixupKind, isPowerOfTwo, type Tail } from "./section.ts";
import type { Session } from "./session.ts";
import { type Statement, spanOf } from "./source.ts";

/** Space up to this size is emitted as bytes, which keeps neighbouring labels in one run; more becomes a gap. */
const SMALL_SPACE = 4096;

const DATA_FIXUP: Readonly<Record<1 | 2 | 4 | 8, FixupKind>> = { 1: "data8", 2: "data16", 4: "data32", 8: "data64" };

function data(size: 1 | 2 | 4 | 8): Handler {
  return (session, statement) => {
    for (const part of parts(statement)) {
      const expression = expressionOf(session, part, statement);
      if (expression !== undefined) emitDatum(session, size, expression);
    }
  };
}

function emitDatum(session: Session, size: 1 | 2 | 4 | 8, { value: expression, span }: SpannedExpression): void {
  const value = constantOf(expression);
  if (value === 0n && session.section.flags.noBits) {
    session.section.end({ kind: "fill", value: 0 }, size, true);
    return;
  }
  if (!session.canEmit(span)) return;
  if (value === undefined) {
    session.fixup(DATA_FIXUP[size], session.section.emit(size, 0), expression, span);
    return;
  }
  const bits = 8n * BigInt(size);
  if (value < -(1n << (bits - 1n)) || value >= 1n << bits) {
    const kept = BigInt.asUintN(Number(bits), value);
    session.diagnostics.warning(span, `${value} does not fit ${bits} bits; 0x${kept.toString(16)} is stored`);
  }
  session.section.emit(size, value);
}

function text(zero: boolean): Handler {
  return (session, statement) => {
    if (statement.operands.length === 0) return;
    for (const part of parts(statement)) {
      if (part.length === 0) misuse(session, statement, "a string is missing here");
      for (const token of part) {
        if (token.kind !== "string") {
          const message = token.kind === "bad" ? badToken(token) : `expected a string, found \`${token.text}\``;
          session.diagnostics.error(token, message);
          return;
        }
        if (!session.canEmit(token)) return;
        session.section.emitBytes(stringBytes(token));
        if (zero) session.section.emit(1, 0);
      }
    }
  };
}

/** `.skip size, fill`; the size may depend on labels further down. */
function space(session: Session, statement: Statement): void {
  const [size, fill, ...more] = parts(statement);
  if (more.length > 0) return misuse(session, statement, `\`${statement.name!.text}\` takes a size and a value`);
  const count = expressionOf(session, size ?? [], statement);
  const value = numberOf(session, fill, statement, { min: -128, max: 255, whenMissing: 0 });
  if (count !== undefined && value !== undefined) reserve(session, count, 1, BigInt(value));
}

/** `.fill repeat, size, value` */
function fill(session: Session, statement: Statement): void {
  const [repeat, unit, fillValue] = parts(statement);
  const count = expressionOf(session, repeat ?? [], statement);
  const size = numberOf(session, unit, statement, { min: 0, max: 2 ** 31, whenMissing: 1 });
  const value = fillValue === undefined ? undefined : expressionOf(session, fillValue, statement);
  if (count === undefined || size === undefined || (fillValue !== undefined && value === undefined)) return;
  const constant = value === undefined ? 0n : constantOf(value.value);
  if (constant === undefined) return session.diagnostics.error(value!.span, "a constant is needed here");
  // As GNU `as` has it, for compatibility with BSD: at most 8 bytes, and only 4 of them can be other than zero.
  reserve(session, count, Math.min(size, 8), BigInt.asUintN(32, constant));
}

function reserve(session: Session, count: SpannedExpression, unit: number, value: bigint): void {
  const { section, diagnostics } = session;
  const number = constantOf(count.value);
  if (section.flags.noBits && value !== 0n) {
    diagnostics.error(count.span, `${section.name} holds no bytes: only zeros can be reserved here`);
    return;
  }
  if (number === undefined) {
    section.end({ kind: "space", count: count.value, unit, value, span: count.span }, 0, false);
    return;
  }
  if (number < 0n) return diagnostics.warning(count.span, `${number} bytes: a negative count reserves nothing`);
  const size = number * BigInt(unit);
  if (size > BigInt(MOST_BYTES)) return diagnostics.error(count.span, `${size} bytes are more than a program can have`);
  if (size > SMALL_SPACE || section.flags.noBits) {
    const tail: Tail =
      value === 0n
        ? { kind: "fill", value: 0 }
        : { kind: "space", count: { kind: "constant", value: number }, unit, value, span: count.span };
    section.end(tail, Number(size), true);
  } else if (value === 0n) {
    section.emitBytes(new Uint8Array(Number(size)));
  } else {
    for (let index = 0n; index < number; index++) emitUnit(session, unit, value);
  }
}

function emitUnit(session: Session, unit: number, value: bigint): void {
  for (let byte = 0; byte < unit; byte++) session.section.emit(1, Number((value >> BigInt(8 * byte)) & 0xffn));
}

/** `.align`, `.p2align` (powers of two) and `.balign` (bytes): alignment, fill, most bytes to skip. */
function align(power: boolean, fillSize: 1 | 2 | 4): Handler {
  return (session, statement) => {
    const [first, second, third] = parts(statement);
    const range = { min: 0, max: power ? 31 : 2 ** 31, whenMissing: power ? 0 : 1 };
    const number = numberOf(session, first, statement, range);
    const value = numberOf(session, second, statement, { min: -(2 ** 31), max: 2 ** 32 - 1, whenMissing: Number.NaN });
    const most = numberOf(session, third, statement, { min: 0, max: 2 ** 31, whenMissing: 0 });
    if (number === undefined || value === undefined || most === undefined) return;
    const alignment = power ? 2 ** number : Math.max(1, number);
    if (!isPowerOfTwo(alignment)) return misuse(session, statement, `${alignment} is not a power of two`);
    if (alignment === 1) return;
    const { section } = session;
    const code = section.flags.executable;
    // Without a fill, code is taken to be aligned as its instructions are; GNU `as` even where a string says otherwise.
    const instructionBytes = code && Number.isNaN(value) ? (session.state.compress ? 2 : 4) : 1;
    const tail: Tail = {
      kind: "align",
      alignment,
      fill: Number.isNaN(value) ? undefined : value,
      fillSize,
      most: most === 0 ? alignment : most,
      code,
      onlyOdd: alignment <= instructionBytes,
    };
    section.end(tail, 0, false);
    alignSection(section, alignment);
  };
}

function org(session: Session, statement: Statement): void {
  const [target, fillValue] = parts(statement);
  const expression = expressionOf(session, target ?? [], statement);
  const value = numberOf(session, fillValue, statement, { min: -128, max: 255, whenMissing: 0 });
  if (expression === undefined || value === undefined) return;
  session.section.end({ kind: "org", target: expression.value, value, span: expression.span }, 0, false);
}

function leb(signed: boolean): Handler {
  return (session, statement) => {
    for (const part of parts(statement)) {
      const expression = expressionOf(session, part, statement);
      if (expression === undefined || !session.canEmit(expression.span)) continue;
      const value = constantOf(expression.value);
      if (value !== undefined) session.section.emitBytes(leb128(value, signed, 0));
      else session.section.end({ kind: "leb128", value: expression.value, signed, span: expression.span }, 1, false);
    }
  };
}

function float(size: 4 | 8): Handler {
  return (session, statement) => {
    for (const part of parts(statement)) {
      const written = part.map((token) => token.text).join("");
      const value = /^[-+]?(inf(inity)?|nan)$/i.test(written)
        ? special(written.toLowerCase())
        : /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(written)
          ? Number(written)
          : undefined;
      const span = spanOf(part, statement.name!);
      if (value === undefined) {
        session.diagnostics.error(span, `expected a floating-point number, found \`${written}\``);
        return;
      }
      if (!session.canEmit(span)) return;
      const bytes = new DataView(new ArrayBuffer(8));
      if (size === 4) bytes.setFloat32(0, value, true);
      else bytes.setFloat64(0, value, true);
      session.section.emitBytes(new Uint8Array(bytes.buffer, 0, size));
    }
  };
}

function special(text: string): number {
  if (text.includes("nan")) return Number.NaN;
  return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** `.octa`: 16 bytes, constants only. */
function octa(session: Session, statement: Statement): void {
  for (const part of parts(statement)) {
    const [token] = part;
    if (part.length !== 1 || token.kind !== "integer") return misuse(session, statement, "`.octa` takes plain numbers");
    if (!session.canEmit(token)) return;
    session.section.emit(8, BigInt.asUintN(64, token.value!));
    session.section.emit(8, BigInt.asUintN(64, token.value! >> 64n));
  }
}

/** `.incbin "file", skip, count` */
function incbin(session: Session, statement: Statement): void {
  const [file, skip, count] = parts(statement);
  const path = wordOf(file);
  const name = statement.name!;
  if (path === undefined) return misuse(session, statement, "`.incbin` needs a file name");
  const from = session.files[name.file].name;
  const bytes = session.options.incbin?.(path, from);
  const start = numberOf(session, skip, statement, { min: 0, max: MOST_BYTES, whenMissing: 0 });
  const length = numberOf(session, count, statement, { min: 0, max: MOST_BYTES, whenMissing: MOST_BYTES });
  if (start === undefined || length === undefined || !session.canEmit(name)) return;
  if (bytes === undefined) return session.diagnostics.error(spanOf(file, name), `cannot read \`${path}\``);
  session.section.emitBytes(bytes.subarray(start, start + length));
}

/** `.comm symbol, size, alignment` and `.lcomm`. */
function common(local: boolean): Handler {
  return (session, statement) => {
    const [nameTokens, sizeTokens, alignmentTokens] = parts(statement);
    const token = nameTokens?.[0];
    if (token?.kind !== "identifier") return misuse(session, statement, `\`${statement.name!.text}\` needs a symbol`);
    const size = numberOf(session, sizeTokens, statement, { min: 0, max: MOST_BYTES });
    const alignment = numberOf(session, alignmentTokens, statement, { min: 1, max: 2 ** 20, whenMissing: 0 });
    if (size === undefined || alignment === undefined) return;
    if (alignment !== 0 && !isPowerOfTwo(alignment)) {
      return misuse(session, statement, `${alignment} is not a power of two`);
    }
    const symbol = session.symbols.get(token.text);
    if (symbol.definition !== undefined) {
      session.diagnostics.error(token, `\`${token.text}\` is already defined`);
      return;
    }
    // Without an alignment: that of the largest datum that fits, at most 16 bytes.
    const natural = Math.min(16, 2 ** Math.floor(Math.log2(Math.max(1, size))));
    symbol.definition = { kind: "common", size, alignment: alignment === 0 ? natural : alignment };
    symbol.binding = local || session.declaredLocal.has(symbol) ? "local" : "global";
    session.commons.push(symbol);
    symbol.type = "object";
    symbol.size = { kind: "constant", value: BigInt(size) };
    symbol.definitions.push(token);
  };
}

export const DATA_DIRECTIVES: Readonly<Record<string, Handler>> = {
  ".byte": data(1),
  ".half": data(2),
  ".2byte": data(2),
  ".hword": data(2),
  ".short": data(2),
  ".word": data(4),
  ".4byte": data(4),
  ".long": data(4),
  ".int": data(4),
  ".dword": data(8),
  ".8byte": data(8),
  ".quad": data(8),
  ".xword": data(8),
  ".dtprelword": data(4),
  ".dtpreldword": data(8),
  ".octa": octa,
  ".ascii": text(false),
  ".asciz": text(true),
  ".string": text(true),
  ".zero": space,
  ".skip": space,
  ".space": space,
  ".fill": fill,
  ".align": align(true, 1),
  ".p2align": align(true, 1),
  ".p2alignw": align(true, 2),
  ".p2alignl": align(true, 4),
  ".balign": align(false, 1),
  ".balignw": align(false, 2),
  ".balignl": align(false, 4),
  ".org": org,
  ".uleb128": leb(false),
  ".sleb128": leb(true),
  ".float": float(4),
  ".single": float(4),
  ".double": float(8),
  ".incbin": incbin,
  ".comm": common(false),
  ".lcomm": common(true),
};
