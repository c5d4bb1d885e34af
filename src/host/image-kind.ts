import { UserError } from "../base/errors.ts";

export type ImageKind = "elf" | "gzip" | "raw";

/** Formats that people give us by mistake, by the bytes they begin with, and what to do about it. */
const FOREIGN: readonly { magic: readonly number[]; what: string; advice: string }[] = [
  {
    magic: bytesOf("\x89MCAP"),
    what: "a recording",
    advice: "open it with `hindcast replay`, or in launch.json as `recording`",
  },
  { magic: bytesOf("!<arch>\n"), what: "a static library", advice: "link it into an executable first" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: "compressed with zstd", advice: "decompress it first" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "compressed with xz", advice: "decompress it first" },
  { magic: bytesOf("BZh"), what: "compressed with bzip2", advice: "decompress it first" },
  { magic: bytesOf("PK\x03\x04"), what: "a zip archive", advice: "unpack it first" },
  { magic: bytesOf("#!"), what: "a script", advice: "give the program that it would start" },
  { magic: [0xcf, 0xfa, 0xed, 0xfe], what: "a macOS executable", advice: "build the program for RISC-V" },
  { magic: [0xca, 0xfe, 0xba, 0xbe], what: "a macOS or Java binary", advice: "build the program for RISC-V" },
  { magic: bytesOf("\0asm"), what: "a WebAssembly module", advice: "build the program for RISC-V" },
];

/** A kernel with an EFI stub begins like a Windows program; this tells them apart (Linux: Documentation/riscv/boot-image-header). */
const RISCV_IMAGE_MAGIC = { offset: 0x38, bytes: bytesOf("RSC\x05") };

/** This much of a file without a single byte that text has not tells that it is text. */
const TEXT_PROBE_BYTES = 4096;

/**
 * What a program that is not assembly source is. An image has no mark of its own, so everything that is recognisably
 * something else is refused with a UserError that says what it is.
 */
export function imageKind(bytes: Uint8Array, name: string): ImageKind {
  if (bytes.length === 0) throw new UserError("program-empty", `${name} is empty.`);
  if (startsWith(bytes, [0x7f, 0x45, 0x4c, 0x46])) return "elf";
  if (startsWith(bytes, [0x1f, 0x8b])) return "gzip";
  for (const { magic, what, advice } of FOREIGN) {
    if (startsWith(bytes, magic)) throw unknownKind(name, `is ${what}: ${advice}`);
  }
  if (startsWith(bytes, bytesOf("MZ")) && !startsWith(bytes, RISCV_IMAGE_MAGIC.bytes, RISCV_IMAGE_MAGIC.offset)) {
    throw unknownKind(name, "is a Windows program: build it for RISC-V");
  }
  if (isText(bytes)) {
    if (/^(:[0-9A-F]{10}|S[0-3][0-9A-F]{6})/i.test(new TextDecoder().decode(bytes.subarray(0, 16)))) {
      throw unknownKind(name, "is a HEX or S-record file: convert it with objcopy -O binary");
    }
    throw unknownKind(
      name,
      "is a text file: assembly source needs the ending .s or .S, anything else must be compiled",
    );
  }
  return "raw";
}

function unknownKind(name: string, why: string): UserError {
  return new UserError("program-kind", `${name} ${why}.`);
}

function bytesOf(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

function startsWith(bytes: Uint8Array, magic: readonly number[], offset = 0): boolean {
  return magic.every((byte, index) => bytes[offset + index] === byte);
}

/** No control characters but those that text has. Instructions of any length are full of others. */
function isText(bytes: Uint8Array): boolean {
  const isTextByte = (byte: number) => (byte >= 0x20 && byte !== 0x7f) || (byte >= 0x09 && byte <= 0x0d);
  return bytes.subarray(0, TEXT_PROBE_BYTES).every(isTextByte);
}
