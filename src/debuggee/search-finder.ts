import type { PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { StopConditions, Watch, WatchHit } from "../machine/stop.ts";
import type { Scan } from "../replay/scan.ts";
import type { HistoryLike, TimelineLike } from "../replay/timeline-interface.ts";
import type { Checks } from "./checks.ts";
import { readNumber, readPhysicalNumber } from "./code.ts";
import type { Inspector } from "./inspector.ts";
import type { ProgramMap } from "./program-map.ts";
import type { AccessFound, Row, SegmentResult, SegmentTask, Settled } from "./search-protocol.ts";
import type { Tally } from "./search-tally.ts";
import { hex } from "./value-format.ts";

export interface SearchParts {
  readonly timeline: TimelineLike;
  readonly history: HistoryLike | undefined;
  readonly machine: MachineLike;
  readonly map: ProgramMap;
  readonly inspector: Inspector;
  readonly checks: Checks;
}

/** Looks for the rows of a question while a segment is gone through. */
export interface Finder extends Omit<Scan, "cut"> {
  /** Only what was looked at now and then. */
  readonly sampled?: true;
  /** Looks so far behind the segment, at what began in it. */
  readonly scanTo?: number;
  /** What else there is to say of the segment, when it was gone through. */
  finish?(reached: number): Partial<Pick<SegmentResult, "series" | "problem">>;
}

export interface FinderTask<Kind extends SegmentTask["question"]["kind"]> {
  readonly parts: SearchParts;
  readonly question: Extract<SegmentTask["question"], { readonly kind: Kind }>;
  readonly task: SegmentTask;
  readonly tally: Tally;
}

/** Microseconds, about: what a hit costs that is counted, and one whose row is made. */
export const COST = { hit: 4, row: 40, call: 2000 } as const;

const PAGE_BYTES = 4096;

/** Where a row is. */
export function placeOf(
  { map }: SearchParts,
  instant: number,
  hart: number,
  pc: bigint,
): Pick<Row, "instant" | "hart" | "pc" | "symbol" | "source"> {
  return { instant, hart, ...map.place(pc) };
}

export function watchesOf({ ranges = [] }: Settled, access: Watch["access"]): Watch[] {
  return ranges.map(({ address, length }) => ({ address: address as PhysicalAddress, length, access }));
}

/** The machine stands behind the access. */
export function accessFound(machine: MachineLike, hit: WatchHit, watches: readonly Watch[]): AccessFound {
  const size = ([8, 4, 2, 1] as const).find((bytes) => hit.size >= bytes) ?? 1;
  const physical = physicalOf(machine, hit, watches[hit.watch]);
  const value =
    physical === undefined
      ? readNumber(machine, hit.address, size, hit.hart)
      : readPhysicalNumber(machine, physical, size);
  return { address: hit.address, size: hit.size, value: value ?? 0n, kind: hit.access };
}

/**
 * Where the access went. An interrupt may have been taken behind it, and handlers may see another address space: where the watched
 * range lies in one page, that tells.
 */
function physicalOf(machine: MachineLike, { address, size, hart }: WatchHit, watch: Watch): bigint | undefined {
  const offset = Number(address & BigInt(PAGE_BYTES - 1));
  const page = watch.address - (watch.address % PAGE_BYTES);
  const isOnePage = watch.address + watch.length <= page + PAGE_BYTES;
  if (isOnePage && offset + size <= PAGE_BYTES) return BigInt(page + offset);
  const { physicalAddress } = machine.translate(address as VirtualAddress, hart);
  return physicalAddress === undefined ? undefined : BigInt(physicalAddress);
}

/** `pool+0x8 = 0x2a (8 bytes)` for a store, `pool -> 0x2a (8 bytes)` for a load. */
export function accessText({ map }: SearchParts, { address, size, value, kind }: AccessFound): string {
  const place = map.symbolize(address) ?? hex(address);
  return `${place} ${kind === "write" ? "=" : "->"} ${hex(value)} (${size} byte${size === 1 ? "" : "s"})`;
}

/** A step that accessed what is watched; the machine stands behind it. One step is one row, whatever else it accessed. */
export function accessRow(
  parts: SearchParts,
  instant: number,
  hits: readonly WatchHit[],
  watches: readonly Watch[],
): Row & { readonly access: AccessFound } {
  // An atomic operation both reads and writes: what it wrote is what is in memory now.
  const hit = hits.find(({ access }) => access === "write") ?? hits[0];
  const access = accessFound(parts.machine, hit, watches);
  return { ...placeOf(parts, instant, hit.hart, hit.pc), text: accessText(parts, access), access };
}

/** Watches with everything else off. */
export function watching(watches: readonly Watch[]): StopConditions {
  return { breakpoints: [], watches, exceptions: [] };
}

/** Instants at which events came in: for whoever looks at memory, which they may change. */
export function nextEvents({ history }: SearchParts): (now: number) => number {
  const events = history?.events ?? [];
  let next = 0;
  return (now) => {
    while (next < events.length && events[next].instant <= now) next++;
    return events[next]?.instant ?? Number.POSITIVE_INFINITY;
  };
}
