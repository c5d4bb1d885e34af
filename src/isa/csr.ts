/** What brings a CSR or one of its fields: a hart without it raises an illegal-instruction exception, or reads zero. */
export type CsrExtension =
  | "Machine"
  | "User"
  | "Supervisor"
  | "Zicntr"
  | "Zicbom"
  | "Zicboz"
  | "Sstc"
  | "Svadu"
  | "Svpbmt"
  /** 64 entries of physical memory protection instead of 16. */
  | "Pmp64"
  | "F"
  | "V"
  | "Hypervisor"
  | "Debug"
  /** Upper halves and the like, which exist on 32-bit harts only; listed so that the assembler knows the names. */
  | "RV32";

/** A control and status register: privileged manual chapter 2. */
export interface Csr {
  /** 12 bits; bits 11:10 say whether it can be written, bits 9:8 who may (section 2.1). */
  readonly number: number;
  readonly name: string;
  readonly extension: CsrExtension;
  readonly description: string;
  readonly fields: readonly CsrField[];
  /** Value after reset, unsigned. The hart computes what changes by itself (counters, time, mip, mhartid). */
  readonly reset: bigint;
  /**
   * What a WARL register keeps of a value, after `csrWriteMask` has been applied; absent when the mask is the whole
   * rule. Both values are unsigned.
   */
  readonly legalize?: (written: bigint, old: bigint) => bigint;
}

export interface CsrField {
  readonly name: string;
  /** Bits of the register, both included. */
  readonly high: number;
  readonly low: number;
  /** "read-only": writes are ignored. */
  readonly access: "read-write" | "read-only";
  /** The hart keeps the field only with this extension, without it the field is read-only. */
  readonly extension?: CsrExtension;
  readonly description: string;
  /** Names of the field's values. */
  readonly values?: Readonly<Record<number, string>>;
}

export type CsrPrivilege = "user" | "supervisor" | "hypervisor" | "machine";
const PRIVILEGES: readonly CsrPrivilege[] = ["user", "supervisor", "hypervisor", "machine"];

/** The least privilege that may access the CSR: its number says it. */
export function csrPrivilege(number: number): CsrPrivilege {
  return PRIVILEGES[(number >> 8) & 3];
}

/** Whether every write is an illegal instruction: its number says it. */
export function csrIsReadOnly(number: number): boolean {
  return number >> 10 === 3;
}

/** The bits that a write can change on a hart with these extensions; the others keep what they hold. */
export function csrWriteMask(csr: Csr, extensions: ReadonlySet<CsrExtension>): bigint {
  if (csrIsReadOnly(csr.number)) return 0n;
  let mask = 0n;
  for (const field of csr.fields) {
    if (field.access === "read-only") continue;
    if (field.extension !== undefined && !extensions.has(field.extension)) continue;
    mask |= fieldMask(field);
  }
  return mask;
}

export function fieldMask(field: CsrField): bigint {
  return ((1n << BigInt(field.high - field.low + 1)) - 1n) << BigInt(field.low);
}

/** The field's value in a register value. */
export function fieldValue(field: CsrField, value: bigint): bigint {
  return (value & fieldMask(field)) >> BigInt(field.low);
}

type Options = Partial<Pick<CsrField, "access" | "extension" | "values">>;

/** A field of one bit or of a range of bits `[high, low]`. */
export function field(
  name: string,
  bits: number | readonly [number, number],
  description: string,
  options: Options = {},
): CsrField {
  const [high, low] = typeof bits === "number" ? [bits, bits] : bits;
  return { name, high, low, access: "read-write", description, ...options };
}

export function csr(
  number: number,
  name: string,
  extension: CsrExtension,
  description: string,
  fields: readonly CsrField[],
  more: Partial<Pick<Csr, "reset" | "legalize">> = {},
): Csr {
  return { number, name, extension, description, fields, reset: 0n, ...more };
}

/** A register that is one writable value of 64 bits. */
export function whole(description: string): readonly CsrField[] {
  return [field("value", [63, 0], description)];
}

/** A register that always holds its reset value as far as software can tell. */
export function constant(description: string): readonly CsrField[] {
  return [field("value", [63, 0], description, { access: "read-only" })];
}
