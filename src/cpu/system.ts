import { unreachable } from "../base/assert.ts";
import type { SystemOperation } from "../isa/semantics.ts";
import { executeCacheBlock, permitsCacheBlock } from "./cache-block.ts";
import { CSR, type CsrFile } from "./csr-file.ts";
import type { Exception, Hart } from "./hart.ts";
import type { DataPort } from "./oracle-reading.ts";
import { returnFromMachineTrap } from "./trap.ts";

export const ILLEGAL_INSTRUCTION = 2;
const BREAKPOINT = 3;
const ECALL_FROM_USER = 8;

/** The operands of a system instruction, however it was decoded. */
export interface SystemInstruction {
  readonly operation: SystemOperation;
  readonly length: number;
  readonly rd: number;
  /** For csrr?i the immediate itself. */
  readonly rs1: number;
  readonly rs2: number;
  /** CSR number. */
  readonly imm: number;
  /** The instruction's bits, for mtval. */
  readonly word: () => number;
}

/**
 * "done": goes on with the hart's pc. "yield": likewise, but whether an interrupt is due must be looked at first. An
 * exception: nothing has changed.
 */
export type SystemOutcome = "done" | "yield" | Exception;

/** What a system instruction does: one routine for every engine (ARCHITECTURE.md, "One meaning, many readings"). */
export function executeSystem(
  hart: Hart,
  csrs: CsrFile,
  data: DataPort,
  instruction: SystemInstruction,
): SystemOutcome {
  const { operation } = instruction;
  switch (operation) {
    case "ecall":
      return { cause: ECALL_FROM_USER + hart.privilege, tval: 0n };
    case "ebreak":
      return { cause: BREAKPOINT, tval: 0n };
    case "fence.i":
      // Decoded instructions follow every store at once (decoded-pages.ts): there is nothing stale to drop.
      advance(hart, instruction);
      return "done";
    case "mret":
      returnFromMachineTrap(hart, csrs);
      return "yield";
    case "wfi":
      advance(hart, instruction);
      hart.waiting = csrs.pendingInterrupts() === 0n;
      return "yield";
    case "csrrw":
    case "csrrs":
    case "csrrc":
    case "csrrwi":
    case "csrrsi":
    case "csrrci":
      return executeCsr(hart, csrs, instruction, operation);
    case "sret":
      return illegal(instruction);
    case "sfence.vma":
    case "sinval.vma":
    case "sfence.w.inval":
    case "sfence.inval.ir":
      // Nothing is translated, so there are no translations to drop.
      advance(hart, instruction);
      return "done";
    case "wrs.nto":
    case "wrs.sto":
      // The manual lets a hart end the wait for any reason.
      advance(hart, instruction);
      return "done";
    case "cbo.inval":
    case "cbo.clean":
    case "cbo.flush":
    case "cbo.zero": {
      if (!permitsCacheBlock(hart, csrs, operation)) return illegal(instruction);
      const refused = executeCacheBlock(data, operation, hart.register(instruction.rs1));
      if (refused !== undefined) return refused;
      advance(hart, instruction);
      return "done";
    }
    default:
      return unreachable(operation, "system operation");
  }
}

type CsrOperation = "csrrw" | "csrrs" | "csrrc" | "csrrwi" | "csrrsi" | "csrrci";

function executeCsr(hart: Hart, csrs: CsrFile, instruction: SystemInstruction, operation: CsrOperation): SystemOutcome {
  const { rd, rs1, imm: number } = instruction;
  const replaces = operation === "csrrw" || operation === "csrrwi";
  const writes = replaces || rs1 !== 0;
  if (!csrs.permits(number, writes ? "write" : "read")) {
    return illegal(instruction);
  }
  const operand = operation.endsWith("i") ? BigInt(rs1) : hart.register(rs1);
  // csrrw with rd = x0 does not read; reading has no side effects on this hart, so it may as well be read.
  const old = csrs.read(number) ?? 0n;
  if (writes) csrs.write(number, combine(operation, old, operand));
  hart.setRegister(rd, old);
  advance(hart, instruction);
  return writes && (number === CSR.mstatus || number === CSR.mie || number === CSR.mip) ? "yield" : "done";
}

function combine(operation: CsrOperation, old: bigint, operand: bigint): bigint {
  if (operation.startsWith("csrrs")) return old | operand;
  if (operation.startsWith("csrrc")) return old & ~operand;
  return operand;
}

function illegal(instruction: SystemInstruction): Exception {
  return { cause: ILLEGAL_INSTRUCTION, tval: BigInt(instruction.word()) };
}

function advance(hart: Hart, instruction: SystemInstruction): void {
  hart.pc = hart.pc + BigInt(instruction.length);
}
