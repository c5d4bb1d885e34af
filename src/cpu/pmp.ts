export const PMP_ENTRIES = 16;

export type AccessKind = "read" | "write" | "execute";

/** Bits of a configuration byte (privileged manual, section 3.7.1). */
export const PMP_CONFIGURATION = { read: 1, write: 2, execute: 4, mode: 0x18, locked: 0x80 } as const;
const MODE_SHIFT = 3;
const TOR = 1;
const NA4 = 2;
const NAPOT = 3;
const MACHINE = 3;
const PAGE_BYTES = 4096;

/** A number of entry or address beyond which nothing is told apart: RAM and devices lie far below. */
const NO_LIMIT = 2 ** 57;

/** Physical addresses have 56 bits. */
const ADDRESSES = 2 ** 56;

/** An entry that covers something: the bytes from `first` up to, not including, `end`. */
interface Region {
  readonly first: number;
  readonly end: number;
  readonly configuration: number;
}

/**
 * Physical memory protection of one hart, as its CSRs have it: 16 entries, the lowest-numbered that meets an access
 * decides (privileged manual, section 3.7).
 */
export class Pmp {
  readonly #regions: readonly Region[];
  /** Some entry binds machine mode as well. */
  readonly hasLocked: boolean;
  /** Some entry ends where there are addresses on the other side: an access that reaches over its edge is refused. */
  readonly hasEdges: boolean;
  /** Equal for equal protection. */
  readonly key: string;

  /** `configurations` are 16 bytes, `addresses` the 16 pmpaddr values (address bits 55 to 2). */
  constructor(configurations: readonly number[], addresses: readonly bigint[]) {
    const regions: Region[] = [];
    configurations.forEach((configuration, index) => {
      const region = regionOf(configuration, addresses[index], index === 0 ? 0n : addresses[index - 1]);
      if (region !== undefined && region.end > region.first) regions.push({ ...region, configuration });
    });
    this.#regions = regions;
    this.hasLocked = regions.some(({ configuration }) => (configuration & PMP_CONFIGURATION.locked) !== 0);
    this.hasEdges = regions.some(({ first, end }) => first > 0 || end < ADDRESSES);
    this.key = regions.map(({ first, end, configuration }) => `${first}-${end}:${configuration}`).join(" ");
  }

  /** Whether an access to `size` bytes is allowed at a privilege. One that an entry covers in part is not. */
  allows(address: number, size: number, access: AccessKind, privilege: number): boolean {
    for (const region of this.#regions) {
      if (region.first >= address + size || region.end <= address) continue;
      if (region.first > address || region.end < address + size) return false;
      return permits(region.configuration, access, privilege);
    }
    return privilege === MACHINE;
  }

  /**
   * The largest run of whole pages within some bytes that a privilege may read and write without restriction; a length of
   * 0 when there is none.
   */
  openPart(address: number, bytes: number, privilege: number): { readonly first: number; readonly bytes: number } {
    const end = address + bytes;
    const edges = this.#regions
      .flatMap((region) => [region.first, region.end])
      .filter((at) => at > address && at < end);
    const sorted = [address, ...edges.sort((a, b) => a - b), end];
    let best = { first: address, bytes: 0 };
    let first: number | undefined;
    for (let index = 0; index + 1 < sorted.length; index++) {
      const [from, to] = [sorted[index], sorted[index + 1]];
      if (from === to) continue;
      const isOpen = (["read", "write"] as const).every((access) => this.allows(from, to - from, access, privilege));
      // Where two entries meet within a page, an access may belong to both, and that is not allowed.
      if (isOpen && from % PAGE_BYTES === 0) first ??= from;
      else first = isOpen ? Math.ceil(from / PAGE_BYTES) * PAGE_BYTES : undefined;
      if (first === undefined) continue;
      const length = Math.floor(to / PAGE_BYTES) * PAGE_BYTES - first;
      if (length > best.bytes) best = { first, bytes: length };
    }
    return best;
  }

  /** Whether an access of that kind is allowed wherever in the page it is, and whatever its size. */
  allowsPage(page: number, access: AccessKind, privilege: number): boolean {
    return this.allows(page, 4096, access, privilege);
  }
}

function regionOf(configuration: number, address: bigint, below: bigint): Pick<Region, "first" | "end"> | undefined {
  switch ((configuration & PMP_CONFIGURATION.mode) >> MODE_SHIFT) {
    case TOR:
      return { first: Number(below << 2n), end: Number(address << 2n) };
    case NA4:
      return { first: Number(address << 2n), end: Number(address << 2n) + 4 };
    case NAPOT: {
      // The ones at the low end say how large the region is: none for 8 bytes.
      const size = (address ^ (address + 1n)) + 1n;
      const first = address & ~(size - 1n);
      return { first: Number(first << 2n), end: Math.min(Number((first + size) << 2n), NO_LIMIT) };
    }
    default:
      return undefined;
  }
}

function permits(configuration: number, access: AccessKind, privilege: number): boolean {
  if (privilege === MACHINE && (configuration & PMP_CONFIGURATION.locked) === 0) return true;
  return (configuration & PMP_CONFIGURATION[access]) !== 0;
}
