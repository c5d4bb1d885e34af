import { instructionLength } from "../isa/decode.ts";
import type { Decoded } from "../isa/instruction.ts";
import * as layout from "../memory/layout.ts";
import type { Breakpoints, Engine, EngineParts, EngineStop } from "./engine.ts";
import type { Exception } from "./hart.ts";
import { OracleReading } from "./oracle-reading.ts";
import { executeSystem, ILLEGAL_INSTRUCTION } from "./system.ts";

const INSTRUCTION_ACCESS_FAULT = 1;

/** An instruction as it was fetched; `decoded` undefined: the hart has no such instruction. */
export interface Fetched {
  readonly word: number;
  readonly decoded: Decoded | undefined;
}

/**
 * The plain engine: fetches and decodes each instruction anew and executes its meaning over bigints, one step at a time.
 * About a hundred times slower than the interpreter; it judges the others in tests and executes their rare cases.
 */
export class Oracle implements Engine {
  readonly #parts: EngineParts;
  readonly #reading: OracleReading;
  readonly #breakpoints: () => Breakpoints;

  constructor(parts: EngineParts, breakpoints: () => Breakpoints) {
    this.#parts = parts;
    this.#reading = new OracleReading(parts.turn, parts.data, parts.isa.instructionAlignment);
    this.#breakpoints = breakpoints;
  }

  run(steps: number, skipBreakpoint: boolean): EngineStop {
    const { turn, memory, takeAttention } = this.#parts;
    const breakpoints = this.#breakpoints();
    for (let executed = 0; executed < steps; executed++) {
      const passes = skipBreakpoint && executed === 0;
      if (!passes && breakpoints.stopAt(turn.hart.pc, steps - executed)) return { kind: "breakpoint", executed };
      memory.view.setInt32(layout.BUDGET, steps - executed, true);
      const outcome = this.step();
      if (typeof outcome === "object") return { kind: "exception", executed, exception: outcome };
      if (outcome === "yield" || takeAttention()) return { kind: "paused", executed: executed + 1 };
    }
    return { kind: "paused", executed: steps };
  }

  /** Executes the instruction at pc. An exception has changed nothing. */
  step(): "done" | "yield" | Exception {
    const { turn, data, contextChanged, timersChanged, endTurn } = this.#parts;
    const fetched = this.fetch(turn.hart.pc);
    if ("cause" in fetched) return fetched;
    const { decoded: instruction, word } = fetched;
    if (instruction === undefined) return { cause: ILLEGAL_INSTRUCTION, tval: BigInt(word >>> 0) };
    const outcome = this.#reading.execute(instruction);
    if (outcome.kind === "retired") return "done";
    if (outcome.kind === "exception") return outcome.exception;
    const { hart, csrs } = turn;
    return executeSystem(
      { hart, csrs, data, contextChanged, timersChanged, endTurn },
      { ...instruction, operation: outcome.operation, word: () => instruction.word },
    );
  }

  /** The instruction at a virtual address. When only its second half cannot be fetched, that is the address that faults. */
  fetch(pc: bigint): Fetched | Exception {
    const { decoded } = this.#parts;
    const low = this.#fetchHalf(pc);
    if (typeof low !== "number") return low;
    if (instructionLength(low) === 2) return { word: low, decoded: decoded.decode(low) };
    const high = this.#fetchHalf(BigInt.asUintN(64, pc + 2n));
    if (typeof high !== "number") return high;
    const word = (high << 16) | low;
    return { word: word >>> 0, decoded: decoded.decode(word) };
  }

  #fetchHalf(address: bigint): number | Exception {
    const { translation, memory } = this.#parts;
    const physical = translation.locate(address, 2, "execute");
    if (typeof physical !== "number") return physical;
    const offset = memory.ramOffset(BigInt(physical), 2);
    if (offset < 0) return { cause: INSTRUCTION_ACCESS_FAULT, tval: address };
    return memory.view.getUint16(memory.layout.ram + memory.place(offset), true);
  }
}
