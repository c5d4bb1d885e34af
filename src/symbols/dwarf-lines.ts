import type { LineRow } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import { ByteReader, OutOfData } from "./byte-reader.ts";
import { readAddress, readUnitLength } from "./dwarf-forms.ts";
import { compilationDirectories, type DebugSections } from "./dwarf-info.ts";
import { type LineHeader, readFile4, readLineHeader, UnknownVersion } from "./dwarf-line-header.ts";

export interface LineTables {
  /** Paths that `LineRow.file` indexes, each once. */
  readonly files: readonly string[];
  /** In the order of the file: sequence by sequence, each ending with its `endSequence` row. */
  readonly lines: readonly LineRow[];
}

/** Rows read at most: a Linux kernel has about three million; damaged data can make one of every byte. */
const MOST_ROWS = 16_000_000;

/**
 * Reads .debug_line, DWARF 2 to 5. A damaged line program costs the sequence that it stands in and those after it in
 * its unit; `report` gets half a sentence on each such unit.
 */
export function readLines(sections: DebugSections, report: (problem: string) => void): LineTables {
  const out = new RowCollector();
  const directories = compilationDirectories(sections);
  const reader = new ByteReader(sections.line);
  while (reader.remaining > 0) {
    const unitOffset = reader.offset;
    const at = `at offset 0x${unitOffset.toString(16)} of .debug_line`;
    try {
      const { offsetBytes, unit } = readUnitLength(reader);
      const header = readLineHeader(unit, offsetBytes, sections, directories.get(unitOffset));
      new LineProgram(header, unit, out).run();
    } catch (error) {
      out.dropSequence();
      if (error instanceof UnknownVersion) report(`DWARF version ${error.version} ${at} is not read`);
      else if (error instanceof OutOfData) report(`the unit ${at} is damaged`);
      else throw error;
      // Without a believable length there is no telling where the next unit begins.
      if (reader.offset === unitOffset || reader.offset === unitOffset + 4) break;
    }
    if (out.full) {
      report(`more than ${MOST_ROWS} rows; the rest was left out`);
      break;
    }
  }
  return { files: out.files, lines: out.rows };
}

/** Rows of complete sequences, and the files that they name. */
class RowCollector {
  readonly rows: LineRow[] = [];
  readonly files: string[] = [];
  readonly #fileNumbers = new Map<string, number>();
  #sequenceStart = 0;

  get full(): boolean {
    return this.rows.length >= MOST_ROWS;
  }

  file(path: string): number {
    let number = this.#fileNumbers.get(path);
    if (number === undefined) {
      number = this.files.push(path) - 1;
      this.#fileNumbers.set(path, number);
    }
    return number;
  }

  add(row: LineRow): void {
    if (this.full) return;
    this.rows.push(row);
  }

  endSequence(row: LineRow): void {
    if (this.full) this.dropSequence();
    else {
      this.rows.push(row);
      this.#sortSequence();
      this.#sequenceStart = this.rows.length;
    }
  }

  dropSequence(): void {
    this.rows.length = this.#sequenceStart;
  }

  /** The standard wants addresses of a sequence to rise. Where they do not, order by address, as binutils does. */
  #sortSequence(): void {
    const { rows } = this;
    let sorted = true;
    for (let i = this.#sequenceStart + 1; i < rows.length && sorted; i++) {
      sorted = rows[i - 1].address <= rows[i].address;
    }
    if (sorted) return;
    const sequence = rows.splice(this.#sequenceStart);
    const end = sequence.pop();
    if (end === undefined) return;
    sequence.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const last = sequence[sequence.length - 1];
    rows.push(...sequence, end.address >= last.address ? end : { ...end, address: last.address });
  }
}

// Opcodes (DWARF 5, tables 7.25 and 7.26).
const LNS_COPY = 1;
const LNS_ADVANCE_PC = 2;
const LNS_ADVANCE_LINE = 3;
const LNS_SET_FILE = 4;
const LNS_SET_COLUMN = 5;
const LNS_NEGATE_STMT = 6;
const LNS_SET_BASIC_BLOCK = 7;
const LNS_CONST_ADD_PC = 8;
const LNS_FIXED_ADVANCE_PC = 9;
const LNS_SET_PROLOGUE_END = 10;
const LNS_SET_EPILOGUE_BEGIN = 11;
const LNS_SET_ISA = 12;
const LNE_END_SEQUENCE = 1;
const LNE_SET_ADDRESS = 2;
const LNE_DEFINE_FILE = 3;

/** The state machine of DWARF 5, section 6.2.2. */
class LineProgram {
  readonly #header: LineHeader;
  readonly #reader: ByteReader;
  readonly #out: RowCollector;
  // The address is a base plus a number, because bigint arithmetic for every opcode would dominate the reading.
  #base = 0n;
  #offset = 0;
  #operation = 0;
  #file = 1;
  #line = 1;
  #column = 0;
  #statement: boolean;

  constructor(header: LineHeader, reader: ByteReader, out: RowCollector) {
    this.#header = header;
    this.#reader = reader;
    this.#out = out;
    this.#statement = header.defaultIsStatement;
  }

  run(): void {
    const { opcodeBase, lineBase, lineRange } = this.#header;
    while (this.#reader.remaining > 0 && !this.#out.full) {
      const opcode = this.#reader.u8();
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        this.#advance(Math.floor(adjusted / lineRange));
        this.#line += lineBase + (adjusted % lineRange);
        this.#emit();
      } else if (opcode === 0) {
        this.#extended();
      } else {
        this.#standard(opcode);
      }
    }
    // A sequence without an end has no last address, and so no extent.
    this.#out.dropSequence();
  }

  #standard(opcode: number): void {
    const reader = this.#reader;
    switch (opcode) {
      case LNS_COPY:
        this.#emit();
        return;
      case LNS_ADVANCE_PC:
        this.#advance(reader.ulebNumber());
        return;
      case LNS_ADVANCE_LINE:
        this.#line += reader.slebNumber();
        return;
      case LNS_SET_FILE:
        this.#file = reader.ulebNumber();
        return;
      case LNS_SET_COLUMN:
        this.#column = reader.ulebNumber();
        return;
      case LNS_NEGATE_STMT:
        this.#statement = !this.#statement;
        return;
      case LNS_CONST_ADD_PC:
        this.#advance(Math.floor((255 - this.#header.opcodeBase) / this.#header.lineRange));
        return;
      case LNS_FIXED_ADVANCE_PC:
        this.#offset += reader.u16();
        this.#operation = 0;
        return;
      case LNS_SET_BASIC_BLOCK:
      case LNS_SET_PROLOGUE_END:
      case LNS_SET_EPILOGUE_BEGIN:
        return;
      case LNS_SET_ISA:
        reader.uleb();
        return;
      default:
        // The header says how many operands there are to skip of an opcode that is not known.
        for (let i = 0; i < this.#header.operandCounts[opcode]; i++) reader.uleb();
    }
  }

  #extended(): void {
    const operands = this.#reader.take(this.#reader.ulebNumber());
    if (operands.remaining === 0) return;
    switch (operands.u8()) {
      case LNE_END_SEQUENCE:
        this.#out.endSequence(this.#row(true));
        this.#reset();
        return;
      case LNE_SET_ADDRESS:
        // The operand fills the rest: its length is what says how wide an address is.
        this.#base = readAddress(operands, { addressBytes: operands.remaining });
        this.#offset = 0;
        this.#operation = 0;
        return;
      case LNE_DEFINE_FILE:
        this.#header.files.push(readFile4(operands, operands.text(), this.#header.directories));
        return;
    }
  }

  #reset(): void {
    this.#base = 0n;
    this.#offset = 0;
    this.#operation = 0;
    this.#file = 1;
    this.#line = 1;
    this.#column = 0;
    this.#statement = this.#header.defaultIsStatement;
  }

  #advance(operations: number): void {
    const { operationsPerInstruction: perInstruction, minimumInstructionLength } = this.#header;
    const total = this.#operation + operations;
    this.#offset += minimumInstructionLength * Math.floor(total / perInstruction);
    this.#operation = total % perInstruction;
    if (!Number.isSafeInteger(this.#offset)) throw new OutOfData(this.#reader.offset);
  }

  #emit(): void {
    this.#out.add(this.#row(false));
  }

  #row(endSequence: boolean): LineRow {
    const path = this.#header.files[this.#file];
    return {
      address: virtualAddress(this.#base + BigInt(this.#offset)),
      file: path === undefined ? this.#out.file("") : this.#out.file(path),
      line: Number.isSafeInteger(this.#line) ? Math.max(0, this.#line) : 0,
      column: Number.isSafeInteger(this.#column) ? this.#column : 0,
      statement: this.#statement && !endSequence,
      endSequence,
    };
  }
}
