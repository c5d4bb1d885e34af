import type { Program, ProgramSymbol, Segment } from "../assembler/program.ts";
import { ByteWriter } from "../base/byte-cursor.ts";
import { writeLines } from "./dwarf-line-writer.ts";
import { HEADER_BYTES, PROGRAM_HEADER_BYTES, SECTION_HEADER_BYTES } from "./elf-header.ts";

const ET_EXEC = 2;
const EM_RISCV = 243;
const EF_RISCV_RVC = 1;
/** As GNU as has it for harts with double precision. */
const EF_RISCV_FLOAT_ABI_DOUBLE = 4;
const PT_LOAD = 1;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_NOBITS = 8;
const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const SHN_ABS = 0xfff1;
const SYMBOL_BYTES = 24;
const BINDINGS = { local: 0, global: 1, weak: 2 } as const;
const TYPES = { label: 0, absolute: 0, object: 1, function: 2 } as const;
/** Segments lie in the file where they lie in memory, modulo this; loaders that map files are not our readers. */
const SEGMENT_ALIGNMENT = 16;

interface SectionDraft {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  /** Undefined: already in the file at `offset`, or nowhere (NOBITS). */
  readonly contents?: Uint8Array;
  offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
  readonly entrySize: number;
}

/**
 * A program as an ELF64 executable, with symbols and DWARF lines: for other tools, QEMU and gdb among them. `producer`
 * names the tool that wrote it. `readElf` gives the same program back.
 */
export function writeElf(program: Program, producer: string): Uint8Array<ArrayBuffer> {
  const { segments } = program;
  const out = new ByteWriter(1 << 16);
  const offsets = placeSegments(segments);
  const sections = segmentSections(program, offsets);
  const debug = writeLines(program, producer);
  const symbolIndex = sections.length + (program.lines.length > 0 ? 3 : 0) + 1;
  if (program.lines.length > 0) {
    for (const name of ["line", "info", "abbrev"] as const) sections.push(plain(`.debug_${name}`, debug[name]));
  }
  const { symbols, strings, locals } = symbolTable(program, sections);
  sections.push({
    ...plain(".symtab", symbols),
    ...{ type: SHT_SYMTAB, link: symbolIndex + 1, info: locals, alignment: 8, entrySize: SYMBOL_BYTES },
  });
  sections.push({ ...plain(".strtab", strings), type: SHT_STRTAB });
  const names = new StringTable([...sections.map(({ name }) => name), ".shstrtab"]);
  sections.push({ ...plain(".shstrtab", names.bytes), type: SHT_STRTAB });

  const headersEnd = HEADER_BYTES + segments.length * PROGRAM_HEADER_BYTES;
  let end = segments.reduce((most, { bytes }, index) => Math.max(most, offsets[index] + bytes.length), headersEnd);
  for (const section of sections) {
    if (section.contents === undefined) continue;
    section.offset = align(end, section.alignment);
    end = section.offset + section.contents.length;
  }
  const sectionHeaders = align(end, 8);
  writeHeader(out, program, sectionHeaders, sections.length + 1);
  segments.forEach((segment, index) => void writeProgramHeader(out, segment, offsets[index]));
  segments.forEach(({ bytes }, index) => void putAt(out, offsets[index], bytes));
  for (const { contents, offset } of sections) if (contents !== undefined) putAt(out, offset, contents);
  pad(out, sectionHeaders + SECTION_HEADER_BYTES); // section 0 is all zero
  for (const section of sections) writeSectionHeader(out, section, names.offsetOf(section.name));
  return out.take();
}

/** File offsets of the segments, in order. */
function placeSegments(segments: readonly Segment[]): number[] {
  let end = HEADER_BYTES + segments.length * PROGRAM_HEADER_BYTES;
  return segments.map(({ virtualAddress, bytes }) => {
    const offset = align(end, SEGMENT_ALIGNMENT) + Number(virtualAddress % BigInt(SEGMENT_ALIGNMENT));
    end = offset + bytes.length;
    return offset;
  });
}

/** A section for each segment, and one more for what a segment has beyond its bytes: zeros, which no file holds. */
function segmentSections(program: Program, offsets: readonly number[]): SectionDraft[] {
  return program.segments.flatMap((segment, index) => {
    const { virtualAddress, bytes, memoryBytes, executable, writable } = segment;
    const common = {
      flags: SHF_ALLOC | (executable ? SHF_EXECINSTR : 0) | (writable ? SHF_WRITE : 0),
      ...{ link: 0, info: 0, alignment: 1, entrySize: 0 },
    };
    const drafts: SectionDraft[] = [];
    if (bytes.length > 0) {
      const name = sectionName(program, segment, executable ? ".text" : ".data");
      const place = { address: virtualAddress, offset: offsets[index], size: bytes.length };
      drafts.push({ ...common, ...place, name, type: SHT_PROGBITS });
    }
    if (memoryBytes > bytes.length) {
      const address = virtualAddress + BigInt(bytes.length);
      const name = bytes.length > 0 ? ".bss" : sectionName(program, segment, ".bss");
      const place = { address, offset: offsets[index] + bytes.length, size: memoryBytes - bytes.length };
      drafts.push({ ...common, ...place, name, type: SHT_NOBITS });
    }
    return drafts;
  });
}

/** The name that the segment's symbols give, or what it usually is. */
function sectionName(program: Program, segment: Segment, usual: string): string {
  const start = segment.virtualAddress;
  const end = start + BigInt(segment.memoryBytes);
  const symbol = program.symbols.find(({ address, kind }) => kind !== "absolute" && address >= start && address < end);
  return symbol === undefined || symbol.section === "" ? usual : symbol.section;
}

function plain(name: string, contents: Uint8Array): SectionDraft {
  const place = { address: 0n, offset: 0, size: contents.length };
  return { name, type: SHT_PROGBITS, flags: 0, ...place, contents, link: 0, info: 0, alignment: 1, entrySize: 0 };
}

function symbolTable(program: Program, sections: readonly SectionDraft[]) {
  // The format wants local symbols first.
  const ordered = [...program.symbols].sort((a, b) => Number(a.binding !== "local") - Number(b.binding !== "local"));
  const names = new StringTable(ordered.map(({ name }) => name));
  const out = new ByteWriter();
  pad(out, SYMBOL_BYTES); // symbol 0 is all zero
  for (const symbol of ordered) {
    out.u32(names.offsetOf(symbol.name));
    out.u8((BINDINGS[symbol.binding] << 4) | TYPES[symbol.kind]);
    out.u8(0);
    half(out, sectionIndexOf(symbol, sections));
    out.big64(symbol.address);
    out.u64(symbol.size);
  }
  const locals = 1 + ordered.filter(({ binding }) => binding === "local").length;
  return { symbols: out.take(), strings: names.bytes, locals };
}

/** Index of the section that holds a symbol; one at the end of a section (`_end`) belongs to that one. */
function sectionIndexOf({ address, kind, section }: ProgramSymbol, sections: readonly SectionDraft[]): number {
  if (kind === "absolute") return SHN_ABS;
  const holds = (draft: SectionDraft, slack: bigint) =>
    (draft.flags & SHF_ALLOC) !== 0 && address >= draft.address && address < draft.address + BigInt(draft.size) + slack;
  const named = sections.findIndex((draft) => draft.name === section && holds(draft, 1n));
  const index = named >= 0 ? named : sections.findIndex((draft) => holds(draft, 0n));
  return index < 0 ? SHN_ABS : index + 1;
}

function writeHeader(out: ByteWriter, program: Program, sectionHeaders: number, sectionCount: number): void {
  for (const byte of [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) out.u8(byte); // 64 bits, little-endian, version 1
  pad(out, 16);
  half(out, ET_EXEC);
  half(out, EM_RISCV);
  out.u32(1);
  out.big64(program.entry);
  out.u64(HEADER_BYTES);
  out.u64(sectionHeaders);
  out.u32(EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE);
  half(out, HEADER_BYTES);
  half(out, PROGRAM_HEADER_BYTES);
  half(out, program.segments.length);
  half(out, SECTION_HEADER_BYTES);
  half(out, sectionCount);
  half(out, sectionCount - 1); // .shstrtab is the last
}

function writeProgramHeader(out: ByteWriter, segment: Segment, offset: number): void {
  out.u32(PT_LOAD);
  out.u32(PF_R | (segment.executable ? PF_X : 0) | (segment.writable ? PF_W : 0));
  out.u64(offset);
  out.big64(segment.virtualAddress);
  out.u64(segment.physicalAddress);
  out.u64(segment.bytes.length);
  out.u64(segment.memoryBytes);
  out.u64(SEGMENT_ALIGNMENT);
}

function writeSectionHeader(out: ByteWriter, section: SectionDraft, name: number): void {
  out.u32(name);
  out.u32(section.type);
  out.u64(section.flags);
  out.big64(section.address);
  out.u64(section.offset);
  out.u64(section.size);
  out.u32(section.link);
  out.u32(section.info);
  out.u64(section.alignment);
  out.u64(section.entrySize);
}

/** Names, each once, ended by a zero byte; the empty one first. */
class StringTable {
  readonly bytes: Uint8Array;
  readonly #offsets = new Map<string, number>([["", 0]]);

  constructor(names: readonly string[]) {
    const out = new ByteWriter();
    out.u8(0);
    for (const name of names) {
      if (this.#offsets.has(name)) continue;
      this.#offsets.set(name, out.length);
      out.text(name);
      out.u8(0);
    }
    this.bytes = out.take();
  }

  offsetOf(name: string): number {
    return this.#offsets.get(name)!;
  }
}

function align(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function putAt(out: ByteWriter, offset: number, bytes: Uint8Array): void {
  pad(out, offset);
  out.bytes(bytes);
}

/** Zeros up to `length`. */
function pad(out: ByteWriter, length: number): void {
  out.bytes(new Uint8Array(length - out.length));
}

function half(out: ByteWriter, value: number): void {
  out.u8(value & 0xff);
  out.u8(value >> 8);
}
