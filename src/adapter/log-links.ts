import type { DebugProtocol } from "@vscode/debugprotocol";
import type { SourcePosition } from "../debuggee/protocol.ts";
import { errors } from "./errors.ts";

/** Above all references of the debuggee, which count from 1 and begin anew wherever it stops; DAP ends at 2^31. */
const FIRST_REFERENCE = 2 ** 30;
/** As many lines as a search keeps. */
const MOST_LINES = 10_000;

/** A line that replay-only code logged. */
export interface LoggedLine {
  readonly text: string;
  readonly instant: number;
  readonly source: SourcePosition | undefined;
}

/**
 * Lines in a debug console that lead to the instant that logged them. DAP has no link in an output; a client makes one of an
 * output whose only variable has a `valueLocationReference`, and asks `locations` when it is followed: going there is the
 * answer's side effect.
 */
export class LogLinks {
  readonly #lines = new Map<number, LoggedLine>();
  #next = FIRST_REFERENCE;

  /** What the output and its variable are referred to by. */
  add(line: LoggedLine): number {
    const reference = this.#next++;
    this.#lines.set(reference, line);
    this.#lines.delete(reference - MOST_LINES);
    return reference;
  }

  /** A variables reference of ours, not of the debuggee. */
  owns(reference: number): boolean {
    return reference >= FIRST_REFERENCE;
  }

  variable(reference: number): DebugProtocol.Variable {
    const { text } = this.line(reference);
    return { name: "", value: text, variablesReference: 0, valueLocationReference: reference };
  }

  line(reference: number): LoggedLine {
    const line = this.#lines.get(reference);
    if (line === undefined) throw errors.staleLine();
    return line;
  }
}
