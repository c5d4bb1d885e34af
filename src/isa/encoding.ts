import { assert } from "../base/assert.ts";

/**
 * Encoding strings taken apart: mask and match for decoding, fields with their bit scatter for encoding and extraction.
 * The strings are the manual's lines, most significant bit first (instruction.ts names what may stand in them).
 */
export interface Encoding {
  readonly length: 2 | 4;
  /** Bits that are fixed, and their values; both unsigned. */
  readonly mask: number;
  readonly match: number;
  readonly fields: readonly Field[];
  /** The line's words and their widths in bits, for drawing. */
  readonly parts: readonly { readonly text: string; readonly width: number }[];
}

export interface Field {
  /** As the encoding names it, without prime, ranges and exclusions: `rd`, `imm`, `nzuimm`, `shamt`, `csr`, `aq`, … */
  readonly name: string;
  readonly kind: "register" | "immediate" | "other";
  /** Three-bit register field that names x8 to x15. */
  readonly prime: boolean;
  readonly pieces: readonly Piece[];
  /** One above the highest and the lowest bit of the value that the field holds: `imm[20|10:1|11|19:12]` has 21 and 1. */
  readonly bits: number;
  readonly lowBit: number;
  /** Sign-extended from bit `bits - 1`. */
  readonly signed: boolean;
  /** Values (register numbers for registers) with which the word is another instruction or reserved. */
  readonly excluded: readonly number[];
}

/** `width` bits at `wordBit` of the word hold the bits from `valueBit` up of the value. */
export interface Piece {
  readonly wordBit: number;
  readonly valueBit: number;
  readonly width: number;
}

const FIXED_WIDTHS: Readonly<Record<string, number>> = {
  rd: 5,
  rs1: 5,
  rs2: 5,
  rs3: 5,
  rm: 3,
  csr: 12,
  aq: 1,
  rl: 1,
  fm: 4,
  pred: 4,
  succ: 4,
};
const IMMEDIATES = new Set(["imm", "uimm", "nzimm", "nzuimm", "shamt"]);
const SIGNED_IMMEDIATES = new Set(["imm", "nzimm"]);
/** A three-bit register field holds the number less this. */
const PRIME_BASE = 8;

const parsed = new Map<string, Encoding>();

/** The parts of an encoding string; parsed once. The strings come from the table, so a bad one is a broken invariant. */
export function parseEncoding(text: string): Encoding {
  let encoding = parsed.get(text);
  if (encoding === undefined) {
    encoding = parse(text);
    parsed.set(text, encoding);
  }
  return encoding;
}

interface Token {
  readonly name: string;
  readonly prime: boolean;
  /** Value bits in word order, each [high, low]; undefined for literal bits. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly excluded: readonly number[];
  readonly width: number;
}

function parse(text: string): Encoding {
  const words = text.split(/\s+/);
  const tokens = words.map(parseToken);
  const total = tokens.reduce((sum, token) => sum + token.width, 0);
  assert(total === 16 || total === 32, `encoding has ${total} bits: ${text}`);
  let position = total;
  let mask = 0;
  let match = 0;
  const fields = new Map<string, { token: Token; pieces: Piece[]; excluded: number[] }>();
  for (const token of tokens) {
    if (token.ranges.length === 0) {
      for (const bit of token.name) {
        position--;
        mask |= 1 << position;
        if (bit === "1") match |= 1 << position;
      }
      continue;
    }
    const field = fields.get(token.name) ?? { token, pieces: [], excluded: [] };
    fields.set(token.name, field);
    field.excluded.push(...token.excluded);
    for (const [high, low] of token.ranges) {
      position -= high - low + 1;
      field.pieces.push({ wordBit: position, valueBit: low, width: high - low + 1 });
    }
  }
  return {
    length: total === 16 ? 2 : 4,
    mask: mask >>> 0,
    match: match >>> 0,
    fields: [...fields.values()].map(({ token, pieces, excluded }) => makeField(token, pieces, excluded)),
    parts: words.map((word, i) => ({ text: word, width: tokens[i].width })),
  };
}

function parseToken(text: string): Token {
  if (/^[01]+$/.test(text)) return { name: text, prime: false, ranges: [], excluded: [], width: text.length };
  const parts = /^([a-z]+\d?)('?)(?:\[([\d:|]+)\])?(?:≠(\d+|\{[\d,]+\}))?$/.exec(text);
  assert(parts !== null, `cannot read "${text}" in an encoding`);
  const [, name, prime, ranges, exclusion] = parts;
  const immediate = IMMEDIATES.has(name);
  assert(immediate === (ranges !== undefined), `"${text}": an immediate says which bits it holds, nothing else does`);
  assert(immediate || name in FIXED_WIDTHS, `unknown field "${text}" in an encoding`);
  const fixedWidth = prime === "'" ? 3 : FIXED_WIDTHS[name];
  const spans = immediate ? ranges.split("|").map(parseRange) : [[fixedWidth - 1, 0] as const];
  return {
    name,
    prime: prime === "'",
    ranges: spans,
    excluded: exclusion === undefined ? [] : exclusion.replace(/[{}]/g, "").split(",").map(Number),
    width: spans.reduce((sum, [high, low]) => sum + high - low + 1, 0),
  };
}

function parseRange(text: string): readonly [number, number] {
  const [high, low = high] = text.split(":").map(Number);
  assert(high >= low, `bits ${text} run upwards`);
  return [high, low];
}

function makeField(token: Token, pieces: Piece[], excluded: number[]): Field {
  const immediate = IMMEDIATES.has(token.name);
  return {
    name: token.name,
    kind: immediate ? "immediate" : /^r[ds]\d?$/.test(token.name) ? "register" : "other",
    prime: token.prime,
    pieces,
    bits: Math.max(...pieces.map((piece) => piece.valueBit + piece.width)),
    lowBit: Math.min(...pieces.map((piece) => piece.valueBit)),
    signed: SIGNED_IMMEDIATES.has(token.name),
    excluded: token.name.startsWith("nz") ? [0, ...excluded] : excluded,
  };
}

/** The field's value in `word`: a register number, a sign- or zero-extended immediate (a signed 32-bit integer). */
export function extract(field: Field, word: number): number {
  let value = 0;
  for (const { wordBit, valueBit, width } of field.pieces) {
    // A width of 32 does not occur, so that the mask below never wraps.
    value |= ((word >>> wordBit) & ((1 << width) - 1)) << valueBit;
  }
  if (field.prime) return value + PRIME_BASE;
  const unused = 32 - field.bits;
  return field.signed ? (value << unused) >> unused : value;
}

/** Least and greatest value of a field; values in between are multiples of `step`. Exclusions not considered. */
export function fieldRange(field: Field): { min: number; max: number; step: number } {
  if (field.prime) return { min: PRIME_BASE, max: PRIME_BASE + 7, step: 1 };
  const step = 2 ** field.lowBit;
  if (field.signed) return { min: -(2 ** (field.bits - 1)), max: 2 ** (field.bits - 1) - step, step };
  return { min: 0, max: 2 ** field.bits - step, step };
}

/** Whether the field can hold the value, exclusions considered. */
export function fits(field: Field, value: number): boolean {
  const { min, max, step } = fieldRange(field);
  return value >= min && value <= max && value % step === 0 && !field.excluded.includes(value);
}

/** Whether a word that matches mask and match is this instruction: no field holds an excluded value. */
export function admits(encoding: Encoding, word: number): boolean {
  return encoding.fields.every((field) => !field.excluded.includes(extract(field, word)));
}

/**
 * The word, unsigned, with the given field values; fields that are not given are 0. Every value must fit: who takes
 * values from a user asks `fits` first.
 */
export function encode(encoding: Encoding, values: Readonly<Record<string, number>>): number {
  let word = encoding.match;
  for (const field of encoding.fields) {
    const value = values[field.name] ?? 0;
    assert(fits(field, value), `${field.name} cannot hold ${value}`);
    const bits = field.prime ? value - PRIME_BASE : value;
    for (const { wordBit, valueBit, width } of field.pieces) {
      word |= ((bits >> valueBit) & ((1 << width) - 1)) << wordBit;
    }
  }
  return word >>> 0;
}
