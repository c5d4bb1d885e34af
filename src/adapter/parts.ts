import { unreachable } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import type { DebuggeeEvent, Stopped } from "../debuggee/protocol.ts";
import { BranchLines, branchesBody } from "./branches.ts";
import { Breakpoints } from "./breakpoints.ts";
import type { Call } from "./call.ts";
import type { Client } from "./client.ts";
import type { AdapterEnvironment } from "./environment.ts";
import { ExceptionStops } from "./exceptions.ts";
import type { Launch } from "./launch-arguments.ts";
import { PARTNER, PARTNER_ADDRESS } from "./launch-arguments.ts";
import { Lifecycle } from "./lifecycle.ts";
import { stateBody } from "./lockstep.ts";
import { titleOf } from "./lockstep-text.ts";
import { LogLinks } from "./log-links.ts";
import { Memory } from "./memory.ts";
import { type Motion, Motions } from "./motions.ts";
import { GuestConsole, LogMessages } from "./output.ts";
import { ProgressReports } from "./progress.ts";
import { formatInstant } from "./references.ts";
import { Searches } from "./searches.ts";
import type { SeatSession } from "./seat.ts";
import { Sources } from "./sources.ts";
import { Stacks, threadOfHart } from "./stack.ts";
import { StatusReports } from "./status.ts";
import { Throttle } from "./throttle.ts";
import { GotoTargets } from "./travel.ts";
import { Variables } from "./variables.ts";

/** Of what is told of a pair by itself: five times a second. */
const PAIR_INTERVAL_MS = 200;

/**
 * The concerns of one session, put together, and what goes between them: stops and the debuggee's own events come in,
 * DAP's events go out.
 */
export class Parts {
  readonly client: Client;
  readonly sources: Sources;
  readonly stacks: Stacks;
  readonly variables: Variables;
  readonly memory: Memory;
  readonly breakpoints: Breakpoints;
  readonly exceptionStops = new ExceptionStops();
  readonly gotoTargets: GotoTargets;
  readonly motions: Motions;
  readonly lifecycle: Lifecycle;
  readonly searches = new Searches();
  readonly logLinks = new LogLinks();
  /** Requests that are being handled, by id. */
  readonly calls = new Map<number, Call>();
  readonly #progress: ProgressReports;
  readonly #logs: LogMessages;
  readonly #status: StatusReports;
  readonly #pairState: Throttle;
  #console: GuestConsole | undefined;
  readonly #branchLines = new BranchLines();
  #stopped: Stopped | undefined;
  #endTold = false;
  #isPartnerAsked = false;
  /** The request whose answer waits for a search. */
  #searching: number | undefined;

  constructor(client: Client, environment: AdapterEnvironment) {
    this.client = client;
    this.sources = new Sources(client, (path) => environment.readFile(path));
    this.stacks = new Stacks(this.sources);
    this.variables = new Variables(client);
    this.memory = new Memory(client, this.sources);
    this.breakpoints = new Breakpoints(client, this.sources);
    this.gotoTargets = new GotoTargets(this.breakpoints);
    this.motions = new Motions({
      stopped: (stopped) => this.#onStopped(stopped),
      failed: (error) => this.#onFailed(error),
    });
    this.#progress = new ProgressReports(client);
    this.#logs = new LogMessages(client, this.sources, this.logLinks);
    this.#status = new StatusReports(client);
    this.#pairState = new Throttle(PAIR_INTERVAL_MS, () => this.#tellPair());
    this.lifecycle = new Lifecycle({
      environment,
      client,
      motions: this.motions,
      breakpoints: this.breakpoints,
      exceptionStops: this.exceptionStops,
      sources: this.sources,
      stacks: this.stacks,
      onBegin: (launch) => this.#onBegin(launch),
      onEvent: (event) => this.#onEvent(event),
      onEnd: () => this.#onEnd(),
      seatSession: this.#seatSession(),
    });
  }

  /** Where the machine stands; undefined before the first stop. */
  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  /**
   * Moves the machine. It sets out at once, so that a pause that comes close behind finds it moving; its stop is told
   * after the request has been answered. `announced` says that the client cannot know from the request that the machine
   * moves, and has to be told: before the answer, which so stands between that and the stop. Events that VS Code finds together
   * it handles in one go, and its work on `continued` ends after that on `stopped`: it forgets the stop, and at the next
   * `invalidated` the stack.
   */
  move(call: Call, motion: Motion, kind: "step" | "other", announced: "announced" | "known"): void {
    const answered: Motion = async (debuggee) => {
      try {
        return await motion(debuggee);
      } finally {
        await call.responded;
      }
    };
    this.motions.start(this.lifecycle.debuggee, answered, kind);
    if (announced === "announced") this.#tellContinued();
  }

  /** Sets out after a launch or a restart; a client does not conclude from a restart that the machine runs. */
  begin(call: Call, announced: "announced" | "known"): void {
    const motion = this.lifecycle.firstMotion();
    if (motion !== undefined) this.move(call, motion, "other", announced);
  }

  /** Asks the client for a session for the other machine, once this one is configured. */
  askForPartner(environment: AdapterEnvironment): void {
    const { paired, launch } = this.lifecycle.run;
    if (paired?.seat.side !== "left" || !this.client.startsSessions || this.#isPartnerAsked) return;
    this.#isPartnerAsked = true;
    const asked = async () => {
      const address = await environment.partnerAddress?.();
      const configuration = {
        name: titleOf(paired.pair, "right"),
        console: launch.console,
        [PARTNER]: paired.key,
        ...(address !== undefined && { [PARTNER_ADDRESS]: address }),
      };
      return this.client.ask("startDebugging", { request: "launch", configuration });
    };
    paired.pair.expectPartner(asked());
  }

  #tellPair(): void {
    const paired = this.lifecycle.paired;
    if (paired !== undefined) this.client.event("hindcast/lockstep", stateBody(paired.pair, paired.seat));
  }

  /**
   * Moves the machine because somebody else wants it. No response parts `continued` from the stop here; the motion is not held for
   * that, or the machine would count as one that its user moves, and not be taken along by the next motion.
   */
  #follow(motion: Motion): void {
    this.motions.start(this.lifecycle.debuggee, motion, "other");
    this.#tellContinued();
    this.client.part();
  }

  #tellContinued(): void {
    this.client.event("continued", { threadId: threadOfHart(this.stacks.current), allThreadsContinued: true });
  }

  #seatSession(): SeatSession {
    const parts = this;
    return {
      get moving() {
        return parts.motions.moving || !parts.lifecycle.hasBegun;
      },
      follow: (motion) => this.#follow(motion),
      changed: () => this.#pairState.request(),
      say: (text) => this.client.say(text),
      end: () => this.lifecycle.end(),
      suspend: () => this.lifecycle.suspend(),
      begunAnew: async () => {
        await this.lifecycle.begunAnew();
        const motion = this.lifecycle.firstMotion();
        if (motion !== undefined) this.#follow(motion);
      },
    };
  }

  /** A question that may take long: shown with progress, ended by `cancel`. */
  async search<T>(call: Call, question: () => Promise<T>): Promise<T> {
    return this.motions.search(() => {
      this.#searching = call.id;
      call.onCancel(() => this.interrupt());
      return question().finally(() => {
        this.#searching = undefined;
        this.#progress.end();
      });
    });
  }

  /** The same of one that somebody else answers, while the machine stays where it is; it is ended by its call's cancel. */
  async searchElsewhere<T>(
    call: Call,
    title: string,
    question: (onProgress: (what: string, fraction: number | undefined) => void) => Promise<T>,
  ): Promise<T> {
    const ask = () =>
      question((what, fraction) =>
        this.#progress.report(
          { type: "progress", title, what, instant: 0, ...(fraction !== undefined && { fraction }), done: false },
          call.id,
        ),
      );
    return this.motions.search(
      () => ask().finally(() => this.#progress.end()),
      () => call.cancel(),
    );
  }

  /** A line of the debug console that leads to an instant, where the client can follow it. */
  sayWithLink(text: string, instant: number | undefined): void {
    if (instant === undefined) this.client.say(text);
    else this.#logs.push({ text, source: undefined, leadsTo: instant });
  }

  /** Ends a request that can be ended, and what a progress stands for. */
  cancel(requestId: number | undefined, progressId: string | undefined): void {
    if (requestId !== undefined) this.calls.get(requestId)?.cancel();
    if (progressId !== undefined && this.#progress.isCurrent(progressId)) this.interrupt();
  }

  /** Ends what moves or searches; the answer need not wait for that. A dead debuggee has told so itself. */
  interrupt(): void {
    this.motions.pause(this.lifecycle.debuggee).catch(() => {});
  }

  #onBegin({ console }: Launch): void {
    this.#stopped = undefined;
    this.stacks.current = 0;
    this.#endTold = false;
    this.searches.forget();
    this.#console = new GuestConsole(this.client, console);
  }

  /** What waits to be shown is shown before the client turns to something else. */
  #flush(): void {
    this.#console?.flush();
    for (const line of this.#branchLines.rest()) this.#logs.push({ text: line, source: undefined });
    this.#logs.flush();
    this.#progress.end();
    this.#status.flush();
  }

  #onEnd(): void {
    this.#flush();
    this.#console?.dispose();
    this.#logs.dispose();
    this.#status.dispose();
    this.#pairState.cancel();
    this.#forget();
  }

  #forget(): void {
    this.stacks.forget();
    this.gotoTargets.forget();
  }

  #onStopped(stopped: Stopped): void {
    this.#stopped = stopped;
    this.stacks.current = stopped.hart;
    this.#flush();
    this.#forget();
    if (this.lifecycle.endsWith(stopped)) {
      this.client.say(sentence(stopped));
      void this.lifecycle.end();
      return;
    }
    if (stopped.reason === "finished" && !this.#endTold) {
      // Not every client shows the stop's own text.
      this.client.say(`${sentence(stopped)}\n${AFTER_THE_END}`);
      this.#endTold = true;
    }
    this.client.event("stopped", {
      reason: this.#reason(stopped),
      description: this.#label(stopped),
      text: sentence(stopped),
      threadId: threadOfHart(stopped.hart),
      allThreadsStopped: true,
      ...(stopped.along && { preserveFocusHint: true }),
      ...(stopped.breakpoints.length === 0 ? {} : { hitBreakpointIds: [...stopped.breakpoints] }),
    });
    this.memory.moved();
    // Both sessions hear that this machine stands: while it came here it did not.
    this.lifecycle.paired?.pair.changed();
  }

  /** VS Code writes it in place of the thread's name: with several harts it must not be as long as to hide which one stopped. */
  #label(stopped: Stopped): string {
    const long = readable(stopped);
    if (!this.client.needsSources || !(this.stacks.several || this.lifecycle.paired !== undefined)) return long;
    if (stopped.divergence !== undefined) return "Divergence";
    // A pair's machine has its name beside it, too.
    return (
      SHORT.exec(long)?.[0] ??
      (this.lifecycle.paired === undefined ? long : (stopped.along && "Along") || stopped.reason)
    );
  }

  #reason({ reason, sourceless }: Stopped): string {
    const asInstruction = sourceless === true && this.client.needsSources && reason !== "exception";
    return REASONS[asInstruction ? "instruction breakpoint" : reason];
  }

  #onFailed(error: unknown): void {
    this.client.say(sentenceOf(error), "important");
    const last = this.#stopped;
    if (last === undefined) {
      // Not even the first motion went: there is no state to show.
      void this.lifecycle.end();
      return;
    }
    this.#onStopped({ ...last, reason: "pause", description: "The machine did not move", breakpoints: [] });
  }

  #onEvent(event: DebuggeeEvent): void {
    switch (event.type) {
      case "output":
        this.#onOutput(event);
        return;
      case "status":
        this.#status.status(event);
        return;
      case "timelineChanged":
        this.#status.timelineChanged();
        return;
      case "branch":
        this.client.event("hindcast/branch", branchesBody(event));
        return;
      case "progress":
        this.#progress.report(event, this.#searching);
        return;
      case "invalidated":
        this.#onInvalidated(event.memory);
        return;
      case "breakpointChanged":
        this.breakpoints.changed(event.breakpoint);
        return;
      case "search":
        this.client.event("hindcast/search", this.searches.toClient(event.state));
        return;
      case "failure":
        this.client.say(event.message, "important");
        if (event.fatal) void this.lifecycle.end();
        return;
      default:
        unreachable(event, "debuggee event");
    }
  }

  #onOutput(output: Extract<DebuggeeEvent, { type: "output" }>): void {
    const { category, bytes, instant, source, replayOnly, branch } = output;
    if (branch !== undefined) {
      for (const line of this.#branchLines.push(branch, bytes)) this.#logs.push({ text: line, source: undefined });
      return;
    }
    if (category === "guest") {
      this.#console?.push(bytes, instant);
      return;
    }
    const text = new TextDecoder().decode(bytes);
    if (category === "log") this.#logs.push({ text, source, ...(replayOnly && { instant }) });
    else this.client.say(text.replace(/\n$/, ""));
  }

  #onInvalidated(memory: { readonly address: bigint; readonly length: number } | undefined): void {
    this.stacks.refresh();
    if (this.client.supportsInvalidated) this.client.event("invalidated", { areas: ["stacks", "variables"] });
    if (memory !== undefined) this.memory.edited(memory.address, memory.length);
  }
}

const SHORT = /^\w+(?= at )/;

const AFTER_THE_END = "Step back or reverse to see how it came to that, or stop the session.";

/** DAP's reasons where it has one; clients show others as they are. */
const REASONS: Readonly<Record<Stopped["reason"], string>> = {
  entry: "entry",
  step: "step",
  breakpoint: "breakpoint",
  "function breakpoint": "function breakpoint",
  "instruction breakpoint": "instruction breakpoint",
  "data breakpoint": "data breakpoint",
  exception: "exception",
  pause: "pause",
  goto: "goto",
  end: "end of the recording",
  start: "start of the recording",
  finished: "guest finished",
  waiting: "waiting for input",
};

/** The description, with instants as they are written everywhere. */
function readable({ description }: Stopped): string {
  return description.replace(/\binstant (\d+)/g, (_, instant: string) => `instant ${formatInstant(Number(instant))}`);
}

/** The same with its instant, unless it names one already. */
function sentence(stopped: Stopped): string {
  const plain = readable(stopped).replace(/\.$/, "");
  return /\binstant \d/.test(plain) ? `${plain}.` : `${plain}. Instant ${formatInstant(stopped.instant)}.`;
}

/** What the user is told of an error: its sentence, or that it is ours. */
export function sentenceOf(error: unknown): string {
  if (error instanceof UserError) return error.message;
  const what = error instanceof Error ? error.message : String(error);
  return `This is a fault of Hindcast, please report it: ${what}`;
}
