import * as vscode from "vscode";
import type {
  BranchBody,
  CustomEvents,
  CustomRequests,
  PairStateBody,
  StatusBody,
} from "../adapter/custom-protocol.ts";
import type { Bounds } from "./instants.ts";
import { DEBUG_TYPE } from "./names.ts";

/** Jumps that "Go Back" can undo. */
const MOST_RETURNS = 100;

/** A debug session of ours: its custom requests with their types, and what it last said about itself. */
export class Session {
  readonly debugSession: vscode.DebugSession;
  status: StatusBody | undefined;
  ended = false;
  /** The what-if branch that is looked at; undefined: the recording. */
  branch: BranchBody | undefined;
  /** The pair whose machine it shows; undefined: there is one machine. */
  pair: PairStateBody | undefined;
  /** Where jumps began, newest last. */
  private readonly returns: number[] = [];

  constructor(debugSession: vscode.DebugSession) {
    this.debugSession = debugSession;
  }

  /** Machine B of a pair, for which the adapter has asked. */
  get isPartner(): boolean {
    return this.debugSession.configuration.__pair !== undefined;
  }

  get title(): string {
    if (this.pair !== undefined) return this.debugSession.name;
    const { program, kernel, recording } = this.debugSession.configuration;
    const path: string | undefined = program ?? kernel ?? recording;
    return path === undefined ? this.debugSession.name : path.replace(/^.*[\\/]/, "");
  }

  request<Name extends keyof CustomRequests>(
    name: Name,
    args: CustomRequests[Name]["arguments"],
  ): Thenable<CustomRequests[Name]["body"]> {
    return this.debugSession.customRequest(name, args);
  }

  /** How far history reaches; no marks are wanted. */
  reach(): Thenable<Bounds> {
    return this.request("hindcast/timeline", { from: 0, to: 0, most: 1 });
  }

  /** Goes to an instant, and remembers where it was. */
  async travel(instant: number): Promise<void> {
    this.noteReturn();
    await this.request("hindcast/seek", { instant });
  }

  /** Call before a jump that is not made by `travel`. */
  noteReturn(): void {
    const now = this.status?.instant;
    if (now === undefined || this.returns.at(-1) === now) return;
    this.returns.push(now);
    if (this.returns.length > MOST_RETURNS) this.returns.shift();
  }

  /** Back to where the last jump began; false when there was none. */
  async goBack(): Promise<boolean> {
    const instant = this.returns.pop();
    if (instant === undefined) return false;
    await this.request("hindcast/seek", { instant });
    return true;
  }
}

export interface SessionEvent<Name extends keyof CustomEvents> {
  readonly session: Session;
  readonly body: CustomEvents[Name];
}

/** All sessions of ours, with what they say, told apart from those of other debuggers. */
export class Sessions implements vscode.Disposable {
  private readonly sessions = new Map<string, Session>();
  private readonly subscriptions: vscode.Disposable[] = [];
  private readonly started = new vscode.EventEmitter<Session>();
  private readonly ended = new vscode.EventEmitter<Session>();
  private readonly activated = new vscode.EventEmitter<Session | undefined>();
  private readonly statuses = new vscode.EventEmitter<SessionEvent<"hindcast/status">>();
  private readonly consoles = new vscode.EventEmitter<SessionEvent<"hindcast/console">>();
  private readonly searches = new vscode.EventEmitter<SessionEvent<"hindcast/search">>();
  private readonly edits = new vscode.EventEmitter<Session>();
  private readonly branches = new vscode.EventEmitter<SessionEvent<"hindcast/branch">>();
  private readonly pairs = new vscode.EventEmitter<SessionEvent<"hindcast/lockstep">>();
  private readonly restarts = new vscode.EventEmitter<Session>();
  private readonly timelines = new vscode.EventEmitter<SessionEvent<"hindcast/timelineChanged">>();
  readonly onStarted = this.started.event;
  readonly onEnded = this.ended.event;
  /** The session that views show changed. */
  readonly onActivated = this.activated.event;
  readonly onStatus = this.statuses.event;
  readonly onConsole = this.consoles.event;
  readonly onSearch = this.searches.event;
  /** The program begins anew in the same session: its searches are gone. */
  readonly onRestarted = this.restarts.event;
  /** Registers or memory were edited where the machine stands. */
  readonly onEdited = this.edits.event;
  readonly onBranch = this.branches.event;
  readonly onPair = this.pairs.event;
  readonly onTimelineChanged = this.timelines.event;
  private shown: Session | undefined;

  constructor() {
    this.subscriptions.push(
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => this.track(session),
      }),
      vscode.debug.onDidTerminateDebugSession((session) => this.end(session)),
      vscode.debug.onDidChangeActiveDebugSession(() => this.activate()),
      vscode.debug.onDidReceiveDebugSessionCustomEvent((event) => this.receive(event)),
      this.started,
      this.ended,
      this.activated,
      this.statuses,
      this.consoles,
      this.timelines,
      this.branches,
      this.pairs,
      this.searches,
      this.restarts,
      this.edits,
    );
  }

  /** The session that commands and views are about: the one that the debug views show, else the newest of ours. */
  get active(): Session | undefined {
    const active = vscode.debug.activeDebugSession;
    const ours = active === undefined ? undefined : this.sessions.get(active.id);
    return ours ?? [...this.sessions.values()].at(-1);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /**
   * VS Code asks for a tracker before it starts the adapter, so that nothing is missed; and it tells a tracker about the
   * end also of a session whose launch failed, of which no other event says that it was ever there.
   */
  private track(debugSession: vscode.DebugSession): vscode.DebugAdapterTracker {
    const session = new Session(debugSession);
    this.sessions.set(debugSession.id, session);
    this.started.fire(session);
    this.activate();
    return {
      // Told twice: from the request on nothing of before holds, and what was still heard until the response is of before.
      onWillReceiveMessage: ({ command }) => {
        if (command === "restart") this.restarts.fire(session);
        // A line of the debug console is followed to its instant.
        if (command === "locations") session.noteReturn();
      },
      onDidSendMessage: ({ type, command, event }) => {
        if (type === "response" && command === "restart") this.restarts.fire(session);
        if (type === "event" && event === "invalidated") this.edits.fire(session);
      },
      onWillStopSession: () => this.end(debugSession),
      onExit: () => this.end(debugSession),
    };
  }

  private end(debugSession: vscode.DebugSession): void {
    const session = this.sessions.get(debugSession.id);
    if (session === undefined) return;
    session.ended = true;
    this.sessions.delete(debugSession.id);
    this.ended.fire(session);
    this.activate();
  }

  private activate(): void {
    const { active } = this;
    if (active === this.shown) return;
    this.shown = active;
    this.activated.fire(active);
  }

  private receive({ session: debugSession, event, body }: vscode.DebugSessionCustomEvent): void {
    if (debugSession.type !== DEBUG_TYPE) return;
    const session = this.sessions.get(debugSession.id);
    if (session === undefined) return;
    switch (event as keyof CustomEvents) {
      case "hindcast/status":
        session.status = body;
        this.statuses.fire({ session, body });
        break;
      case "hindcast/branch":
        session.branch = body.branches.find(({ id }: BranchBody) => id === body.current);
        this.branches.fire({ session, body });
        break;
      case "hindcast/lockstep":
        session.pair = body;
        this.pairs.fire({ session, body });
        break;
      case "hindcast/console":
        this.consoles.fire({ session, body });
        break;
      case "hindcast/search":
        this.searches.fire({ session, body });
        break;
      case "hindcast/timelineChanged":
        this.timelines.fire({ session, body });
        break;
    }
  }
}
