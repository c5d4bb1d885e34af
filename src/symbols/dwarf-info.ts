import { ByteReader, OutOfData } from "./byte-reader.ts";
import { FORM_IMPLICIT_CONST, type FormContext, readForm, readOffset, readUnitLength } from "./dwarf-forms.ts";

/** Sections of debug information, as bytes of the file. */
export interface DebugSections {
  readonly line: Uint8Array;
  readonly lineStr: Uint8Array | undefined;
  readonly str: Uint8Array | undefined;
  readonly info: Uint8Array | undefined;
  readonly abbrev: Uint8Array | undefined;
}

// DW_AT and DW_UT codes (DWARF 5, tables 7.5 and 7.2).
const AT_STMT_LIST = 0x10n;
const AT_COMP_DIR = 0x1bn;
const UT_COMPILE = 1;
const UT_SKELETON = 4;
const UT_SPLIT_COMPILE = 5;
/** Attributes of one entry; compilers emit a dozen or two. */
const MOST_ATTRIBUTES = 256;

/**
 * Where each line program's compilation began: offset into .debug_line -> directory. Before DWARF 5 a line program
 * does not say this itself. What cannot be read is missing from the map, and its paths stay relative.
 */
export function compilationDirectories(sections: DebugSections): Map<number, string> {
  const directories = new Map<number, string>();
  if (sections.info === undefined || sections.abbrev === undefined) return directories;
  const reader = new ByteReader(sections.info);
  try {
    while (reader.remaining > 0) {
      const { offsetBytes, unit } = readUnitLength(reader);
      readUnit(unit, offsetBytes, sections, sections.abbrev, directories);
    }
  } catch (error) {
    if (!(error instanceof OutOfData)) throw error;
  }
  return directories;
}

/** Reads the first entry of a unit, which describes the compilation. A damaged one says nothing about the next. */
function readUnit(
  unit: ByteReader,
  offsetBytes: 4 | 8,
  sections: DebugSections,
  abbrev: Uint8Array,
  directories: Map<number, string>,
): void {
  try {
    const version = unit.u16();
    if (version < 2 || version > 5) return;
    let addressBytes: number;
    let abbrevOffset: number;
    if (version === 5) {
      const type = unit.u8();
      addressBytes = unit.u8();
      abbrevOffset = readOffset(unit, { offsetBytes });
      if (type === UT_SKELETON || type === UT_SPLIT_COMPILE) unit.skip(8);
      else if (type !== UT_COMPILE) return;
    } else {
      abbrevOffset = readOffset(unit, { offsetBytes });
      addressBytes = unit.u8();
    }
    const context: FormContext = { version, offsetBytes, addressBytes, str: sections.str, lineStr: sections.lineStr };
    const attributes = findAttributes(abbrev, abbrevOffset, unit.uleb());
    let lines: number | undefined;
    let directory: string | undefined;
    for (const { name, form, implicit } of attributes) {
      const value = readForm(unit, form, context, implicit);
      if (name === AT_STMT_LIST && value.kind === "number") lines = Number(value.value);
      if (name === AT_COMP_DIR && value.kind === "text") directory = value.value;
    }
    if (lines !== undefined && directory !== undefined) directories.set(lines, directory);
  } catch (error) {
    if (!(error instanceof OutOfData)) throw error;
  }
}

interface Attribute {
  readonly name: bigint;
  readonly form: number;
  readonly implicit: bigint;
}

/** The attributes that an abbreviation declares. The compile unit's abbreviation is the table's first in practice. */
function findAttributes(abbrev: Uint8Array, offset: number, code: bigint): Attribute[] {
  const reader = new ByteReader(abbrev, offset);
  for (;;) {
    const candidate = reader.uleb();
    if (candidate === 0n) return [];
    reader.uleb(); // tag
    reader.u8(); // has children
    const attributes: Attribute[] = [];
    for (;;) {
      const name = reader.uleb();
      const form = reader.ulebNumber();
      const implicit = form === FORM_IMPLICIT_CONST ? reader.sleb() : 0n;
      if (name === 0n && form === 0) break;
      if (attributes.length < MOST_ATTRIBUTES) attributes.push({ name, form, implicit });
    }
    if (candidate === code) return attributes;
  }
}
