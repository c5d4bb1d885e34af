import type { MemoryLayout } from "../memory/layout.ts";
import { type InterpreterFunctions, interpreterModule, type ModuleChoices } from "./interpreter-module.ts";

/** The interpreter, compiled: as good for any machine of that layout and those choices, in any thread of the process. */
export interface InterpreterCode {
  /** Says which layout and choices. */
  readonly key: string;
  readonly module: WebAssembly.Module;
  readonly functions: InterpreterFunctions;
}

/** A machine of its own and what it traces with; a run and what it is compared with may be of different boards. */
const MOST_KEPT = 4;

/** Those that were used last come last. */
let kept: readonly InterpreterCode[] = [];

/** Generating the module takes some fifty milliseconds, which a thread saves that was given it. */
export function interpreterCode(where: MemoryLayout, choices: ModuleChoices): InterpreterCode {
  const key = JSON.stringify([where, choices], (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  const found = kept.find((code) => code.key === key);
  const code = found ?? make(key, where, choices);
  keep(code);
  return code;
}

/** What this thread has made, as a message to another. */
export function interpretersKnown(): readonly InterpreterCode[] {
  return kept;
}

/** What another thread has made. */
export function knowInterpreters(codes: readonly InterpreterCode[]): void {
  for (const code of codes) keep(code);
}

function make(key: string, where: MemoryLayout, choices: ModuleChoices): InterpreterCode {
  const { bytes, functions } = interpreterModule(where, choices);
  return { key, module: new WebAssembly.Module(bytes), functions };
}

function keep(code: InterpreterCode): void {
  kept = [...kept.filter(({ key }) => key !== code.key), code].slice(-MOST_KEPT);
}
