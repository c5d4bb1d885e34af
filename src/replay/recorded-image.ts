import { virtualAddress } from "../base/brand.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import { UserError } from "../base/errors.ts";
import type { Image } from "../machine/machine-interface.ts";
import type { ChunkCodec, RecordedImage } from "./recording-message.ts";
import { sha256 } from "./sha256.ts";

/** Smaller images are not worth packing. */
const LEAST_PACKED_BYTES = 16 * 1024;

/** Describes a file that a run begins with; its bytes travel along unless `embedded` is false. */
export function recordedImage(
  role: RecordedImage["role"],
  name: string,
  bytes: Uint8Array,
  embedded = true,
  hash: (bytes: Uint8Array) => string = sha256,
): RecordedImage {
  return { role, name, sizeBytes: bytes.length, sha256: hash(bytes), bytes: embedded ? bytes : undefined };
}

/** The same, compressed when that makes it smaller. */
export function packedImage(
  role: RecordedImage["role"],
  name: string,
  bytes: Uint8Array,
  codec: ChunkCodec,
): RecordedImage {
  // A kernel and its initramfs have some fifty megabytes: the host hashes them in a tenth of the time.
  const hash = (of: Uint8Array) => codec.sha256?.(of) ?? sha256(of);
  const image = recordedImage(role, name, bytes, true, hash);
  if (bytes.length < LEAST_PACKED_BYTES) return image;
  const packed = codec.compress(bytes);
  if (packed.length >= bytes.length) return image;
  return { ...image, bytes: packed, packed: { sizeBytes: packed.length, sha256: hash(packed) } };
}

/** The bytes of an image that is not a disk, unpacked; undefined when the recording does not hold them. */
export function imageBytes(
  { name, bytes, packed, sizeBytes }: RecordedImage,
  codec: ChunkCodec,
): Uint8Array | undefined {
  if (bytes === undefined || packed === undefined) return bytes;
  const unpacked = codec.decompress(bytes, sizeBytes);
  if (unpacked.length === sizeBytes) return unpacked;
  throw new UserError(
    "recording-image",
    `The recording's image of ${name} does not unpack to the size it should have.`,
  );
}

/**
 * What is placed in memory at reset, as bytes; docs/recording-format.md, "Memory image". What lies in one of `files` as
 * it is, a view of the same buffer, is not written again.
 */
export function encodeImage(image: Image, files: readonly Uint8Array[] = []): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.big64(image.entry);
  writer.big64(image.argument ?? 0n);
  writer.big64(image.information ?? 0n);
  writer.varint(image.segments.length);
  for (const { physicalAddress, memoryBytes, bytes } of image.segments) {
    writer.varint(physicalAddress);
    writer.varint(memoryBytes);
    writer.varint(bytes.length);
    const file = files.findIndex((whole) => holds(whole, bytes));
    writer.varint(file + 1);
    if (file < 0) writer.bytes(bytes);
    else writer.varint(bytes.byteOffset - files[file].byteOffset);
  }
  return writer.take();
}

function holds(whole: Uint8Array, part: Uint8Array): boolean {
  const start = part.byteOffset - whole.byteOffset;
  return part.buffer === whole.buffer && part.length > 0 && start >= 0 && start + part.length <= whole.length;
}

/** Undoes `encodeImage`; a UserError when the bytes are not one. `file` gives those that it was encoded with. */
export function decodeImage(
  bytes: Uint8Array,
  file: (index: number) => Uint8Array | undefined = () => undefined,
): Image {
  try {
    const reader = new ByteReader(bytes);
    const entry = virtualAddress(reader.big64());
    const argument = reader.big64();
    const information = reader.big64();
    const count = reader.varint();
    const segments: Image["segments"][number][] = [];
    for (let index = 0; index < count; index++) {
      const physicalAddress = reader.varint();
      const memoryBytes = reader.varint();
      segments.push({ physicalAddress, memoryBytes, bytes: segmentBytes(reader, file) });
    }
    reader.end();
    return { entry, argument, information, segments };
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    throw new UserError("recording-image", `The recording's memory image cannot be read: ${error.message}.`);
  }
}

function segmentBytes(reader: ByteReader, file: (index: number) => Uint8Array | undefined): Uint8Array {
  const length = reader.varint();
  const number = reader.varint();
  if (number === 0) return reader.bytes(length);
  const whole = file(number - 1);
  const start = reader.varint();
  if (whole === undefined) throw new MalformedBytes(`there is no image ${number - 1}`);
  if (start + length > whole.length) throw new MalformedBytes(`image ${number - 1} is shorter than it should be`);
  return whole.subarray(start, start + length);
}
