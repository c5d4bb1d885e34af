import type { Heat } from "../cpu/interpreter.ts";
import type { EngineChoice } from "./configuration.ts";

/**
 * Fewer arrivals or entries keep another processor busy, and memory, and make the machine's own thread no faster; with more, guests whose
 * calls must be brought in are slow for longer. The engine "translator" begins at once, so that short tests reach it.
 */
export const HEAT: Readonly<Record<EngineChoice, Heat | undefined>> = {
  auto: { arrivals: 10_000, entries: 100_000 },
  translator: { arrivals: 3, entries: 6 },
  interpreter: undefined,
  oracle: undefined,
};
