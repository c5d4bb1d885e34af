import type { Breakpoints, Engine, EngineParts } from "../cpu/engine.ts";
import { Interpreter, instantiateInterpreter, instantiateTraced } from "../cpu/interpreter.ts";
import type { InterpreterExports } from "../cpu/interpreter-module.ts";
import { Oracle } from "../cpu/oracle.ts";
import type { MakeCompiler } from "../cpu/region-compiler.ts";
import type { Translator } from "../cpu/translator.ts";
import { WriteTrace } from "../cpu/write-trace.ts";
import type { EngineChoice } from "./configuration.ts";
import { HEAT } from "./engine-heat.ts";
import { STEPS_PER_TICK } from "./memory-map.ts";
import { TracingEngine } from "./tracing-engine.ts";

export interface EnginesParts {
  readonly parts: EngineParts;
  readonly table: WebAssembly.Table;
  readonly harts: number;
  readonly compiler: MakeCompiler | undefined;
  readonly breakpoints: () => Breakpoints;
  readonly instant: () => number;
}

export interface Engines {
  readonly engine: Engine;
  readonly oracle: Oracle;
  readonly exports: InterpreterExports;
  readonly translator: Translator | undefined;
  readonly trace: WriteTrace;
}

/** The engine that was chosen, and what every machine has besides: the oracle, and the interpreter that traces. */
export function makeEngines(
  choice: EngineChoice,
  { parts, table, harts, compiler, breakpoints, instant }: EnginesParts,
): Engines {
  const { memory, isa, turn } = parts;
  const oracle = new Oracle(parts, breakpoints);
  const board = { isa, stepsPerTick: STEPS_PER_TICK, harts };
  const generating = [() => parts, () => oracle, memory, table] as const;
  const generated = instantiateInterpreter(...generating, { ...board, heat: HEAT[choice], compiler });
  const trace = new WriteTrace(memory, harts);
  const engine = new TracingEngine(
    choice === "oracle" ? oracle : new Interpreter(parts, oracle, generated, breakpoints),
    trace,
    { instant, turn },
    (tracing) => new Interpreter(parts, oracle, instantiateTraced(...generating, board, tracing), breakpoints, trace),
  );
  return { engine, oracle, exports: generated.exports, translator: generated.translator, trace };
}
