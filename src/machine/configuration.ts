/** Names a board completely: two machines of one configuration and one image behave alike. Plain data, recorded. */
export interface MachineConfiguration {
  /** Bytes of RAM at 0x8000_0000; a multiple of 4096. */
  readonly memoryBytes: number;
  readonly harts: number;
  /** ISA string, `rv64imac_zicsr_zifencei`. */
  readonly isa: string;
  readonly seed: number;
  /** "virtual": time follows from steps. "paced": the host also sleeps so that the guest's second lasts about one. */
  readonly clock: "virtual" | "paced";
}

export type EngineChoice = "auto" | "interpreter" | "oracle";

export const DEFAULT_CONFIGURATION: MachineConfiguration = {
  memoryBytes: 128 * 1024 * 1024,
  harts: 1,
  isa: "rv64imac_zicsr_zifencei",
  seed: 0,
  clock: "virtual",
};
