import type { PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { Watch } from "../machine/stop.ts";
import { errors } from "./errors.ts";

const PAGE_BYTES = 4096n;

/**
 * Where a range of addresses lies in memory: what the machine watches. Pages that lie behind each other are one range.
 * Throws a UserError when a part of it is not mapped.
 */
export function physicalRanges(
  machine: MachineLike,
  address: bigint,
  length: number,
  space: number | "physical",
): Pick<Watch, "address" | "length">[] {
  const ranges: { address: bigint; length: number }[] = [];
  for (let done = 0; done < length; ) {
    const at = BigInt.asUintN(64, address + BigInt(done));
    const bytes = Math.min(length - done, Number(PAGE_BYTES - (at % PAGE_BYTES)));
    const physical = space === "physical" ? at : physicalOf(machine, at, space);
    const last = ranges.at(-1);
    if (last !== undefined && last.address + BigInt(last.length) === physical) last.length += bytes;
    else ranges.push({ address: physical, length: bytes });
    done += bytes;
  }
  // Beyond what a number holds exactly there is no memory, and nothing to watch that could be missed.
  return ranges.map((range) => ({ address: Number(range.address) as PhysicalAddress, length: range.length }));
}

function physicalOf(machine: MachineLike, address: bigint, hart: number): bigint {
  const { scheme, physicalAddress, problem } = machine.translate(address as VirtualAddress, hart);
  // Without translation every address is its own, also one beyond what a number holds exactly.
  if (scheme === "bare") return address;
  if (physicalAddress === undefined) throw errors.notMapped(address, problem ?? "");
  return BigInt(physicalAddress);
}
