import { Bytes, RAM } from "./elf-builder.ts";

/** Opcodes of a line program, as its builder spells them. */
export interface Row {
  /** Bytes that the address advances. */
  readonly advance?: number;
  /** Lines that the line number advances. */
  readonly lines?: number;
  readonly file?: number;
  readonly column?: number;
  readonly statement?: boolean;
}

export interface LineProgram {
  readonly version?: number;
  readonly directories?: readonly string[];
  readonly files?: readonly { readonly name: string; readonly directory: number }[];
  readonly rows: readonly Row[];
  readonly start?: bigint;
  /** Bytes behind the last row. */
  readonly tail?: number;
  readonly dwarf64?: boolean;
  readonly minimumInstructionLength?: number;
  /** Puts an MD5 into each file entry, as clang does. */
  readonly md5?: boolean;
}

const LINE_BASE = -5;
const LINE_RANGE = 14;
const OPCODE_BASE = 13;

/** One unit of .debug_line. */
export function lineUnit(program: LineProgram): Uint8Array {
  const version = program.version ?? 5;
  const offset = (bytes: Bytes, value: number) => (program.dwarf64 ? bytes.u64(BigInt(value)) : bytes.u32(value));
  const header = new Bytes();
  header.u8(program.minimumInstructionLength ?? 1);
  if (version >= 4) header.u8(1);
  header.u8(1, LINE_BASE, LINE_RANGE, OPCODE_BASE);
  header.u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  if (version === 5) paths5(header, program);
  else paths4(header, program);
  const unit = new Bytes().u16(version);
  if (version === 5) unit.u8(8, 0);
  offset(unit, header.list.length);
  unit.raw(header.list).raw(opcodes(program));
  const whole = new Bytes();
  if (program.dwarf64) whole.u32(0xffff_ffff).u64(BigInt(unit.list.length));
  else whole.u32(unit.list.length);
  return whole.raw(unit.list).bytes;
}

function paths4(header: Bytes, { directories = [], files = [] }: LineProgram): void {
  for (const directory of directories) header.text(directory);
  header.u8(0);
  for (const { name, directory } of files) header.text(name).uleb(directory).uleb(0).uleb(0);
  header.u8(0);
}

const FORM_STRING = 0x08;
const FORM_UDATA = 0x0f;
const FORM_DATA16 = 0x1e;

function paths5(header: Bytes, { directories = [], files = [], md5 }: LineProgram): void {
  header.u8(1).uleb(1).uleb(FORM_STRING).uleb(directories.length);
  for (const directory of directories) header.text(directory);
  header
    .u8(md5 ? 3 : 2)
    .uleb(1)
    .uleb(FORM_STRING)
    .uleb(2)
    .uleb(FORM_UDATA);
  if (md5) header.uleb(5).uleb(FORM_DATA16);
  header.uleb(files.length);
  for (const { name, directory } of files) {
    header.text(name).uleb(directory);
    if (md5) header.raw(new Uint8Array(16));
  }
}

function opcodes(program: LineProgram): number[] {
  const step = program.minimumInstructionLength ?? 1;
  const out = new Bytes().u8(0, 9, 2).u64(program.start ?? RAM);
  let statement = true;
  for (const row of program.rows) {
    if (row.file !== undefined) out.u8(4).uleb(row.file);
    if (row.column !== undefined) out.u8(5).uleb(row.column);
    if ((row.statement ?? true) !== statement) {
      out.u8(6);
      statement = !statement;
    }
    const advance = (row.advance ?? 0) / step;
    const lines = row.lines ?? 0;
    const special = lines - LINE_BASE + LINE_RANGE * advance + OPCODE_BASE;
    if (lines >= LINE_BASE && lines < LINE_BASE + LINE_RANGE && special <= 255) out.u8(special);
    else out.u8(2).uleb(advance).u8(3).sleb(lines).u8(1);
  }
  return out
    .u8(2)
    .uleb((program.tail ?? 4) / step)
    .u8(0, 1, 1).list;
}
