import type { VirtualAddress } from "../base/brand.ts";

/**
 * A guest program as the rest of the house sees it, whether it came from the assembler or from an ELF file: bytes to
 * place in memory, an entry point, symbols and a line table. Plain data (structured clone carries it to a worker).
 */
export interface Program {
  /** Path or name given by the user. */
  readonly name: string;
  readonly entry: VirtualAddress;
  readonly segments: readonly Segment[];
  readonly symbols: readonly ProgramSymbol[];
  /** Sorted by address; rows of one sequence end with a row whose `endSequence` is set. */
  readonly lines: readonly LineRow[];
  /** Paths that `LineRow.file` indexes. */
  readonly files: readonly string[];
}

export interface Segment {
  /** Where the bytes go (ELF: p_paddr) and where they are linked to run (ELF: p_vaddr). */
  readonly physicalAddress: number;
  readonly virtualAddress: VirtualAddress;
  readonly bytes: Uint8Array;
  /** Size in memory, in bytes; what exceeds `bytes` is zero. */
  readonly memoryBytes: number;
  readonly executable: boolean;
  readonly writable: boolean;
}

export interface ProgramSymbol {
  readonly name: string;
  readonly address: VirtualAddress;
  /** Bytes; 0 when unknown (it then reaches to the next symbol of its section). */
  readonly size: number;
  readonly kind: "function" | "object" | "label" | "absolute";
  readonly binding: "local" | "global" | "weak";
  /** Name of the section, `.text`. */
  readonly section: string;
}

export interface LineRow {
  readonly address: VirtualAddress;
  /** Index into `Program.files`. */
  readonly file: number;
  /** One-based. Column 0: unknown. */
  readonly line: number;
  readonly column: number;
  /** The address begins a statement: where a breakpoint on the line goes. */
  readonly statement: boolean;
  readonly endSequence: boolean;
}
