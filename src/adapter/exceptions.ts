import type { DebugProtocol } from "@vscode/debugprotocol";
import type { PairDivergence, Stopped } from "../debuggee/protocol.ts";
import { EXCEPTION, EXCEPTION_CAUSES } from "../isa/causes.ts";
import { errors } from "./errors.ts";
import { divergenceSentence } from "./lockstep-text.ts";
import { formatInstant, toReference } from "./references.ts";

/**
 * Exceptions that a program hardly ever wants: even where a handler stands ready, the instruction that raised one is
 * nearly always the bug. The others are how a program works (`ecall`, `ebreak`, demand paging) and are off until asked
 * for. A trap that nothing handles stops in any case.
 */
const NEARLY_ALWAYS_BUGS: readonly number[] = [
  EXCEPTION.instructionAddressMisaligned,
  EXCEPTION.instructionAccessFault,
  EXCEPTION.illegalInstruction,
  EXCEPTION.loadAddressMisaligned,
  EXCEPTION.loadAccessFault,
  EXCEPTION.storeAddressMisaligned,
  EXCEPTION.storeAccessFault,
];

/** The filters that are no exception of a hart. */
const CHECKS = "replay-only-checks";
const DIVERGENCE = "lockstep-divergence";
const OTHERS: readonly string[] = [CHECKS, DIVERGENCE];

/** One filter per cause of the table; the id is the cause's own (`load-access-fault`). */
export const EXCEPTION_FILTERS: readonly DebugProtocol.ExceptionBreakpointsFilter[] = [
  {
    filter: CHECKS,
    label: "Failed replay-only checks",
    description:
      "Runs the guest's HINDCAST_REPLAY_ONLY blocks when the recorded past is gone through, forwards or backwards, and stops where one fails",
    default: true,
  },
  {
    filter: DIVERGENCE,
    label: "Lockstep divergence",
    description: "Stops both machines of a pair where what they say differs, forwards and backwards",
    default: true,
  },
  ...EXCEPTION_CAUSES.map((cause) => ({
    filter: cause.id,
    label: cause.name,
    description: `${cause.description} (mcause ${cause.code})`,
    default: NEARLY_ALWAYS_BUGS.includes(cause.code),
  })),
];

/** The causes to stop at, until a client says otherwise: not every client shows filters. */
export const DEFAULT_CAUSES: readonly number[] = NEARLY_ALWAYS_BUGS;

/** Which exceptions stop the machine. */
export class ExceptionStops {
  #causes: readonly number[] = DEFAULT_CAUSES;
  #checks = true;
  #divergence = true;

  get causes(): readonly number[] {
    return this.#causes;
  }

  /** Whether the guest's replay-only blocks run. */
  get checks(): boolean {
    return this.#checks;
  }

  /** Whether a pair stops where its machines differ in what they say. */
  get divergence(): boolean {
    return this.#divergence;
  }

  /** Takes filter ids; gives one verified state per filter, unknown ones with a message. */
  set(filters: readonly string[]): DebugProtocol.Breakpoint[] {
    const found = filters.map((filter) => EXCEPTION_CAUSES.find(({ id }) => id === filter));
    this.#causes = found.flatMap((cause) => (cause === undefined ? [] : [cause.code]));
    this.#checks = filters.includes(CHECKS);
    this.#divergence = filters.includes(DIVERGENCE);
    return found.map((cause, index) =>
      cause === undefined && !OTHERS.includes(filters[index])
        ? { verified: false, message: `There is no exception “${filters[index]}”.` }
        : { verified: true },
    );
  }
}

/** What `exceptionInfo` tells of the exception that the machine stopped at. */
export function exceptionInfo(stopped: Stopped | undefined): DebugProtocol.ExceptionInfoResponse["body"] {
  if (stopped?.failedChecks !== undefined) return failedCheckInfo(stopped, stopped.failedChecks);
  if (stopped?.divergence !== undefined) return divergenceInfo(stopped, stopped.divergence);
  const exception = stopped?.exception;
  if (stopped === undefined || exception === undefined) throw errors.noException();
  return {
    exceptionId: exception.name,
    description: exception.description,
    breakMode: exception.handled ? "always" : "unhandled",
    details: {
      message: exception.description,
      typeName: exception.name,
      fullTypeName: `${exception.name} (mcause ${exception.cause}, mtval ${toReference(exception.tval)})`,
      stackTrace: `hart ${stopped.hart}, instant ${formatInstant(stopped.instant)}`,
    },
  };
}

function divergenceInfo(
  { hart, instant }: Stopped,
  divergence: PairDivergence,
): DebugProtocol.ExceptionInfoResponse["body"] {
  const { left, right, leftText, rightText, lastAgreement } = divergence;
  return {
    exceptionId: "Lockstep divergence",
    description: divergenceSentence(divergence),
    breakMode: "always",
    details: {
      message: `Machine ${left.member} said ${leftText}, machine ${right.member} said ${rightText}. States last known to be equal: instant ${formatInstant(lastAgreement)}.`,
      typeName: "lockstep divergence",
      stackTrace: `hart ${hart}, instant ${formatInstant(instant)}`,
    },
  };
}

function failedCheckInfo(
  { description, hart, instant }: Stopped,
  checks: readonly string[],
): DebugProtocol.ExceptionInfoResponse["body"] {
  return {
    exceptionId: "Replay-only check failed",
    description,
    breakMode: "always",
    details: {
      message: checks.join("; "),
      typeName: "replay-only check",
      stackTrace: `hart ${hart}, instant ${formatInstant(instant)}`,
    },
  };
}
