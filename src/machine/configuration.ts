import type { VirtioTransport } from "../devices/virtio-mmio.ts";

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
  /** How the virtio devices show themselves: as the standard has it, or as drivers from before it expect. */
  readonly virtio: VirtioTransport;
  /** "virtio": there is a virtio console as well, and input is for it as soon as a driver has it in its hands. */
  readonly console: "uart" | "virtio";
  /** What this machine does differently from others of its configuration, on purpose; absent: nothing. */
  readonly variation?: Variation;
}

/** Where the partners of a lockstep pair differ: what real systems find too dear to record. */
export interface Variation {
  /** Steps of a hart's turn. Absent: TURN_STEPS. */
  readonly turnSteps?: number;
  /** Every word of entropy is combined with this one (32 bits). */
  readonly entropyMask?: number;
  /** Of what RAM holds that nobody has written. Absent: zeros. */
  readonly memorySeed?: number;
}

export interface DiskConfiguration {
  /** A multiple of 512. */
  readonly sizeBytes: number;
  readonly readOnly: boolean;
}

/** All that works, in canonical order, but for Svadu: page tables get their A and D bits from hardware on request only. */
export const FULL_ISA =
  "rv64gc_zicbom_zicbop_zicboz_zicond_zihintntl_zihintpause_zawrs_zba_zbb_zbc_zbs_sstc_svinval_svnapot_svpbmt";

/** Pages of a checkpoint: those of RAM, and behind them the blocks of the disks, one disk after the other. */
export function pageCountOf({ memoryBytes, disks }: MachineConfiguration): number {
  return disks.reduce((count, { sizeBytes }) => count + Math.ceil(sizeBytes / PAGE_BYTES), memoryBytes / PAGE_BYTES);
}

const PAGE_BYTES = 4096;

export type { CacheGroupChoice } from "../cpu/address-translation.ts";

/** "auto" is the fastest there is: the translator, which has the interpreter execute what is not hot. */
export type EngineChoice = "auto" | "translator" | "interpreter" | "oracle";

/** As many as the plan of the board has addresses for in the CLINT and the PLIC that guests in the field expect. */
export const MAX_HARTS = 8;

/** So many that network, console and entropy have slots as well, whatever is chosen. */
export const MAX_DISKS = 5;
/** Disks of one machine together: what was written to them, and where, is kept for each checkpoint. */
export const MAX_DISK_BYTES = 64 * 2 ** 30;

export const DEFAULT_CONFIGURATION: MachineConfiguration = {
  memoryBytes: 128 * 1024 * 1024,
  harts: 1,
  isa: FULL_ISA,
  modes: "msu",
  seed: 0,
  clock: "virtual",
  startTime: 0,
  disks: [],
  network: false,
  virtio: "modern",
  console: "uart",
};

/** What a kernel gets that firmware starts: room for a distribution's. */
export const KERNEL_CONFIGURATION: MachineConfiguration = {
  ...DEFAULT_CONFIGURATION,
  memoryBytes: 256 * 1024 * 1024,
};
