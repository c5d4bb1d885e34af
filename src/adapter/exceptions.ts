import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Stopped } from "../debuggee/protocol.ts";
import { EXCEPTION, EXCEPTION_CAUSES } from "../isa/causes.ts";
import { errors } from "./errors.ts";
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

/** One filter per cause of the table; the id is the cause's own (`load-access-fault`). */
export const EXCEPTION_FILTERS: readonly DebugProtocol.ExceptionBreakpointsFilter[] = EXCEPTION_CAUSES.map((cause) => ({
  filter: cause.id,
  label: cause.name,
  description: `${cause.description} (mcause ${cause.code})`,
  default: NEARLY_ALWAYS_BUGS.includes(cause.code),
}));

/** The causes to stop at, until a client says otherwise: not every client shows filters. */
export const DEFAULT_CAUSES: readonly number[] = NEARLY_ALWAYS_BUGS;

/** Which exceptions stop the machine. */
export class ExceptionStops {
  #causes: readonly number[] = DEFAULT_CAUSES;

  get causes(): readonly number[] {
    return this.#causes;
  }

  /** Takes filter ids; gives one verified state per filter, unknown ones with a message. */
  set(filters: readonly string[]): DebugProtocol.Breakpoint[] {
    const found = filters.map((filter) => EXCEPTION_CAUSES.find(({ id }) => id === filter));
    this.#causes = found.flatMap((cause) => (cause === undefined ? [] : [cause.code]));
    return found.map((cause, index) =>
      cause === undefined
        ? { verified: false, message: `There is no exception “${filters[index]}”.` }
        : { verified: true },
    );
  }
}

/** What `exceptionInfo` tells of the exception that the machine stopped at. */
export function exceptionInfo(stopped: Stopped | undefined): DebugProtocol.ExceptionInfoResponse["body"] {
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
