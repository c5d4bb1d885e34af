import { floatText } from "./expression-floats.ts";
import type { Format } from "./expression-parser.ts";
import { isPhysical, isSigned, numberOf, sizeOf, type ValueType } from "./expression-types.ts";

/** Characters of a string that are shown at most. */
const MOST_CHARACTERS = 1000;
/** Below this a number is rather a count or a character than an address. */
const SMALL = 1n << 16n;

/** Text of one value. Strings, arrays and instructions need memory and are made by whoever has it. */
export function formatValue(
  bits: bigint,
  type: ValueType,
  base: Format["base"],
  symbolize: (address: bigint) => string | undefined,
): string {
  const raw = BigInt.asUintN(sizeOf(type) * 8, bits);
  switch (base) {
    case "hex":
      return hex(raw);
    case "decimal":
      return type.kind === "float" ? floatText(type, raw) : String(numberOf(type, bits));
    case "binary":
      return `0b${raw.toString(2)}`;
    case "octal":
      return `0o${raw.toString(8)}`;
    case "character":
      return quoteCharacter(Number(raw & 0xffn));
    default:
      return naturalText(bits, raw, type, symbolize);
  }
}

function naturalText(
  bits: bigint,
  raw: bigint,
  type: ValueType,
  symbolize: (address: bigint) => string | undefined,
): string {
  if (type.kind === "float") return `${floatText(type, raw)} (${hex(raw)})`;
  // Names belong to the addresses that programs use.
  if (isPhysical(type)) return hex(raw);
  if (type.kind === "integer" && type.size === 1) return `${hex(raw)} (${numberOf(type, bits)}${glyph(raw)})`;
  const name = sizeOf(type) === 8 ? symbolize(raw) : undefined;
  if (name !== undefined) return `${hex(raw)} <${name}>`;
  if (type.kind !== "integer") return hex(raw);
  const number = numberOf(type, bits);
  // Large unsigned numbers are bits or addresses; their decimal form tells nobody anything.
  const telling = isSigned(type) ? number > -SMALL * SMALL && number < SMALL * SMALL : number < SMALL * SMALL;
  return telling ? `${hex(raw)} (${number})` : hex(raw);
}

function glyph(raw: bigint): string {
  return raw >= 0x20n && raw < 0x7fn ? ` ${quoteCharacter(Number(raw))}` : "";
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

const NAMED_CHARACTERS: Readonly<Record<number, string>> = { 0: "\\0", 9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e" };

export function quoteCharacter(byte: number): string {
  if (byte === 0x27) return "'\\''";
  return `'${escapeByte(byte, "")}'`;
}

function escapeByte(byte: number, quote: string): string {
  const character = String.fromCharCode(byte);
  if (character === "\\" || character === quote) return `\\${character}`;
  if (byte >= 0x20 && byte < 0x7f) return character;
  return NAMED_CHARACTERS[byte] ?? `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** A zero-terminated string; undefined when its first byte cannot be read. */
export function readString(address: bigint, byteAt: (address: bigint) => number | undefined): string | undefined {
  const bytes: number[] = [];
  let ending = '"…';
  for (let i = 0; i < MOST_CHARACTERS; i++) {
    const byte = byteAt(BigInt.asUintN(64, address + BigInt(i)));
    if (byte === undefined && i === 0) return undefined;
    if (byte === undefined) break;
    if (byte === 0) {
      ending = '"';
      break;
    }
    bytes.push(byte);
  }
  // UTF-8 is shown as text; anything else byte by byte.
  const isAscii = bytes.every((byte) => byte < 0x80);
  if (!isAscii) {
    try {
      return (
        JSON.stringify(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes))).slice(0, -1) + ending
      );
    } catch {
      // Not UTF-8: shown byte by byte below.
    }
  }
  return `"${bytes.map((byte) => escapeByte(byte, '"')).join("")}${ending}`;
}
