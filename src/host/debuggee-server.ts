import { AssertionFailure, assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Debuggee } from "../debuggee/debuggee.ts";
import type { DebuggeeApi, DebuggeeEvent, LaunchOptions, LaunchResult, Stopped } from "../debuggee/protocol.ts";
import type { SearchApi } from "../debuggee/search-protocol.ts";
import type { Branches } from "../replay/branches.ts";
import type { HistoryLike, Motion, Progress } from "../replay/timeline-interface.ts";
import { BackgroundSearches } from "./background-searches.ts";
import { Bell, drive } from "./motion-driver.ts";
import type { Port } from "./port.ts";
import type { RecordingFile } from "./recording-file.ts";
import { RpcServer } from "./rpc.ts";

/** Status events while the machine runs: four a second, as a status bar wants them. */
const STATUS_INTERVAL_MS = 250;
/** Progress events of a search: enough for a smooth bar. */
const PROGRESS_INTERVAL_MS = 100;
/** Guest output crosses in pieces of at most this size. */
const OUTPUT_EVENT_BYTES = 64 * 1024;

/** What a launch opens. The host supplies it; the server drives it. */
export interface Session {
  readonly debuggee: Debuggee;
  /** The timeline with its branches: where they stand and what their history has is of whichever is looked at. */
  readonly branches: Branches;
  /** Begins another recording of the same machine, for a branch to be written to. */
  readonly createRecording: (path: string) => RecordingFile;
  readonly result: LaunchResult;
  /** Bytes that the recording has on disk. */
  readonly recordingBytes: () => number;
  /** A sentence once the recording, or the network, can no longer go on; what was recorded before is kept. */
  readonly recordingFailure: () => string | undefined;
  /** Sleeps as a paced clock wants it; undefined when there is nothing to sleep. */
  readonly pace: (progress: Progress) => Promise<void> | undefined;
  /** Where the console's output is, from so many bytes on, when it is not all in the history. */
  readonly console?: (sent: number) => ConsoleSource;
  /** Ends the recording in good order. */
  close(): Promise<void>;
}

/** A history that has some of a console's bytes. */
export interface ConsoleSource {
  readonly history: HistoryLike;
  /** How many had been said before those that it has. */
  readonly said: number;
  /** How many have left: what was said beyond that is not told yet. Absent: all of them. */
  readonly released?: number;
}

export type SessionOpener = (
  options: LaunchOptions,
  emit: (event: DebuggeeEvent) => void,
  bell: Bell,
) => Promise<Session>;

/** Motions, and how their progress is called where it may take long. */
const MOTIONS: Readonly<Record<string, string | undefined>> = {
  resume: undefined,
  reverseContinue: "Running backwards",
  step: undefined,
  stepRange: undefined,
  seek: "Travelling",
  lastWrite: "Searching the last write",
  compareBranch: "Comparing with the recording",
  saveBranch: "Saving the branch",
  lastRead: "Searching the last read",
  firstRead: "Searching the first read",
  firstDifference: "Searching the first difference",
  origin: "Following the value back",
};
/** Requests that are served while a motion goes on (see `DebuggeeApi`). */
const AT_ANY_TIME: ReadonlySet<string> = new Set([
  "setBreakpoints",
  "setExceptionStops",
  "input",
  "timeline",
  "instantOfOutput",
  "outputLengthAt",
  "instantOfFrame",
  "frameCountAt",
  "addBookmark",
  "removeBookmark",
  "renameBookmark",
  "sources",
]);

/** Motions that answer a question and come back. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "lastWrite",
  "lastRead",
  "firstRead",
  "firstDifference",
  "origin",
  "compareBranch",
  "saveBranch",
]);
/** Served at any time too. `startSearch` looks at the state to see what is meant. */
const SEARCHES: Readonly<Record<keyof SearchApi, true>> = {
  startSearch: true,
  searches: true,
  searchRows: true,
  seriesBuckets: true,
  countRows: true,
  rowInstants: true,
  rowsAround: true,
  extendSearch: true,
  cancelSearch: true,
  closeSearch: true,
};

interface CurrentMotion {
  stop: boolean;
  readonly done: Promise<unknown>;
}

/**
 * Serves `DebuggeeApi` over a port: one motion at a time, driven in turns of some 10 ms, so that a pause, input and
 * everything in AT_ANY_TIME get through at once.
 */
export class DebuggeeServer {
  readonly #rpc: RpcServer;
  readonly #open: SessionOpener;
  readonly #nowMs: () => number;
  readonly #bell = new Bell();
  #session: Session | undefined;
  #background: BackgroundSearches | undefined;
  #launching = false;
  #motion: CurrentMotion | undefined;
  #outputSent = 0;
  readonly #branchOutputSent = new Map<number, number>();
  #failureTold: string | undefined;
  #status = { atMs: 0, end: 0, stepsPerSecond: 0 };
  #progressAtMs = 0;
  #checksTold = 0;
  /** What a debuggee that takes this one's place is told. */
  readonly #told = new Map<string, readonly [keyof DebuggeeApi, readonly unknown[]]>();
  #branchTold: number | undefined;

  /** `nowMs` is a steady clock, in milliseconds. */
  constructor(port: Port, open: SessionOpener, nowMs: () => number) {
    this.#open = open;
    this.#nowMs = nowMs;
    this.#rpc = new RpcServer(port, (method, args) => this.#handle(method as keyof DebuggeeApi, args));
  }

  #handle(method: keyof DebuggeeApi, args: readonly unknown[]): unknown {
    if (method === "launch") return this.#launch(args[0] as LaunchOptions);
    if (method === "pause") return this.#pause();
    if (method === "close") return this.#close();
    const session = this.#session;
    if (session === undefined) throw new UserError("not-launched", "Nothing has been launched yet.");
    if (isSearch(method)) return this.#search(session, method, args);
    this.#background?.suspend();
    if (method === "saveBranch") return this.#saveBranch(session, args[0] as string, args[1] as number | undefined);
    if (method in MOTIONS) return this.#move(session, method, args);
    if (this.#motion !== undefined && !AT_ANY_TIME.has(method)) throw running();
    const result = memberOf(session, method)(...args);
    if (method === "setExceptionStops") this.#told.set(method, [method, args]);
    if (method === "setBreakpoints") this.#told.set(JSON.stringify(args[0]), [method, args]);
    if (method === "input") this.#bell.ring();
    if (!AT_ANY_TIME.has(method)) {
      this.#sendOutput(session);
      // An expression may have called functions of the guest, an edit have begun a branch.
      const isOther = session.branches.branch?.id !== this.#branchTold;
      if (isOther || session.debuggee.verifiedChecks !== this.#checksTold) this.#sendStatus(session, false);
    }
    return result;
  }

  /** The machine is led by somebody else, who lets the world see now and then how it goes. */
  look(isRunning: boolean): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#sendOutput(session);
    if (!isRunning || this.#nowMs() - this.#status.atMs >= STATUS_INTERVAL_MS) this.#sendStatus(session, isRunning);
  }

  /** The session's debuggee is another: it is told what the one before was told. */
  renewed(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (const [method, args] of this.#told.values()) memberOf(session, method)(...args);
    void this.#background?.close();
    this.#background = this.#searching(session);
  }

  #searching(session: Session): BackgroundSearches {
    return new BackgroundSearches(
      session.debuggee.searchEngine,
      () => this.#motion === undefined,
      (state) => this.#emit({ type: "search", state }),
      () => session.branches.prepare(),
    );
  }

  #search(session: Session, method: keyof SearchApi, args: readonly unknown[]): unknown {
    if (method === "startSearch") this.#background?.suspend();
    const engine = session.debuggee.searchEngine;
    return (engine[method] as (...args: unknown[]) => unknown).apply(engine, [...args]);
  }

  async #launch(options: LaunchOptions): Promise<LaunchResult> {
    if (this.#launching) throw new UserError("launched-twice", "This debuggee has been launched already.");
    this.#launching = true;
    try {
      const session = await this.#open(options, (event) => this.#tell(event), this.#bell);
      this.#session = session;
      this.#background = this.#searching(session);
    } catch (error) {
      // A mistake in the options may be corrected and the launch repeated.
      this.#launching = false;
      throw error;
    }
    this.#sendOutput(this.#session);
    this.#sendStatus(this.#session, false);
    return this.#session.result;
  }

  async #pause(): Promise<void> {
    const motion = this.#motion;
    if (motion === undefined) return;
    motion.stop = true;
    this.#bell.ring();
    await motion.done;
  }

  async #close(): Promise<void> {
    await this.#pause();
    this.#background?.close();
    await this.#session?.close();
  }

  #move(session: Session, method: keyof DebuggeeApi, args: readonly unknown[]): Promise<unknown> {
    if (this.#motion !== undefined) throw running();
    const start = memberOf(session, method) as (...args: unknown[]) => Motion<unknown>;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const motion: CurrentMotion = { stop: false, done };
    this.#motion = motion;
    this.#status = { atMs: this.#nowMs(), end: session.branches.end, stepsPerSecond: 0 };
    // Forward steps run like `resume`; backward ones search, and may go far back over a call.
    const title = method === "step" && args[1] === "backward" ? "Stepping back" : MOTIONS[method];
    return this.#driveMotion(session, method, title, start(...args), motion).finally(() => {
      this.#motion = undefined;
      resolve();
      this.#sendOutput(session);
      this.#sendStatus(session, false);
      if (!QUESTIONS.has(method)) this.#background?.arrived();
      this.#background?.goOn();
    });
  }

  async #saveBranch(session: Session, path: string, id: number | undefined): Promise<void> {
    if (this.#motion !== undefined) throw running();
    const recording = session.createRecording(path);
    await recording.writeWhole(() => this.#move(session, "saveBranch", [id, recording]));
  }

  async #driveMotion(
    session: Session,
    method: string,
    title: string | undefined,
    motion: Motion<unknown>,
    current: CurrentMotion,
  ): Promise<unknown> {
    this.#progressAtMs = this.#nowMs();
    let reported = false;
    const outcome = await drive(motion, {
      stop: () => current.stop,
      bell: this.#bell,
      onProgress: (progress) => {
        this.#sendOutput(session);
        this.#checkRecording(session, current);
        const now = this.#nowMs();
        if (now - this.#status.atMs >= STATUS_INTERVAL_MS) this.#sendStatus(session, true);
        if (title !== undefined && now - this.#progressAtMs >= PROGRESS_INTERVAL_MS) {
          this.#progressAtMs = now;
          reported = true;
          this.#emit({ type: "progress", title, ...position(progress), done: false });
        }
        // A branch has no clock but its own.
        return current.stop || session.branches.branch !== undefined ? undefined : session.pace(progress);
      },
    });
    if (reported && title !== undefined) {
      this.#emit({ type: "progress", title, instant: session.branches.now, done: true });
    }
    if (outcome.finished) return outcome.value;
    const stopped = await this.#settle(session);
    if (QUESTIONS.has(method)) throw new UserError("cancelled", "The search was cancelled.");
    return stopped;
  }

  /** After a motion was abandoned: the debuggee goes where that motion has to leave it. Nobody can interrupt this. */
  async #settle(session: Session): Promise<Stopped> {
    const settled = await drive(session.debuggee.interrupted(), { stop: () => false, bell: this.#bell });
    assert(settled.finished, "settling was abandoned");
    return settled.value;
  }

  /** A recording that can no longer be written pauses the run, once, with a sentence; the user may go on without it. */
  #checkRecording(session: Session, current: CurrentMotion): void {
    const failure = session.recordingFailure();
    if (failure === undefined || failure === this.#failureTold) return;
    this.#failureTold = failure;
    current.stop = true;
    this.#emit({ type: "failure", message: failure, fatal: false });
  }

  /** What a branch prints is told as its own: it is no part of the console's output. */
  #sendOutput({ branches, console }: Session): void {
    const { branch, history } = branches;
    const source = console?.(this.#outputSent) ?? { history: branches.recordingHistory, said: 0 };
    const end = (source.released ?? Number.POSITIVE_INFINITY) - source.said;
    const sent = Math.max(0, this.#outputSent - source.said);
    this.#outputSent = Math.max(this.#outputSent, source.said + this.#sendFrom(sent, source.history, end, undefined));
    if (branch === undefined) return;
    const { id, origin } = branch;
    const from = this.#branchOutputSent.get(id) ?? history.outputLengthAt?.(origin as Instant) ?? history.outputLength;
    this.#branchOutputSent.set(id, this.#sendFrom(from, history, Number.POSITIVE_INFINITY, id));
  }

  /** Sends what was printed from an offset on, up to another one at most; returns how far it came. */
  #sendFrom(offset: number, history: HistoryLike, most: number, branch: number | undefined): number {
    // Of a very long recording the history has forgotten what was printed first.
    let sent = Math.max(offset, history.firstOutputHeld ?? 0);
    const end = Math.min(history.outputLength, most);
    while (sent < end) {
      const bytes = Uint8Array.from(history.outputBytes(sent, Math.min(OUTPUT_EVENT_BYTES, end - sent)));
      sent += bytes.length;
      const instant = history.instantOfOutput(sent - 1);
      assert(bytes.length > 0 && instant !== undefined, "the history lost output that it counts");
      const of = branch === undefined ? {} : { branch };
      this.#emit({ type: "output", category: "guest", bytes, instant, ...of });
    }
    return sent;
  }

  #sendStatus(session: Session, isRunning: boolean): void {
    const now = this.#nowMs();
    const { branches } = session;
    const seconds = (now - this.#status.atMs) / 1000;
    if (isRunning && seconds > 0) this.#status.stepsPerSecond = (branches.end - this.#status.end) / seconds;
    this.#status.atMs = now;
    this.#status.end = branches.end;
    this.#checksTold = session.debuggee.verifiedChecks;
    this.#branchTold = branches.branch?.id;
    this.#emit({
      type: "status",
      instant: branches.now,
      end: branches.end,
      stepsPerSecond: Math.round(isRunning ? this.#status.stepsPerSecond : 0),
      recordingBytes: session.recordingBytes(),
      running: isRunning,
      ...(branches.branch && { branch: branches.branch }),
      checks: this.#checksTold,
    });
  }

  /** What the debuggee says. */
  #tell(event: DebuggeeEvent): void {
    if (event.type === "search") this.#background?.event(event.state);
    else this.#emit(event);
  }

  #emit(event: DebuggeeEvent): void {
    this.#rpc.event(event);
  }
}

/** Whoever serves a method: the debuggee, its branches, or what is remembered. */
function memberOf({ debuggee, branches }: Session, method: keyof DebuggeeApi): (...args: unknown[]) => unknown {
  for (const part of [debuggee, debuggee.branching, branches.history]) {
    const member = (part as Partial<Record<string, unknown>> | undefined)?.[method];
    if (typeof member === "function") return (...args) => member.apply(part, args);
  }
  throw new AssertionFailure(`the debuggee has no ${method}`);
}

function position({ instant, fraction }: Progress): { instant: number; fraction?: number } {
  return fraction === undefined ? { instant } : { instant, fraction };
}

function isSearch(method: string): method is keyof SearchApi {
  return Object.hasOwn(SEARCHES, method);
}

function running(): UserError {
  return new UserError("running", "The machine is running: pause it first.");
}
