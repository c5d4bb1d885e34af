import * as layout from "../memory/layout.ts";
import type { Engine, EngineParts, EngineStop } from "./engine.ts";
import type { Exception } from "./hart.ts";
import { OracleReading } from "./oracle-reading.ts";
import { executeSystem, ILLEGAL_INSTRUCTION } from "./system.ts";

export const INSTRUCTION_ACCESS_FAULT = 1;

/**
 * The plain engine: decodes each instruction anew and executes its meaning over bigints, one step at a time. About a
 * hundred times slower than the interpreter; it judges the others in tests and executes their rare cases.
 */
export class Oracle implements Engine {
  readonly #parts: EngineParts;
  readonly #reading: OracleReading;
  readonly #breakpoints: () => ReadonlySet<bigint>;

  constructor(parts: EngineParts, breakpoints: () => ReadonlySet<bigint>) {
    this.#parts = parts;
    this.#reading = new OracleReading(parts.hart, parts.data, parts.isa.instructionAlignment);
    this.#breakpoints = breakpoints;
  }

  run(steps: number, skipBreakpoint: boolean): EngineStop {
    const { hart, memory, takeAttention } = this.#parts;
    const breakpoints = this.#breakpoints();
    for (let executed = 0; executed < steps; executed++) {
      if (breakpoints.has(hart.pc) && !(skipBreakpoint && executed === 0)) return { kind: "breakpoint", executed };
      memory.view.setInt32(layout.BUDGET, steps - executed, true);
      const outcome = this.step();
      if (typeof outcome === "object") return { kind: "exception", executed, exception: outcome };
      if (outcome === "yield" || takeAttention()) return { kind: "paused", executed: executed + 1 };
    }
    return { kind: "paused", executed: steps };
  }

  /** Executes the instruction at pc. An exception has changed nothing. */
  step(): "done" | "yield" | Exception {
    const { hart, csrs, data, memory, decoded } = this.#parts;
    const offset = memory.ramOffset(hart.pc, 2);
    const fetched = decoded.fetch(offset);
    if (fetched === undefined) {
      // When only the second half is missing, that is the address that faults.
      return { cause: INSTRUCTION_ACCESS_FAULT, tval: offset < 0 ? hart.pc : hart.pc + 2n };
    }
    const { decoded: instruction, word } = fetched;
    if (instruction === undefined) return { cause: ILLEGAL_INSTRUCTION, tval: BigInt(word >>> 0) };
    const outcome = this.#reading.execute(instruction);
    if (outcome.kind === "retired") return "done";
    if (outcome.kind === "exception") return outcome.exception;
    return executeSystem(hart, csrs, data, {
      ...instruction,
      operation: outcome.operation,
      word: () => instruction.word,
    });
  }
}
