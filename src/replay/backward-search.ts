import type { Instant } from "../base/brand.ts";
import type { Departing, MachineLike } from "../machine/machine-interface.ts";
import { isOnArrival, type StopConditions } from "../machine/stop.ts";
import type { SavedState } from "./checkpoint-store.ts";
import { HitRun, hitOf } from "./hit-run.ts";
import type { Playback } from "./playback.ts";
import type { Hit, Motion } from "./timeline-interface.ts";
import { watchedPages } from "./watched-pages.ts";

/**
 * Hits in one stretch from which on its older part is not gone through further: only the last accepted hit is wanted,
 * and where they are frequent it is near the end.
 */
const MOST_HITS = 2048;
/** Hits that are looked at between two yields: each may cost the evaluation of a condition. */
export const HITS_PER_YIELD = 128;

export interface SearchOptions {
  readonly stops: StopConditions;
  readonly accept: (hit: Hit, machine: MachineLike) => boolean;
}

export interface Found {
  readonly hit: Hit;
  /** A state before the hit, near it. */
  readonly anchor: SavedState;
}

/**
 * The last accepted hit in [lowest, before): stretch by stretch between checkpoints, newest first, each run once with
 * every hit in it noted. Leaves the machine anywhere in the past.
 */
export function* lastHit(
  playback: Playback,
  options: SearchOptions,
  lowest: Instant,
  before: Instant,
): Motion<Found | undefined> {
  const extent = Math.max(1, before - lowest);
  try {
    const pages = watchedPages(options.stops, playback.machine);
    const { file } = playback.run;
    let to = before;
    while (to > lowest) {
      // Whoever searches may want to hear of events as well, up to those at `before`; those at a later `to` were gone through.
      const since = pages && file?.unwrittenSince(to, pages, to === before);
      to = Math.max(lowest, since ?? to) as Instant;
      if (to === lowest) break;
      const from = yield* playback.stateAtOrBefore((to - 1) as Instant);
      const start = Math.max(from.checkpoint.instant, lowest) as Instant;
      const done = before - to;
      playback.fractionAt = (instant) => Math.min(1, Math.max(0, done + instant - start) / extent);
      playback.restore(from);
      yield* playback.runTo(start);
      const found = yield* lastHitFrom(playback, options, to, to < before);
      if (found !== undefined) return found;
      to = start;
    }
    return undefined;
  } finally {
    playback.fractionAt = undefined;
  }
}

/**
 * The last accepted hit between the machine's instant and `to`. What was met on arrival at `to` belongs to it where a newer part began
 * there (`isInner`): it began with the state behind that.
 */
function* lastHitFrom(
  playback: Playback,
  options: SearchOptions,
  to: Instant,
  isInner: boolean,
): Motion<Found | undefined> {
  let found: Found | undefined;
  let hits = 0;
  const bound = { to, isInner };
  for (const step of stretch(playback, options, bound)) {
    if (step.accepted) found = { hit: step.hit!, anchor: step.anchor };
    if (step.hit === undefined || ++hits % HITS_PER_YIELD === 0) yield playback.progress();
    const isCrowded = hits >= MOST_HITS && to - playback.now > playback.options.nearSteps;
    // One step more, so that whatever else hits in the step of this hit belongs to the older part.
    if (!isCrowded || bound.to !== to) continue;
    bound.to = (playback.now + 1) as Instant;
    bound.isInner = true;
  }
  if (playback.now >= to) return found;
  return (yield* lastHitInNewerPart(playback, options, to, isInner)) ?? found;
}

/** Runs to `to` without stops, leaving checkpoints ever closer to it, and searches the parts in between, newest first. */
function* lastHitInNewerPart(
  playback: Playback,
  options: SearchOptions,
  to: Instant,
  isInner: boolean,
): Motion<Found | undefined> {
  const states = [playback.save(), ...(yield* playback.runTo(to, true))];
  let end = to;
  for (const state of states.reverse()) {
    playback.restore(state);
    const found = yield* lastHitFrom(playback, options, end, isInner || end < to);
    if (found !== undefined) return found;
    end = state.checkpoint.instant;
  }
  return undefined;
}

interface Step {
  /** Undefined: a slice without a hit. */
  readonly hit: Hit | undefined;
  readonly accepted: boolean;
  /** A state before the hit, near it. */
  readonly anchor: SavedState;
}

/**
 * Every hit from the machine's instant up to `bound.to`, accepted or not, and now and then a step without one. The
 * bound may be lowered on the way.
 */
function* stretch(
  playback: Playback,
  options: SearchOptions,
  bound: { to: Instant; isInner: boolean },
): Generator<Step, void> {
  const { machine } = playback;
  const { travelSpacingSteps } = playback.options;
  const slice = (until: Instant, departing: Departing) => playback.slice(until, departing);
  const run = new HitRun(machine, options.stops, (stops) => playback.setStops(stops), slice, "nothing");
  let anchor = playback.save();
  while (playback.now < bound.to) {
    const renewAt = anchor.checkpoint.instant + travelSpacingSteps;
    const stop = run.next(Math.min(bound.to, renewAt) as Instant);
    const hit = hitOf(stop, machine);
    if (hit !== undefined && (hit.instant < bound.to || (bound.isInner && isOnArrival(stop)))) {
      const accepted = options.accept(hit, machine);
      yield { hit, accepted, anchor };
      run.passOver(stop);
    } else {
      yield { hit: undefined, accepted: false, anchor };
    }
    if (playback.now >= renewAt) anchor = playback.save();
  }
}
