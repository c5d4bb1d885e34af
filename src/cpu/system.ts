import { unreachable } from "../base/assert.ts";
import type { SystemOperation } from "../isa/semantics.ts";
import type { ContextChange } from "./address-translation.ts";
import { executeCacheBlock, permitsCacheBlock } from "./cache-block.ts";
import type { CsrFile } from "./csr-file.ts";
import type { Exception, Hart } from "./hart.ts";
import type { DataPort } from "./oracle-reading.ts";
import { returnFromMachineTrap, returnFromSupervisorTrap } from "./trap.ts";

export const ILLEGAL_INSTRUCTION = 2;
const BREAKPOINT = 3;
const ECALL_FROM_USER = 8;
/** Number of the CSR. */
const SATP = 0x180;

const MSTATUS_TVM = 1n << 20n;
const MSTATUS_TW = 1n << 21n;
const MSTATUS_TSR = 1n << 22n;

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

/** What a system instruction works on. */
export interface SystemParts {
  readonly hart: Hart;
  readonly csrs: CsrFile;
  readonly data: DataPort;
  /** What the translation of addresses follows from has changed. */
  readonly contextChanged: (how?: ContextChange) => void;
  /** A timer of the hart is set to another time. */
  readonly timersChanged: () => void;
  /** The hart would rather have another one run. */
  readonly endTurn: () => void;
}

/**
 * "done": goes on with the hart's pc. "yield": likewise, but whether an interrupt is due must be looked at first. An
 * exception: nothing has changed.
 */
export type SystemOutcome = "done" | "yield" | Exception;

/** What a system instruction does: one routine for every engine (ARCHITECTURE.md, "One meaning, many readings"). */
export function executeSystem(parts: SystemParts, instruction: SystemInstruction): SystemOutcome {
  const { hart, csrs } = parts;
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
      if (hart.privilege !== 3) return illegal(instruction);
      returnFromMachineTrap(hart, csrs);
      return returned(parts);
    case "sret":
      if (hart.privilege < 1 || isTrapped(hart, csrs, MSTATUS_TSR)) return illegal(instruction);
      returnFromSupervisorTrap(hart, csrs);
      return returned(parts);
    case "wfi":
      return waitForInterrupt(parts, instruction);
    case "sfence.vma":
    case "sinval.vma":
      if (hart.privilege < 1 || isTrapped(hart, csrs, MSTATUS_TVM)) return illegal(instruction);
      // Cached translations follow every store to a page table at once (table-entries.ts), unless that is switched off.
      parts.contextChanged("fence");
      advance(hart, instruction);
      return "done";
    case "sfence.w.inval":
    case "sfence.inval.ir":
      if (hart.privilege < 1) return illegal(instruction);
      advance(hart, instruction);
      return "done";
    case "pause":
    case "wrs.nto":
    case "wrs.sto":
      // Whoever spins waits for another hart. The manual lets a hart end the wait for any reason.
      advance(hart, instruction);
      parts.endTurn();
      return "yield";
    case "csrrw":
    case "csrrs":
    case "csrrc":
    case "csrrwi":
    case "csrrsi":
    case "csrrci":
      return executeCsr(parts, instruction, operation);
    case "cbo.inval":
    case "cbo.clean":
    case "cbo.flush":
    case "cbo.zero": {
      if (!permitsCacheBlock(hart, csrs, operation)) return illegal(instruction);
      const refused = executeCacheBlock(parts.data, operation, hart.register(instruction.rs1));
      if (refused !== undefined) return refused;
      advance(hart, instruction);
      return "done";
    }
    default:
      return unreachable(operation, "system operation");
  }
}

/** Supervisor mode runs into a bit of mstatus by which machine mode keeps the instruction for itself. */
function isTrapped(hart: Hart, csrs: CsrFile, bit: bigint): boolean {
  return hart.privilege === 1 && (csrs.get("mstatus") & bit) !== 0n;
}

function returned({ csrs, contextChanged }: SystemParts): SystemOutcome {
  contextChanged();
  return csrs.dueInterrupts() === undefined ? "done" : "yield";
}

/** Where there is supervisor mode, user mode may not wait: nothing bounds the time, as the manual would want. */
function waitForInterrupt({ hart, csrs }: SystemParts, instruction: SystemInstruction): SystemOutcome {
  const waitsTooLong = hart.privilege < 3 && (csrs.get("mstatus") & MSTATUS_TW) !== 0n;
  if (waitsTooLong || (hart.privilege === 0 && csrs.has("Supervisor"))) return illegal(instruction);
  advance(hart, instruction);
  hart.waiting = csrs.pendingInterrupts() === 0;
  return "yield";
}

type CsrOperation = "csrrw" | "csrrs" | "csrrc" | "csrrwi" | "csrrsi" | "csrrci";

function executeCsr(parts: SystemParts, instruction: SystemInstruction, operation: CsrOperation): SystemOutcome {
  const { hart, csrs } = parts;
  const { rd, rs1, imm: number } = instruction;
  const replaces = operation === "csrrw" || operation === "csrrwi";
  const writes = replaces || rs1 !== 0;
  if (!csrs.permits(number, writes ? "write" : "read")) return illegal(instruction);
  const operand = operation.endsWith("i") ? BigInt(rs1) : hart.register(rs1);
  // csrrw with rd = x0 does not read; reading has no side effects on this hart, so it may as well be read.
  const old = csrs.read(number) ?? 0n;
  let outcome: SystemOutcome = "done";
  if (writes) {
    const base = replaces ? 0n : csrs.readToModify(number);
    const effects = csrs.write(number, combine(operation, base, operand));
    if (effects.translation) parts.contextChanged(number === SATP ? "satp" : undefined);
    if (effects.timers) parts.timersChanged();
    if (effects.timers || (effects.interrupts && csrs.dueInterrupts() !== undefined)) outcome = "yield";
  }
  hart.setRegister(rd, old);
  advance(hart, instruction);
  return outcome;
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
  hart.pc = BigInt.asUintN(64, hart.pc + BigInt(instruction.length));
}
