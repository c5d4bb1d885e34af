import { assert } from "../base/assert.ts";
import { MIX, PLACE_FACTOR, SECOND_SUM } from "../memory/maintenance-code.ts";
import { AbsentLeaf, PLACE } from "./absent-leaf.ts";
import { AbsentVersion } from "./absent-version.ts";
import type { AbsentPlaces, Digest, PageTable, PageVersion } from "./machine-interface.ts";

/** Pages of one leaf of the persistent table: small enough to copy at each checkpoint, large enough to keep few. */
const LEAF_PAGES = 64;
/** Leaves of one branch, so that neither copying a table nor telling two apart takes longer the more RAM there is. */
const BRANCH_LEAVES = 64;
const BRANCH_PAGES = LEAF_PAGES * BRANCH_LEAVES;

type Versions = readonly (PageVersion | undefined)[];
export type Leaf = Versions | AbsentLeaf;
type Branch = readonly (Leaf | undefined)[];

/** A leaf in which two tables differ; undefined: none of its pages has a version. */
export interface LeafChange {
  readonly first: number;
  readonly end: number;
  readonly then: Leaf | undefined;
  readonly now: Leaf | undefined;
}

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
    const leaf = this.#leafOf(page);
    return leaf && versionsOf(leaf)[page % LEAF_PAGES];
  }

  isEmpty(first: number, count: number): boolean {
    for (let page = first - (first % LEAF_PAGES); page < first + count; page += LEAF_PAGES) {
      if (this.#leafOf(page) !== undefined) return false;
    }
    return true;
  }

  *changedSince(base: PageTable | undefined): Iterable<{ page: number; version: PageVersion | undefined }> {
    const known = base instanceof Pages ? base : undefined;
    for (const { first, end, now } of this.changedLeaves(known, base === undefined)) {
      const versions = now && versionsOf(now);
      for (let page = first; page < end; page++) {
        const version = versions?.[page - first];
        if (version !== base?.get(page)) yield { page, version };
      }
    }
  }

  heldSince(base: PageTable | undefined): number {
    let held = 0;
    const known = base instanceof Pages ? base : undefined;
    for (const { then, now } of this.changedLeaves(known, base === undefined)) {
      if (now === undefined || isUnopened(now)) continue;
      const old = isUnopened(then) ? undefined : then && versionsOf(then);
      versionsOf(now).forEach((version, index) => {
        if (version === undefined || version === old?.[index]) return;
        if (!(version instanceof AbsentVersion) || version.isHeld) held++;
      });
    }
    return held;
  }

  /** Leaves in which this table differs from another one; `emptiesPass`: those without any version count as the same as no table's. */
  *changedLeaves(base: Pages | undefined, emptiesPass = false): Iterable<LeafChange> {
    const isSame = <T>(own: T | undefined, other: T | undefined) =>
      base === undefined ? emptiesPass && own === undefined : own === other;
    for (let at = 0; at < this.#branches.length; at++) {
      if (isSame(this.#branches[at], base === undefined ? undefined : base.#branches[at])) continue;
      const branchEnd = Math.min((at + 1) * BRANCH_PAGES, this.pageCount);
      for (let first = at * BRANCH_PAGES; first < branchEnd; first += LEAF_PAGES) {
        const [now, then] = [this.#leafOf(first), base === undefined ? undefined : base.#leafOf(first)];
        if (!isSame(now, then)) yield { first, end: Math.min(first + LEAF_PAGES, branchEnd), then, now };
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
          branch = copyOf(branches[at]);
          copiedBranches.set(at, branch);
          branches[at] = branch;
        }
        const old = branch[index % BRANCH_LEAVES];
        leaf = [...(old === undefined ? NO_VERSIONS : versionsOf(old))];
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

  /** A successor in which pages are where `places` says: it has `places` from here on. */
  withAbsent(
    places: AbsentPlaces,
    initial: Pages,
    hashOf: (bytes: Uint8Array) => bigint,
    sums: readonly [bigint, bigint],
  ): Pages {
    const { numbers } = places;
    assert(numbers.length === this.pageCount, "places of another machine's pages");
    const branches = [...this.#branches];
    for (let at = 0; at < branches.length; at++) {
      let branch: (Leaf | undefined)[] | undefined;
      const branchEnd = Math.min((at + 1) * BRANCH_PAGES, this.pageCount);
      for (let first = at * BRANCH_PAGES; first < branchEnd; first += LEAF_PAGES) {
        const end = Math.min(first + LEAF_PAGES, branchEnd);
        let changed = first;
        while (changed < end && numbers[changed] === PLACE.unchanged) changed++;
        if (changed === end) continue;
        branch ??= copyOf(branches[at]);
        const index = (first / LEAF_PAGES) % BRANCH_LEAVES;
        branch[index] = leafAt(branch[index], initial.#leafOf(first), places, { first, end }, hashOf);
      }
      if (branch !== undefined) branches[at] = branch;
    }
    return new Pages(this.pageCount, branches, sums);
  }

  #leafOf(page: number): Leaf | undefined {
    return this.#branches[Math.floor(page / BRANCH_PAGES)]?.[Math.floor(page / LEAF_PAGES) % BRANCH_LEAVES];
  }
}

/** Nobody has looked at its pages, and there is nothing of them in memory. */
export function isUnopened(leaf: Leaf | undefined): leaf is AbsentLeaf {
  return leaf instanceof AbsentLeaf && !leaf.isOpen;
}

const NO_VERSIONS: Versions = new Array<undefined>(LEAF_PAGES).fill(undefined);

function copyOf(branch: Branch | undefined): (Leaf | undefined)[] {
  return [...(branch ?? new Array<undefined>(BRANCH_LEAVES).fill(undefined))];
}

/** Of one that nobody has looked at, objects for its pages are made. */
export function versionsOf(leaf: Leaf): Versions {
  return leaf instanceof AbsentLeaf ? leaf.open() : leaf;
}

/** Without an object for each page, unless some of them have one already. */
function leafAt(
  base: Leaf | undefined,
  initial: Leaf | undefined,
  places: AbsentPlaces,
  { first, end }: { readonly first: number; readonly end: number },
  hashOf: (bytes: Uint8Array) => bigint,
): Leaf {
  const { numbers, sources, hashes } = places;
  const leaf = new AbsentLeaf(places, first, end - first, hashOf);
  const isAlike = isUnopened(base) && base.places.sources === sources && base.places.hashes === hashes;
  const old = isAlike || base === undefined ? undefined : versionsOf(base);
  const atFirst = initial && versionsOf(initial);
  if (old === undefined && atFirst === undefined) {
    if (isAlike) completePlaces(numbers, base.places.numbers, first, end);
    return leaf;
  }
  const before = base === undefined ? NO_VERSIONS : versionsOf(base);
  return leaf.open().map((version, index) => {
    const number = numbers[first + index];
    if (number === PLACE.unchanged) return before[index];
    return number === PLACE.initial ? atFirst?.[index] : version;
  });
}

/** Pages that are as before have the places that they had before. */
function completePlaces(numbers: Uint32Array, before: Uint32Array, first: number, end: number): void {
  for (let page = first; page < end; page++) if (numbers[page] === PLACE.unchanged) numbers[page] = before[page];
}

/** What one page adds to the sums: its hash bound to its place. A zero page adds nothing. */
export function contribution(page: number, hash: bigint | undefined): readonly [bigint, bigint] {
  if (hash === undefined) return [0n, 0n];
  const place = BigInt(page + 1) * PLACE_FACTOR;
  return [mix(hash + place), mix((hash ^ place) + SECOND_SUM)];
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

/** Every input bit reaches every output bit. */
export function mix(value: bigint): bigint {
  let z = BigInt.asUintN(64, value);
  z = BigInt.asUintN(64, (z ^ (z >> MIX.shifts[0])) * MIX.factors[0]);
  z = BigInt.asUintN(64, (z ^ (z >> MIX.shifts[1])) * MIX.factors[1]);
  return z ^ (z >> MIX.shifts[2]);
}
