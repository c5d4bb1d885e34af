import { type ByteReader, OutOfData } from "./byte-reader.ts";
import { type FormContext, readForm, readOffset } from "./dwarf-forms.ts";
import type { DebugSections } from "./dwarf-info.ts";
import { joinPath } from "./paths.ts";

/** The header of a line program (DWARF 5, section 6.2.4), with paths put together. */
export interface LineHeader {
  readonly addressBytes: number;
  readonly minimumInstructionLength: number;
  readonly operationsPerInstruction: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands of standard opcodes; index 1 is DW_LNS_copy. */
  readonly operandCounts: readonly number[];
  /** Paths by the number that the program uses for them. */
  readonly files: (string | undefined)[];
  readonly directories: readonly string[];
  readonly version: number;
}

// DW_LNCT codes of entry formats (DWARF 5, table 7.27).
const LNCT_PATH = 1;
const LNCT_DIRECTORY_INDEX = 2;

/** Reads up to the first opcode, where `unit` stands afterwards. */
export function readLineHeader(
  unit: ByteReader,
  offsetBytes: 4 | 8,
  sections: DebugSections,
  compilationDirectory: string | undefined,
): LineHeader {
  const version = unit.u16();
  if (version < 2 || version > 5) throw new UnknownVersion(version);
  let addressBytes = 8;
  if (version === 5) {
    addressBytes = unit.u8();
    unit.skip(1); // segment selector size
  }
  const headerLength = readOffset(unit, { offsetBytes });
  const header = unit.take(headerLength);
  const minimumInstructionLength = header.u8();
  const operationsPerInstruction = version >= 4 ? Math.max(1, header.u8()) : 1;
  const defaultIsStatement = header.u8() !== 0;
  const lineBase = header.i8();
  const lineRange = header.u8();
  const opcodeBase = header.u8();
  if (lineRange === 0 || opcodeBase === 0) throw new OutOfData(header.offset);
  const operandCounts = [0, ...Array.from({ length: opcodeBase - 1 }, () => header.u8())];
  const context: FormContext = {
    version,
    offsetBytes,
    addressBytes,
    str: sections.str,
    lineStr: sections.lineStr,
  };
  const paths = version === 5 ? readPaths5(header, context) : readPaths4(header, compilationDirectory);
  return {
    version,
    addressBytes,
    minimumInstructionLength,
    operationsPerInstruction,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    ...paths,
  };
}

export class UnknownVersion extends Error {
  readonly version: number;
  constructor(version: number) {
    super(`DWARF ${version}`);
    this.version = version;
  }
}

/** Directories and files end with an empty name; both count from 1, directory 0 is the compilation's. */
function readPaths4(header: ByteReader, compilationDirectory: string | undefined) {
  const directories = [compilationDirectory ?? ""];
  for (let name = header.text(); name !== ""; name = header.text()) directories.push(joinPath(directories[0], name));
  const files: (string | undefined)[] = [undefined];
  for (let name = header.text(); name !== ""; name = header.text()) files.push(readFile4(header, name, directories));
  return { directories, files };
}

/** The rest of a file entry, also of DW_LNE_define_file: directory, time, size. */
export function readFile4(reader: ByteReader, name: string, directories: readonly string[]): string {
  const directory = reader.ulebNumber();
  reader.uleb();
  reader.uleb();
  return joinPath(directories[directory] ?? "", name);
}

function readPaths5(header: ByteReader, context: FormContext) {
  const directories: string[] = [];
  for (const { path } of readEntries(header, context)) {
    directories.push(directories.length === 0 ? (path ?? "") : joinPath(directories[0], path ?? ""));
  }
  const files = readEntries(header, context).map(({ path, directory }) =>
    path === undefined ? undefined : joinPath(directories[directory] ?? "", path),
  );
  return { directories, files };
}

function readEntries(header: ByteReader, context: FormContext): { path: string | undefined; directory: number }[] {
  const formats = Array.from({ length: header.u8() }, () => ({
    content: header.ulebNumber(),
    form: header.ulebNumber(),
  }));
  const count = header.ulebNumber();
  // An entry takes a byte at least; a count beyond that is damage, and would keep this loop busy for ever.
  if (count > header.remaining) throw new OutOfData(header.offset);
  return Array.from({ length: count }, () => {
    let path: string | undefined;
    let directory = 0;
    for (const { content, form } of formats) {
      const value = readForm(header, form, context);
      if (content === LNCT_PATH && value.kind === "text") path = value.value;
      if (content === LNCT_DIRECTORY_INDEX && value.kind === "number") directory = Number(value.value);
    }
    return { path, directory };
  });
}
