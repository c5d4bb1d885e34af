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
/** Where the PE header of a kernel with an EFI stub is. */
const PE_OFFSET = 60;
const HEADER_BYTES = 64;
const FLAG_BIG_ENDIAN = 1n;
/** "RSC\x05", little-endian. */
const RISCV_MAGIC2 = 0x0543_5352;

/** "PE\0\0", little-endian. */
const PE_MAGIC = 0x0000_4550;
const PE_HEADER_BYTES = 24;
const PE_SECTION_BYTES = 40;

/** Undefined when the bytes do not begin with such a header: then they are a raw image. */
export function kernelImage(bytes: Uint8Array, name: string): KernelImage | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(MAGIC2, true) !== RISCV_MAGIC2) return undefined;
  if ((view.getBigUint64(FLAGS, true) & FLAG_BIG_ENDIAN) !== 0n) throw errors.imageEndianness(name);
  const fileBytes = sectionsEnd(view);
  if (fileBytes > bytes.length) throw errors.imageCutOff(name, bytes.length, fileBytes);
  return {
    textOffset: Number(view.getBigUint64(TEXT_OFFSET, true)),
    sizeBytes: Number(view.getBigUint64(IMAGE_SIZE, true)),
  };
}

/**
 * Where the last section ends in the file. The size in the header does not tell a file that is cut off, for it counts
 * zeros that no file has; the sections of the EFI stub do. 0 for a kernel without one.
 */
function sectionsEnd(view: DataView): number {
  const pe = view.getUint32(PE_OFFSET, true);
  if (pe + PE_HEADER_BYTES > view.byteLength || view.getUint32(pe, true) !== PE_MAGIC) return 0;
  const count = view.getUint16(pe + 6, true);
  const first = pe + PE_HEADER_BYTES + view.getUint16(pe + 20, true);
  let end = first + count * PE_SECTION_BYTES;
  if (end > view.byteLength) return end;
  for (let at = first; at < first + count * PE_SECTION_BYTES; at += PE_SECTION_BYTES) {
    end = Math.max(end, view.getUint32(at + 16, true) + view.getUint32(at + 20, true));
  }
  return end;
}
