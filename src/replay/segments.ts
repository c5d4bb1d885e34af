import { assert } from "../base/assert.ts";

/** A stretch of a recording that is searched by itself: the steps from `from` up to the state `to`. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/**
 * So many segments a worker are between two checkpoints that are neighbours, the newest ones: whoever asks mostly wants
 * to know what was last.
 */
const SMALL_SEGMENTS_EACH = 2;
/**
 * A segment behind those is this part of what each worker still has before it: going to a checkpoint and handing out a
 * segment costs little then, and when the oldest segments come, which are small again, all workers end together.
 */
const SHARE_OF_REST = 1 / 4;

/**
 * Cuts [from, to) at checkpoints, newest segment first. A search of a segment begins at its first instant, so at a
 * checkpoint, and need not run to get there. Together they are the whole stretch, each instant in one of them.
 */
export function planSegments(from: number, to: number, checkpoints: readonly number[], workers: number): Segment[] {
  assert(workers >= 1, "a search without workers");
  if (to <= from) return [];
  const inside = checkpoints.filter((instant) => instant > from && instant < to).sort((a, b) => a - b);
  const cuts = [from, ...new Set(inside)];
  const segments: Segment[] = [];
  let end = to;
  for (let next = cuts.length - 1; next >= 0; ) {
    const isNewest = segments.length < SMALL_SEGMENTS_EACH * workers;
    const intervals = isNewest ? 1 : Math.max(1, Math.floor(((next + 1) / workers) * SHARE_OF_REST));
    next -= intervals - 1;
    segments.push({ from: cuts[next], to: end });
    end = cuts[next];
    next--;
  }
  return segments;
}
