import { inflateSync } from "node:zlib";

/** Unpacks zlib data that must give `sizeBytes`; throws when it is damaged or gives more. */
export function inflate(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  return inflateSync(bytes, { maxOutputLength: Math.max(1, sizeBytes) });
}
