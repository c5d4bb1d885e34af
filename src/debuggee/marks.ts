import type { Instant } from "../base/brand.ts";
import { RECORDING } from "../replay/branches.ts";
import type { HistoryLike, HistoryMark, TimelineLike } from "../replay/timeline-interface.ts";
import type { Stopped, TimelineMark, TimelineSummary } from "./protocol.ts";

/** Stops of a session, and lines that were logged, that stay marked on the axis; older ones give way. */
const MOST_VISITS = 500;

/** What the Timeline view draws: what the history knows, and where the debuggee has stopped. */
export class Marks {
  readonly #timeline: TimelineLike;
  readonly #history: HistoryLike | undefined;
  /** By branch, and by what tells one from another. */
  readonly #seen = new Map<number, { visits: Map<string, TimelineMark>; logs: Map<string, TimelineMark> }>();

  constructor(timeline: TimelineLike, history: HistoryLike | undefined) {
    this.#timeline = timeline;
    this.#history = history;
  }

  /** Remembers a stop at a breakpoint or trap. True when that is a new mark. */
  visit(stopped: Stopped): boolean {
    const isHit = stopped.breakpoints.length > 0 || stopped.failedChecks !== undefined;
    const kind = stopped.exception !== undefined ? "trap" : isHit ? "hit" : undefined;
    if (kind === undefined) return false;
    return remember(this.#here.visits, `${kind}@${stopped.instant}`, {
      ...{ kind, instant: stopped.instant, label: stopped.description },
    });
  }

  /** Remembers a line of a log, so that somebody who reads it can go to where it was written. */
  logged(instant: number, text: string): void {
    remember(this.#here.logs, `${instant}: ${text}`, { kind: "hit", instant, label: text });
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
    const { first, now, end, live, branch } = this.#timeline;
    const lowest = Math.max(first, from ?? first);
    const highest = Math.min(end, to ?? end);
    const { logs, visits: stops } = this.#here;
    const seen = [...logs.values(), ...stops.values()];
    const visits = seen.filter(({ instant }) => instant >= lowest && instant <= highest);
    // Where the user has been is never thinned away, unless it alone is too much.
    const kept = visits.slice(-Math.max(0, Math.floor(most)));
    const rest = this.#historyMarks(lowest, highest, Math.max(0, most - kept.length));
    const marks = [...kept, ...rest.marks].sort((a, b) => a.instant - b.instant);
    return { first, now, end, live, ...(branch && { branch }), marks, total: visits.length + rest.total };
  }

  /** What was seen in the run that is looked at. */
  get #here() {
    const id = this.#timeline.branch?.id ?? RECORDING;
    const here = this.#seen.get(id) ?? { visits: new Map(), logs: new Map() };
    this.#seen.set(id, here);
    return here;
  }

  #historyMarks(from: number, to: number, most: number): { marks: TimelineMark[]; total: number } {
    const history = this.#history;
    if (history?.marks === undefined || from > to) return { marks: [], total: 0 };
    const { marks, total } = history.marks(from as Instant, (to + 1) as Instant, most);
    return { marks: marks.map(asTimelineMark), total };
  }
}

/** As the newest of at most so many. True when it is a new mark. */
function remember(marks: Map<string, TimelineMark>, key: string, mark: TimelineMark): boolean {
  const isNew = !marks.delete(key);
  marks.set(key, mark);
  const [oldest] = marks.keys();
  if (marks.size > MOST_VISITS) marks.delete(oldest);
  return isNew;
}

function asTimelineMark({ kind, instant, until, label }: HistoryMark): TimelineMark {
  return { kind, instant, label, ...(until !== undefined && { until }) };
}
