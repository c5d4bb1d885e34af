import type { Instant } from "../base/brand.ts";
import type { HistoryLike, HistoryMark, TimelineLike } from "../replay/timeline-interface.ts";
import type { Stopped, TimelineMark, TimelineSummary } from "./protocol.ts";

/** Stops of a session that stay marked on the axis; older ones give way. */
const MOST_VISITS = 500;

/** What the Timeline view draws: what the history knows, and where the debuggee has stopped. */
export class Marks {
  readonly #timeline: TimelineLike;
  readonly #history: HistoryLike | undefined;
  readonly #visits = new Map<string, TimelineMark>();

  constructor(timeline: TimelineLike, history: HistoryLike | undefined) {
    this.#timeline = timeline;
    this.#history = history;
  }

  /** Remembers a stop at a breakpoint or trap. True when that is a new mark. */
  visit(stopped: Stopped): boolean {
    const kind = stopped.exception !== undefined ? "trap" : stopped.breakpoints.length > 0 ? "hit" : undefined;
    if (kind === undefined) return false;
    const key = `${kind}@${stopped.instant}`;
    const isNew = !this.#visits.delete(key);
    this.#visits.set(key, { kind, instant: stopped.instant, label: stopped.description });
    const [oldest] = this.#visits.keys();
    if (this.#visits.size > MOST_VISITS) this.#visits.delete(oldest);
    return isNew;
  }

  summary({
    from,
    to,
    most,
  }: {
    readonly from?: number;
    readonly to?: number;
    readonly most: number;
  }): TimelineSummary {
    const { first, now, end, live } = this.#timeline;
    const lowest = Math.max(first, from ?? first);
    const highest = Math.min(end, to ?? end);
    const visits = [...this.#visits.values()].filter(({ instant }) => instant >= lowest && instant <= highest);
    // Where the user has been is never thinned away, unless it alone is too much.
    const kept = visits.slice(-Math.max(0, Math.floor(most)));
    const rest = this.#historyMarks(lowest, highest, Math.max(0, most - kept.length));
    const marks = [...kept, ...rest.marks].sort((a, b) => a.instant - b.instant);
    return { first, now, end, live, marks, total: visits.length + rest.total };
  }

  #historyMarks(from: number, to: number, most: number): { marks: TimelineMark[]; total: number } {
    const history = this.#history;
    if (history?.marks === undefined || from > to) return { marks: [], total: 0 };
    const { marks, total } = history.marks(from as Instant, (to + 1) as Instant, most);
    return { marks: marks.map(asTimelineMark), total };
  }
}

function asTimelineMark({ kind, instant, label }: HistoryMark): TimelineMark {
  return { kind, instant, label };
}
