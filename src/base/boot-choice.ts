/** What to start besides a program, as the user asks for it on the command line and in launch.json alike. Plain data. */
export interface BootChoice {
  /** A kernel, started in supervisor mode by firmware. */
  readonly kernel?: string;
  readonly initrd?: string;
  /** The kernel's command line. */
  readonly append?: string;
  /** "none", "sbi" (built in), or a file. Absent: "sbi" for a kernel, "none" for a program. */
  readonly bios?: string;
  /** A device tree blob instead of the generated one. */
  readonly dtb?: string;
  /** Files whose symbols and lines are wanted as well. */
  readonly symbolFiles?: readonly SymbolChoice[];
}

/** A file with symbols, and by how much its addresses lie higher than it was linked for. */
export interface SymbolChoice {
  readonly path: string;
  readonly offset: bigint;
}

/** `FILE` or `FILE@OFFSET`, the offset in C's notation. Undefined: none of these. */
export function parseSymbolChoice(text: string): SymbolChoice | undefined {
  const parts = /^(.+?)(?:@(-?)(0x[0-9a-f_]+|\d+))?$/is.exec(text.trim());
  if (parts === null) return undefined;
  const [, path, sign, offset] = parts;
  const value = BigInt((offset ?? "0").replaceAll("_", ""));
  return { path, offset: sign === "-" ? -value : value };
}

/** Undoes it. */
export function symbolChoiceText({ path, offset }: SymbolChoice): string {
  if (offset === 0n) return path;
  return offset < 0n ? `${path}@-0x${(-offset).toString(16)}` : `${path}@0x${offset.toString(16)}`;
}

/** What to write instead, the end of a sentence. */
export const SYMBOL_CHOICE_FORMS = "FILE or FILE@OFFSET with an offset like 0x80200000";
