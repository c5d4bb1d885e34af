import { virtualAddress } from "../base/brand.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import { UserError } from "../base/errors.ts";
import type { Image } from "../machine/machine-interface.ts";
import type { RecordedImage } from "./recording-message.ts";
import { sha256 } from "./sha256.ts";

/** Describes a file that a run begins with; its bytes travel along unless `embedded` is false. */
export function recordedImage(
  role: RecordedImage["role"],
  name: string,
  bytes: Uint8Array,
  embedded = true,
): RecordedImage {
  return { role, name, sizeBytes: bytes.length, sha256: sha256(bytes), bytes: embedded ? bytes : undefined };
}

/** What is placed in memory at reset, as bytes; docs/recording-format.md, "Memory image". */
export function encodeImage(image: Image): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.big64(image.entry);
  writer.varint(image.segments.length);
  for (const segment of image.segments) {
    writer.varint(segment.physicalAddress);
    writer.varint(segment.memoryBytes);
    writer.varint(segment.bytes.length);
    writer.bytes(segment.bytes);
  }
  return writer.take();
}

/** Undoes `encodeImage`; a UserError when the bytes are not one. */
export function decodeImage(bytes: Uint8Array): Image {
  try {
    const reader = new ByteReader(bytes);
    const entry = virtualAddress(reader.big64());
    const count = reader.varint();
    const segments: Image["segments"][number][] = [];
    for (let index = 0; index < count; index++) {
      const physicalAddress = reader.varint();
      const memoryBytes = reader.varint();
      segments.push({ physicalAddress, memoryBytes, bytes: reader.bytes(reader.varint()) });
    }
    reader.end();
    return { entry, segments };
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    throw new UserError("recording-image", `The recording's memory image cannot be read: ${error.message}.`);
  }
}
