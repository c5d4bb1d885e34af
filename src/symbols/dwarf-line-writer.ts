import type { LineRow, Program } from "../assembler/program.ts";
import { ByteWriter } from "../base/byte-cursor.ts";

/** The version that every reader of DWARF knows, and that needs no tables beside the program. */
const VERSION = 4;

// Standard and extended opcodes of line programs (DWARF 4, sections 6.2.5.2 and 6.2.5.3).
const DW_LNS_copy = 1;
const DW_LNS_advance_pc = 2;
const DW_LNS_advance_line = 3;
const DW_LNS_set_file = 4;
const DW_LNS_set_column = 5;
const DW_LNS_negate_stmt = 6;
const DW_LNE_end_sequence = 1;
const DW_LNE_set_address = 2;
/** Operands of the standard opcodes 1 to 12. */
const OPCODE_LENGTHS = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
// Special opcodes are not used; readers want sane numbers all the same.
const LINE_BASE = -5;
const LINE_RANGE = 14;

// The one entry of .debug_info (DWARF 4, sections 7.5.3 to 7.5.5).
const DW_TAG_compile_unit = 0x11;
const ATTRIBUTES = [
  [0x10, 0x17], // DW_AT_stmt_list, DW_FORM_sec_offset
  [0x03, 0x08], // DW_AT_name, DW_FORM_string
  [0x25, 0x08], // DW_AT_producer, DW_FORM_string
  [0x13, 0x05], // DW_AT_language, DW_FORM_data2
  [0x11, 0x01], // DW_AT_low_pc, DW_FORM_addr
  [0x12, 0x07], // DW_AT_high_pc, DW_FORM_data8: an offset from low_pc
] as const;
const DW_LANG_Mips_Assembler = 0x8001;

export interface DebugSections {
  readonly line: Uint8Array;
  readonly info: Uint8Array;
  readonly abbrev: Uint8Array;
}

/** The debug sections that give debuggers the lines of an assembled program. `producer` names the tool. */
export function writeLines(program: Program, producer: string): DebugSections {
  return { line: lineSection(program), info: infoSection(program, producer), abbrev: abbrevSection() };
}

function lineSection(program: Program): Uint8Array {
  const header = new ByteWriter();
  for (const byte of [1, 1, 1, LINE_BASE & 0xff, LINE_RANGE, OPCODE_LENGTHS.length + 1, ...OPCODE_LENGTHS]) {
    header.u8(byte);
  }
  // No include directories: file names are whole paths.
  header.u8(0);
  for (const file of program.files) {
    string(header, file);
    for (let count = 0; count < 3; count++) header.varint(0);
  }
  header.u8(0);
  const rows = new ByteWriter();
  writeRows(rows, program.lines);

  const body = new ByteWriter();
  half(body, VERSION);
  body.u32(header.length);
  body.bytes(header.take());
  body.bytes(rows.take());
  return withLength(body);
}

function writeRows(out: ByteWriter, rows: readonly LineRow[]): void {
  let state: { address: bigint; file: number; line: number; column: number; statement: boolean } | undefined;
  for (const row of rows) {
    if (state === undefined) {
      out.u8(0);
      out.varint(9);
      out.u8(DW_LNE_set_address);
      out.big64(row.address);
      state = { address: row.address, file: 0, line: 1, column: 0, statement: true };
    }
    if (row.address !== state.address) {
      out.u8(DW_LNS_advance_pc);
      out.varint(Number(row.address - state.address));
    }
    if (row.endSequence) {
      for (const byte of [0, 1, DW_LNE_end_sequence]) out.u8(byte);
      state = undefined;
      continue;
    }
    if (row.file !== state.file) {
      out.u8(DW_LNS_set_file);
      out.varint(row.file + 1);
    }
    if (row.line !== state.line) {
      out.u8(DW_LNS_advance_line);
      signed(out, row.line - state.line);
    }
    if (row.column !== state.column) {
      out.u8(DW_LNS_set_column);
      out.varint(row.column);
    }
    if (row.statement !== state.statement) out.u8(DW_LNS_negate_stmt);
    out.u8(DW_LNS_copy);
    state = row;
  }
}

function infoSection(program: Program, producer: string): Uint8Array {
  const code = program.segments.filter(({ executable }) => executable);
  // Addresses are beyond what Math.min takes.
  const ascending = (left: bigint, right: bigint) => (left < right ? -1 : 1);
  const [low = 0n] = code.map(({ virtualAddress }): bigint => virtualAddress).sort(ascending);
  const ends = code.map(({ virtualAddress, memoryBytes }) => virtualAddress + BigInt(memoryBytes)).sort(ascending);
  const high = ends[ends.length - 1] ?? low;
  const body = new ByteWriter();
  half(body, VERSION);
  body.u32(0); // offset into .debug_abbrev
  body.u8(8); // bytes of an address
  body.varint(1); // the one abbreviation
  body.u32(0); // offset into .debug_line
  string(body, program.name);
  string(body, producer);
  half(body, DW_LANG_Mips_Assembler);
  body.big64(low);
  body.big64(high - low);
  return withLength(body);
}

function abbrevSection(): Uint8Array {
  const out = new ByteWriter();
  out.varint(1);
  out.varint(DW_TAG_compile_unit);
  out.u8(0); // no children
  for (const pair of ATTRIBUTES) for (const value of pair) out.varint(value);
  for (let count = 0; count < 3; count++) out.u8(0);
  return out.take();
}

function withLength(body: ByteWriter): Uint8Array {
  const out = new ByteWriter(body.length + 4);
  out.u32(body.length);
  out.bytes(body.take());
  return out.take();
}

function half(out: ByteWriter, value: number): void {
  out.u8(value & 0xff);
  out.u8(value >> 8);
}

function string(out: ByteWriter, text: string): void {
  out.text(text);
  out.u8(0);
}

/** SLEB128. */
function signed(out: ByteWriter, value: number): void {
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    out.u8(done ? low : low | 0x80);
    if (done) return;
  }
}
