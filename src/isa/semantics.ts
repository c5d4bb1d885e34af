import type { FloatSemantics } from "./float-semantics.ts";

/**
 * What an instruction means, said once, over whatever a *value* is. Every consumer supplies a reading of this
 * interface: text for hovers, effects for planning, bigints for the oracle, WebAssembly locals for the interpreter and
 * the translator (ARCHITECTURE.md, "One meaning, many readings").
 *
 * A value is 64 bits wide. Narrow arithmetic is written as the manual writes it: the operation on 64 bits, then
 * `signExtend(…, 32)`. Rules that test/isa proves over the whole table: whatever may fault comes before every
 * architectural write, and operands are read through the getters, never remembered across instructions.
 */
export interface Semantics<V> {
  /** Source registers; reading one is an effect, hence getters. */
  readonly rs1: V;
  readonly rs2: V;
  /** The immediate, sign- or zero-extended to 64 bits as the encoding says. */
  readonly imm: V;
  /** Address of this instruction, and of the one behind it (pc + 2 or pc + 4). */
  readonly pc: V;
  readonly nextPc: V;

  /** Writes the destination register; a write to x0 is dropped by the reading. */
  writeRd(value: V): void;
  constant(value: bigint): V;

  add(a: V, b: V): V;
  subtract(a: V, b: V): V;
  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  /** Shifts and rotations use the low six bits of the amount. */
  shiftLeft(a: V, amount: V): V;
  shiftRightLogical(a: V, amount: V): V;
  shiftRightArithmetic(a: V, amount: V): V;
  rotateLeft(a: V, amount: V): V;
  rotateRight(a: V, amount: V): V;
  /** How many zeros stand above the highest 1, or below the lowest; 64 for zero. */
  countLeadingZeros(a: V): V;
  countTrailingZeros(a: V): V;
  populationCount(a: V): V;
  reverseBytes(a: V): V;
  /** Every byte that is not zero becomes all ones. */
  orCombineBytes(a: V): V;
  multiply(a: V, b: V): V;
  /** The upper 64 bits of the 128-bit product; "mixed" is signed a times unsigned b. */
  multiplyHigh(a: V, b: V, signedness: "signed" | "unsigned" | "mixed"): V;
  /** The product of polynomials over GF(2), 127 bits: bits 63:0, 127:64 or 126:63 of it. */
  carryLessMultiply(a: V, b: V, part: ProductPart): V;
  /** RISC-V's division: by zero gives all ones, overflow gives the dividend. Never traps. */
  divide(a: V, b: V, signedness: Signedness): V;
  /** RISC-V's remainder: by zero gives the dividend, overflow gives zero. */
  remainder(a: V, b: V, signedness: Signedness): V;
  /** Comparisons give 1 or 0. */
  equal(a: V, b: V): V;
  lessThan(a: V, b: V, signedness: Signedness): V;
  not(condition: V): V;
  signExtend(value: V, bits: 8 | 16 | 32): V;
  zeroExtend(value: V, bits: 8 | 16 | 32): V;
  /** `condition` is 1 or 0; both values have been computed. */
  select(condition: V, ifTrue: V, ifFalse: V): V;

  /** Loads may fault (access fault; misaligned addresses are handled by the machine, not refused). */
  load(size: AccessSize, extension: Signedness, address: V): V;
  store(size: AccessSize, address: V, value: V): void;
  /** LR: loads sign-extended and reserves the address. Faults when misaligned. */
  loadReserved(size: 4 | 8, address: V): V;
  /** SC: stores when the reservation still holds; 0 for success, 1 for failure. Faults when misaligned. */
  storeConditional(size: 4 | 8, address: V, value: V): V;
  /** AMO: one indivisible read, `update` of the sign-extended old value, write; gives the old value. */
  atomic(size: 4 | 8, address: V, update: (old: V) => V): V;

  /** A hint that the block of an address will be used soon; nothing on this machine, and never a fault. */
  prefetch(use: "execute" | "read" | "write", address: V): void;

  /** The next instruction is at `target` instead of at nextPc. Faults when none can begin there, before it is said. */
  jump(target: V): void;
  /** The next instruction is at `target` when `condition` is 1. */
  branch(condition: V, target: V): void;

  /** The primitives of the F and D extensions. */
  readonly float: FloatSemantics<V>;

  /** Orders memory accesses; nothing in a machine whose harts take turns. */
  fence(): void;
  /** The rest is one TypeScript routine, the same in every reading; ends the block. */
  system(operation: SystemOperation): void;
}

export type Signedness = "signed" | "unsigned";
export type ProductPart = "low" | "high" | "reversed";
export type AccessSize = 1 | 2 | 4 | 8;

export const SYSTEM_OPERATIONS = [
  "ecall",
  "ebreak",
  "mret",
  "wfi",
  "fence.i",
  "csrrw",
  "csrrs",
  "csrrc",
  "csrrwi",
  "csrrsi",
  "csrrci",
  "sret",
  "sfence.vma",
  "sinval.vma",
  "sfence.w.inval",
  "sfence.inval.ir",
  "wrs.nto",
  "wrs.sto",
  "cbo.inval",
  "cbo.clean",
  "cbo.flush",
  "cbo.zero",
  "pause",
] as const;
export type SystemOperation = (typeof SYSTEM_OPERATIONS)[number];
