import type {
  BreakpointSpec,
  DebuggeeEvent,
  LaunchResult,
  PairPosition,
  PairSide,
  PairStretch,
  Stopped,
  StretchName,
} from "../debuggee/protocol.ts";
import type { Debuggee, DebuggeePair, LaunchedDebuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import type { Motion } from "./motions.ts";

/** A part of what the machines of a seat did. */
export interface SeatStretch extends PairStretch {
  readonly member: string;
}

/** What a pair asks of the session that shows one of its machines. */
export interface SeatSession {
  readonly moving: boolean;
  /** Moves the machine because the other one moved; the client is told, and keeps its focus. */
  follow(motion: Motion): void;
  /** There is something new to tell of the pair. */
  changed(): void;
  /** A sentence for the user. */
  say(text: string): void;
  /** The session ends with the other one. */
  end(): Promise<void>;
  /** Nothing moves any more: the pair is about to begin anew. */
  suspend(): Promise<void>;
  /** The pair has begun anew, and the session with it. */
  begunAnew(): Promise<void>;
}

/** Moves the machine as the pair wants it. */
export interface SeatMotions {
  run(seat: Seat, direction: "forward" | "backward", until: number | undefined): Promise<Stopped>;
  seek(seat: Seat, instant: number): Promise<Stopped>;
  /** Any other motion. */
  step(seat: Seat, motion: Motion): Promise<Stopped>;
  pause(seat: Seat): Promise<void>;
  close(): Promise<void>;
}

type BreakpointScope = Parameters<Debuggee["setBreakpoints"]>[0];

/**
 * One side of a pair: the machine that is looked at there, its debuggee now, and what has to be told to the next one when
 * another stretch is looked at. A machine that joins has the seat of the one that is gone.
 */
export class Seat {
  readonly side: PairSide;
  session: SeatSession | undefined;
  /** Whether it stops where outputs differ. */
  stopsAtDivergence = true;
  /** Where it last stood still. */
  stopped: Stopped | undefined;
  readonly #pair: () => DebuggeePair;
  #here: StretchName;
  /** What its session's first motion waits for. */
  #firstLead: PromiseWithResolvers<Motion> | undefined;
  #opened: LaunchedDebuggee | undefined;
  #generation = 0;
  #onEvent: (event: DebuggeeEvent) => void = () => {};
  readonly #breakpoints = new Map<
    string,
    { readonly scope: BreakpointScope; readonly specs: readonly BreakpointSpec[] }
  >();
  #exceptionStops: Parameters<Debuggee["setExceptionStops"]> | undefined;

  constructor(pair: () => DebuggeePair, side: PairSide) {
    this.#pair = pair;
    this.side = side;
    this.#here = { member: side === "left" ? "A" : "B", stretch: 1 };
  }

  /** The machine that is looked at. */
  get member(): string {
    return this.#here.member;
  }

  get stretch(): number {
    return this.#here.stretch;
  }

  isIn({ member, stretch }: StretchName): boolean {
    return member === this.member && stretch === this.stretch;
  }

  /** The debuggee itself: what moves it moves this machine alone. */
  get debuggee(): Debuggee {
    if (this.#opened === undefined) throw errors.over();
    return this.#opened.debuggee;
  }

  get result(): LaunchResult {
    if (this.#opened === undefined) throw errors.over();
    return this.#opened.result;
  }

  get position(): PairPosition {
    return { ...this.#here, instant: this.stopped?.instant ?? 0 };
  }

  /** It stands where it began, its session has not heard so, and somebody else decides where it goes first. */
  get awaitsLead(): boolean {
    return this.#firstLead !== undefined;
  }

  /**
   * The first motion of a session whose machine is led. That it stands still before is not told: a client that has not yet
   * asked for threads when they go on again would show the first stop for ever.
   */
  async firstLed(debuggee: Debuggee): Promise<Stopped> {
    this.#firstLead = Promise.withResolvers();
    const motion = await this.#firstLead.promise;
    return motion(debuggee);
  }

  /** Its session moves it because the other one moved. */
  follow(motion: Motion): void {
    const first = this.#firstLead;
    this.#firstLead = undefined;
    if (first === undefined) this.session?.follow(motion);
    else first.resolve(motion);
  }

  /** Its user moves it. */
  get isMoved(): boolean {
    return this.session?.moving === true && !this.awaitsLead;
  }

  async open({ member, stretch }: StretchName): Promise<void> {
    const generation = ++this.#generation;
    const opened = await this.#pair().open(this.side, { member, stretch }, (event) => {
      if (generation === this.#generation) this.#onEvent(event);
    });
    const before = this.#opened?.debuggee;
    this.#opened = opened;
    this.#here = { member, stretch };
    this.stopped = opened.result.entered;
    if (this.#exceptionStops !== undefined) await opened.debuggee.setExceptionStops(...this.#exceptionStops);
    for (const { scope, specs } of this.#breakpoints.values()) await opened.debuggee.setBreakpoints(scope, specs);
    if (before !== undefined) await discard(before);
  }

  runsIn(stretch: StretchName): void {
    this.#here = stretch;
  }

  /** It ran on live, and perhaps into another stretch, also of another machine; its debuggee has gone with it. */
  hasRun(stretch: StretchName, stopped: Stopped): void {
    this.runsIn(stretch);
    this.stopped = stopped;
  }

  async close(): Promise<void> {
    this.#generation++;
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened !== undefined) await discard(opened.debuggee);
  }

  /** The machine as its session has it: motions are the pair's, all else is the debuggee's of the stretch that is looked at. */
  asDebuggee(motions: SeatMotions, onEvent: (event: DebuggeeEvent) => void, session: SeatSession): Debuggee {
    this.#onEvent = onEvent;
    this.session = session;
    const own: Partial<Debuggee> = {
      launch: async () => ({ ...this.result, entered: this.stopped ?? this.result.entered }),
      resume: (until) => motions.run(this, "forward", until),
      reverseContinue: (until) => motions.run(this, "backward", until),
      seek: (instant) => motions.seek(this, instant),
      step: (...args) => motions.step(this, (debuggee) => debuggee.step(...args)),
      stepRange: (...args) => motions.step(this, (debuggee) => debuggee.stepRange(...args)),
      switchBranch: (id) => motions.step(this, (debuggee) => debuggee.switchBranch(id)),
      discardBranch: (id) => motions.step(this, (debuggee) => debuggee.discardBranch(id)),
      forceReturn: (...args) => motions.step(this, (debuggee) => debuggee.forceReturn(...args)),
      pause: () => motions.pause(this),
      setBreakpoints: (scope, specs) => {
        this.#breakpoints.set(JSON.stringify([scope.kind, scope.path]), { scope, specs });
        return this.debuggee.setBreakpoints(scope, specs);
      },
      setExceptionStops: (...args) => {
        this.#exceptionStops = args;
        return this.debuggee.setExceptionStops(...args);
      },
      close: () => motions.close(),
      dispose: async () => {},
    };
    const delegate = (name: keyof Debuggee) =>
      own[name] ??
      ((...args: unknown[]) => {
        const { debuggee } = this;
        return (debuggee[name] as (...args: unknown[]) => unknown).apply(debuggee, args);
      });
    return new Proxy({} as Debuggee, {
      get: (_, name) => (name === "then" ? undefined : delegate(name as keyof Debuggee)),
    });
  }
}

async function discard(debuggee: Debuggee): Promise<void> {
  await debuggee.close().catch(() => {});
  await debuggee.dispose().catch(() => {});
}
