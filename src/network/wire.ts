/** Numbers as they travel on a network: highest byte first. */

export function get16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1];
}

/** Unsigned. */
export function get32(bytes: Uint8Array, offset: number): number {
  return (get16(bytes, offset) * 0x1_0000 + get16(bytes, offset + 2)) >>> 0;
}

export function put16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

export function put32(bytes: Uint8Array, offset: number, value: number): void {
  put16(bytes, offset, value >>> 16);
  put16(bytes, offset + 2, value & 0xffff);
}

export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Sum of 16-bit words, not yet folded: sums of parts of even length can be added. An odd last byte is the upper one. */
export function sum16(bytes: Uint8Array): number {
  let sum = 0;
  const even = bytes.length & ~1;
  for (let offset = 0; offset < even; offset += 2) sum += (bytes[offset] << 8) | bytes[offset + 1];
  return even < bytes.length ? sum + (bytes[even] << 8) : sum;
}

/** The internet checksum (RFC 1071) of a sum. A sum that holds a right checksum gives 0. */
export function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

/** How far `a` is after `b` in a sequence space of 32 bits; negative when it is before. */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}
