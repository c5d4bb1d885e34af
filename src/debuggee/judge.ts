import type { WatchHit } from "../machine/stop.ts";
import type { Hit } from "../replay/timeline-interface.ts";
import type { Breakpoint, Breakpoints, Verdict } from "./breakpoints.ts";
import type { Checks } from "./checks.ts";
import type { Surroundings } from "./expression.ts";

/** One leg of a motion: the user's breakpoints always count, and what is given here beside them. */
export interface Leg {
  readonly breakpoints?: readonly bigint[];
  /** Hits of the leg's own by other harts are passed over. Absent: any hart's count. */
  readonly hart?: number;
  /** Also look at every exception that is about to be taken. */
  readonly exceptions?: boolean;
  /** Asked at the leg's own breakpoints and exceptions; false goes on. Default: always true. */
  readonly accept?: (hit: Hit) => boolean;
  /** Forward: at most so far. Backward: at least so far back. */
  readonly limit?: number;
  /** The user's breakpoints, log points and exception stops do not count: for searches that nobody watches. */
  readonly silent?: boolean;
}

/** Why the user's part of a hit stops. */
export interface HitReason {
  readonly breakpoints: readonly Breakpoint<Surroundings>[];
  /** Conditions that could not be evaluated. */
  readonly problems: readonly string[];
  readonly access: WatchHit | undefined;
  readonly exception: { readonly hart: number; readonly cause: number; readonly tval: bigint } | undefined;
  /** Replay-only checks that failed. */
  readonly failures: readonly string[];
  readonly hart: number;
}

/** Who logs: a breakpoint, or a check of the guest's own, by its address. */
export type LogSource = { readonly breakpoint: Breakpoint<Surroundings> } | { readonly pc: bigint };

/** A line of a log point or of a check. */
export interface LogLine {
  readonly source: LogSource;
  readonly text: string;
  readonly instant: number;
  /** Lines of one instant with the same key are one line. */
  readonly key: string;
}

export function logLine(source: LogSource, text: string, instant: number, number = 0): LogLine {
  const id = "pc" in source ? `check ${source.pc}` : `breakpoint ${source.breakpoint.spec.id}`;
  return { source, text, instant, key: `${id} ${number}` };
}

/** Log lines of one backward search that are kept: they can be told only when it is known where the search ends. */
const MOST_LOG_LINES = 10_000;

export interface Judging {
  readonly leg: Leg;
  readonly direction: "forward" | "backward";
  readonly breakpoints: Breakpoints<Surroundings>;
  readonly surroundings: (hart: number) => Surroundings;
  readonly exceptionStops: ReadonlySet<number>;
  readonly checks: Checks;
  /** For breakpoints that may call functions of the guest. */
  readonly callingSurroundings: (hart: number) => Surroundings;
  readonly tell: (line: LogLine) => void;
}

/** What a state says to a user's breakpoints and checks. */
export interface Opinion {
  readonly stopping: readonly Breakpoint<Surroundings>[];
  readonly problems: readonly string[];
  readonly failures: readonly string[];
}

/** Asks the guest's own checks where its next step is, and the breakpoints that the state concerns. */
export function opinionOf(
  {
    breakpoints,
    surroundings,
    callingSurroundings,
    checks,
    tell,
  }: Omit<Judging, "leg" | "direction" | "exceptionStops">,
  concerned: readonly { readonly breakpoint: Breakpoint<Surroundings>; readonly hart: number }[],
  instant: number,
  beforeStep: boolean,
): Opinion {
  const stopping: Breakpoint<Surroundings>[] = [];
  const problems: string[] = [];
  const failures: string[] = [];
  const compiled = beforeStep ? checks.compiledHere() : undefined;
  compiled?.logs.forEach((text, number) => {
    tell(logLine({ pc: compiled.pc }, text, instant, number));
  });
  if (compiled?.problem !== undefined) failures.push(compiled.problem);
  for (const { breakpoint, hart } of concerned) {
    const isReplayOnly = breakpoint.spec.mode !== undefined;
    if (isReplayOnly && !checks.inPast) continue;
    const at = isReplayOnly ? callingSurroundings(hart) : surroundings(hart);
    const verdict: Verdict = breakpoints.judge(breakpoint, at, instant);
    checks.takeLogs().forEach((text, number) => {
      tell(logLine({ breakpoint }, text, instant, number + 1));
    });
    if (verdict.kind === "log") tell(logLine({ breakpoint }, verdict.text, instant));
    if (verdict.kind === "error") problems.push(verdict.message);
    if (verdict.kind === "failed") failures.push(verdict.message);
    if (verdict.kind === "stop" || verdict.kind === "error" || verdict.kind === "failed") stopping.push(breakpoint);
  }
  return { stopping, problems, failures };
}

/** Judges the hits of one search. The last one accepted is where the search ends, in both directions. */
export class Judge {
  readonly direction: "forward" | "backward";
  readonly #judging: Judging;
  readonly #lines = new Map<string, LogLine>();
  accepted: { readonly own: Hit | undefined; readonly reason: HitReason | undefined } | undefined;

  constructor(judging: Judging) {
    this.#judging = judging;
    this.direction = judging.direction;
  }

  /** Log lines of a backward search, in no order. */
  get lines(): LogLine[] {
    return [...this.#lines.values()];
  }

  accept(hit: Hit): boolean {
    const reason = this.#judging.leg.silent ? undefined : this.#reason(hit);
    const own = this.#isOwn(hit) ? hit : undefined;
    // The user's stop goes first: it is what they asked to see, wherever the leg was going.
    if (reason === undefined && own === undefined) return false;
    this.accepted = reason === undefined ? { own, reason } : { own: undefined, reason };
    return true;
  }

  #isOwn(hit: Hit): boolean {
    const { leg } = this.#judging;
    const { stop } = hit;
    const hart = stop.kind === "breakpoint" || stop.kind === "exception" ? stop.hart : undefined;
    if (leg.hart !== undefined && hart !== leg.hart) return false;
    const concerns =
      stop.kind === "breakpoint"
        ? leg.breakpoints?.includes(stop.pc) === true
        : stop.kind === "exception" && leg.exceptions === true;
    return concerns && (leg.accept?.(hit) ?? true);
  }

  #reason(hit: Hit): HitReason | undefined {
    const { stop } = hit;
    if (stop.kind === "exception") {
      if (!this.#judging.exceptionStops.has(stop.cause)) return undefined;
      const { hart, cause, tval } = stop;
      const exception = { hart, cause, tval };
      return { breakpoints: [], problems: [], access: undefined, exception, failures: [], hart };
    }
    const judging = { ...this.#judging, tell: (line: LogLine) => this.#logLine(line) };
    const opinion = opinionOf(judging, this.#concerned(hit), hit.instant, stop.kind === "breakpoint");
    const { stopping, problems, failures } = opinion;
    if (stopping.length === 0 && failures.length === 0) return undefined;
    const access = stop.kind === "watch" ? stop.hits[0] : undefined;
    const hart = stop.kind === "breakpoint" ? stop.hart : (access?.hart ?? 0);
    return { breakpoints: stopping, problems, access, exception: undefined, failures, hart };
  }

  #concerned({ stop }: Hit): { breakpoint: Breakpoint<Surroundings>; hart: number }[] {
    const { breakpoints } = this.#judging;
    if (stop.kind === "breakpoint")
      return breakpoints.at(stop.pc).map((breakpoint) => ({ breakpoint, hart: stop.hart }));
    if (stop.kind !== "watch") return [];
    // One access may touch several ranges of one breakpoint, and counts once.
    const hits = new Map<Breakpoint<Surroundings>, number>();
    for (const { watch, hart } of stop.hits) {
      const breakpoint = breakpoints.watching(watch);
      if (breakpoint !== undefined) hits.set(breakpoint, hart);
    }
    return [...hits].map(([breakpoint, hart]) => ({ breakpoint, hart }));
  }

  #logLine(line: LogLine): void {
    if (this.direction === "forward") {
      this.#judging.tell(line);
      return;
    }
    // A search may run over a segment twice; a line is told once.
    if (this.#lines.size < MOST_LOG_LINES) this.#lines.set(`${line.key}@${line.instant}`, line);
  }
}
