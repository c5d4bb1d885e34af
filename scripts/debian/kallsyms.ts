/**
 * Reads the table of symbols that a kernel carries for its own messages (Linux: scripts/kallsyms.c, as of 6.4 and later).
 * Debian's kernel packages hold no other: the one with debug information is a gigabyte.
 */

/** Names in the table are spelt by 256 tokens; those of the digits stand for themselves and one behind the other. */
const DIGITS = Buffer.from("0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00", "latin1");
const DIGIT_TOKEN = 0x30;
const TOKENS = 256;
/** Where 64-bit RISC-V kernels are linked (Linux: Documentation/arch/riscv/vm-layout.rst). */
const LINK_ADDRESS = 0xffff_ffff_8000_0000n;
/** One marker for so many names. */
const NAMES_PER_MARKER = 256;

/** The symbols of an uncompressed kernel image, as lines of System.map. */
export function kernelSymbols(image: Buffer): string {
  for (let digits = image.indexOf(DIGITS); digits >= 0; digits = image.indexOf(DIGITS, digits + 1)) {
    const table = stringsBefore(image, digits, DIGIT_TOKEN);
    const found = table === undefined ? undefined : readTable(image, table);
    if (found !== undefined) return found;
  }
  throw new Error("the kernel image has no table of symbols where one is expected");
}

/** Where the string stands that has `count` strings between itself and `end`. */
function stringsBefore(image: Buffer, end: number, count: number): number | undefined {
  let at = end;
  for (let string = 0; string < count; string++) {
    at = image.lastIndexOf(0, at - 2) + 1;
    if (at <= 0) return undefined;
  }
  // The padding in front of the table is zeros, too.
  return align(at) === at ? at : undefined;
}

function readTable(image: Buffer, tokenTable: number): string | undefined {
  const tokens: string[] = [];
  let at = tokenTable;
  for (let token = 0; token < TOKENS; token++) {
    const end = image.indexOf(0, at);
    tokens.push(image.toString("latin1", at, end));
    at = end + 1;
  }
  const tokenIndex = align(at);
  if (image.readUInt16LE(tokenIndex + 2) !== tokens[0].length + 1) return undefined;
  const offsets = align(tokenIndex + 2 * TOKENS);
  const markers = markersBefore(image, tokenTable);
  const names = namesBefore(image, markers.start, markers.values);
  if (names === undefined) return undefined;
  const base = image.readBigUInt64LE(align(offsets + 4 * names.count));
  const symbols: string[] = [];
  at = names.start;
  for (let index = 0; index < names.count; index++) {
    const { length, start } = nameAt(image, at);
    const name = [...image.subarray(start, start + length)].map((token) => tokens[token]).join("");
    const address = (base >= LINK_ADDRESS ? base : LINK_ADDRESS) + BigInt(image.readUInt32LE(offsets + 4 * index));
    symbols.push(`${address.toString(16)} ${name[0]} ${name.slice(1)}\n`);
    at = start + length;
  }
  return symbols.join("");
}

/** Offsets of every 256th name, ascending from 0; they end in front of the token table. */
function markersBefore(image: Buffer, end: number): { start: number; values: number[] } {
  const values: number[] = [];
  let at = end - 4;
  if (image.readUInt32LE(at) === 0) at -= 4;
  for (; ; at -= 4) {
    const value = image.readUInt32LE(at);
    values.unshift(value);
    if (value === 0) return { start: at, values };
  }
}

/** The names end in front of the markers, and their count stands in front of them. */
function namesBefore(image: Buffer, end: number, markers: readonly number[]) {
  const last = markers[markers.length - 1];
  const longest = NAMES_PER_MARKER * 512;
  for (let start = align(end - last - longest); start + last < end; start += 8) {
    const count = image.readUInt32LE(start - 8);
    if (Math.ceil(count / NAMES_PER_MARKER) !== markers.length) continue;
    let at = start + last;
    for (let index = (markers.length - 1) * NAMES_PER_MARKER; index < count && at < end; index++) {
      const { length, start: name } = nameAt(image, at);
      at = name + length;
    }
    if (align(at) === end) return { start, count };
  }
  return undefined;
}

/** A length of one byte, or of two when the first has its highest bit; then a token a byte. */
function nameAt(image: Buffer, at: number): { length: number; start: number } {
  const low = image[at];
  return low < 0x80 ? { length: low, start: at + 1 } : { length: (low & 0x7f) | (image[at + 1] << 7), start: at + 2 };
}

function align(address: number): number {
  return Math.ceil(address / 8) * 8;
}
