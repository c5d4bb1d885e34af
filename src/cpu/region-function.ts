import type { FunctionType } from "../wasm/module.ts";
import { I32 } from "../wasm/opcodes.ts";

/** A region's function takes and gives everything in the machine's memory; it answers one of ANSWER. */
export const REGION_FUNCTION: FunctionType = { parameters: [], results: [I32] };

export const ANSWER = {
  /** It has jumped to the pc in memory, and no translation is there. */
  jumped: 0,
  /** The interpreter must execute at least one instruction at the pc in memory. */
  interpret: 1,
  /** It has jumped to the pc in memory; and it knows by now where it goes, so that it should be made anew. */
  known: 2,
  /** The engine's caller must look before the instruction at the pc in memory is executed. */
  yield: 3,
} as const;

/** Names of the functions in their module, with their index behind, and of the table through which regions are called. */
export const REGION_EXPORT = "region ";
export const REGION_TABLE = "regions";
