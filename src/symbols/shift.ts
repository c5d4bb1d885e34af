import type { Program } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import type { UnwindSection } from "./elf.ts";

/** A program whose addresses lie `offset` higher than it was linked for: what is loaded elsewhere, or runs elsewhere. */
export function shiftProgram<Any extends Program & { readonly unwind?: readonly UnwindSection[] }>(
  program: Any,
  offset: bigint,
): Any {
  if (offset === 0n) return program;
  const moved = (address: bigint) => virtualAddress(BigInt.asUintN(64, address + offset));
  return {
    ...program,
    entry: moved(program.entry),
    segments: program.segments.map((segment) => ({ ...segment, virtualAddress: moved(segment.virtualAddress) })),
    symbols: program.symbols.map((symbol) =>
      symbol.kind === "absolute" ? symbol : { ...symbol, address: moved(symbol.address) },
    ),
    lines: program.lines.map((row) => ({ ...row, address: moved(row.address) })),
    // Frames with absolute addresses would be those of the place where the program is not.
    ...("unwind" in program ? { unwind: offsetUnwind(program.unwind ?? [], offset) } : {}),
  };
}

/** Pointers of eh_frame are relative to where the section is; those of debug_frame are absolute, and of no use here. */
function offsetUnwind(sections: readonly UnwindSection[], offset: bigint): UnwindSection[] {
  return sections
    .filter(({ kind }) => kind === "eh_frame")
    .map((section) => ({ ...section, address: BigInt.asUintN(64, section.address + offset) }));
}
