import type { Instant, PhysicalAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { physicalRanges } from "../debuggee/physical-ranges.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { Watch } from "../machine/stop.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { formatAddress } from "./quantities.ts";
import type { Range } from "./questions.ts";

/** Checkpoints of a fast guest lie farther apart than a process may live. */
const LOOK_EVERY_STEPS = 10_000_000;
/** Physical addresses have 56 bits. */
const PHYSICAL_END = 1n << 56n;

type Located = Pick<Watch, "address" | "length">[];

/**
 * Where a range lies physically, which is what can be watched. An address is one of the address space that a hart was in
 * at `before`. A run of a kernel may have ended in firmware, which translates nothing, or in a program that has other
 * pages: so when nobody has that address there, the checkpoints in front of it are asked, the newest first; and at last what
 * lies between them.
 */
export function* locate(timeline: Timeline, range: Range, before: Instant): Motion<Located> {
  const { machine, history } = timeline;
  if (range.isPhysical) return physicalRanges(machine, range.address, range.length, "physical");
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
  if (isBare && range.address < PHYSICAL_END) return physicalRanges(machine, range.address, range.length, "physical");
  const address = formatAddress(range.address);
  throw new UserError(
    "not-mapped",
    `${range.text}${range.text === address ? "" : ` (${address})`} is not mapped anywhere that this run was looked at, every ${LOOK_EVERY_STEPS / 1e6} million steps; a physical address is written phys:${address}.`,
    3,
  );
}

/** Where a range lies the last time that somebody has it, as far as looks between two instants tell. */
function* locatedWithin(timeline: Timeline, range: Range, start: Instant, end: number): Motion<Located | undefined> {
  let located: Located | undefined;
  for (let instant = start + LOOK_EVERY_STEPS; instant < end; instant += LOOK_EVERY_STEPS) {
    yield* timeline.seek(instant as Instant);
    located = locatedNow(timeline.machine, range) ?? located;
  }
  return located;
}

function locatedNow(machine: MachineLike, { address, length }: Range): Located | undefined {
  const harts = [machine.currentHart, ...machine.harts.map(({ id }) => id)];
  for (const hart of harts) {
    const { scheme, physicalAddress } = machine.translate(address, hart);
    if (scheme !== "bare" && physicalAddress !== undefined) return physicalRanges(machine, address, length, hart);
  }
  // Where addresses are not translated, an address that there is no memory at may still be one of a later space.
  const bare = harts.find((hart) => machine.translate(address, hart).scheme === "bare");
  const isMemory = machine.peekPhysical(Number(address) as PhysicalAddress, 1)[0] !== undefined;
  return bare !== undefined && isMemory ? physicalRanges(machine, address, length, bare) : undefined;
}
