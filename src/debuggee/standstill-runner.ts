import type { Instant } from "../base/brand.ts";
import type { HistoryLike, Motion, TimelineLike } from "../replay/timeline-interface.ts";
import type { SegmentRunner, SegmentTask } from "./search-protocol.ts";
import type { SegmentSearch } from "./segment-search.ts";

type Hear = Parameters<SegmentRunner["run"]>[1];

interface Job {
  readonly hear: Hear;
  /** Left to do, in order. */
  readonly tasks: { readonly index: number; task: SegmentTask }[];
  cancelled: boolean;
}

/** The newest segment is short, so that its rows are there at once; older ones are longer. */
const FIRST_SEGMENT_STEPS = 1_000_000;
const LARGEST_SEGMENT_STEPS = 32_000_000;

/** Searches segments on the debuggee's own timeline while it stands still. Whoever drives `work` suspends it when it is to move. */
export class StandstillRunner implements SegmentRunner {
  readonly #search: SegmentSearch;
  readonly #timeline: TimelineLike;
  readonly #history: HistoryLike | undefined;
  readonly #onWork: () => void;
  #jobs: Job[] = [];
  #suspended = false;

  /** `onWork` hears when there is something to do. */
  constructor(search: SegmentSearch, timeline: TimelineLike, history: HistoryLike | undefined, onWork: () => void) {
    this.#search = search;
    this.#timeline = timeline;
    this.#history = history;
    this.#onWork = onWork;
  }

  cuts(from: number, to: number): readonly number[] {
    const cuts: number[] = [];
    let end = to;
    let least = FIRST_SEGMENT_STEPS;
    for (const instant of [...(this.#history?.checkpoints ?? [])].reverse()) {
      if (instant <= from || end - instant < least) continue;
      cuts.unshift(instant);
      end = instant;
      least = Math.min(least * 2, LARGEST_SEGMENT_STEPS);
    }
    return cuts;
  }

  run(tasks: readonly SegmentTask[], hear: Hear): { cancel(): void } {
    const job: Job = { hear, tasks: tasks.map((task, index) => ({ index, task })), cancelled: false };
    // Who waits for a page waits for little.
    if (tasks.some(isPage)) this.#jobs.unshift(job);
    else this.#jobs.push(job);
    if (tasks.length > 0) this.#onWork();
    return {
      cancel: () => {
        job.cancelled = true;
        this.#jobs = this.#jobs.filter((other) => other !== job);
      },
    };
  }

  get hasWork(): boolean {
    return this.#jobs.some(({ tasks }) => tasks.length > 0);
  }

  /** Does what there is to do. The timeline is where it was, whenever this ends. */
  *work(): Motion<void> {
    this.#suspended = false;
    while (!this.#suspended) {
      const job = this.#jobs.find(({ tasks }) => tasks.length > 0);
      if (job === undefined) return;
      try {
        yield* this.#next(job);
      } catch (error) {
        this.#jobs = this.#jobs.filter((other) => other !== job);
        if (!job.cancelled) job.hear.failed(error);
      }
      this.#jobs = this.#jobs.filter(({ tasks }) => tasks.length > 0);
    }
  }

  /** Nothing that waits is done any more. */
  abandon(error: unknown): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const job of jobs) {
      if (job.cancelled) continue;
      job.cancelled = true;
      job.hear.failed(error);
    }
  }

  /** `work` ends as soon as it is asked to go on. */
  suspend(): void {
    this.#suspended = true;
  }

  *#next(job: Job): Motion<void> {
    const next = job.tasks[0];
    const { index, task } = next;
    let wasCut = false;
    const cut = () => {
      const isLess = !isPage(task) && this.#jobs.some((other) => other !== job && other.tasks.some(isPageEntry));
      wasCut ||= this.#suspended || job.cancelled || isLess;
      return wasCut;
    };
    // A live run may have grown less than it was asked about.
    const to = Math.min(task.to, this.#timeline.end) as Instant;
    const motion = this.#search.search(to < task.to ? { ...task, to } : task, cut);
    try {
      for (;;) {
        const turn = motion.next();
        if (turn.done) {
          if (job.cancelled) return;
          const result = turn.value;
          if (!wasCut || result.to >= task.to) job.tasks.shift();
          else if (isPage(task)) return;
          else next.task = { ...task, from: result.to };
          if (result.to > result.from || !wasCut) job.hear.result(index, result);
          return;
        }
        if (!job.cancelled && turn.value.fraction !== undefined) job.hear.progress?.(index, turn.value.fraction);
        yield turn.value;
      }
    } finally {
      motion.return(undefined as never);
    }
  }
}

/** Pages are done as a whole: they are short, and their rows are numbered from their beginning. */
function isPage({ list, mostMarks }: SegmentTask): boolean {
  return list !== undefined || mostMarks === 0;
}

function isPageEntry({ task }: { readonly task: SegmentTask }): boolean {
  return isPage(task);
}
