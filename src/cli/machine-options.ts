import { DEFAULT_CONFIGURATION, type EngineChoice, type MachineConfiguration } from "../machine/configuration.ts";

/** What commander makes of the machine's options (main.ts). */
export interface MachineOptions {
  readonly memory?: number;
  readonly harts?: number;
  readonly isa?: string;
  readonly seed?: number;
  readonly clock?: "virtual" | "paced";
  readonly input?: string;
  readonly limit?: number;
  readonly engine?: EngineChoice;
}

export function configurationOf(options: MachineOptions): MachineConfiguration {
  return {
    memoryBytes: options.memory ?? DEFAULT_CONFIGURATION.memoryBytes,
    harts: options.harts ?? DEFAULT_CONFIGURATION.harts,
    isa: options.isa ?? DEFAULT_CONFIGURATION.isa,
    seed: options.seed ?? DEFAULT_CONFIGURATION.seed,
    clock: options.clock ?? DEFAULT_CONFIGURATION.clock,
  };
}
