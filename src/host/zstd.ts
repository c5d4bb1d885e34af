import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ChunkCodec } from "../replay/recording-message.ts";

/** Fast rather than small: the writer shares the computer with the machine that it records. */
const LEVEL = 1;

/** Node's own zstd (22.15 and later). */
export const ZSTD: ChunkCodec = {
  compress: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }),
  decompress: (bytes, sizeBytes) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, sizeBytes) }),
};
