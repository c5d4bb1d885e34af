import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Digest } from "../machine/machine-interface.ts";
import type { SavedState } from "./checkpoint-store.ts";
import type { Run } from "./playback.ts";
import type { Recorder } from "./recorder.ts";

/** Bytes of output that are passed on between two yields. */
const BYTES_PER_TURN = 64 * 1024;

/** What a recording says about one state: its digest, or all of it. */
interface Marker {
  readonly instant: Instant;
  readonly events: number;
  readonly digest?: Digest;
  readonly saved?: SavedState;
}

/**
 * Says to a recorder what is known of a run, in the order in which it happened: so that the file that comes of it is the
 * recording of that run. Yields now and then. Throws a UserError when output is no longer in memory.
 */
export function* copyRun(
  run: Run,
  states: readonly SavedState[],
  last: Marker,
  recorder: Recorder,
): Generator<void, void> {
  const { events, outputs, frames } = run;
  if (outputs.firstHeld > 0 || frames.firstHeld > 0) {
    throw new UserError(
      "branch-output",
      "The branch cannot be saved: what the guest has said since instant 0 is more than is kept in memory.",
    );
  }
  const markers: Marker[] = [
    ...run.digests.entries,
    ...states.map((saved) => ({ instant: saved.checkpoint.instant, events: saved.events, saved })),
    last,
  ];
  markers.sort((a, b) => a.instant - b.instant || a.events - b.events);
  const cursor = outputs.from(0);
  let printed = cursor.next();
  let event = 0;
  let frame = 0;
  let passed = 0;
  let before = 0;
  for (const marker of markers) {
    recorder.ran(marker.instant - before, 0);
    before = marker.instant;
    for (;;) {
      const eventAt = event < marker.events ? events.instantAt(event) : Number.POSITIVE_INFINITY;
      const outputAt = printed?.instant ?? Number.POSITIVE_INFINITY;
      const frameAt = frame < frames.length ? frames.instantOf(frame) : Number.POSITIVE_INFINITY;
      // An event is part of the state of its instant, what is said is a step's after it.
      if (eventAt <= outputAt && eventAt <= frameAt) {
        if (eventAt === Number.POSITIVE_INFINITY) break;
        recorder.event(events.at(event++));
      } else if (Math.min(outputAt, frameAt) >= marker.instant) {
        break;
      } else if (outputAt <= frameAt) {
        recorder.output(printed!.instant, printed!.byte);
        printed = cursor.next();
      } else {
        recorder.frame(frames.instantOf(frame), frames.at(frame)!);
        frame++;
      }
      if (++passed % BYTES_PER_TURN === 0) yield;
    }
    if (marker.digest !== undefined) recorder.digest(marker.instant, marker.digest, marker.events);
    else if (recorder.wantsCheckpoint(marker.instant, true)) {
      recorder.checkpoint(marker.saved!);
      yield;
    }
  }
}
