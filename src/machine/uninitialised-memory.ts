import { Prng } from "../base/prng.ts";
import type { Image } from "./machine-interface.ts";
import { RAM_BASE } from "./memory-map.ts";

/** The pattern repeats: what matters is that it is not zero. */
const PATTERN_BYTES = 64 * 1024;
/** Pages of a checkpoint that nobody has written are views of one block. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/** What RAM holds that nobody has written, in a machine whose partner finds something else there. */
export function uninitialisedMemory(memoryBytes: number, seed: number): Image {
  const random = new Prng(seed);
  const pattern = Uint32Array.from({ length: PATTERN_BYTES / 4 }, () => random.next32());
  const block = new Uint8Array(Math.min(BLOCK_BYTES, memoryBytes));
  for (let at = 0; at < block.length; at += PATTERN_BYTES) {
    block.set(new Uint8Array(pattern.buffer, 0, Math.min(PATTERN_BYTES, block.length - at)), at);
  }
  const segments = Array.from({ length: Math.ceil(memoryBytes / block.length) }, (_, index) => {
    const start = index * block.length;
    const bytes = block.subarray(0, Math.min(block.length, memoryBytes - start));
    return { physicalAddress: RAM_BASE + start, bytes, memoryBytes: bytes.length };
  });
  return { entry: 0n as Image["entry"], segments };
}
