import type { LineRow, Program, ProgramSymbol, Segment } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import { ByteReader, OutOfData } from "./byte-reader.ts";
import { type LineTables, readLines } from "./dwarf-lines.ts";
import { checkHeader, type ElfHeader, PROGRAM_HEADER_BYTES, readHeader, SECTION_HEADER_BYTES } from "./elf-header.ts";
import { readSymbols } from "./elf-symbols.ts";
import { errors } from "./errors.ts";

/** A Program out of an ELF file, with what else the file says. */
export interface ElfProgram extends Program {
  readonly unwind: readonly UnwindSection[];
  readonly info: ElfInfo;
}

/** Call-frame information as it lies in the file; `CallFrames` reads it. */
export interface UnwindSection {
  readonly kind: "debug_frame" | "eh_frame";
  /** Where the section is linked to: pointers of eh_frame are relative to themselves. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export interface ElfInfo {
  /** Sentences about what could not be used: damaged or compressed debug information. The program runs all the same. */
  readonly warnings: readonly string[];
  /** `rv64imac_zicsr`, out of .riscv.attributes. */
  readonly isa: string | undefined;
  readonly floatAbi: "soft" | "single" | "double" | "quad";
  readonly compressedCode: boolean;
}

export interface ElfOptions {
  /** Unpacks zlib data (RFC 1950) of the given size: for SHF_COMPRESSED sections. Without it they are left out. */
  readonly inflate?: (bytes: Uint8Array, size: number) => Uint8Array;
  /** Programs that relocate themselves are taken as well: firmware, and what only has its symbols read. */
  readonly positionIndependent?: boolean;
}

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly entrySize: number;
}

// Program header: type and flags (ELF specification, "Program Header").
const PT_LOAD = 1;
const PF_X = 1;
const PF_W = 2;
// Section header.
const SHT_NOBITS = 8;
const SHT_RISCV_ATTRIBUTES = 0x7000_0003;
const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS_ZLIB = 1;
/** A debug section may unpack to this at most: a few bytes of zlib data can claim any size. */
const MOST_INFLATED_BYTES = 256 * 1024 * 1024;
/** Hindcast's memory map ends long before; addresses travel as numbers below it. */
const PHYSICAL_LIMIT = 1n << 53n;

/**
 * Reads a statically linked RISC-V ELF64 executable. Throws a UserError with one sentence for every file that cannot
 * be run; damaged symbols or debug information only cost themselves and a warning in `info`.
 */
export function readElf(bytes: Uint8Array, name: string, options: ElfOptions = {}): ElfProgram {
  const header = readHeader(bytes, name);
  checkHeader(header, name, options.positionIndependent);
  const segments = readSegments(bytes, header, name);
  const entry = physicalEntry(header.entry, segments);
  if (entry === undefined) throw errors.entryOutside(name, header.entry);
  const warnings: string[] = [];
  const sections = readSections(bytes, header, name, warnings);
  const contents = new SectionContents(bytes, sections, options, warnings, name);
  const { files, lines } = linesOf(contents, segments, warnings, name);
  return {
    name,
    entry: virtualAddress(entry),
    segments,
    symbols: symbolsOf(contents, sections, warnings, name),
    lines,
    files,
    unwind: unwindSections(contents),
    info: {
      warnings,
      isa: isaString(contents),
      floatAbi: (["soft", "single", "double", "quad"] as const)[(header.flags >> 1) & 3],
      compressedCode: (header.flags & 1) !== 0,
    },
  };
}

function readSegments(bytes: Uint8Array, header: ElfHeader, name: string): Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index < header.programHeaderCount; index++) {
    const at = header.programHeaderOffset + index * PROGRAM_HEADER_BYTES;
    if (!(at + PROGRAM_HEADER_BYTES <= bytes.length)) throw errors.truncated(name, "program headers");
    const segment = readSegment(bytes, at, index, name);
    if (segment !== undefined) segments.push(segment);
  }
  if (segments.length === 0) throw errors.noSegments(name);
  return segments;
}

/** A loadable segment; undefined for the other kinds and for empty ones. */
function readSegment(bytes: Uint8Array, at: number, index: number, name: string): Segment | undefined {
  const reader = new ByteReader(bytes, at);
  const type = reader.u32();
  const flags = reader.u32();
  const offset = reader.size64();
  const virtual = reader.u64();
  const physical = reader.u64();
  const fileBytes = reader.size64();
  const memoryBytes = reader.size64();
  if (type !== PT_LOAD || memoryBytes === 0) return undefined;
  if (!(offset + fileBytes <= bytes.length)) throw errors.segmentOutsideFile(name, index);
  if (fileBytes > memoryBytes) throw errors.segmentSize(name, index, "is larger in the file than in memory");
  if (!Number.isFinite(memoryBytes) || physical + BigInt(memoryBytes) > PHYSICAL_LIMIT) {
    throw errors.segmentSize(name, index, "reaches beyond every address that memory can have");
  }
  if (virtual + BigInt(memoryBytes) > 1n << 64n) throw errors.segmentSize(name, index, "wraps around address 0");
  return {
    physicalAddress: Number(physical),
    virtualAddress: virtualAddress(virtual),
    bytes: bytes.subarray(offset, offset + fileBytes),
    memoryBytes,
    executable: (flags & PF_X) !== 0,
    writable: (flags & PF_W) !== 0,
  };
}

/** A hart starts without translation: an entry point that is linked elsewhere is taken to where its bytes are put. */
function physicalEntry(entry: bigint, segments: readonly Segment[]): bigint | undefined {
  for (const segment of segments) {
    const offset = entry - segment.virtualAddress;
    if (offset >= 0n && offset < BigInt(segment.memoryBytes)) return BigInt(segment.physicalAddress) + offset;
  }
  return undefined;
}

function readSections(bytes: Uint8Array, header: ElfHeader, name: string, warnings: string[]): Section[] {
  const { sectionHeaderOffset: start, sectionHeaderCount: count } = header;
  if (count === 0) return [];
  if (!(start + count * SECTION_HEADER_BYTES <= bytes.length)) {
    warnings.push(`${name} is cut off before its section headers: it has neither symbols nor lines.`);
    return [];
  }
  const raw = Array.from({ length: count }, (_, index) => {
    const reader = new ByteReader(bytes, start + index * SECTION_HEADER_BYTES);
    const nameOffset = reader.u32();
    const type = reader.u32();
    const flags = reader.size64();
    const address = reader.u64();
    const offset = reader.size64();
    const size = reader.size64();
    const link = reader.u32();
    reader.skip(4 + 8);
    return { nameOffset, type, flags, address, offset, size, link, entrySize: reader.size64() };
  });
  const names = raw[header.sectionNameIndex];
  return raw.map(({ nameOffset, ...section }) => ({
    ...section,
    // Masks below are 32 bits wide; no flag that is read here lies above them.
    flags: Number.isFinite(section.flags) ? section.flags % 0x1_0000_0000 : 0,
    name: names === undefined ? "" : sectionName(bytes, names, nameOffset),
  }));
}

function sectionName(bytes: Uint8Array, table: { offset: number; size: number }, at: number): string {
  try {
    return new ByteReader(bytes, table.offset + at, table.offset + table.size).text();
  } catch (error) {
    if (error instanceof OutOfData) return "";
    throw error;
  }
}

/** Contents of sections by name, unpacked; damaged ones are missing and have left a warning. */
class SectionContents {
  readonly #bytes: Uint8Array;
  readonly #sections: readonly Section[];
  readonly #options: ElfOptions;
  readonly #warnings: string[];
  readonly #name: string;

  constructor(bytes: Uint8Array, sections: readonly Section[], options: ElfOptions, warnings: string[], name: string) {
    this.#bytes = bytes;
    this.#sections = sections;
    this.#options = options;
    this.#warnings = warnings;
    this.#name = name;
  }

  find(name: string): Section | undefined {
    return this.#sections.find((section) => section.name === name && section.type !== SHT_NOBITS);
  }

  ofType(type: number): Section | undefined {
    return this.#sections.find((section) => section.type === type);
  }

  named(name: string): Uint8Array | undefined {
    const section = this.find(name);
    return section && this.read(section);
  }

  read(section: Section): Uint8Array | undefined {
    if (section.type === SHT_NOBITS) return undefined;
    if (!(section.offset + section.size <= this.#bytes.length)) {
      this.#warn(`${this.#name} is cut off or damaged: section ${section.name} lies behind the end of the file.`);
      return undefined;
    }
    const stored = this.#bytes.subarray(section.offset, section.offset + section.size);
    return (section.flags & SHF_COMPRESSED) === 0 ? stored : this.#inflated(section, stored);
  }

  #inflated(section: Section, stored: Uint8Array): Uint8Array | undefined {
    // Elf64_Chdr: ch_type, ch_reserved, ch_size, ch_addralign.
    const CHDR_BYTES = 24;
    const what = `section ${section.name} of ${this.#name}`;
    if (stored.length < CHDR_BYTES) return this.#warn(`The ${what} is damaged.`);
    const reader = new ByteReader(stored);
    const type = reader.u32();
    reader.skip(4);
    const size = reader.size64();
    const { inflate } = this.#options;
    if (type !== ELFCOMPRESS_ZLIB || inflate === undefined) {
      return this.#warn(`The ${what} is compressed in a way that is not read here; build with -gz=none to use it.`);
    }
    if (!(size <= MOST_INFLATED_BYTES)) return this.#warn(`The ${what} claims to unpack to ${size} bytes: too much.`);
    try {
      const unpacked = inflate(stored.subarray(CHDR_BYTES), size);
      if (unpacked.length === size) return unpacked;
    } catch {
      // Whatever the unpacker throws, it means the same to the user.
    }
    return this.#warn(`The ${what} is damaged: its compressed data cannot be unpacked.`);
  }

  #warn(sentence: string): undefined {
    if (!this.#warnings.includes(sentence)) this.#warnings.push(sentence);
    return undefined;
  }
}

function symbolsOf(
  contents: SectionContents,
  sections: readonly Section[],
  warnings: string[],
  name: string,
): ProgramSymbol[] {
  const SHT_SYMTAB = 2;
  const table = contents.ofType(SHT_SYMTAB);
  if (table === undefined) return [];
  const strings = sections[table.link];
  const tableBytes = contents.read(table);
  const stringBytes = strings && contents.read(strings);
  if (tableBytes === undefined || stringBytes === undefined) return [];
  const { symbols, damaged } = readSymbols(tableBytes, stringBytes, sections);
  if (damaged > 0) warnings.push(`${damaged} symbols of ${name} are damaged and were left out.`);
  return symbols;
}

function linesOf(
  contents: SectionContents,
  segments: readonly Segment[],
  warnings: string[],
  name: string,
): LineTables {
  const line = contents.named(".debug_line");
  if (line === undefined) return { files: [], lines: [] };
  const tables = readLines(
    {
      line,
      lineStr: contents.named(".debug_line_str"),
      str: contents.named(".debug_str"),
      info: contents.named(".debug_info"),
      abbrev: contents.named(".debug_abbrev"),
    },
    (problem) => warnings.push(`Line information of ${name}: ${problem}.`),
  );
  return { files: tables.files, lines: keepLoaded(tables.lines, segments) };
}

/**
 * Drops sequences of code that was not linked: the linker leaves their rows at address 0 or 1 when it discards a
 * section. Sequences are sorted by address, so that rows are.
 */
function keepLoaded(rows: readonly LineRow[], segments: readonly Segment[]): LineRow[] {
  const code = segments.filter((segment) => segment.executable);
  const sequences: LineRow[][] = [];
  let sequence: LineRow[] = [];
  for (const row of rows) {
    sequence.push(row);
    if (!row.endSequence) continue;
    const start = sequence[0].address;
    const loaded = code.some(
      ({ virtualAddress: base, memoryBytes }) => start >= base && start < base + BigInt(memoryBytes),
    );
    if (loaded && row.address > start) sequences.push(sequence);
    sequence = [];
  }
  sequences.sort((a, b) => (a[0].address < b[0].address ? -1 : a[0].address > b[0].address ? 1 : 0));
  return sequences.flat();
}

function unwindSections(contents: SectionContents): UnwindSection[] {
  return (["debug_frame", "eh_frame"] as const).flatMap((kind) => {
    const section = contents.find(`.${kind}`);
    const bytes = section && contents.read(section);
    return section === undefined || bytes === undefined ? [] : [{ kind, address: section.address, bytes }];
  });
}

/** The ISA string of .riscv.attributes (psABI, "Attributes"): format version, vendor subsection, tag-value pairs. */
function isaString(contents: SectionContents): string | undefined {
  const section = contents.ofType(SHT_RISCV_ATTRIBUTES);
  const bytes = section && contents.read(section);
  if (bytes === undefined) return undefined;
  const TAG_FILE = 1;
  const TAG_RISCV_ARCH = 5;
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== "A".charCodeAt(0)) return undefined;
    reader.skip(4);
    if (reader.text() !== "riscv") return undefined;
    if (reader.uleb() !== BigInt(TAG_FILE)) return undefined;
    reader.skip(4);
    while (reader.remaining > 0) {
      const tag = reader.ulebNumber();
      // Even tags hold a number, odd ones text.
      if (tag % 2 === 0) reader.uleb();
      else if (tag === TAG_RISCV_ARCH) return reader.text();
      else reader.text();
    }
  } catch (error) {
    if (!(error instanceof OutOfData)) throw error;
  }
  return undefined;
}
