import type { Instant } from "../base/brand.ts";
import { causeName } from "../isa/causes.ts";

/** How a check ended. The addresses are of the instruction that ended it. */
export type CheckEnd =
  /** A block came to its end. */
  | { readonly kind: "passed" }
  /** A function returned: a0, and fa0 where there is floating point. */
  | { readonly kind: "returned"; readonly value: bigint; readonly floatValue: bigint }
  /** `hindcast_fail`. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "trap"; readonly cause: number; readonly tval: bigint; readonly pc: bigint }
  | {
      readonly kind: "device";
      readonly device: string;
      readonly access: "read" | "write";
      readonly address: bigint;
      readonly pc: bigint;
    }
  | { readonly kind: "limit"; readonly steps: number; readonly pc: bigint }
  /** wfi: no interrupt comes while a check runs. */
  | { readonly kind: "waits"; readonly pc: bigint }
  /** It went out of the function in which it began. */
  | { readonly kind: "left"; readonly pc: bigint }
  /** A block that was open began again where it had begun. */
  | { readonly kind: "repeated"; readonly pc: bigint }
  /** More blocks were open than a check may have. */
  | { readonly kind: "nested"; readonly blocks: number; readonly pc: bigint };

export interface CheckOutcome {
  /** The instant at which the replay was paused for it. */
  readonly instant: Instant;
  readonly hart: number;
  /** Where it began. */
  readonly pc: bigint;
  /** A log or a failure outside of a block: the instruction before that to which ra returns, where that is a call. */
  readonly caller?: bigint;
  readonly end: CheckEnd;
  readonly logs: readonly string[];
  /** Lines that it logged beyond those that are kept. */
  readonly droppedLogs: number;
  /** Steps that it took, outside of the timeline. */
  readonly steps: number;
}

/** What is wrong, as a sentence without its full stop; undefined for a check that passed or returned. */
export function problemOf(end: CheckEnd, place: (pc: bigint) => string): string | undefined {
  switch (end.kind) {
    case "passed":
    case "returned":
      return undefined;
    case "failed":
      return end.message;
    case "trap":
      return `${causeName(BigInt(end.cause))} in the check, at ${place(end.pc)}, mtval 0x${end.tval.toString(16)}`;
    case "device":
      return `the check ${end.access === "read" ? "reads from" : "writes to"} a device (${end.device}, address 0x${end.address.toString(16)}) at ${place(end.pc)}`;
    case "limit":
      return `the check has not ended after ${end.steps.toLocaleString("en-US")} steps; it was at ${place(end.pc)}`;
    case "waits":
      return `the check waits for an interrupt, and none comes while it runs, at ${place(end.pc)}`;
    case "left":
      return `the check left the function in which it began; it was at ${place(end.pc)}`;
    case "repeated":
      return `the check came round to its own beginning: its end (hindcast_end) is missing, or return or goto led out of it; it was at ${place(end.pc)}`;
    case "nested":
      return `the check has more than ${end.blocks} blocks open: it calls itself without an end, or leaves blocks without theirs; it was at ${place(end.pc)}`;
  }
}

/** The lines of a check, with a last one for those that were not kept. */
export function linesOf({ logs, droppedLogs }: CheckOutcome): readonly string[] {
  return droppedLogs === 0 ? logs : [...logs, `… ${droppedLogs.toLocaleString("en-US")} more lines were not kept`];
}

/** The functions of hindcast.h, and what compilers make of their names: what they say, their caller says. */
const SAYING = /^(?:_ZL\d+)?hindcast_(?:log|fail)(?:$|\.|PKcz)/;

/** Where a check is told: its own beginning, or, of a log or a failure that C has called, the call. */
export function tellingPc({ pc, caller }: CheckOutcome, functionAt: (pc: bigint) => string | undefined): bigint {
  return caller !== undefined && SAYING.test(functionAt(pc) ?? "") ? caller : pc;
}
