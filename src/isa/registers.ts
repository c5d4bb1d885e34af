/** The registers with their names and roles in the calling convention (psABI, chapter "Register Convention"). */
export interface Register {
  readonly number: number;
  /** `x8`, `f8` */
  readonly name: string;
  /** The calling convention's name, which disassembly and views show: `s0`. */
  readonly abiName: string;
  /** Further names that source text may use: `fp`. */
  readonly aliases: readonly string[];
  readonly role: string;
  /** Who keeps the value across a call; "none" where nobody may change it. */
  readonly savedBy: "caller" | "callee" | "none";
}

export const REGISTERS: readonly Register[] = [
  register(0, "zero", "none", "Always zero; writes are dropped."),
  register(1, "ra", "caller", "Return address."),
  register(2, "sp", "callee", "Stack pointer, 16-byte aligned at calls."),
  register(3, "gp", "none", "Global pointer, set once by the start-up code."),
  register(4, "tp", "none", "Thread pointer."),
  register(5, "t0", "caller", "Temporary, or alternate link register."),
  register(6, "t1", "caller", "Temporary."),
  register(7, "t2", "caller", "Temporary."),
  register(8, "s0", "callee", "Saved register, or frame pointer.", "fp"),
  register(9, "s1", "callee", "Saved register."),
  register(10, "a0", "caller", "First argument, first return value."),
  register(11, "a1", "caller", "Second argument, second return value."),
  ...numbered(12, "a", 2, 6, "caller", "Argument."),
  ...numbered(18, "s", 2, 10, "callee", "Saved register."),
  ...numbered(28, "t", 3, 4, "caller", "Temporary."),
];

/** The floating-point registers. Those that are callee-saved are so up to the width that the ABI passes values in. */
export const FLOAT_REGISTERS: readonly Register[] = [
  ...numbered(0, "ft", 0, 8, "caller", "Floating-point temporary."),
  ...numbered(8, "fs", 0, 2, "callee", "Floating-point saved register."),
  ...numbered(10, "fa", 0, 2, "caller", "Floating-point argument, return value."),
  ...numbered(12, "fa", 2, 6, "caller", "Floating-point argument."),
  ...numbered(18, "fs", 2, 10, "callee", "Floating-point saved register."),
  ...numbered(28, "ft", 8, 4, "caller", "Floating-point temporary."),
].map((entry) => ({ ...entry, name: `f${entry.number}` }));

const byName = namesOf(REGISTERS);
const floatByName = namesOf(FLOAT_REGISTERS);

function namesOf(registers: readonly Register[]): ReadonlyMap<string, Register> {
  return new Map(
    registers.flatMap((entry) => [entry.name, entry.abiName, ...entry.aliases].map((name) => [name, entry] as const)),
  );
}

/** An integer register by any of its names, in lower case. */
export function findRegister(name: string): Register | undefined {
  return byName.get(name);
}

/** A floating-point register by any of its names, in lower case. */
export function findFloatRegister(name: string): Register | undefined {
  return floatByName.get(name);
}

/** `fa0` for 10. */
export function floatAbiName(number: number): string {
  return FLOAT_REGISTERS[number].abiName;
}

/** `a0` for 10. */
export function abiName(number: number): string {
  return REGISTERS[number].abiName;
}

function register(
  number: number,
  name: string,
  savedBy: Register["savedBy"],
  role: string,
  ...aliases: readonly string[]
): Register {
  return { number, name: `x${number}`, abiName: name, aliases, role, savedBy };
}

function numbered(
  first: number,
  letter: string,
  firstIndex: number,
  count: number,
  savedBy: Register["savedBy"],
  role: string,
): Register[] {
  return Array.from({ length: count }, (_, i) => register(first + i, `${letter}${firstIndex + i}`, savedBy, role));
}
