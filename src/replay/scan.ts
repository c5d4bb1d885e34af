import type { Instant } from "../base/brand.ts";
import type { Departing, MachineLike } from "../machine/machine-interface.ts";
import { isOnArrival, type StopConditions } from "../machine/stop.ts";
import { HitRun, hitOf } from "./hit-run.ts";
import type { Playback } from "./playback.ts";
import type { Hit, Motion } from "./timeline-interface.ts";
import { watchedPages } from "./watched-pages.ts";

/** Somebody who goes through a stretch of the past and looks at what happens there. */
export interface Scan {
  /** Asked before each run: another object when they have changed. */
  readonly stops: StopConditions;
  /** The machine stands where the scan begins. */
  begin?(machine: MachineLike): number | "end";
  /**
   * At each hit, with the machine in the state in which it stopped. What it cost, in microseconds about; "end" ends the scan
   * behind the step of this hit.
   */
  visit(hit: Hit, machine: MachineLike): number | "end";
  /** The next instant behind `now` to be looked at, whatever happens there; infinity: none. */
  nextLook?(now: Instant): number;
  look?(machine: MachineLike): number | "end";
  /** It looks at what of the memory that is watched events have changed, and at nothing else. */
  readonly looksAtWatched?: boolean;
  /** Asked between turns: true ends the scan where it is. */
  cut?(): boolean;
}

/** Work between two yields, in microseconds. */
const TURN = 4000;
/** About: what guests take at the least. */
const STEPS_PER_MICROSECOND = 100;

/**
 * Goes from one instant to another. Gives the instant up to which all hits were visited: less than `to` when it ended early.
 * An interrupt belongs to the steps before it: those at `to` are visited, those at `from` are not.
 */
export function* scanStretch(playback: Playback, scan: Scan, from: Instant, to: Instant): Motion<Instant> {
  const looks = scan.begin !== undefined || scan.nextLook !== undefined;
  const pages = looks ? undefined : watchedPages(scan.stops, playback.machine);
  const { file } = playback.run;
  if (pages === undefined || file === undefined) return yield* scanWhole(playback, scan, from, to);
  const first = file.unwrittenUntil(from, pages) as Instant;
  const last = Math.max(first, file.unwrittenSince(to, pages, false)) as Instant;
  if (first >= to || last === first) return to;
  const reached = yield* scanWhole(playback, scan, first, last);
  return reached === last ? to : reached;
}

/** Up to where nothing of what is watched is written from here on, as far as the recording says. */
function unwrittenFrom({ run, machine }: Playback, stops: StopConditions): Instant {
  const pages = watchedPages(stops, machine);
  const until = pages === undefined ? undefined : run.file?.unwrittenUntil(machine.instant, pages);
  return (until ?? machine.instant) as Instant;
}

function* scanWhole(playback: Playback, scan: Scan, from: Instant, to: Instant): Motion<Instant> {
  const { machine } = playback;
  const extent = Math.max(1, to - from);
  yield* playback.goTo(from);
  playback.fractionAt = (instant) => Math.min(1, Math.max(0, (instant - from) / extent));
  if (scan.begin?.(machine) === "end") return (from + 1) as Instant;
  const slice = (until: Instant, departing: Departing) => playback.slice(until, departing);
  const run = new HitRun(machine, scan.stops, (stops) => playback.setStops(stops), slice, "nothing");
  let cost = 0;
  let visited = from - 1;
  /** Behind the step of the hit at which the scan is cut. */
  let end = to;
  let mayLeap = scan.looksAtWatched === true;
  while (playback.now < end) {
    if (end === to && (mayLeap || (run.stops !== scan.stops && scan.looksAtWatched))) {
      const next = unwrittenFrom(playback, scan.stops);
      if (next > to) return to;
      mayLeap = false;
      if (next === to || next - playback.now > playback.options.sliceSteps) {
        yield* playback.goTo(next);
        // An event at that very instant may be behind what the recording's checkpoint tells of.
        if (scan.look?.(machine) === "end") return (next + 1) as Instant;
        continue;
      }
    }
    const look = scan.nextLook?.(playback.now) ?? Number.POSITIVE_INFINITY;
    run.stops = scan.stops;
    const before = playback.now;
    const stop = run.next(Math.min(end, look) as Instant);
    const hit = hitOf(stop, machine);
    if (hit !== undefined && (hit.instant < end || isOnArrival(stop))) {
      const visit = scan.visit(hit, machine);
      // What is met on arrival belongs to the step before it.
      visited = isOnArrival(stop) ? hit.instant - 1 : hit.instant;
      run.passOver(stop);
      if (visit === "end") return (visited + 1) as Instant;
      cost += visit;
    }
    if (playback.now === look) {
      const seen = scan.look?.(machine) ?? 0;
      if (seen === "end") return (look + 1) as Instant;
      cost += seen;
    }
    cost += (playback.now - before) / STEPS_PER_MICROSECOND;
    if (hit !== undefined && cost < TURN) continue;
    cost = 0;
    mayLeap = hit === undefined && scan.looksAtWatched === true;
    yield playback.progress();
    if (playback.now < end && scan.cut?.()) end = Math.max(playback.now, visited + 1) as Instant;
  }
  if (end < to) playback.store.add(playback.save(), [playback.end, playback.now]);
  return end;
}
