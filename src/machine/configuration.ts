/** Names a board completely: two machines of one configuration and one image behave alike. Plain data, recorded. */
export interface MachineConfiguration {
  /** Bytes of RAM at 0x8000_0000; a multiple of 4096. */
  readonly memoryBytes: number;
  /** 1 to MAX_HARTS. */
  readonly harts: number;
  /** ISA string or profile: `rv64gc_zba_zbb`. */
  readonly isa: string;
  /** Privilege modes that the harts have: machine alone, with user mode, with user and supervisor mode. */
  readonly modes: "m" | "mu" | "msu";
  readonly seed: number;
  /** "virtual": time follows from steps. "paced": the host also sleeps so that the guest's second lasts about one. */
  readonly clock: "virtual" | "paced";
  /** Seconds since 1970 that the real-time clock shows at instant 0. */
  readonly startTime: number;
  /** virtio block devices, in the order of their slots. Their contents at instant 0 are images of the recording. */
  readonly disks: readonly DiskConfiguration[];
  /** A virtio network card on a network of its own. */
  readonly network: boolean;
}

export interface DiskConfiguration {
  /** A multiple of 512. */
  readonly sizeBytes: number;
  readonly readOnly: boolean;
}

/** The instruction set with all that works, in canonical order. */
export const FULL_ISA =
  "rv64gc_zicbom_zicbop_zicboz_zicond_zihintntl_zihintpause_zawrs_zba_zbb_zbc_zbs_sstc_svinval_svnapot_svpbmt";

export type EngineChoice = "auto" | "interpreter" | "oracle";

/** As many as the plan of the board has addresses for in the CLINT and the PLIC that guests in the field expect. */
export const MAX_HARTS = 8;

export const DEFAULT_CONFIGURATION: MachineConfiguration = {
  memoryBytes: 128 * 1024 * 1024,
  harts: 1,
  isa: "rv64imac_zicsr_zifencei",
  modes: "m",
  seed: 0,
  clock: "virtual",
  startTime: 0,
  disks: [],
  network: false,
};
