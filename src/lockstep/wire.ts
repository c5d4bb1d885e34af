import { type ByteReader, type ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import type { Counts } from "./replica.ts";

/** Bounds on what a peer may ask us to believe. */
export const MOST_DEVICES = 64;
const DIGEST_DIGITS = /^[0-9a-f]{32}$/;

export function oneOf<T>(reader: ByteReader, choices: readonly T[], what: string): T {
  const index = reader.u8();
  if (index >= choices.length) throw new MalformedBytes(`there is no ${what} ${index}`);
  return choices[index];
}

export function list<T>(reader: ByteReader, read: () => T): T[] {
  const count = reader.varint();
  // Every element has at least a byte: a count that cannot be true must not become an allocation.
  if (count > reader.remaining) throw new MalformedBytes(`a list of ${count} in ${reader.remaining} bytes`);
  const values: T[] = [];
  while (values.length < count) values.push(read());
  return values;
}

export function text(writer: ByteWriter, value: string): void {
  blob(writer, new TextEncoder().encode(value));
}

export function readText(reader: ByteReader): string {
  return new TextDecoder().decode(readBlob(reader));
}

export function blob(writer: ByteWriter, bytes: Uint8Array): void {
  writer.varint(bytes.length);
  writer.bytes(bytes);
}

export function readBlob(reader: ByteReader): Uint8Array {
  return reader.bytes(reader.varint());
}

export function counts(writer: ByteWriter, values: Counts): void {
  writer.varint(values.length);
  for (const value of values) writer.varint(value);
}

export function readCounts(reader: ByteReader): Counts {
  const values = list(reader, () => reader.varint());
  if (values.length > MOST_DEVICES) throw new MalformedBytes(`${values.length} devices`);
  return values;
}

export function readDigest(reader: ByteReader): string {
  const digest = readText(reader);
  if (!DIGEST_DIGITS.test(digest)) throw new MalformedBytes("that is no digest");
  return digest;
}
