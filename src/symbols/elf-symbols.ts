import type { ProgramSymbol } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import { ByteReader, OutOfData } from "./byte-reader.ts";

const SYMBOL_BYTES = 24;
// st_info's type, and special section numbers (ELF specification, "Symbol Table").
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;
const STB_WEAK = 2;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const SHN_COMMON = 0xfff2;
const STV_TYPES = new Set([STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_GNU_IFUNC]);
/** `$x` and `$d` tell code from data for disassemblers, `.L` labels are the compiler's own: neither is a user's name. */
const INTERNAL_NAME = /^(\$[xd]|\.L)/;

/** The named places of a symbol table, sorted by address. Entries with a name outside the string table are counted. */
export function readSymbols(
  table: Uint8Array,
  strings: Uint8Array,
  sections: readonly { readonly name: string }[],
): { symbols: ProgramSymbol[]; damaged: number } {
  const symbols: ProgramSymbol[] = [];
  let damaged = 0;
  for (let at = SYMBOL_BYTES; at + SYMBOL_BYTES <= table.length; at += SYMBOL_BYTES) {
    try {
      const symbol = readSymbol(new ByteReader(table, at), strings, sections);
      if (symbol !== undefined) symbols.push(symbol);
    } catch (error) {
      if (!(error instanceof OutOfData)) throw error;
      damaged++;
    }
  }
  symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  return { symbols, damaged };
}

function readSymbol(
  reader: ByteReader,
  strings: Uint8Array,
  sections: readonly { readonly name: string }[],
): ProgramSymbol | undefined {
  const nameOffset = reader.u32();
  const info = reader.u8();
  reader.skip(1);
  const section = reader.u16();
  const address = reader.u64();
  const size = reader.size64();
  const type = info & 0xf;
  if (!STV_TYPES.has(type) || section === SHN_UNDEF || section === SHN_COMMON) return undefined;
  const name = new ByteReader(strings, nameOffset).text();
  if (name === "" || INTERNAL_NAME.test(name)) return undefined;
  const binding = info >> 4;
  return {
    name,
    address: virtualAddress(address),
    size: Number.isFinite(size) ? size : 0,
    kind: section === SHN_ABS ? "absolute" : kindOf(type),
    binding: binding === STB_LOCAL ? "local" : binding === STB_WEAK ? "weak" : "global",
    section: section === SHN_ABS ? "*ABS*" : (sections[section]?.name ?? ""),
  };
}

function kindOf(type: number): ProgramSymbol["kind"] {
  if (type === STT_FUNC || type === STT_GNU_IFUNC) return "function";
  return type === STT_OBJECT ? "object" : "label";
}
