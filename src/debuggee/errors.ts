import { UserError } from "../base/errors.ts";

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}

/** What a user of the debugger can get wrong: one sentence each. */
export const errors = {
  /** `column` is one-based. */
  expression: (text: string, column: number, what: string) =>
    new UserError("expression", `${what}, at column ${column} of "${text}".`, 2),
  /** `problem` says why the address is not mapped, in a few words. */
  unreadable: (address: bigint, bytes: number, problem?: string) =>
    new UserError(
      "memory-unreadable",
      problem === undefined
        ? `There is no memory to read ${bytes} bytes from at ${hex(address)}.`
        : `There is no memory to read ${bytes} bytes from at ${hex(address)}: it is not mapped (${problem}).`,
    ),
  noCall: (name: string) =>
    new UserError(
      "no-call",
      `${name} cannot be called here: functions are called by replay-only checks and logs, and by evaluating in the recorded past.`,
      2,
    ),
  callsInReplayOnly: (text: string) =>
    new UserError("no-call", `"${text}" calls a function: only replay-only checks and replay-only logs do that.`, 2),
  checkNeedsCondition: () =>
    new UserError("check-condition", "A replay-only check needs a condition: what is true when it has failed.", 2),
  logNeedsMessage: () => new UserError("log-message", "A replay-only log needs a message to log.", 2),
  notMapped: (address: bigint, problem: string) =>
    new UserError(
      "not-mapped",
      `${hex(address)} is not mapped in this address space${problem === "" ? "" : ` (${problem})`}; pagetable(${hex(address)}) shows the way.`,
    ),
  floatOperator: (operator: string) =>
    new UserError(
      "expression-float",
      `"${operator}" has no meaning for floating-point numbers; .x has a register's bits.`,
      2,
    ),
  unwritable: (address: bigint, bytes: number) =>
    new UserError("memory-unwritable", `There is no memory to write ${bytes} bytes to at ${hex(address)}.`),
  divisionByZero: () => new UserError("expression-division", "Division by zero.", 2),
  unknownRegister: (name: string) =>
    new UserError(
      "register-unknown",
      `The value of ${name} in this caller is not known: its callee may have changed it.`,
    ),
  noOrigin: (text: string) =>
    new UserError("no-origin", `"${text}" is not a value that came from anywhere: name a register or memory.`, 2),
  notAssignable: (text: string) =>
    new UserError("not-assignable", `"${text}" is a value, not a place that can be changed.`, 2),
  readOnly: (name: string) => new UserError("read-only", `${name} cannot be written.`, 2),
  editCaller: () =>
    new UserError(
      "edit-caller",
      "Only the current frame can be changed: a caller's registers are not in the hart now.",
    ),
  editPast: (now: number, end: number) =>
    new UserError(
      "edit-past",
      `The past cannot be changed: this is instant ${now} of ${end}; go to the newest instant to edit.`,
    ),
  editFinished: () => new UserError("edit-finished", "A finished recording cannot be changed."),
  noReturn: () =>
    new UserError(
      "no-return",
      "This function cannot be made to return: who called it cannot be found, or it was not called but interrupted.",
    ),
  searchOfOtherRun: (run: number) =>
    new UserError(
      "search-elsewhere",
      `This search is of ${run === 0 ? "the recording" : `branch ${run}`}: go there to go on with it.`,
    ),
  noBranchHere: () => new UserError("no-branch", "This is the recording itself: go to a branch, or start one.", 2),
  noHart: (hart: number) => new UserError("no-hart", `The machine has no hart ${hart}.`, 2),
  noVariable: (name: string) => new UserError("no-variable", `There is no variable ${name} here.`, 2),
  staleReference: () =>
    new UserError("stale-reference", "The machine has moved since these variables were shown; ask for them again."),
  noCaller: () =>
    new UserError("no-caller", "The caller of this function cannot be found, so there is no way to step out to it."),
  noInstant: (instant: number, first: number, end: number) =>
    new UserError("no-instant", `Instant ${instant} is not in the recording, which holds ${first} to ${end}.`, 2),
  length: (length: number, most: number) =>
    new UserError("length", `A length of ${length} bytes cannot be used; it must be from 1 to ${most}.`, 2),
  noRegister: (name: string) => new UserError("no-register", `There is no register ${name}.`, 2),
  noLevel: (level: number, scheme: string) =>
    new UserError("no-level", `${scheme} has no page tables of level ${level}.`, 2),
  placeUnknown: (message: string) => new UserError("place", message, 2),
  noSearch: (id: number) => new UserError("no-search", `There is no search ${id}: it was closed.`, 2),
  searchCancelled: () => new UserError("cancelled", "The search was cancelled."),
  searchStretch: (from: number, to: number) =>
    new UserError("search-stretch", `There are no steps from instant ${from} to ${to} to search.`, 2),
  seriesSampled: (text: string) =>
    new UserError(
      "series-registers",
      `"${text}" does not read memory alone: say at which place it is to be evaluated, or every how many steps.`,
      2,
    ),
  seriesFormat: () =>
    new UserError(
      "series-format",
      "A series is of single values: leave the string, array or instruction format out.",
      2,
    ),
  seriesReadsMuch: (most: number) =>
    new UserError("series-wide", `A series reads at most ${most} places in memory, page tables included.`, 2),
  notTrapped: () => new UserError("not-trapped", "The machine does not stand at an exception."),
} as const;
