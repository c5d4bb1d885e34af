import { assert } from "../base/assert.ts";
import { SCRATCH, SCRATCH_BYTES } from "../memory/layout.ts";
import { PLACE_FACTOR, type Summation } from "../memory/maintenance-code.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { PLACE } from "./absent-leaf.ts";
import type { AbsentPlaces } from "./machine-interface.ts";
import { contribution, type Pages, versionsOf } from "./pages.ts";

const HASH_BYTES = 8;
/** The two sums of a page table. */
const SUMS_BYTES = 2 * HASH_BYTES;

/** The sums of a successor of `base` in which pages have these hashes, or no version. */
export function sumsWith(
  memory: PhysicalMemory,
  summation: Summation,
  base: Pages,
  { numbers, hashes }: AbsentPlaces,
): readonly [bigint, bigint] {
  assert(hashes !== undefined, "neither a digest nor hashes");
  const { bytes, view } = memory;
  const hashesAt = SCRATCH + SUMS_BYTES;
  const most = Math.floor((SCRATCH_BYTES - SUMS_BYTES) / HASH_BYTES);
  const part = new BigUint64Array(bytes.buffer, hashesAt, most);
  // Hashes are looked at by halves: a number for each would take longer than the sums.
  const halves = new Uint32Array(bytes.buffer, hashesAt, 2 * most);
  bytes.fill(0, SCRATCH, hashesAt);
  let [first, second] = base.sums;
  const add = ([ofFirst, ofSecond]: readonly [bigint, bigint], sign: bigint) => {
    first += sign * ofFirst;
    second += sign * ofSecond;
  };
  for (let start = 0; start < numbers.length; start += most) {
    const end = Math.min(start + most, numbers.length);
    part.set(hashes.subarray(start, end));
    for (let page = start; page < end; page++) {
      const at = 2 * (page - start);
      if (numbers[page] < PLACE.sources) halves[at] = halves[at + 1] = 0;
      // A hash of 0 is one like any other.
      else if ((halves[at] | halves[at + 1]) === 0) add(contribution(page, 0n), 1n);
    }
    const place = BigInt.asUintN(64, BigInt(start + 1) * PLACE_FACTOR);
    summation.addContributions(hashesAt, hashesAt + (end - start) * HASH_BYTES, place, SCRATCH);
  }
  for (const { first: at, end, now } of base.changedLeaves(undefined, true)) {
    if (now === undefined) continue;
    for (let page = at; page < end; page++) {
      // What nobody has looked at is not looked at for pages that stay as they are.
      if (numbers[page] === PLACE.unchanged) continue;
      const before = versionsOf(now)[page - at];
      if (before !== undefined) add(contribution(page, before.hash), -1n);
    }
  }
  add([view.getBigUint64(SCRATCH, true), view.getBigUint64(SCRATCH + HASH_BYTES, true)], 1n);
  return [BigInt.asUintN(64, first), BigInt.asUintN(64, second)];
}
