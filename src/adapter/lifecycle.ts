import type { DebuggeeEvent, LaunchResult, Stopped } from "../debuggee/protocol.ts";
import type { Breakpoints } from "./breakpoints.ts";
import type { Client } from "./client.ts";
import type { AdapterEnvironment, Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import type { ExceptionStops } from "./exceptions.ts";
import { type Launch, parseLaunchArguments } from "./launch-arguments.ts";
import { type Motion, type Motions, within } from "./motions.ts";
import { Pair } from "./pair.ts";
import type { Seat, SeatSession } from "./seat.ts";
import type { Sources } from "./sources.ts";
import type { Stacks } from "./stack.ts";

/** Closing writes the end of a recording. A worker that has not done so by then never will. */
const CLOSE_TIMEOUT_MS = 5000;

/** A debuggee and what it was started with. */
export interface Run {
  readonly launch: Launch;
  readonly debuggee: Debuggee;
  readonly result: LaunchResult;
  /** The machine's place in its pair; undefined: it is alone. */
  readonly paired: Paired | undefined;
}

export interface Paired {
  readonly pair: Pair;
  readonly seat: Seat;
  /** What a partner's session names it by. */
  readonly key: string;
}

export interface LifecycleParts {
  readonly environment: AdapterEnvironment;
  readonly client: Client;
  readonly motions: Motions;
  readonly breakpoints: Breakpoints;
  readonly exceptionStops: ExceptionStops;
  readonly sources: Sources;
  readonly stacks: Stacks;
  /** A debuggee is about to come; its events follow. */
  onBegin(launch: Launch): void;
  onEvent(event: DebuggeeEvent): void;
  /** Shows what is still on its way to the client. */
  onEnd(): void;
  /** The session as its pair sees it. */
  readonly seatSession: SeatSession;
}

/**
 * From launch over restarts to the end of the session. The recording is closed in good order whatever ends it: a request,
 * the guest, a lost client. A debugger for travel does not end with the guest, unless asked to (`stopOnEnd: false`, or a
 * run without debugging).
 */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  #state: "new" | "launching" | "launched" | "begun" | "over" = "new";
  #run: Run | undefined;
  #arguments: Readonly<Record<string, unknown>> = {};
  #exitCode: number | undefined;
  #ending: Promise<void> | undefined;
  /** Counts debuggees. */
  #generation = 0;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  get run(): Run {
    if (this.#run === undefined) throw this.#state === "over" ? errors.over() : errors.notLaunched();
    return this.#run;
  }

  get debuggee(): Debuggee {
    return this.run.debuggee;
  }

  /** The machine's place in its pair; undefined: it has none, or is not there. */
  get paired(): Paired | undefined {
    return this.#run?.paired;
  }

  /** The client has set what is to be stopped at, and the machine has set out or may. */
  get hasBegun(): boolean {
    return this.#state === "begun";
  }

  /** A path as the launch's arguments have them. */
  resolvePath(path: string): string {
    const { environment } = this.#parts;
    const { cwd } = this.#arguments;
    const base = environment.resolvePath(environment.workingDirectory, typeof cwd === "string" ? cwd : ".");
    return environment.resolvePath(base, path);
  }

  async launch(raw: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#state === "over") throw errors.over();
    if (this.#state !== "new") throw errors.launchedTwice();
    await this.#start(raw);
  }

  /** Where the machine goes once the client has set its breakpoints; undefined when it has set out already. */
  firstMotion(): Motion | undefined {
    const { launch, result, paired } = this.run;
    if (this.#state === "begun") return undefined;
    this.#state = "begun";
    const first = launch.options.stopOnEntry && !launch.noDebug ? async () => result.entered : resume;
    if (paired === undefined) return first;
    if (paired.seat.side === "left") {
      return async (debuggee) => {
        await paired.pair.untilPartnerBegun();
        return first === resume ? first(debuggee) : paired.pair.entered(paired.seat, await first(debuggee));
      };
    }
    // What moves first is machine A, and takes this one along.
    return (debuggee) => {
      const led = paired.seat.firstLed(debuggee);
      paired.pair.partnerBegun();
      return led;
    };
  }

  /** Ends this run and starts the program again, with new arguments when there are any. */
  async restart(raw: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const { debuggee, paired } = this.run;
    const next = raw ?? this.#arguments;
    // Before anything is thrown away: what is wrong with the new arguments is no reason to lose the old run.
    parseLaunchArguments(next, this.#parts.environment);
    // Both machines begin anew, in the sessions that there are.
    if (paired !== undefined) return this.#restartPair(paired, raw);
    this.#run = undefined;
    await this.#close(debuggee);
    try {
      await this.#start(next);
      await this.#parts.breakpoints.setAgain(this.debuggee);
    } catch (error) {
      void this.end();
      throw error;
    }
  }

  async #restartPair({ pair, seat }: Paired, raw: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    try {
      await pair.restart(seat, seat.side === "left" ? raw : undefined);
      await this.begunAnew();
    } catch (error) {
      void this.end();
      throw error;
    }
  }

  /** The pair has been opened anew, and this session's machine with it. */
  async begunAnew(): Promise<void> {
    const { paired, debuggee } = this.run;
    if (paired === undefined) return;
    const { environment } = this.#parts;
    const launch = parseLaunchArguments(this.#arguments, environment);
    this.#parts.onBegin(launch);
    this.#exitCode = undefined;
    const result = await this.#prepare(debuggee, launch);
    this.#run = { launch, debuggee, result, paired };
    this.#state = "launched";
    this.#announce(this.#run);
  }

  /** Before its pair is opened anew: nothing moves any more, and what was to be shown is. */
  async suspend(): Promise<void> {
    await this.#parts.motions.abandon(this.debuggee);
    this.#parts.onEnd();
  }

  /** Notes how the guest ended; true when the session ends with it. */
  endsWith({ reason, exitCode, exception }: Stopped): boolean {
    const { launch } = this.run;
    if (reason === "finished") this.#exitCode = exitCode ?? 0;
    const ended = reason === "finished" || reason === "end";
    if (!launch.noDebug) return ended && !launch.stopOnEnd;
    // A trap that nothing handles ends a run without debugging, as a crash does.
    if (reason === "exception" && exception?.handled === false) {
      this.#exitCode = 1;
      return true;
    }
    return ended;
  }

  /** Closes the recording and tells the client that the session is over. May be called more than once. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { client } = this.#parts;
    const run = this.#run;
    this.#state = "over";
    if (run !== undefined) {
      await this.#close(run.debuggee);
      // A guest that was ended from outside has no exit code.
      if (this.#exitCode !== undefined) client.event("exited", { exitCode: this.#exitCode });
    }
    this.#run = undefined;
    client.event("terminated");
  }

  async #start(raw: Readonly<Record<string, unknown>>): Promise<void> {
    const { environment } = this.#parts;
    const launch = parseLaunchArguments(raw, environment);
    const before = this.#state;
    const generation = ++this.#generation;
    this.#state = "launching";
    this.#parts.onBegin(launch);
    this.#exitCode = undefined;
    let debuggee: Debuggee | undefined;
    try {
      const onEvent = (event: DebuggeeEvent) => {
        // What a debuggee says that was replaced or given up is of no interest.
        if (generation === this.#generation) this.#parts.onEvent(event);
      };
      const paired = await this.#pairOf(launch);
      debuggee =
        paired === undefined
          ? await environment.createDebuggee(onEvent)
          : paired.seat.asDebuggee(paired.pair, onEvent, this.#parts.seatSession);
      const result = await this.#prepare(debuggee, launch);
      if (this.#stateIsOver()) throw errors.over();
      this.#run = { launch, debuggee, result, paired };
      this.#arguments = raw;
      this.#state = "launched";
      this.#announce(this.#run);
    } catch (error) {
      if (debuggee !== undefined) await this.#close(debuggee);
      if (!this.#stateIsOver()) this.#state = before === "new" ? "new" : "over";
      throw error;
    }
  }

  /** The pair that a launch opens, or whose machine B it is about. */
  async #pairOf(launch: Launch): Promise<Paired | undefined> {
    const { environment } = this.#parts;
    if (launch.partner !== undefined) {
      const pair = environment.pairs.get(launch.partner);
      return { pair, seat: pair.seats.right, key: launch.partner };
    }
    const pair = await Pair.open({
      source: (raw, onEvent) => {
        const { options } = raw === undefined ? launch : parseLaunchArguments(raw, environment);
        if (raw !== undefined) this.#arguments = raw;
        return environment.openPair?.(options, onEvent) ?? Promise.resolve(undefined);
      },
      onClose: (closed) => environment.pairs.remove(closed),
    });
    if (pair === undefined && launch.options.lockstep) throw errors.noLockstep();
    return pair && { pair, seat: pair.seats.left, key: environment.pairs.add(pair) };
  }

  /** A method of its own because an `await` lies between: the state may have changed meanwhile. */
  #stateIsOver(): boolean {
    return this.#state === "over";
  }

  async #prepare(debuggee: Debuggee, launch: Launch): Promise<LaunchResult> {
    const { environment, exceptionStops, sources, stacks } = this.#parts;
    const input = launch.input === undefined ? undefined : await environment.readFile(launch.input);
    if (launch.input !== undefined && input === undefined) throw errors.noInput(launch.input);
    const result = await debuggee.launch(launch.options);
    stacks.harts = result.harts;
    const { causes, checks } = exceptionStops;
    await debuggee.setExceptionStops(launch.noDebug ? [] : causes, checks && !launch.noDebug);
    await sources.load(debuggee);
    if (input !== undefined) await debuggee.input(input);
    return result;
  }

  #announce({ launch, result }: Run): void {
    const { client } = this.#parts;
    const { program, recording } = launch.options;
    client.event("process", {
      name: program ?? recording ?? result.recording,
      isLocalProcess: false,
      startMethod: "launch",
      pointerSize: 64,
    });
    for (const warning of [...launch.warnings, ...result.warnings]) client.say(warning, "stderr");
    if (result.live) client.say(`Recording to ${result.recording}`);
    this.#parts.seatSession.changed();
  }

  async #close(debuggee: Debuggee): Promise<void> {
    await this.#parts.motions.abandon(debuggee);
    this.#parts.onEnd();
    const closed = debuggee.close().catch((error: unknown) => this.#notClosed(error));
    await within(CLOSE_TIMEOUT_MS, closed);
    this.#generation++;
    await debuggee.dispose().catch(() => {});
  }

  #notClosed(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#parts.client.say(`The recording could not be ended in good order: ${why}`, "important");
  }
}

function resume(debuggee: Debuggee): Promise<Stopped> {
  return debuggee.resume();
}
