import type { PairPosition, StretchName } from "../debuggee/protocol.ts";
import type { Seat, SeatStretch } from "./seat.ts";

export interface Correspondence {
  readonly place: PairPosition;
  /** "aligned": nothing is known to differ in when they say things here. "outputs": both are between the same outputs. "end": the other has not come so far. */
  readonly how: "aligned" | "outputs" | "end";
}

/** A machine in the stretch that is looked at. */
interface Side {
  readonly seat: Seat;
  /** How much the machine had said before this stretch. */
  readonly before: readonly number[];
}

/**
 * Where the other machine was when it had said as much: as many steps behind the last output that both have said, but not
 * beyond the next one. That is the same instant as long as they are alike.
 */
export async function correspondence(
  from: PairPosition,
  seat: Seat,
  other: Seat,
  own: readonly SeatStretch[],
  theirs: readonly SeatStretch[],
): Promise<Correspondence> {
  const known = stretchOf(from, own, theirs);
  const { member, number: stretch } = known ?? { member: other.member, number: other.stretch };
  const place = (instant: number): PairPosition => ({ member, stretch, instant });
  // Only the stretch that is looked at can be asked; the beginning of another is as near as can be said without going there.
  if (!other.isIn({ member, stretch })) {
    return { place: place(clamp(from.instant, known?.first ?? 0, known?.last ?? from.instant)), how: "aligned" };
  }
  const { first, end } = await other.debuggee.timeline({ most: 0 });
  const here: Side = { seat, before: own.find((each) => isIn(from, each))?.said ?? [] };
  const there: Side = { seat: other, before: known?.said ?? [] };
  const found = await Promise.all(DEVICES.map((device) => saidOn(device, from.instant, here, there)));
  const lasts = found.flatMap(({ last }) => last ?? []);
  if (lasts.some((last) => last.there === undefined)) return { place: place(end), how: "end" };
  const newest = lasts.reduce<Last | undefined>(
    (best, last) => (best === undefined || last.here > best.here ? last : best),
    undefined,
  );
  const shift = newest === undefined ? 0 : newest.there! - newest.here;
  const behind = Math.max(first, ...lasts.map((last) => last.there! + 1));
  const before = Math.min(end, ...found.flatMap(({ next }) => next ?? []));
  const instant = clamp(from.instant + shift, behind, before);
  return { place: place(instant), how: shift === 0 && instant === from.instant ? "aligned" : "outputs" };
}

interface Last {
  readonly here: number;
  /** Undefined: the other machine has not said it. */
  readonly there: number | undefined;
}

/** What one device said last before an instant, and when the other machine says what comes next. */
async function saidOn(
  device: Device,
  instant: number,
  here: Side,
  there: Side,
): Promise<{ readonly last?: Last; readonly next?: number | undefined }> {
  const count = await device.countAt(here.seat, instant);
  if (count === undefined) return {};
  const total = count + (here.before[device.number] ?? 0);
  const offset = total - (there.before[device.number] ?? 0);
  // What was said before a stretch says nothing of where in it the machine is.
  const at = async (number: number) => (number < 0 ? undefined : device.instantOf(there.seat, number));
  const next = await at(offset);
  if (count === 0 || offset <= 0) return { next };
  const own = await device.instantOf(here.seat, count - 1);
  return own === undefined ? { next } : { last: { here: own, there: await at(offset - 1) }, next };
}

interface Device {
  readonly number: number;
  countAt(seat: Seat, instant: number): Promise<number | undefined>;
  instantOf(seat: Seat, number: number): Promise<number | undefined>;
}

/** Numbers are those of the stretch. */
const DEVICES: readonly Device[] = [
  {
    number: 0,
    countAt: ({ debuggee }, instant) => debuggee.outputLengthAt(instant),
    instantOf: ({ debuggee }, number) => debuggee.instantOfOutput(number),
  },
  {
    number: 1,
    countAt: ({ debuggee }, instant) => debuggee.frameCountAt(instant),
    instantOf: ({ debuggee }, number) => debuggee.instantOfFrame(number),
  },
];

/** In which stretch the other machine was: the newest one that had begun then. */
function stretchOf(
  from: PairPosition,
  own: readonly SeatStretch[],
  theirs: readonly SeatStretch[],
): SeatStretch | undefined {
  const at = own.findIndex((each) => isIn(from, each));
  const hasBegun = ({ start }: SeatStretch): boolean => {
    if (start === undefined) return true;
    const giver = own.findIndex((each) => isIn(start, each));
    return giver >= 0 && (giver < at || (giver === at && start.instant <= from.instant));
  };
  // Whose state this machine was given had begun before.
  const givers = own
    .slice(0, at + 1)
    .map(({ start }) => theirs.findIndex((each) => start !== undefined && isIn(start, each)));
  return theirs[Math.max(theirs.findLastIndex(hasBegun), ...givers)];
}

function isIn({ member, stretch }: StretchName, each: SeatStretch): boolean {
  return each.member === member && each.number === stretch;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
