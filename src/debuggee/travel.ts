import { assert } from "../base/assert.ts";
import type { Instant, VirtualAddress } from "../base/brand.ts";
import { INSTRUCTION_EXCEPTION_CODES } from "../isa/causes.ts";
import type { HartView } from "../machine/machine-interface.ts";
import type { StopConditions, Watch } from "../machine/stop.ts";
import type { Hit, Motion, TimelineLike, TravelOptions, TravelStop } from "../replay/timeline-interface.ts";
import type { Breakpoint, Breakpoints } from "./breakpoints.ts";
import type { Checks } from "./checks.ts";
import type { Surroundings } from "./expression.ts";
import { currentHart } from "./hart-turns.ts";
import { type HitReason, Judge, type Judging, type Leg, type LogLine, opinionOf } from "./judge.ts";

/** How a leg ended. */
export type Arrival =
  /** At one of the leg's own breakpoints or exceptions. */
  | { readonly kind: "own"; readonly hit: Hit }
  | { readonly kind: "limit" }
  /** At something of the user's. */
  | { readonly kind: "hit"; readonly reason: HitReason }
  /** At an end of the run or of the recording. */
  | { readonly kind: "end"; readonly stop: TravelStop };

export interface TravellerParts {
  readonly timeline: TimelineLike;
  readonly breakpoints: Breakpoints<Surroundings>;
  readonly surroundings: (hart: number) => Surroundings;
  readonly callingSurroundings: (hart: number) => Surroundings;
  readonly checks: Checks;
  readonly log: (line: LogLine) => void;
}

/** What it takes to judge a hit, in microseconds about. */
const JUDGING = 30;

/**
 * Moves along the timeline and stops at what the user wants to stop at, the same things in both directions: judges
 * breakpoints, counts their hits, tells log points.
 */
export class Traveller {
  readonly #timeline: TimelineLike;
  readonly #breakpoints: Breakpoints<Surroundings>;
  readonly #surroundings: (hart: number) => Surroundings;
  readonly #log: (line: LogLine) => void;
  readonly #callingSurroundings: (hart: number) => Surroundings;
  readonly #checks: Checks;
  #exceptionStops: ReadonlySet<number> = new Set();
  /** Changes with everything that a running motion has to heed. */
  #exceptionGeneration = 0;
  /** What the state at this instant has already logged. */
  #logged: { readonly instant: number; readonly keys: Set<string> } = { instant: -1, keys: new Set() };

  constructor(parts: TravellerParts) {
    this.#timeline = parts.timeline;
    this.#breakpoints = parts.breakpoints;
    this.#surroundings = parts.surroundings;
    this.#callingSurroundings = parts.callingSurroundings;
    this.#checks = parts.checks;
    this.#log = parts.log;
  }

  setExceptionStops(causes: readonly number[], checks: boolean): void {
    this.#exceptionStops = new Set(causes);
    this.#checks.compiledOn = checks;
    this.#exceptionGeneration++;
  }

  /** There is anything that a motion could stop at. */
  get hasStops(): boolean {
    return this.#breakpoints.all.length > 0 || this.#exceptionStops.size > 0 || this.#checks.mayStop;
  }

  /** The user begins a motion: what was logged before may be logged again when it happens again. */
  begin(): void {
    this.#logged = { instant: -1, keys: new Set() };
  }

  /** The user has changed the state at an instant, or looks at a run that is another one from there on. */
  edited(since: number): void {
    this.#breakpoints.edited(since);
  }

  // ---- forward

  /** From now on. Breakpoints of any kind at the very instruction where it begins do not count. */
  *forward(leg: Leg): Motion<Arrival> {
    const start = this.#timeline.now;
    if (!leg.silent) yield* this.#countPast(start);
    try {
      return yield* this.#run(leg, start);
    } finally {
      for (const { history } of this.#breakpoints.all) {
        if (!leg.silent && history !== undefined && history.covered >= start) history.cover(this.#timeline.now);
      }
    }
  }

  *#run(leg: Leg, start: number): Motion<Arrival> {
    for (;;) {
      const judge = new Judge(this.#judging(leg, "forward"));
      const motion = this.#timeline.forward({
        stops: this.#stops(leg),
        ...(leg.limit !== undefined && { limit: leg.limit as Instant }),
        departing: this.#timeline.now === start,
        accept: (hit) => judge.accept(hit),
      });
      const stop = yield* this.#inspectable(motion);
      if (stop === "changed") {
        if (!leg.silent) yield* this.#countPast(this.#timeline.now);
        continue;
      }
      if (stop.kind === "reached") return this.#examined(leg);
      return this.#arrived(stop, judge, leg);
    }
  }

  /** Passes a motion on, and ends it with "changed" when the user changes breakpoints meanwhile. */
  *#inspectable(motion: Motion<TravelStop>): Motion<TravelStop | "changed"> {
    const generation = this.#generation;
    try {
      for (;;) {
        const turn = motion.next();
        if (turn.done) return turn.value;
        yield turn.value;
        if (this.#generation !== generation) return "changed";
      }
    } finally {
      motion.return(undefined as unknown as TravelStop);
    }
  }

  get #generation(): number {
    return this.#breakpoints.generation + this.#exceptionGeneration;
  }

  // ---- backward

  /** To the last thing before now that stops. */
  *backward(leg: Leg): Motion<Arrival> {
    const { now } = this.#timeline;
    if (!leg.silent) yield* this.#countPast(now);
    for (;;) {
      const judge = new Judge(this.#judging(leg, "backward"));
      const counted = leg.silent ? undefined : this.#lastCounted(now);
      const limit = Math.max(leg.limit ?? -1, counted?.instant ?? -1);
      const motion = this.#timeline.backward({
        stops: this.#stops(leg, counted?.breakpoints),
        ...(limit >= 0 && { limit: limit as Instant }),
        accept: (hit) => judge.accept(hit),
      });
      const stop = yield* this.#inspectable(motion);
      if (stop === "changed") {
        // The search goes over the same past again, for what is wanted now.
        if (this.#timeline.now !== now) yield* this.#timeline.seek(now);
        if (!leg.silent) yield* this.#countPast(now);
        continue;
      }
      const lines = judge.lines.filter(({ instant }) => instant >= this.#timeline.now && instant < now);
      for (const line of lines.sort((a, b) => b.instant - a.instant)) this.#log(line);
      const reached = stop.kind === "reached" || (stop.kind === "start" && this.#timeline.now === limit);
      if (!reached) return this.#arrived(stop, judge, leg);
      const reason = this.#timeline.now === counted?.instant ? this.examine() : undefined;
      return reason === undefined ? { kind: "limit" } : { kind: "hit", reason };
    }
  }

  /**
   * Breakpoints whose hits have been counted need no search: the last instant before `before` at which one of them stops
   * is known. There may be millions of hits that do not count.
   */
  #lastCounted(before: number): {
    readonly breakpoints: ReadonlySet<Breakpoint<Surroundings>>;
    readonly instant: number | undefined;
  } {
    const breakpoints = new Set<Breakpoint<Surroundings>>();
    let last: number | undefined;
    for (const breakpoint of this.#breakpoints.all) {
      const { history, hitTest, log, watches } = breakpoint;
      if (history === undefined || hitTest === undefined || log !== undefined || watches.length > 0) continue;
      breakpoints.add(breakpoint);
      const instant = history.lastBefore(before, hitTest);
      if (instant !== undefined && (last === undefined || instant > last)) last = instant;
    }
    return { breakpoints, instant: last };
  }

  /** The last hit of a leg's own breakpoints before an instant, or of watched memory; nothing moves. */
  findLast(options: TravelOptions, before: number): Motion<Hit | undefined> {
    return this.#timeline.findLast(options, before as Instant);
  }

  seek(instant: number): Motion<void> {
    return this.#timeline.seek(instant as Instant);
  }

  // ---- what the state itself says

  /** The user's breakpoints at the current state, told as hits: for motions that end here for another reason. */
  examine(): HitReason | undefined {
    const concerned = this.#next().flatMap(({ id, pc }) =>
      this.#breakpoints.at(pc).map((breakpoint) => ({ breakpoint, hart: id })),
    );
    const { stopping, problems, failures } = opinionOf(this.#judgingState, concerned, this.#timeline.now, true);
    if (stopping.length === 0 && failures.length === 0) return undefined;
    const hart = currentHart(this.#timeline.machine);
    return { breakpoints: stopping, problems, access: undefined, exception: undefined, failures, hart };
  }

  /** The hart whose step is next: the others may stand at breakpoints, and come to them when they have their turn. */
  #next(): readonly HartView[] {
    const { machine } = this.#timeline;
    return [machine.harts[currentHart(machine)]];
  }

  #examined(leg: Leg): Arrival {
    const reason = leg.silent ? undefined : this.examine();
    return reason === undefined ? { kind: "limit" } : { kind: "hit", reason };
  }

  /** Tells a line of a log point once, though a motion may run up to a state and then look at it again. */
  #tell(line: LogLine): void {
    const { instant, key } = line;
    if (this.#logged.instant !== instant) this.#logged = { instant, keys: new Set() };
    if (this.#logged.keys.has(key)) return;
    this.#logged.keys.add(key);
    this.#log(line);
  }

  #arrived(stop: TravelStop, judge: Judge, leg: Leg): Arrival {
    switch (stop.kind) {
      case "breakpoint":
      case "watch":
      case "exception": {
        const accepted = judge.accepted;
        assert(accepted !== undefined, "stopped at a hit that nobody accepted");
        if (accepted.own !== undefined) return { kind: "own", hit: accepted.own };
        const { reason } = accepted;
        assert(reason !== undefined, "accepted without a reason");
        // After an access the next instruction may have a breakpoint as well; it would not count when going on.
        const also = stop.kind === "watch" && !leg.silent && judge.direction === "forward" ? this.examine() : undefined;
        if (also === undefined) return { kind: "hit", reason };
        return {
          kind: "hit",
          reason: {
            ...reason,
            breakpoints: [...reason.breakpoints, ...also.breakpoints],
            problems: [...reason.problems, ...also.problems],
            failures: [...reason.failures, ...also.failures],
          },
        };
      }
      default:
        return { kind: "end", stop };
    }
  }

  #judging(leg: Leg, direction: "forward" | "backward"): Judging {
    const exceptionStops = leg.silent ? new Set<number>() : this.#exceptionStops;
    return { leg, direction, exceptionStops, ...this.#judgingState };
  }

  get #judgingState() {
    return {
      breakpoints: this.#breakpoints,
      surroundings: this.#surroundings,
      callingSurroundings: this.#callingSurroundings,
      checks: this.#checks,
      tell: (line: LogLine) => this.#tell(line),
    };
  }

  #seenBy({ spec }: Breakpoint<Surroundings>, hart: number): Surroundings {
    return spec.mode === undefined ? this.#surroundings(hart) : this.#callingSurroundings(hart);
  }

  /** Without the breakpoints of `except`, where nothing else stands. */
  #stops(leg: Leg, except: ReadonlySet<Breakpoint<Surroundings>> = new Set()): StopConditions {
    const own = leg.breakpoints ?? [];
    const isWanted = (address: bigint) => this.#breakpoints.at(address).some((breakpoint) => !except.has(breakpoint));
    const users = leg.silent ? [] : this.#breakpoints.addresses.filter(isWanted);
    // Whoever steps into handlers is not led into those of what comes between two steps.
    const exceptions = leg.exceptions ? INSTRUCTION_EXCEPTION_CODES : leg.silent ? [] : [...this.#exceptionStops];
    // At the leg's own breakpoints every hit counts.
    const filters = [...this.#breakpoints.filters].filter(([address]) => !own.includes(address));
    return {
      breakpoints: [...new Set([...own, ...users])] as VirtualAddress[],
      ...(!leg.silent && { filters: new Map(filters) }),
      watches: leg.silent ? [] : this.#breakpoints.watches,
      exceptions,
      replayHints: !leg.silent && this.#checks.compiledOn,
    };
  }

  // ---- hit counts

  /** Counts the hits before `instant` of all breakpoints with a hit condition, where they are not yet known. */
  *#countPast(instant: number): Motion<void> {
    const timeline = this.#timeline;
    for (;;) {
      const counted = this.#breakpoints.all.filter(({ history }) => history !== undefined && history.covered < instant);
      if (counted.length === 0) return;
      // The one that knows least sets where to begin; the others hear of hits again, which changes nothing.
      const from = Math.min(...counted.map(({ history }) => history?.covered ?? 0));
      const generation = this.#generation;
      const watched = counted.flatMap((breakpoint) => breakpoint.watches.map((watch) => ({ breakpoint, watch })));
      const search = timeline.scan(
        {
          stops: {
            breakpoints: counted.flatMap(({ addresses }) => addresses) as VirtualAddress[],
            filters: this.#breakpoints.countingFilters,
            watches: watched.map(({ watch }) => watch),
            exceptions: [],
          },
          visit: (hit) => {
            for (const { breakpoint, hart } of hitBreakpoints(hit, counted, watched)) {
              this.#breakpoints.judge(breakpoint, this.#seenBy(breakpoint, hart), hit.instant);
            }
            return JUDGING;
          },
        },
        Math.max(from, timeline.first) as Instant,
        instant as Instant,
      );
      yield* search;
      for (const { history } of counted) history?.cover(instant);
      if (this.#generation === generation) break;
    }
    // The state where a motion begins is no hit of the motion, yet it is one of history.
    for (const { id, pc } of this.#next()) {
      for (const breakpoint of this.#breakpoints.at(pc)) {
        if (breakpoint.history !== undefined)
          this.#breakpoints.judge(breakpoint, this.#seenBy(breakpoint, id), instant);
      }
    }
  }
}

/** Which of some breakpoints a hit concerns. */
function hitBreakpoints(
  { stop }: Hit,
  code: readonly Breakpoint<Surroundings>[],
  watched: readonly { readonly breakpoint: Breakpoint<Surroundings>; readonly watch: Watch }[],
): { breakpoint: Breakpoint<Surroundings>; hart: number }[] {
  if (stop.kind === "breakpoint") {
    return code.flatMap((breakpoint) =>
      breakpoint.addresses.includes(stop.pc) ? [{ breakpoint, hart: stop.hart }] : [],
    );
  }
  if (stop.kind !== "watch") return [];
  const hits = new Map<Breakpoint<Surroundings>, number>();
  for (const { watch, hart } of stop.hits) {
    if (watched[watch] !== undefined) hits.set(watched[watch].breakpoint, hart);
  }
  return [...hits].map(([breakpoint, hart]) => ({ breakpoint, hart }));
}
