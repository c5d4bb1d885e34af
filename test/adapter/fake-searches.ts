import { UserError } from "../../src/base/errors.ts";
import type { DebuggeeEvent, Question, Row, SearchApi, SearchState } from "../../src/debuggee/protocol.ts";

/** Every search finds a row at each tenth instant of its stretch: 0, 10, 20, … with the instant for a value. */
const EVERY = 10;

/** The searches of the fake debuggee: done at once, unless `endless` says that they go on until they are cancelled. */
export class FakeSearches implements SearchApi {
  readonly started: { question: Question; stretch: { from?: number; to?: number } }[] = [];
  endless = false;
  readonly #end: number;
  readonly #emit: (event: DebuggeeEvent) => void;
  readonly #states = new Map<number, SearchState>();

  constructor(end: number, emit: (event: DebuggeeEvent) => void) {
    this.#end = end;
    this.#emit = emit;
  }

  async startSearch(question: Question, stretch: { from?: number; to?: number } = {}): Promise<SearchState> {
    this.started.push({ question, stretch });
    const { from = 0, to = this.#end } = stretch;
    const id = this.started.length;
    const searchedFrom = this.endless ? to : from;
    const found = this.#instants(from, to).length;
    const done = { fraction: 1, done: true, rows: found, restored: found };
    const state = {
      id,
      question,
      from,
      to,
      searchedFrom,
      ...(this.endless ? { fraction: 0, done: false, rows: 0 } : done),
    };
    this.#change(state);
    return state;
  }

  async searches(): Promise<SearchState[]> {
    return [...this.#states.values()];
  }

  async searchRows(id: number, first: number, count: number): Promise<Row[]> {
    return this.#rows(id)
      .reverse()
      .slice(first, first + count);
  }

  async seriesBuckets(id: number, from: number, to: number, most: number) {
    const width = Math.ceil((to - from) / most);
    const rows = this.#rows(id);
    return Array.from({ length: most }, (_, index) => {
      const column = { from: from + index * width, to: Math.min(from + (index + 1) * width, to) };
      const values = rows.flatMap(({ instant, number }) =>
        instant >= column.from && instant < column.to && number !== undefined ? [number] : [],
      );
      if (values.length === 0) return { ...column, changes: 0, min: Number.NaN, max: Number.NaN };
      const [first, last] = [values[0], values.at(-1)!];
      return { ...column, min: first, max: last, first, last, changes: values.length };
    });
  }

  async rowsAround(id: number, instant: number) {
    const rows = this.#rows(id);
    return {
      before: rows.findLast((row) => row.instant < instant),
      at: rows.find((row) => row.instant === instant),
      after: rows.find((row) => row.instant > instant),
    };
  }

  async countRows(id: number, from: number, to: number): Promise<number> {
    return this.#rows(id).filter(({ instant }) => instant >= from && instant < to).length;
  }

  async rowInstants(id: number, from: number, to: number, most: number): Promise<number[]> {
    const within = this.#rows(id).filter(({ instant }) => instant >= from && instant < to);
    return within
      .map(({ instant }) => instant)
      .sort((a, b) => a - b)
      .slice(0, most);
  }

  async extendSearch(id: number, to = this.#end): Promise<SearchState> {
    const old = this.#state(id);
    const state = { ...old, to, rows: this.#instants(old.from, to).length };
    this.#change(state);
    return state;
  }

  async cancelSearch(id: number): Promise<void> {
    this.#change({ ...this.#state(id), done: true, cancelled: true });
  }

  async closeSearch(id: number): Promise<void> {
    this.#state(id);
    this.#states.delete(id);
  }

  #change(state: SearchState): void {
    this.#states.set(state.id, state);
    this.#emit({ type: "search", state });
  }

  #state(id: number): SearchState {
    const state = this.#states.get(id);
    if (state === undefined) throw new UserError("no-search", `There is no search ${id}.`);
    return state;
  }

  #rows(id: number): Row[] {
    const { from, to } = this.#state(id);
    return this.#instants(from, to).map((instant) => ({
      instant,
      hart: 0,
      pc: 0x8000_0000n + BigInt(4 * instant),
      symbol: "main",
      text: String(instant),
      number: instant,
      bits: BigInt(instant),
      access: { address: 0xffff_ffff_8000_0040n, size: 8, value: 2n ** 63n, kind: "write" },
      call: {
        arguments: [{ name: "a0", value: 2n ** 64n - 1n }],
        returnAddress: 0x8000_0010n,
        returned: { instant: instant + 5, value: 7n },
      },
    }));
  }

  #instants(from: number, to: number): number[] {
    return Array.from({ length: Math.ceil((to - from) / EVERY) }, (_, index) => from + index * EVERY);
  }
}
