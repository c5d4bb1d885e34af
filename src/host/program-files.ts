import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Program, Segment } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import { readElf } from "../symbols/elf.ts";
import { readImage } from "../symbols/image.ts";
import { assembleFile } from "./assembly-files.ts";
import { imageKind } from "./image-kind.ts";
import { inflate } from "./inflate.ts";
import { systemReason } from "./system-errors.ts";

/** Larger than any memory that a machine can have. */
const MAX_FILE_BYTES = 4 * 2 ** 30;

/** Where a program's files come from: the disk, or a recording that holds them. */
export interface FileSource {
  /** Throws a UserError when the file cannot be had. `path` as the user, or an including file, wrote it. */
  read(path: string): Uint8Array;
  /** Whether there is one. */
  has(path: string): boolean;
}

/** A program ready to be placed in memory, and the files it was made from. */
export interface LoadedProgram {
  readonly program: Program;
  /** The file that was named, unpacked if it was packed. */
  readonly bytes: Uint8Array;
  /** It has no addresses of its own: `program` places it at `base`. */
  readonly isRaw: boolean;
  /** Assembly sources and what they include, by path; empty for a binary. */
  readonly sources: ReadonlyMap<string, Uint8Array>;
  /** The memory image follows from `bytes` and `sources` only with our own assembler. */
  readonly assembled: boolean;
  readonly warnings: readonly string[];
}

export const DISK: FileSource = {
  read(path: string): Uint8Array {
    try {
      const status = statSync(path);
      if (status.isDirectory()) throw new UserError("program-folder", `${path} is a folder: name a file in it.`);
      if (status.size > MAX_FILE_BYTES) throw new UserError("file-too-large", `${path} is too large to be a program.`);
      return readFileSync(path);
    } catch (error) {
      if (error instanceof UserError) throw error;
      const code = (error as NodeJS.ErrnoException).code === "ENOENT" ? "file-not-found" : "file-unreadable";
      throw new UserError(code, `cannot read ${path}: ${systemReason(error)}.`);
    }
  },
  has: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
};

export interface LoadOptions {
  /** Bounds what a gzip'ed image may unpack to. */
  readonly memoryBytes: number;
  /** Where raw images are placed and assembly sources linked; undefined: the beginning of memory. */
  readonly base?: number;
  /** ELFs that relocate themselves are taken as well. */
  readonly positionIndependent?: boolean;
}

/**
 * Reads an ELF, a raw or gzip'ed image or a `.s`/`.S` source. Throws a UserError with one sentence for every file that
 * cannot be run.
 */
export function loadProgram(path: string, files: FileSource, options: LoadOptions): LoadedProgram {
  const { memoryBytes, base = RAM_BASE, positionIndependent = false } = options;
  const bytes = files.read(path);
  if (/\.s$/i.test(path)) return assembleFile(path, bytes, files, BigInt(base));
  const image = imageKind(bytes, path) === "gzip" ? unpack(bytes, path, memoryBytes) : bytes;
  const kind = imageKind(image, path);
  if (kind === "gzip") throw new UserError("program-kind", `${path} is compressed twice: unpack it once first.`);
  if (kind === "raw") {
    const program = readImage(image, path, BigInt(base));
    return { program, bytes: image, isRaw: true, sources: new Map(), assembled: false, warnings: [] };
  }
  const elf = readElf(image, path, { inflate, positionIndependent });
  const sourcePaths = placedSources(elf.files, path, files);
  const program = { ...elf, segments: elf.segments.map(withoutFileHeader), files: sourcePaths };
  return { program, bytes: image, isRaw: false, sources: new Map(), assembled: false, warnings: elf.info.warnings };
}

/**
 * Who wants the same bytes wherever he builds has the compiler forget its folder, and the paths in the debug information are relative. Such
 * a source is looked for from the binary's own folder upwards; one that is nowhere keeps its name.
 */
function placedSources(names: readonly string[], binary: string, files: FileSource): readonly string[] {
  const folders = [dirname(resolve(binary))];
  for (let up = dirname(folders[0]); up !== folders.at(-1); up = dirname(up)) folders.push(up);
  return names.map((name) => {
    if (name === "" || isAbsolute(name)) return name;
    return folders.map((folder) => join(folder, name)).find((path) => files.has(path)) ?? name;
  });
}

/**
 * `ld -Ttext=0x80000000` makes the first segment begin a page early, with the file's own header in it. No board has
 * memory there and no program misses it: what lies below memory is cut off such a segment.
 */
function withoutFileHeader(segment: Segment): Segment {
  const below = RAM_BASE - segment.physicalAddress;
  const holdsHeader = startsWithElfMagic(segment.bytes) && below > 0 && below <= MAX_HEADER_PAGE_BYTES;
  if (!holdsHeader || below >= segment.bytes.length) return segment;
  return {
    ...segment,
    physicalAddress: RAM_BASE,
    virtualAddress: virtualAddress(segment.virtualAddress + BigInt(below)),
    bytes: segment.bytes.subarray(below),
    memoryBytes: segment.memoryBytes - below,
  };
}

/** The largest page size that RISC-V linkers align segments to. */
const MAX_HEADER_PAGE_BYTES = 64 * 1024;

function startsWithElfMagic(bytes: Uint8Array): boolean {
  return [0x7f, 0x45, 0x4c, 0x46].every((byte, index) => bytes[index] === byte);
}

/** What a gzip file holds. One that would not fit into memory is not unpacked further: it may be a bomb. */
function unpack(bytes: Uint8Array, path: string, memoryBytes: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: memoryBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new UserError("image-too-large", `${path} unpacks to more than the machine's memory: give it more memory.`);
    }
    throw new UserError("gzip-damaged", `${path} is cut off or damaged: its gzip data cannot be unpacked.`);
  }
}
