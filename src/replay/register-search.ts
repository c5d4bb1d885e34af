import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { TracedWrite, TracedWrites, TraceFilter } from "../machine/machine-interface.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Playback } from "./playback.ts";
import type { Motion, RegisterQuestion } from "./timeline-interface.ts";

/** Steps traced first: most registers were written just now. */
const FIRST_WINDOW = 1024;
const WINDOW_GROWTH = 4;
/** The last write in a window is wanted, so all of it is traced: large ones grow more slowly, and not beyond some size. */
const LARGE_WINDOW = 1 << 20;
const LARGE_WINDOW_GROWTH = 2;
const LARGEST_WINDOW = 1 << 26;
/** Where a checkpoint is not much farther than the window, the window begins there. */
const CHECKPOINT_FACTOR = 4;
/** Traces that are kept, because the next question is about something near. A trace is some kilobytes. */
const MOST_TRACES = 64;

/** What was written in [from, to), and by interrupts on arrival at instants of (from, to]. */
interface Trace {
  readonly from: number;
  readonly to: number;
  readonly writes: TracedWrites;
}

/**
 * Finds last writes of registers: windows before an instant, ever larger and newest first, are run by the traced interpreter.
 * What it finds holds for good, because the past does not change.
 */
export class RegisterSearch {
  readonly #playback: Playback;
  #traces: Trace[] = [];
  /** The CSR that was asked for last is noted whatever is asked: a value goes to and fro between it and a register. */
  #csr: number | undefined;

  constructor(playback: Playback) {
    this.#playback = playback;
  }

  /** Leaves the machine anywhere in the past. */
  *last(question: RegisterQuestion, first: Instant, before: Instant): Motion<TracedWrite | undefined> {
    const { hart, place, csr, filter } = question;
    if (filter !== undefined) return yield* this.#lastFiltered(question, first, before);
    this.#csr = csr ?? this.#csr;
    let size = FIRST_WINDOW;
    let to: number = before;
    let stepsAtTo = this.#playback.now === before ? this.#steps(hart) : undefined;
    while (to > first) {
      const known = this.#known(question, to);
      if (known !== undefined) {
        const write = known.writes.last(hart, place);
        if (write !== undefined) return write;
        if (known.from !== to) stepsAtTo = undefined;
        to = known.from;
        continue;
      }
      const from = yield* this.#windowStart(to, size, first);
      size = nextSize(size);
      const steps = this.#steps(hart);
      // A hart that has waited all the while has written nothing; interrupts that it took are another matter.
      const hasWaited = steps !== undefined && steps === stepsAtTo && place.kind !== "trap";
      stepsAtTo = steps;
      if (hasWaited) {
        to = from;
        continue;
      }
      const writes = yield* this.#trace(from, to, this.#csr);
      this.#traces = [{ from, to, writes }, ...this.#traces.slice(0, MOST_TRACES - 1)];
      const write = writes.last(hart, place);
      if (write !== undefined) return write;
      to = from;
    }
    return undefined;
  }

  /** Steps that a hart has taken in all. */
  #steps(hart: number): bigint | undefined {
    return this.#playback.machine.harts[hart].steps;
  }

  /** What passes a filter is likely to lie far back, and of no use to another question. */
  *#lastFiltered(question: RegisterQuestion, first: Instant, before: Instant): Motion<TracedWrite | undefined> {
    const { hart, place, csr, filter } = question;
    let size = FIRST_WINDOW * WINDOW_GROWTH;
    for (let to: number = before; to > first; size = nextSize(size)) {
      const from = yield* this.#windowStart(to, size, first);
      const writes = yield* this.#trace(from, to, csr, filter);
      const write = writes.last(hart, place);
      if (write !== undefined) return write;
      to = from;
    }
    return undefined;
  }

  /** A trace that says who wrote last before `to`, or that nobody did in it. */
  #known({ hart, place, csr }: RegisterQuestion, to: number): Trace | undefined {
    return this.#traces.find((trace) => {
      if (trace.from >= to || trace.to < to || (place.kind === "csr" && trace.writes.csr !== csr)) return false;
      const write = trace.writes.last(hart, place);
      return write === undefined || write.instant < to || (write.interrupt === true && write.instant === to);
    });
  }

  /** Goes to where a window of about `size` steps before `to` begins. */
  *#windowStart(to: number, size: number, first: Instant): Motion<number> {
    const playback = this.#playback;
    const { checkpoint } = yield* playback.stateAtOrBefore((to - 1) as Instant);
    const isNear = to - checkpoint.instant <= size * CHECKPOINT_FACTOR;
    const from = Math.max(first, isNear ? checkpoint.instant : to - size) as Instant;
    yield* playback.goTo(from);
    return from;
  }

  /** Runs from where the machine stands. */
  *#trace(from: number, to: number, csr: number | undefined, filter?: TraceFilter): Motion<TracedWrites> {
    const playback = this.#playback;
    const { registerWrites } = playback.machine;
    assert(registerWrites !== undefined, "a machine that cannot trace its registers");
    assert(playback.now === from, "a trace begins elsewhere");
    playback.setStops(NO_STOPS);
    registerWrites.begin(csr, filter);
    let writes: TracedWrites;
    try {
      while (playback.now < to) {
        playback.slice(to as Instant, true);
        yield playback.progress();
      }
    } finally {
      writes = registerWrites.end();
    }
    return writes;
  }
}

function nextSize(size: number): number {
  return Math.min(size * (size < LARGE_WINDOW ? WINDOW_GROWTH : LARGE_WINDOW_GROWTH), LARGEST_WINDOW);
}
