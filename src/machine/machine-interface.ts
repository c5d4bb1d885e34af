import type { Instant, PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import type { CacheGroupReport } from "../cpu/group-counters.ts";
import type { Translation } from "../cpu/translation-view.ts";
import type { TracedWrites, TraceFilter } from "../cpu/write-trace.ts";
import type { RefusedAccess } from "./bus.ts";
import type { MachineConfiguration } from "./configuration.ts";
import type { Inlet, Outlet } from "./inlet.ts";
import type { LatentWork } from "./latent-work.ts";
import type { OutsideWrites } from "./outside-writes.ts";
import type { ResidencyCounters } from "./residency.ts";
import type { MachineStop, StopConditions } from "./stop.ts";

/** What is placed in memory at reset. `Program` of the assembler and the ELF reader has this shape. */
export interface Image {
  readonly entry: VirtualAddress;
  /** What the harts find in a1 at reset: the address of the device tree. a0 is the hart's number. Absent: 0. */
  readonly argument?: bigint;
  /** What they find in a2: the address of what firmware is to start (OpenSBI's fw_dynamic_info). Absent: 0. */
  readonly information?: bigint;
  readonly segments: readonly {
    readonly physicalAddress: number;
    readonly bytes: Uint8Array;
    readonly memoryBytes: number;
  }[];
}

export type { CacheGroupReport } from "../cpu/group-counters.ts";
export type { PageTableEntry, Translation } from "../cpu/translation-view.ts";
export type { TracedPlace, TracedWrite, TracedWrites, TraceFilter } from "../cpu/write-trace.ts";
export type { OutsideWrite } from "./outside-writes.ts";

/** A hash of the complete machine state, 32 hex digits. Equal digests: equal states. */
export type Digest = string;

/** One saved page of RAM, or block of a disk. Shared between checkpoints by identity; never written after it was made. */
export interface PageVersion {
  readonly bytes: Uint8Array;
  readonly hash: bigint;
}

/** Where the contents of absent pages come from. */
export interface PageSource {
  /** The bytes of a page, or of a block; undefined: they are not here, and who needs them stops until they are. */
  read(page: number): Uint8Array | undefined;
  /** Begins to fetch them, so that `read` has them some time. */
  request?(page: number): void;
  /** What the fetching is. */
  readonly work?: LatentWork;
  /** Waits for them: during replay and travel, where nobody else could run meanwhile. */
  readNow?(page: number): Uint8Array;
  /**
   * Whether `read` gives the bytes without fetching them. A source that can tell gives them again and again, each time as long as
   * they are looked at at once: nobody else need keep them.
   */
  has?(page: number): boolean;
  /** Pages that are read together: who has needed one of them finds all of them in place. */
  readonly together?: Iterable<number>;
  /** Why it gives no more. Who runs the machine hears of it, between two steps, when a page is needed. */
  readonly failure?: Error | undefined;
}

/** A saved machine state, plain data. Restoring it gives the digest that the machine had. */
export interface Checkpoint {
  readonly instant: Instant;
  /** Harts and devices, in the format of docs/recording-format.md. */
  readonly state: Uint8Array;
  readonly pages: PageTable;
}

/**
 * RAM pages of a checkpoint: page index -> version; absent pages are zero. Behind them the disks' blocks of the same
 * size, one disk behind the other; absent blocks are as in the disk's image. Persistent: successors share structure.
 */
export interface PageTable {
  get(page: number): PageVersion | undefined;
  readonly pageCount: number;
  /** None of these pages has a version. False, or absent: perhaps one has. */
  isEmpty?(first: number, count: number): boolean;
  /** Pages whose version differs from `base`'s (all that are there when base is undefined), ascending. */
  changedSince(base: PageTable | undefined): Iterable<{ page: number; version: PageVersion | undefined }>;
  /** How many of those hold contents in memory. */
  heldSince(base: PageTable | undefined): number;
}

/**
 * What does not count at the very state where a run begins, because the user resumes from it: a breakpoint or exception
 * (true), a breakpoint alone, or nothing (false).
 */
export type Departing = boolean | "breakpoint";

export interface RunOptions {
  readonly departing: Departing;
  /**
   * Called after events and interrupts of an instant have been taken and before its step is executed: the state of
   * `instant` is final from here on. The place to take checkpoints and digests.
   */
  readonly beforeDeparture?: (instant: Instant) => void;
}

/**
 * The emulated board. `run` is a function of the machine's state and of what the inlet delivers; nothing else.
 *
 * The state *at* instant I is the one after I steps, with all events stamped I applied and all interrupts that are then
 * due taken (so that pc is in the handler).
 */
export interface MachineLike {
  readonly configuration: MachineConfiguration;
  readonly instant: Instant;
  readonly harts: readonly HartView[];
  /** Number of the hart whose turn it is. */
  readonly currentHart: number;
  inlet: Inlet;
  outlet: Outlet;
  setStops(stops: StopConditions): void;
  /**
   * Runs until `until` at most, or to the first stop.
   *
   * Both the instant where it begins and the one where it ends are *settled*: the inlet is asked for events until it
   * has none, and interrupts that are then due are taken. `run(instant)` settles and executes nothing: so an edit by
   * the user shows at once. The order within an instant is fixed, or replay would take other interrupts than the run:
   * input and idle jumps first, then interrupts, then edits, which see what the user saw and after which no interrupt
   * is taken before the next step. A restored checkpoint counts as settled; an event that is not an edit unsettles.
   */
  run(until: Instant, options: RunOptions): MachineStop;
  /** An event that has been taken from the inlet and waits for an absent page is not in it. */
  checkpoint(): Checkpoint;
  /** With more pages than `mostCopied` to be put in place the others are absent until they are needed. */
  restore(checkpoint: Checkpoint, mostCopied?: number): void;
  /** A checkpoint out of a recording: pages that are not in `pages` are those of `base`. */
  importCheckpoint(parts: CheckpointParts, base: Checkpoint | undefined): Checkpoint;
  /** Of the present state; or of the one that the machine had when a checkpoint of it was made, without restoring it. */
  digest(checkpoint?: Checkpoint): Digest;
  /**
   * Reads without side effects, by virtual address as `hart` (absent: the one whose turn it is) would see it now; undefined for bytes that
   * are not mapped or not memory. What protects pages from the hart does not protect them from its debugger.
   */
  peek(address: VirtualAddress, length: number, hart?: number): (number | undefined)[];
  /** Reads without side effects by physical address; undefined for bytes that are not RAM. */
  peekPhysical(address: PhysicalAddress, length: number): (number | undefined)[];
  /** The same of one little-endian number, fast: searches look a million times a second. */
  readPhysical(address: PhysicalAddress, size: 1 | 2 | 4 | 8): bigint | undefined;
  /** Walks the page tables of a hart's present address space for `address`, as they are now. No side effects. */
  translate(address: VirtualAddress, hart?: number): Translation;
  /** The same in the address space of a satp, whoever is in it. */
  translateIn(satp: bigint, address: VirtualAddress): Translation;
  /** Current mtime in ticks of 10 MHz. */
  readonly time: bigint;
  /** What the caches of translations have done since the machine was made: no part of its state. */
  readonly cacheGroup?: CacheGroupReport;
  /** Absent where nobody can be told of pages that are not ready. */
  readonly asyncPages?: AsyncPagesView;
  /** Absent where every page is kept. */
  readonly residency?: ResidencyCounters | undefined;
  /** Undefined where none can be. */
  readonly absentPages?: AbsentPages;
  /** Absent where nobody can tell. */
  readonly writtenPages?: WrittenPages;
  /** For checks during a replay; absent where there can be none. */
  readonly isolation?: Isolation;
  /** Which step wrote each register last; absent where nobody can tell. */
  readonly registerWrites?: RegisterWrites;
  /** The last write to some memory that was no instruction's. */
  readonly outsideWrites?: Pick<OutsideWrites, "begin" | "end" | "last">;
  /** Plain-data description of every device, for views. */
  describeDevices(): { name: string; address: number; state: Record<string, number | string> }[];
}

/**
 * Pages, and blocks of disks, of the checkpoint that was restored whose contents were not here then, and have not been fetched since.
 * Nothing that the guest sees depends on them: it waits for what it needs.
 */
export interface AbsentPages {
  readonly count: number;
  /** Fetches the contents of one that is absent. True when they are there. */
  bring(page: number): boolean;
  /** Has it brought from where it is, while others go on, and says what that takes. Throws why it never will be. */
  request(page: number): LatentWork;
  /** It is put away later than others: all of the machine had to wait for it. */
  spare?(page: number): void;
  /** Fetches the contents at once, however long it takes. Throws why they cannot be had. */
  bringNow(page: number): void;
  /** Fetches so many of those that can be had, about: for who has run on and wants none to be left some time. */
  bringSome(most: number): void;
  /**
   * The pages with a mark, 1, count as absent from now on although their contents are here, until each is brought with `bringNow`: the
   * machine stops where it needs one. Replaces what was withheld before; a restore ends it. Not where fewer pages are kept than there are.
   */
  withhold(marks: Uint8Array): void;
  /** As in `PageVersion`. */
  hashOf(bytes: Uint8Array): bigint;
}

/** The interface of docs/async-pages.md, as it is now. */
export interface AsyncPagesView {
  /** Where a hart has registered its area. */
  area(hart: number): PhysicalAddress | undefined;
  /** Tokens whose page the guest has not been told to be ready, in the order in which they were given. */
  readonly given: readonly { readonly token: number; readonly hart: number }[];
}

/** Which pages of RAM are written, found as a by-product of checkpoints. */
export interface WrittenPages {
  /**
   * Those that were since the last call, ascending, as far as a checkpoint has been made since: also those whose contents came
   * out the same, and perhaps more.
   */
  take(): readonly number[];
  /** How many a checkpoint that is made now would have to look at. */
  unsaved(): number;
  /** Those that some memory lies in, ascending; undefined where it is not RAM alone. */
  pagesOf(address: PhysicalAddress, length: number): readonly number[] | undefined;
}

/**
 * Running the hart that has its turn with nothing around it: no interrupt is taken, no turn ends, no idle time passes, no
 * device answers, and an exception stops the run instead of being taken. Of `StopConditions` only HINTs stop, asked for or
 * not. Whoever enters has made a checkpoint, and restores it after leaving.
 */
export interface Isolation {
  enter(): void;
  leave(): void;
  /** What a device was asked for since `enter`: the access fault says where. */
  readonly refused: RefusedAccess | undefined;
  /** Pages of RAM that differ from what the digest believes: reads all of RAM, and must be empty. */
  changedUnseen(): readonly number[];
}

/**
 * Between `begin` and `end` the machine notes, as it runs, which step wrote each register of each hart last. It runs slower, and
 * does nothing else. Of CSRs one can be noted, by its number.
 */
export interface RegisterWrites {
  begin(csr?: number, filter?: TraceFilter): void;
  end(): TracedWrites;
}

/** Where each page's contents are, of many pages at once: no object for each of them. */
export interface AbsentPlaces {
  /** By page: one of PLACE (absent-leaf.ts), or from `PLACE.sources` on the number of the source that gives it. Whoever gets it may write to it. */
  readonly numbers: Uint32Array;
  readonly sources: readonly PageSource[];
  /** By page, as far as it is absent; undefined: they follow from the contents. */
  readonly hashes?: BigUint64Array;
}

/** Who gives the contents when somebody needs them, and what a digest must know without them: each page's hash, or the checkpoint's digest. */
export type AbsentParts =
  | { readonly source: PageSource; readonly hashes: ReadonlyMap<number, bigint> }
  | {
      readonly places: AbsentPlaces;
      readonly initial: PageTable;
      /** Undefined: it follows from the hashes. */
      readonly digest: Digest | undefined;
    };

export interface CheckpointParts {
  readonly instant: Instant;
  readonly state: Uint8Array;
  readonly pages: readonly { readonly page: number; readonly bytes: Uint8Array | undefined }[];
  /** Pages whose contents are not here. */
  readonly absent?: AbsentParts;
}

export interface HartView {
  readonly id: number;
  readonly pc: VirtualAddress;
  /** Integer register 0-31, as unsigned 64-bit. */
  register(index: number): bigint;
  /** Floating-point register 0-31 as its 64 bits; a single is boxed in ones. */
  floatRegister(index: number): bigint;
  /** Value of a CSR as an M-mode read would see it (no side effects); undefined when the hart does not have it. */
  csr(number: number): bigint | undefined;
  /** 3 machine, 1 supervisor, 0 user. */
  readonly privilege: 0 | 1 | 3;
  /** The hart stands at wfi. */
  readonly waiting: boolean;
  /** Steps that it has taken since reset; absent where nobody counts. */
  readonly steps?: bigint;
}
