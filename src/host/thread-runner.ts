import type { Debuggee } from "../debuggee/debuggee.ts";
import type { SegmentRunner, SegmentTask } from "../debuggee/search-protocol.ts";
import type { CheckpointFile } from "../replay/checkpoint-file.ts";
import { planSegments } from "../replay/segments.ts";
import { SearchPool, type SearchPoolOptions, type SegmentHearer } from "./search-pool.ts";
import type { SearchSubject } from "./search-protocol.ts";
import { SearcherHere } from "./searcher-here.ts";

/**
 * A shorter stretch is searched before a thread has opened the recording: by the debuggee itself, unless there are threads
 * already.
 */
const LEAST_STEPS = 20_000_000;

export interface ThreadRunnerOptions extends SearchPoolOptions {
  /** Checkpoints of the recording's file: where segments begin. */
  readonly checkpoints: CheckpointFile | undefined;
  /** The recording's file is all that there is to know, or can be made so. Absent: always. */
  readonly isUsable?: () => boolean;
  /** Absent: LEAST_STEPS. */
  readonly leastSteps?: number;
}

/** Threads for a session's searches. */
export class ThreadRunner implements SegmentRunner {
  readonly #pool: SearchPool;
  readonly #options: ThreadRunnerOptions;

  constructor(options: ThreadRunnerOptions) {
    this.#pool = new SearchPool(options);
    this.#options = options;
  }

  /** Starts the threads that a search of [from, to) will use beside this one, which will `join` them. */
  prepare(from: number, to: number): void {
    if (this.takes(from, to)) this.#pool.prepare(Math.min(this.#pool.threads - 1, this.cuts(from, to).length));
  }

  /** This thread, which has nothing else to do, searches too. Those that were prepared are told what it is about. */
  join(debuggee: Debuggee, subject: SearchSubject): void {
    this.#pool.join(new SearcherHere(debuggee));
    this.#pool.open(subject);
  }

  takes(from: number, to: number): boolean {
    if (!(this.#options.isUsable?.() ?? true)) return false;
    return this.#pool.alive > 0 || to - from >= (this.#options.leastSteps ?? LEAST_STEPS);
  }

  cuts(from: number, to: number): readonly number[] {
    return segmentCuts(this.#options.checkpoints, from, to, this.#pool.threads);
  }

  run(tasks: readonly SegmentTask[], hear: SegmentHearer): { cancel(): void } {
    return this.#pool.run(tasks, hear);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** Where [from, to) is cut for so many workers, ascending, without its ends. */
export function segmentCuts(
  file: CheckpointFile | undefined,
  from: number,
  to: number,
  workers: number,
): readonly number[] {
  const checkpoints = file?.checkpoints.map(({ instant }) => instant) ?? [];
  const begins = planSegments(from, to, checkpoints, workers).map((segment) => segment.from);
  return begins.slice(0, -1).reverse();
}
