import type {
  DebuggeeApi,
  DebuggeeEvent,
  ExecutableFile,
  LaunchResult,
  RegisterValues,
  Stopped,
} from "../debuggee/protocol.ts";
import { StopPoints } from "./stop-points.ts";
import type { RegisterSet } from "./target-description.ts";

/** Output of a stretch that is passed again is told up to so much: a client shows it line by line. */
const MOST_REPEATED_OUTPUT_BYTES = 64 * 1024;
/** Well below the 100 ms within which a pause has to come through. */
const PAUSE_AGAIN_MS = 20;

export interface TargetListener {
  /** The guest printed, or prints again what it printed at these instants. Only while a motion goes on. */
  output(bytes: Uint8Array): void;
  /** A sentence of Hindcast's own. */
  say(sentence: string): void;
}

const NOBODY: TargetListener = { output: () => {}, say: () => {} };

/** The launched debuggee, whoever is connected to it: it keeps its place from one client to the next. */
export class Target {
  readonly debuggee: DebuggeeApi;
  readonly launched: LaunchResult;
  readonly registers: RegisterSet;
  readonly stopPoints: StopPoints;
  readonly #lost: Promise<string>;
  readonly #lose: (sentence: string) => void;
  #listener: TargetListener = NOBODY;
  #stopped: Stopped;
  /** The branch that is looked at; 0: the recording. */
  #branch = 0;
  /** Newest instants known, by branch. */
  readonly #ends = new Map<number, number>();
  /** Sentences that the client's user has yet to be told. */
  #untold: string[] = [];
  #executable: Promise<ExecutableFile | undefined> | undefined;
  #checks = true;
  /** What goes on. */
  #motion: (() => Promise<Stopped>) | undefined;
  /** New output that came while older output has yet to be told. */
  #held: Uint8Array[] | undefined;

  private constructor(debuggee: DebuggeeApi, launched: LaunchResult, registers: RegisterSet, events: EventQueue) {
    this.debuggee = debuggee;
    this.launched = launched;
    this.registers = registers;
    this.stopPoints = new StopPoints(debuggee);
    this.#stopped = launched.entered;
    this.#ends.set(0, launched.end);
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#lost = promise;
    this.#lose = resolve;
    events.connect((event) => this.#event(event));
  }

  /** @param events what the debuggee says, from its beginning. */
  static async open(debuggee: DebuggeeApi, launched: LaunchResult, events: EventQueue): Promise<Target> {
    const [{ floats }, { groups }] = await Promise.all([debuggee.registers(0), debuggee.csrs(0)]);
    const csrs = groups.flatMap(({ csrs: members }) => members.map(({ number }) => number)).sort((a, b) => a - b);
    return new Target(debuggee, launched, { floats: floats !== undefined, csrs }, events);
  }

  get harts(): number {
    return this.launched.harts;
  }

  /** Where it stands. */
  get stopped(): Stopped {
    return this.#stopped;
  }

  get moving(): boolean {
    return this.#motion !== undefined;
  }

  /** Resolves with a sentence when the machine is gone, through a fault of ours. */
  get lost(): Promise<string> {
    return this.#lost;
  }

  listen(listener: TargetListener | undefined): void {
    this.#listener = listener ?? NOBODY;
  }

  // ---- motions

  resume(): Promise<Stopped> {
    return this.#forward(async () => this.#before(await this.debuggee.resume()));
  }

  step(hart: number): Promise<Stopped> {
    return this.#forward(async () => this.#before(await this.#stepInto(hart, "forward")));
  }

  /** Steps until pc has left [start, end): a line, for the client. */
  stepRange(hart: number, start: bigint, end: bigint): Promise<Stopped> {
    return this.#forward(async () => this.#before(await this.debuggee.stepRange(hart, start, end)));
  }

  reverseContinue(): Promise<Stopped> {
    return this.#move(async () => this.#behind(await this.debuggee.reverseContinue()));
  }

  reverseStep(hart: number): Promise<Stopped> {
    return this.#move(async () => {
      const stopped = await this.#stepInto(hart, "backward");
      if (stopped.reason !== "step" || !this.stopPoints.watches) return this.#behind(stopped);
      // The debuggee steps back without looking at accesses. Whether there was one shows when it is done again.
      const again = await this.#stepInto(hart, "forward");
      if (again.reason === "data breakpoint") return again;
      return { ...stopped, instant: (await this.debuggee.seek(stopped.instant)).instant };
    });
  }

  /** To an instant; the client is not told that anything moved. */
  seek(instant: number): Promise<Stopped> {
    return this.#move(() => this.debuggee.seek(instant));
  }

  /** Ends the motion that goes on, and does nothing when none does. */
  async pause(): Promise<void> {
    // Some motions consist of several requests: between two of them there is nothing to pause.
    const motion = this.#motion;
    const goesOn = () => motion !== undefined && this.#motion === motion;
    while (goesOn()) {
      await this.debuggee.pause();
      // The next one is not meant.
      if (goesOn()) await new Promise((resolve) => setTimeout(resolve, PAUSE_AGAIN_MS));
    }
  }

  #stepInto(hart: number, direction: "forward" | "backward"): Promise<Stopped> {
    return this.debuggee.step("into", direction, "instruction", hart);
  }

  /**
   * GDB holds that RISC-V harts stop in front of the instruction that touches watched memory: it then steps over it
   * itself, in the direction of travel, and looks what has become of the value. So we stop on the near side of it.
   */
  async #before(stopped: Stopped): Promise<Stopped> {
    if (stopped.reason !== "data breakpoint") return stopped;
    return { ...stopped, instant: (await this.debuggee.seek(stopped.instant - 1)).instant };
  }

  async #behind(stopped: Stopped): Promise<Stopped> {
    if (stopped.reason !== "data breakpoint") return stopped;
    return { ...stopped, instant: (await this.debuggee.seek(stopped.instant + 1)).instant };
  }

  async #move(motion: () => Promise<Stopped>): Promise<Stopped> {
    this.#motion = motion;
    try {
      this.#stopped = await motion();
      this.#came(this.#branch, this.#stopped.instant);
      return this.#stopped;
    } finally {
      this.#motion = undefined;
    }
  }

  /** What the guest printed on the way is told, also when it is passed again: as if it ran. */
  async #forward(motion: () => Promise<Stopped>): Promise<Stopped> {
    const from = this.#stopped.instant;
    const end = this.#ends.get(this.#branch) ?? from;
    if (from === end) return this.#move(motion);
    this.#held = [];
    try {
      const stopped = await this.#move(motion);
      await this.#repeat(from, Math.min(end, stopped.instant));
      return stopped;
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const bytes of held) this.#listener.output(bytes);
    }
  }

  async #repeat(from: number, to: number): Promise<void> {
    if (to <= from) return;
    const bytes = await this.debuggee.outputBetween(from, to);
    const left = Math.max(0, bytes.length - MOST_REPEATED_OUTPUT_BYTES);
    if (left > 0) this.#listener.say(`(${left} bytes of output are left out.)`);
    if (bytes.length > 0) this.#listener.output(bytes.subarray(left));
  }

  #event(event: DebuggeeEvent): void {
    switch (event.type) {
      case "output":
        if (event.category !== "guest") {
          this.#log(event.bytes, event.category === "log" ? event.instant : undefined);
          return;
        }
        // A recording tells all of its output when it is opened; ours follows the motions.
        if (!this.launched.live && event.branch === undefined) return;
        if (this.#held === undefined) this.#listener.output(event.bytes);
        else this.#held.push(event.bytes);
        return;
      case "status":
        this.#came(event.branch?.id ?? 0, event.end);
        return;
      case "branch":
        this.#branchChanged(event);
        return;
      case "failure":
        this.#listener.say(event.message);
        if (event.fatal) this.#lose(event.message);
        return;
      default:
        return;
    }
  }

  #came(branch: number, instant: number): void {
    this.#ends.set(branch, Math.max(this.#ends.get(branch) ?? 0, instant));
  }

  #branchChanged({ current, branches }: Extract<DebuggeeEvent, { type: "branch" }>): void {
    const branch = branches.find(({ id }) => id === current);
    if (branch !== undefined && !this.#ends.has(current)) {
      this.#untold.push(
        `Branch ${current} of instant ${branch.origin} has begun; the recording stays as it is (monitor branch).`,
      );
    }
    if (branch !== undefined) this.#came(current, branch.end);
    this.#branch = current;
  }

  /** What has yet to be told; it counts as told. */
  takeUntold(): string[] {
    const untold = this.#untold;
    this.#untold = [];
    return untold;
  }

  /** To another run; the client is not told that anything moved. */
  switchRun(how: () => Promise<Stopped>): Promise<Stopped> {
    return this.#move(how);
  }

  /** What a replay-only check logs, for one. It is told while somebody listens. */
  #log(bytes: Uint8Array, instant: number | undefined): void {
    if (this.#motion === undefined) return;
    const where = instant === undefined ? "" : `instant ${instant}: `;
    this.#listener.output(new TextEncoder().encode(`${where}${new TextDecoder().decode(bytes)}`));
  }

  // ---- what one can ask while it stands

  /** Whether the guest's replay-only blocks run, and stop where they fail. */
  get checks(): boolean {
    return this.#checks;
  }

  async setChecks(on: boolean): Promise<void> {
    await this.debuggee.setExceptionStops([], on);
    this.#checks = on;
  }

  /** The program with its symbols, as an ELF; undefined when there is none. It does not change. */
  executable(): Promise<ExecutableFile | undefined> {
    this.#executable ??= this.debuggee.executable();
    return this.#executable;
  }

  values(hart: number): Promise<RegisterValues> {
    return this.debuggee.registers(hart);
  }
}

/** Keeps what the debuggee says until somebody listens: it speaks before its launch has been answered. */
export class EventQueue {
  #waiting: DebuggeeEvent[] = [];
  #listener: ((event: DebuggeeEvent) => void) | undefined;

  readonly emit = (event: DebuggeeEvent): void => {
    if (this.#listener === undefined) this.#waiting.push(event);
    else this.#listener(event);
  };

  connect(listener: (event: DebuggeeEvent) => void): void {
    this.#listener = listener;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const event of waiting) listener(event);
  }
}
