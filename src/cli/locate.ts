import type { Instant, PhysicalAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { physicalRanges } from "../debuggee/physical-ranges.ts";
import type { AddressUse } from "../debuggee/protocol.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { formatAddress } from "./quantities.ts";
import type { Range } from "./ranges.ts";

/** Checkpoints of a fast guest lie farther apart than a process may live. */
const LOOK_EVERY_STEPS = 10_000_000;
/** Physical addresses have 56 bits. */
const PHYSICAL_END = 1n << 56n;

/**
 * Goes where somebody has a range of addresses, and says who: what is watched is where it lies physically. An address is one of the address space that a hart was in
 * at `before`. A run of a kernel may have ended in firmware, which translates nothing, or in a program that has other
 * pages: so when nobody has that address there, the checkpoints in front of it are asked, the newest first; and at last what
 * lies between them.
 */
export function* locate(timeline: Timeline, range: Range, before: Instant): Motion<AddressUse> {
  const { machine, history } = timeline;
  if (range.isPhysical) return "physical";
  const earlier = history.checkpoints.filter((instant) => instant < before).reverse();
  for (const instant of [before, ...earlier]) {
    yield* timeline.seek(instant);
    const located = locatedNow(machine, range);
    if (located !== undefined) return located;
  }
  let end: number = before;
  for (const start of earlier) {
    const located = yield* locatedWithin(timeline, range, start, end);
    if (located !== undefined) return located;
    end = start;
  }
  // Watching where no memory is shows the accesses to a device.
  yield* timeline.seek(before);
  const isBare = machine.harts.some(({ id }) => machine.translate(range.address, id).scheme === "bare");
  if (isBare && range.address < PHYSICAL_END) return "physical";
  const address = formatAddress(range.address);
  throw new UserError(
    "not-mapped",
    `${range.text}${range.text === address ? "" : ` (${address})`} is not mapped anywhere that this run was looked at, every ${LOOK_EVERY_STEPS / 1e6} million steps; a physical address is written phys:${address}.`,
    3,
  );
}

/** The last time that somebody has a range, as far as looks between two instants tell. */
function* locatedWithin(timeline: Timeline, range: Range, start: Instant, end: number): Motion<AddressUse | undefined> {
  let last: Instant | undefined;
  for (let at = start + LOOK_EVERY_STEPS; at < end; at += LOOK_EVERY_STEPS) {
    yield* timeline.seek(at as Instant);
    if (locatedNow(timeline.machine, range) !== undefined) last = timeline.now;
  }
  if (last === undefined) return undefined;
  yield* timeline.seek(last);
  return locatedNow(timeline.machine, range);
}

/** Whose address space has all of a range. */
function locatedNow(machine: MachineLike, { address, length }: Range): AddressUse | undefined {
  const harts = [machine.currentHart, ...machine.harts.map(({ id }) => id)];
  for (const hart of harts) {
    const { scheme, physicalAddress } = machine.translate(address, hart);
    if (scheme === "bare" || physicalAddress === undefined) continue;
    // A part that is not mapped is an error, with its reason.
    physicalRanges(machine, address, length, hart);
    return { hart };
  }
  // Where addresses are not translated, an address that there is no memory at may still be one of a later space.
  const bare = harts.find((hart) => machine.translate(address, hart).scheme === "bare");
  const isMemory = machine.peekPhysical(Number(address) as PhysicalAddress, 1)[0] !== undefined;
  return bare !== undefined && isMemory ? { hart: bare } : undefined;
}
