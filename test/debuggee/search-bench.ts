import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { DebuggeeEvent } from "../../src/debuggee/protocol.ts";
import type { Question, Row, SearchState, SegmentRunner, SegmentTask } from "../../src/debuggee/search-protocol.ts";
import type { Searches } from "../../src/debuggee/searches.ts";
import {
  DEFAULT_CONFIGURATION,
  type EngineChoice,
  type MachineConfiguration,
} from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import { finish, program } from "./harness.ts";

export interface SearchBench {
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly debuggee: Debuggee;
  readonly engine: Searches;
  readonly events: DebuggeeEvent[];
  /** Runs what there is to do to its end. */
  work(): void;
}

export interface SearchBenchOptions {
  readonly engine?: EngineChoice;
  readonly board?: Partial<MachineConfiguration>;
  readonly steps?: number;
  /** Segments are cut at random and searched in any order; without: as the debuggee itself does it. */
  readonly seed?: number;
  /** Default: as small as the guests of these tests. */
  readonly timeline?: TimelineOptions;
}

/** A guest that has run for some steps, or to its end, and can be asked. */
export function searchBench(source: string, options: SearchBenchOptions = {}): SearchBench {
  const { engine: choice, board = {}, steps = 1_000_000, seed, timeline: timelineOptions = SMALL } = options;
  const loaded = program(source);
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m", ...board }, choice);
  machine.load(loaded);
  const timeline = Timeline.record(machine, undefined, timelineOptions);
  const events: DebuggeeEvent[] = [];
  const runner = seed === undefined ? undefined : new RandomRunner(new Prng(seed), () => debuggee.searchEngine);
  const debuggee: Debuggee = new Debuggee({
    timeline,
    history: timeline.history,
    programs: [loaded],
    emit: (event) => events.push(event),
    ...(runner !== undefined && { segmentRunner: runner }),
  });
  finish(timeline.forward({ stops: { breakpoints: [], watches: [], exceptions: [] }, limit: steps as never }));
  const engine = debuggee.searchEngine;
  const work = () => {
    runner?.work();
    finish(engine.work());
  };
  return { machine, timeline, debuggee, engine, events, work };
}

/** All rows, oldest first, fetched page by page; the timeline has not moved. */
export async function ask(
  bench: SearchBench,
  question: Question,
  stretch: { readonly from?: number; readonly to?: number } = {},
): Promise<{ readonly rows: Row[]; readonly state: SearchState }> {
  const { engine, machine } = bench;
  const [instant, digest] = [machine.instant, machine.digest()];
  const { id } = await engine.startSearch(question, stretch);
  bench.work();
  const state = (await engine.searches()).find((search) => search.id === id)!;
  assert.ok(state.done);
  assert.equal(state.fraction, 1);
  const rows: Row[] = [];
  for (let first = 0; first < state.rows; first += PAGE) {
    const page = engine.searchRows(id, first, PAGE);
    bench.work();
    rows.push(...(await page));
  }
  assert.equal(rows.length, state.rows, "as many rows as were counted");
  assert.deepEqual([machine.instant, machine.digest()], [instant, digest]);
  return { rows: rows.reverse(), state };
}

const PAGE = 60;
const SMALL: TimelineOptions = { spacingSteps: 5000, sliceSteps: 700 };

/** Does tasks when it is told to, in any order, each cut anywhere. */
class RandomRunner implements SegmentRunner {
  readonly #prng: Prng;
  readonly #engine: () => Searches;
  #waiting: (() => void)[] = [];

  constructor(prng: Prng, engine: () => Searches) {
    this.#prng = prng;
    this.#engine = engine;
  }

  cuts(from: number, to: number): number[] {
    const cuts = Array.from({ length: this.#prng.below(12) }, () => from + this.#prng.below(Math.max(1, to - from)));
    return cuts.filter((cut) => cut > from).sort((a, b) => a - b);
  }

  run(tasks: readonly SegmentTask[], hear: Parameters<SegmentRunner["run"]>[1]): { cancel(): void } {
    let isCancelled = false;
    tasks.forEach((task, index) => {
      this.#waiting.push(() => {
        if (isCancelled) return;
        try {
          // Plain data, as it would cross to a thread.
          hear.result(index, structuredClone(finish(this.#engine().segment(structuredClone(task)))));
        } catch (error) {
          isCancelled = true;
          hear.failed(error);
        }
      });
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }

  work(): void {
    while (this.#waiting.length > 0) {
      const [task] = this.#waiting.splice(this.#prng.below(this.#waiting.length), 1);
      task();
    }
  }
}
