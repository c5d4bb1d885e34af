import { ByteReader, OutOfData } from "./byte-reader.ts";

/** What a value's encoding depends on. */
export interface FormContext {
  readonly version: number;
  /** 4 in 32-bit DWARF, 8 in 64-bit DWARF. */
  readonly offsetBytes: 4 | 8;
  readonly addressBytes: number;
  readonly str: Uint8Array | undefined;
  readonly lineStr: Uint8Array | undefined;
}

/** A value of debug information. Text that cannot be found is undefined. */
export type FormValue =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "text"; readonly value: string | undefined }
  | { readonly kind: "bytes"; readonly value: Uint8Array };

/** DW_FORM codes (DWARF 5, table 7.6, and the GNU extensions that gcc may emit). */
const FORM = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

export const FORM_IMPLICIT_CONST = FORM.implicitConst;

/** DW_FORM_indirect may name itself; a chain longer than this is damage. */
const MOST_INDIRECTIONS = 4;

/** Reads one value. Throws OutOfData for unknown forms too: nothing behind them can be found. */
export function readForm(reader: ByteReader, form: number, context: FormContext, implicit = 0n): FormValue {
  let actual = form;
  for (let depth = 0; actual === FORM.indirect; depth++) {
    if (depth === MOST_INDIRECTIONS) throw new OutOfData(reader.offset);
    actual = reader.ulebNumber();
  }
  switch (actual) {
    case FORM.string:
      return { kind: "text", value: reader.text() };
    case FORM.strp:
      return text(context.str, readOffset(reader, context));
    case FORM.lineStrp:
      return text(context.lineStr, readOffset(reader, context));
    case FORM.strpSup:
    case FORM.gnuStrpAlt:
      readOffset(reader, context);
      return { kind: "text", value: undefined };
    case FORM.implicitConst:
      return number(implicit);
    case FORM.flagPresent:
      return number(1n);
    case FORM.sdata:
      return number(reader.sleb());
    case FORM.block1:
      return block(reader, reader.u8());
    case FORM.block2:
      return block(reader, reader.u16());
    case FORM.block4:
      return block(reader, reader.u32());
    case FORM.block:
    case FORM.exprloc:
      return block(reader, reader.ulebNumber());
    case FORM.data16:
      return block(reader, 16);
    default:
      return number(readNumber(reader, actual, context));
  }
}

function readNumber(reader: ByteReader, form: number, context: FormContext): bigint {
  switch (form) {
    case FORM.data1:
    case FORM.flag:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      return BigInt(reader.u8());
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return BigInt(reader.u16());
    case FORM.strx3:
    case FORM.addrx3:
      return BigInt(reader.u24());
    case FORM.data4:
    case FORM.ref4:
    case FORM.refSup4:
    case FORM.strx4:
    case FORM.addrx4:
      return BigInt(reader.u32());
    case FORM.data8:
    case FORM.ref8:
    case FORM.refSup8:
    case FORM.refSig8:
      return reader.u64();
    case FORM.udata:
    case FORM.refUdata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
      return reader.uleb();
    case FORM.secOffset:
    case FORM.gnuRefAlt:
      return BigInt(readOffset(reader, context));
    case FORM.refAddr:
      // DWARF 2 gave references the size of an address.
      return context.version === 2 ? readAddress(reader, context) : BigInt(readOffset(reader, context));
    case FORM.addr:
      return readAddress(reader, context);
    default:
      throw new OutOfData(reader.offset);
  }
}

export function readAddress(reader: ByteReader, context: { readonly addressBytes: number }): bigint {
  if (context.addressBytes === 8) return reader.u64();
  if (context.addressBytes === 4) return BigInt(reader.u32());
  throw new OutOfData(reader.offset);
}

export function readOffset(reader: ByteReader, context: { readonly offsetBytes: 4 | 8 }): number {
  return context.offsetBytes === 8 ? reader.size64() : reader.u32();
}

/** The length that begins every unit: how large offsets are, and a reader of what belongs to the unit. */
export function readUnitLength(reader: ByteReader): { offsetBytes: 4 | 8; unit: ByteReader } {
  const DWARF64 = 0xffff_ffff;
  const FIRST_RESERVED = 0xffff_fff0;
  const short = reader.u32();
  if (short < FIRST_RESERVED) return { offsetBytes: 4, unit: reader.take(short) };
  if (short !== DWARF64) throw new OutOfData(reader.offset);
  return { offsetBytes: 8, unit: reader.take(reader.size64()) };
}

export function textAt(section: Uint8Array | undefined, offset: number): string | undefined {
  if (section === undefined || !(offset < section.length)) return undefined;
  return new ByteReader(section, offset).text();
}

function text(section: Uint8Array | undefined, offset: number): FormValue {
  return { kind: "text", value: textAt(section, offset) };
}

function number(value: bigint): FormValue {
  return { kind: "number", value };
}

function block(reader: ByteReader, length: number): FormValue {
  const { bytes, offset, end } = reader.take(length);
  return { kind: "bytes", value: bytes.subarray(offset, end) };
}
