import type { Digest, PageTable, PageVersion } from "./machine-interface.ts";

/** Pages of one leaf of the persistent table: small enough to copy at each checkpoint, large enough to keep few. */
const LEAF_PAGES = 64;
/** Leaves of one branch, so that neither copying a table nor telling two apart takes longer the more RAM there is. */
const BRANCH_LEAVES = 64;
const BRANCH_PAGES = LEAF_PAGES * BRANCH_LEAVES;

type Leaf = readonly (PageVersion | undefined)[];
type Branch = readonly (Leaf | undefined)[];

/** A page table whose successors share every branch and leaf that has not changed. */
export class Pages implements PageTable {
  readonly pageCount: number;
  readonly #branches: readonly (Branch | undefined)[];
  /** Two independent sums over all pages, modulo 2^64; what a digest needs to know of RAM. */
  readonly sums: readonly [bigint, bigint];

  private constructor(pageCount: number, branches: readonly (Branch | undefined)[], sums: readonly [bigint, bigint]) {
    this.pageCount = pageCount;
    this.#branches = branches;
    this.sums = sums;
  }

  /** RAM that is all zero, and disks that are as their images. */
  static initial(pageCount: number): Pages {
    return new Pages(pageCount, new Array(Math.ceil(pageCount / BRANCH_PAGES)).fill(undefined), [0n, 0n]);
  }

  get(page: number): PageVersion | undefined {
    return this.#leafOf(page)?.[page % LEAF_PAGES];
  }

  *changedSince(base: PageTable | undefined): Iterable<{ page: number; version: PageVersion | undefined }> {
    const known = base instanceof Pages ? base : undefined;
    const isSame = <T>(own: T | undefined, other: T | undefined) =>
      known === undefined ? base === undefined && own === undefined : own === other;
    for (let at = 0; at < this.#branches.length; at++) {
      if (isSame(this.#branches[at], known === undefined ? undefined : known.#branches[at])) continue;
      const end = Math.min((at + 1) * BRANCH_PAGES, this.pageCount);
      for (let first = at * BRANCH_PAGES; first < end; first += LEAF_PAGES) {
        if (isSame(this.#leafOf(first), known === undefined ? undefined : known.#leafOf(first))) continue;
        for (let page = first; page < Math.min(first + LEAF_PAGES, end); page++) {
          const version = this.get(page);
          if (version !== base?.get(page)) yield { page, version };
        }
      }
    }
  }

  /** A successor in which the given pages have other versions; its sums where they are known, since they take a look at each hash. */
  with(
    changes: Iterable<readonly [page: number, version: PageVersion | undefined]>,
    sums?: readonly [bigint, bigint],
  ): Pages {
    const branches = [...this.#branches];
    const copied = new Map<number, (PageVersion | undefined)[]>();
    const copiedBranches = new Map<number, (Leaf | undefined)[]>();
    let [first, second] = this.sums;
    for (const [page, version] of changes) {
      const index = Math.floor(page / LEAF_PAGES);
      let leaf = copied.get(index);
      if (leaf === undefined) {
        const at = Math.floor(page / BRANCH_PAGES);
        let branch = copiedBranches.get(at);
        if (branch === undefined) {
          branch = [...(branches[at] ?? new Array<undefined>(BRANCH_LEAVES).fill(undefined))];
          copiedBranches.set(at, branch);
          branches[at] = branch;
        }
        leaf = [...(branch[index % BRANCH_LEAVES] ?? new Array<undefined>(LEAF_PAGES).fill(undefined))];
        copied.set(index, leaf);
        branch[index % BRANCH_LEAVES] = leaf;
      }
      if (sums === undefined) {
        const [oldFirst, oldSecond] = contribution(page, leaf[page % LEAF_PAGES]?.hash);
        const [newFirst, newSecond] = contribution(page, version?.hash);
        first = BigInt.asUintN(64, first - oldFirst + newFirst);
        second = BigInt.asUintN(64, second - oldSecond + newSecond);
      }
      leaf[page % LEAF_PAGES] = version;
    }
    return new Pages(this.pageCount, branches, sums ?? [first, second]);
  }

  #leafOf(page: number): Leaf | undefined {
    return this.#branches[Math.floor(page / BRANCH_PAGES)]?.[Math.floor(page / LEAF_PAGES) % BRANCH_LEAVES];
  }
}

/** What one page adds to the sums: its hash bound to its place. A zero page adds nothing. */
export function contribution(page: number, hash: bigint | undefined): readonly [bigint, bigint] {
  if (hash === undefined) return [0n, 0n];
  const place = BigInt(page + 1) * 0x9e37_79b9_7f4a_7c15n;
  return [mix(hash + place), mix((hash ^ place) + 0xd1b5_4a32_d192_ed03n)];
}

/** The digest of a machine: of its RAM and disks by their sums, of all else by a hash. */
export function digestOf([first, second]: readonly [bigint, bigint], state: bigint): Digest {
  const high = mix(first ^ state);
  const low = mix(second + mix(state ^ high));
  return [high, low].map((half) => half.toString(16).padStart(16, "0")).join("");
}

/** The sums that give this digest with the hash of the state: `mix` loses nothing. */
export function sumsOf(digest: Digest, state: bigint): readonly [bigint, bigint] {
  const [high, low] = [BigInt(`0x${digest.slice(0, 16)}`), BigInt(`0x${digest.slice(16)}`)];
  const first = unmix(high) ^ state;
  return [first, BigInt.asUintN(64, unmix(low) - mix(state ^ high))];
}

function unmix(value: bigint): bigint {
  let z = unshift(value, 31n);
  z = unshift(BigInt.asUintN(64, z * 0x3196_42b2_d24d_8ec3n), 27n);
  return unshift(BigInt.asUintN(64, z * 0x96de_1b17_3f11_9089n), 30n);
}

/** What gives `value` when it is combined with itself, shifted right. */
function unshift(value: bigint, shift: bigint): bigint {
  let z = value;
  for (let known = shift; known < 64n; known += shift) z = value ^ (z >> shift);
  return z;
}

/** Finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit. */
export function mix(value: bigint): bigint {
  let z = BigInt.asUintN(64, value);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return z ^ (z >> 31n);
}
