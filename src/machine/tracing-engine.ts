import type { Engine, EngineStop } from "../cpu/engine.ts";
import type { Turn } from "../cpu/hart.ts";
import type { WriteTrace } from "../cpu/write-trace.ts";

/** An engine, and the traced interpreter in its place while a trace is made. All engines give the same states. */
export class TracingEngine implements Engine {
  readonly #engine: Engine;
  readonly #trace: WriteTrace;
  readonly #instant: () => number;
  readonly #turn: Turn;
  readonly #make: (tracing: "all" | "filtered") => Engine;
  readonly #traced = new Map<string, Engine>();

  /** `make`: the traced interpreter, when it is first needed. */
  constructor(
    engine: Engine,
    trace: WriteTrace,
    at: { instant: () => number; turn: Turn },
    make: (tracing: "all" | "filtered") => Engine,
  ) {
    this.#engine = engine;
    this.#trace = trace;
    this.#instant = at.instant;
    this.#turn = at.turn;
    this.#make = make;
  }

  run(steps: number, skipBreakpoint: boolean): EngineStop {
    const { tracing } = this.#trace;
    if (tracing === undefined) return this.#engine.run(steps, skipBreakpoint);
    const engine = this.#traced.get(tracing) ?? this.#make(tracing);
    this.#traced.set(tracing, engine);
    this.#trace.beginSlice();
    const stop = engine.run(steps, skipBreakpoint);
    this.#trace.endSlice(this.#turn.hart.id, this.#instant() + steps);
    return stop;
  }
}
