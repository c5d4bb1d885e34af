import type { PairPosition, PairStretch } from "../debuggee/protocol.ts";
import type { Seat } from "./seat.ts";

export interface Correspondence {
  readonly place: PairPosition;
  /** "aligned": nothing is known to differ in when they say things here. "outputs": both are between the same outputs. "end": the other has not come so far. */
  readonly how: "aligned" | "outputs" | "end";
}

/**
 * Where the other machine was when it had said as much: as many steps behind the last output that both have said, but not
 * beyond the next one. That is the same instant as long as they are alike.
 */
export async function correspondence(
  from: PairPosition,
  seat: Seat,
  other: Seat,
  stretches: readonly PairStretch[],
): Promise<Correspondence> {
  const stretch = stretchOf(from, other, stretches);
  // Only the stretch that is looked at can be asked; the beginning of another is as near as can be said without going there.
  if (stretch !== other.stretch) {
    const known = stretches.find(({ number }) => number === stretch);
    const instant = Math.min(Math.max(from.instant, known?.first ?? 0), known?.last ?? from.instant);
    return { place: { member: other.member, stretch, instant }, how: "aligned" };
  }
  const { first, end } = await other.debuggee.timeline({ most: 0 });
  const place = (instant: number): PairPosition => ({ member: other.member, stretch, instant });
  const said = await seat.debuggee.outputLengthAt(from.instant);
  if (said === undefined) return { place: place(clamp(from.instant, first, end)), how: "aligned" };
  const ofOutput = async ({ debuggee }: Seat, offset: number) =>
    offset < 0 ? undefined : await debuggee.instantOfOutput(offset);
  const [here, there] = [await ofOutput(seat, said - 1), await ofOutput(other, said - 1)];
  if (here !== undefined && there === undefined) return { place: place(end), how: "end" };
  const shift = here === undefined || there === undefined ? 0 : there - here;
  const next = await ofOutput(other, said);
  const instant = clamp(from.instant + shift, Math.max(first, (there ?? first - 1) + 1), Math.min(end, next ?? end));
  return { place: place(instant), how: shift === 0 && instant === from.instant ? "aligned" : "outputs" };
}

/** In which stretch the other machine was: the newest one whose state was taken over before. */
function stretchOf(from: PairPosition, other: Seat, stretches: readonly PairStretch[]): number {
  const begun = stretches.filter(
    ({ start }) =>
      start === undefined ||
      (start.member === from.member &&
        (start.stretch < from.stretch || (start.stretch === from.stretch && start.instant <= from.instant))),
  );
  return begun.at(-1)?.number ?? other.stretch;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
