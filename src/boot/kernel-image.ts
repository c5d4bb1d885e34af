import { errors } from "./errors.ts";

/** What the header of a Linux kernel image says (Linux: Documentation/arch/riscv/boot-image-header.rst). */
export interface KernelImage {
  /** Where it wants to lie, from the beginning of memory. */
  readonly textOffset: number;
  /** What it needs there, zeros behind its bytes included; 0 when it does not say. */
  readonly sizeBytes: number;
}

const TEXT_OFFSET = 8;
const IMAGE_SIZE = 16;
const FLAGS = 24;
const MAGIC2 = 56;
const HEADER_BYTES = 64;
const FLAG_BIG_ENDIAN = 1n;
/** "RSC\x05", little-endian. */
const RISCV_MAGIC2 = 0x0543_5352;

/** Undefined when the bytes do not begin with such a header: then they are a raw image. */
export function kernelImage(bytes: Uint8Array, name: string): KernelImage | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(MAGIC2, true) !== RISCV_MAGIC2) return undefined;
  if ((view.getBigUint64(FLAGS, true) & FLAG_BIG_ENDIAN) !== 0n) throw errors.imageEndianness(name);
  return {
    textOffset: Number(view.getBigUint64(TEXT_OFFSET, true)),
    sizeBytes: Number(view.getBigUint64(IMAGE_SIZE, true)),
  };
}
