import { createHash } from "node:crypto";
// As a whole: a Node without zstd must get as far as saying so, and a missing name would not let it start.
import * as zlib from "node:zlib";
import type { ChunkCodec } from "../replay/recording-message.ts";

/** Fast rather than small: the writer shares the computer with the machine that it records. */
const LEVEL = 1;
/** Zlib takes none smaller. */
const LEAST_CHUNK_BYTES = 64;

/** False on a Node that is too old to write or read recordings (before 22.15). */
export const HAS_ZSTD = typeof zlib.zstdCompressSync === "function";

/** Node's own zstd (22.15 and later), and its hash. */
export const ZSTD: ChunkCodec = {
  compress: (bytes) => zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: LEVEL } }),
  sha256: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  crc32: (bytes) => zlib.crc32(bytes),
  // In one piece: by default it comes in pieces of 16 KiB, which are then put together.
  decompress: (bytes, sizeBytes) =>
    zlib.zstdDecompressSync(bytes, {
      maxOutputLength: Math.max(1, sizeBytes),
      chunkSize: Math.max(LEAST_CHUNK_BYTES, sizeBytes),
    }),
};

/** What has a bound and no known size. Throws when it is larger. */
export function decompressUpTo(bytes: Uint8Array, mostBytes: number): Uint8Array {
  return zlib.zstdDecompressSync(bytes, { maxOutputLength: mostBytes });
}
