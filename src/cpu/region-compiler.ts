import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import type { InterpreterFunctions, ModuleChoices } from "./interpreter-module.ts";
import { regionModule } from "./region-code.ts";
import { REGION_EXPORT, REGION_TABLE } from "./region-function.ts";
import { analyseRegion } from "./region-graph.ts";
import type { EncodedOrder, RegionOrder } from "./region-order.ts";

/** Several regions' functions, in the order of their orders: see REGION_EXPORT. */
export interface CompiledRegions {
  readonly module: WebAssembly.Module;
  /** Indices of the interpreter's functions that the module imports. */
  readonly imported: readonly number[];
}

/** What was made of so many of the oldest orders: functions of a module, from this one on. */
export interface MadeRegions {
  readonly orders: number;
  readonly first: number;
  readonly compiled: CompiledRegions;
  /** When, by the clock of whoever made them; absent: just now. */
  readonly madeMs?: number;
}

/** What a region's code follows from beside its order. Plain data. */
export interface CompilerSetup extends Pick<ModuleChoices, "instructionAlignment"> {
  readonly where: MemoryLayout;
  /** What regions may import of the interpreter. */
  readonly functions: InterpreterFunctions;
}

/** Makes regions somewhere else, while the machine goes on. What is asked for comes back in its order, sooner or later. */
export interface RegionCompiler {
  /** Until then who wants a region had better make it himself. */
  readonly isReady: boolean;
  /** What was asked for and has not come back never will. */
  readonly isGone: boolean;
  order(order: EncodedOrder): void;
  /** What has been made since: so many of the oldest orders. */
  collect(): MadeRegions | undefined;
}

export type MakeCompiler = (setup: CompilerSetup) => RegionCompiler;

/** Emits and compiles, at once. */
export function compileRegions(
  orders: readonly RegionOrder[],
  { where, instructionAlignment, functions }: CompilerSetup,
): CompiledRegions {
  const { bytes, imported } = regionModule(
    orders.map(({ region, entry, pages, form, entries, slots, departures }) => ({
      ...{ graph: analyseRegion(region), where, functions, instructionAlignment, entry, pages, form, entries },
      slotFor: (distance) => slots.get(distance) ?? 0,
      departureFor: ({ place }) => departures.get(place),
    })),
  );
  return { module: new WebAssembly.Module(bytes), imported };
}

/**
 * V8 compiles a function when it is called first, for all threads. So whoever has time calls it, in a memory without a
 * machine: no region is entered where the pc is odd.
 */
export class WarmUp {
  readonly #memory: WebAssembly.Memory;
  readonly #table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });

  constructor({ where }: CompilerSetup) {
    this.#memory = new WebAssembly.Memory({ initial: where.wasmPages });
    new DataView(this.#memory.buffer).setUint32(layout.PC, 1, true);
  }

  call(orders: number, { module, imported }: CompiledRegions): void {
    const imports: Record<string, WebAssembly.ImportValue> = { memory: this.#memory, [REGION_TABLE]: this.#table };
    for (const index of imported) imports[`function ${index}`] = () => 0;
    const { exports } = new WebAssembly.Instance(module, { [IMPORT_MODULE]: imports });
    for (let index = 0; index < orders; index++) (exports[REGION_EXPORT + index] as () => number)();
  }
}
