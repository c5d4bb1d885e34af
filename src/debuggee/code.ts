import type { PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import { decode } from "../isa/decode.ts";
import { effectsOf } from "../isa/effects.ts";
import type { Decoded } from "../isa/instruction.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";

/**
 * What an instruction does to the flow of control, as the calling convention reads it: a jump that links into ra or t0
 * is a call, one through them a return (unprivileged manual, table of return-address stack hints).
 */
export type FlowKind =
  | "next"
  | "branch"
  | "jump"
  | "call"
  | "indirect call"
  | "indirect jump"
  | "return"
  | "trap return"
  /** ecall, ebreak and illegal instructions: control goes to a handler. */
  | "trap";

export interface Flow {
  readonly kind: FlowKind;
  /** Where a direct jump, call or branch goes. */
  readonly target: bigint | undefined;
}

/** An instruction as it stands in memory. `decoded` is undefined for what is no instruction. */
export interface CodeWord {
  readonly address: bigint;
  readonly length: 2 | 4;
  readonly word: number;
  readonly decoded: Decoded | undefined;
}

const RA = 1;
const T0 = 5;

function isLink(register: number): boolean {
  return register === RA || register === T0;
}

/** The instruction at an address as a hart sees it; undefined where there is no memory. */
export function fetch(machine: MachineLike, address: bigint, hart = 0): CodeWord | undefined {
  const bytes = machine.peek(BigInt.asUintN(64, address) as VirtualAddress, 4, hart);
  return codeWord(address, bytes);
}

export function codeWord(address: bigint, [b0, b1, b2, b3]: readonly (number | undefined)[]): CodeWord | undefined {
  if (b0 === undefined || b1 === undefined) return undefined;
  const half = b0 | (b1 << 8);
  if ((half & 3) !== 3) return { address, length: 2, word: half, decoded: decode(half) };
  if (b2 === undefined || b3 === undefined) return undefined;
  const word = (half | (b2 << 16) | (b3 << 24)) >>> 0;
  return { address, length: 4, word, decoded: decode(word) };
}

export function flowOf({ address, decoded }: CodeWord): Flow {
  if (decoded === undefined) return { kind: "trap", target: undefined };
  const target = BigInt.asUintN(64, address + BigInt(decoded.imm));
  switch (decoded.instruction.mnemonic) {
    case "jal":
      return { kind: isLink(decoded.rd) ? "call" : "jump", target };
    case "jalr":
      if (isLink(decoded.rd)) return { kind: "indirect call", target: undefined };
      return { kind: isLink(decoded.rs1) ? "return" : "indirect jump", target: undefined };
    case "mret":
    case "sret":
      return { kind: "trap return", target: undefined };
    case "ecall":
    case "ebreak":
      return { kind: "trap", target: undefined };
    default:
      return effectsOf(decoded.instruction).jump === "maybe"
        ? { kind: "branch", target }
        : { kind: "next", target: undefined };
  }
}

export function isCall({ kind }: Flow): boolean {
  return kind === "call" || kind === "indirect call";
}

const MEPC = 0x341;
const SEPC = 0x141;

/**
 * Where control goes after the instruction at the hart's pc, unless a trap intervenes; undefined for instructions that
 * always trap.
 */
export function successor(code: CodeWord, hart: HartView): bigint | undefined {
  const flow = flowOf(code);
  const next = code.address + BigInt(code.length);
  const { decoded } = code;
  if (decoded === undefined) return undefined;
  switch (flow.kind) {
    case "next":
      return next;
    case "jump":
    case "call":
      return flow.target;
    case "branch":
      return branchTaken(decoded, hart) ? flow.target : next;
    case "return":
    case "indirect jump":
    case "indirect call":
      return BigInt.asUintN(64, hart.register(decoded.rs1) + BigInt(decoded.imm)) & ~1n;
    case "trap return":
      return hart.csr(decoded.instruction.mnemonic === "sret" ? SEPC : MEPC);
    case "trap":
      return undefined;
  }
}

function branchTaken({ instruction, rs1, rs2 }: Decoded, hart: HartView): boolean {
  const a = hart.register(rs1);
  const b = hart.register(rs2);
  const [x, y] = [BigInt.asIntN(64, a), BigInt.asIntN(64, b)];
  switch (instruction.mnemonic) {
    case "beq":
      return a === b;
    case "bne":
      return a !== b;
    case "blt":
      return x < y;
    case "bge":
      return x >= y;
    case "bltu":
      return a < b;
    default:
      return a >= b;
  }
}

/** Where control may go without a trap or an indirect jump, as far as the instruction alone says. Calls come back. */
export function staticSuccessors(code: CodeWord): bigint[] {
  const flow = flowOf(code);
  const next = code.address + BigInt(code.length);
  switch (flow.kind) {
    case "next":
    case "call":
    case "indirect call":
    case "trap":
      return [next];
    case "branch":
      return [next, flow.target ?? next];
    case "jump":
      return [flow.target ?? next];
    default:
      return [];
  }
}

/** Call instructions that may stand directly before a return address, as memory holds them now. */
export function callsBefore(machine: MachineLike, returnAddress: bigint, hart = 0): CodeWord[] {
  return [4, 2].flatMap((length) => {
    const code = returnAddress < BigInt(length) ? undefined : fetch(machine, returnAddress - BigInt(length), hart);
    return code !== undefined && code.length === length && isCall(flowOf(code)) ? [code] : [];
  });
}

/** Reads a little-endian unsigned number as a hart sees it; undefined where there is no memory. */
export function readNumber(machine: MachineLike, address: bigint, size: 1 | 2 | 4 | 8, hart = 0): bigint | undefined {
  const at = BigInt.asUintN(64, address) as VirtualAddress;
  if ((at & 0xfffn) + BigInt(size) > PAGE_BYTES) return numberIn(machine.peek(at, size, hart), size);
  const { physicalAddress } = machine.translate(at, hart);
  return physicalAddress === undefined ? undefined : machine.readPhysical(physicalAddress, size);
}

/** The same by physical address. */
export function readPhysicalNumber(machine: MachineLike, address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
  if (address > PHYSICAL_LIMIT) return undefined;
  return machine.readPhysical(Number(address) as PhysicalAddress, size);
}

const PAGE_BYTES = 4096n;
/** Beyond it addresses are no exact numbers, and there is no memory. */
const PHYSICAL_LIMIT = (1n << 53n) - 16n;

function numberIn(bytes: readonly (number | undefined)[], size: number): bigint | undefined {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) {
    const byte = bytes[i];
    if (byte === undefined) return undefined;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}
