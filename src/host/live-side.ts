import { AssertionFailure, assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type {
  DebuggeeEvent,
  LaunchOptions,
  PairPosition,
  PairStretch,
  Stopped,
  StretchName,
} from "../debuggee/protocol.ts";
import type { Arrival } from "../debuggee/travel.ts";
import { CONSOLE, MACHINE_DEVICES } from "../lockstep/machine-replica.ts";
import type { Counts } from "../lockstep/replica.ts";
import type { Machine } from "../machine/machine.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { LoadedBoot } from "./boot-files.ts";
import { createBranchFile } from "./branch-file.ts";
import type { ConsoleSource, Session } from "./debuggee-server.ts";
import type { Bell } from "./motion-driver.ts";
import { type OpenedDebuggee, openDebuggee } from "./opened-debuggee.ts";
import type { MemberRecording } from "./timeline-replica.ts";

/** A machine that takes a seat. */
export interface LiveMember {
  readonly member: string;
  readonly machine: Machine;
  readonly recording: MemberRecording;
  /** Outputs that it has said, with those of the states that were taken over. */
  readonly said: () => Counts;
}

export interface LiveSideParts {
  readonly boot: LoadedBoot;
  readonly warnings: readonly string[];
  readonly options: Pick<LaunchOptions, "engine" | "cacheGroup">;
  /** Where the console's output is that the user sees, from so many bytes on. */
  readonly console: (sent: number) => ConsoleSource;
  /** The other seat's position, of whose state at that instant another stretch begins with. */
  readonly from: (instant: number) => PairPosition;
  /** Another machine has the seat from here on. */
  readonly left: (member: string) => void;
}

interface Attached {
  readonly emit: (event: DebuggeeEvent) => void;
  readonly bell: Bell;
  /** The machine took over the other's state: its debuggee is another. */
  readonly renewed: () => void;
}

interface LiveStretch extends StretchName {
  readonly timeline: Timeline;
  readonly path: string;
  readonly start: PairPosition | undefined;
  /** What had been said before. */
  readonly said: Counts;
}

/**
 * One seat of a live pair, its machine, and its debuggee: the protocol leads the machine, in turns, and the debuggee says
 * within each where the user wants it to stop. A machine that takes over the other's state gets another timeline, and
 * another debuggee; so does one that joins in the place of a machine that is gone, which can be looked at until then.
 */
export class LiveSide {
  readonly #parts: LiveSideParts;
  #member: LiveMember;
  #attached: Attached | undefined;
  #opened: OpenedDebuggee | undefined;
  /** Where the user's stop was come to in this run. */
  #arrival: Arrival | undefined;
  /** How the guest ended; a machine that is given another state may go on. */
  #ending: Arrival | undefined;
  #isHeld = false;
  #isSilent = false;
  readonly #stretches: LiveStretch[] = [];

  constructor(parts: LiveSideParts, first: LiveMember) {
    this.#parts = parts;
    this.#member = first;
    this.join(first);
  }

  /** From its first step on this machine is the one that is looked at. */
  join(member: LiveMember): void {
    const { recording } = member;
    recording.runBy = (timeline, until) => {
      timeline.isLed = false;
      try {
        if (this.#isHeld) return undefined;
        // No step, but what comes in where a guest waits: no stop of the user's is to be looked for, and none would be.
        if (until <= timeline.now) return timeline.advance(until);
        const before = timeline.now;
        // Who has moved has decided about the instant at which the writer holds it: input is for the next one.
        return this.#run(until) ?? (timeline.now > before ? { kind: "reached" } : undefined);
      } finally {
        timeline.isLed = true;
      }
    };
    recording.onStretch = (timeline) => this.#renew(member, timeline);
  }

  /** The recordings of a machine so far, the present one last. */
  stretchesOf(member: string): readonly PairStretch[] {
    return this.#stretches
      .filter((stretch) => stretch.member === member)
      .map(({ timeline, path, start, stretch: number, said }) => ({
        ...{ number, path, first: timeline.first, last: timeline.end, said },
        ...(start !== undefined && { start }),
      }));
  }

  /** Where it is now. */
  get stretch(): StretchName {
    const { member, stretch } = this.#stretches.at(-1)!;
    return { member, stretch };
  }

  /** The state before the step that said a byte of the console; undefined: not in this stretch. */
  instantOfByte(number: number): number | undefined {
    const { history, said } = this.console;
    return number < said ? undefined : history.instantOfOutput(number - said);
  }

  /** What the machine has printed in this stretch. */
  get console(): ConsoleSource {
    const { timeline, said } = this.#stretches.at(-1)!;
    return { history: timeline.history, said: said[CONSOLE] };
  }

  /** The newest instant. */
  get end(): number {
    return this.#stretches.at(-1)?.timeline.end ?? 0;
  }

  /** The user's stop, at which the machine stands still. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** As its debugger sees it. */
  attach(emit: (event: DebuggeeEvent) => void, bell: Bell, renewed: () => void): Session {
    const { boot, warnings, console } = this.#parts;
    const { recording, machine } = this.#member;
    assert(recording.timeline !== undefined, "a machine is recorded from reset");
    this.#attached = { emit, bell, renewed };
    this.#open(recording.timeline);
    const side = this;
    return {
      get debuggee() {
        return side.#here.debuggee;
      },
      get branches() {
        return side.#here.branches;
      },
      console,
      createRecording: (to) => createBranchFile(to, this.#member.recording.paths.at(-1)!, () => bell.ring()),
      result: {
        harts: machine.harts.length,
        recording: recording.paths[0],
        live: true,
        end: recording.timeline.end,
        hasLines: boot.programs.some(({ lines }) => lines.length > 0),
        warnings: [...boot.warnings, ...warnings],
        entered: side.#here.debuggee.entered(),
      },
      recordingBytes: () => this.#member.recording.fileBytes,
      recordingFailure: () => this.#member.recording.failure,
      pace: () => undefined,
      // The pair closes its recordings.
      close: () => this.#close(),
    };
  }

  /** A run of both begins: what was come to before no longer holds this one. */
  begin(silent = false): void {
    this.#arrival = undefined;
    this.#isHeld = false;
    this.#isSilent = silent;
  }

  /** And ends. */
  settle(): Stopped {
    const arrival = this.#arrival ?? this.#ending;
    this.begin();
    return this.#here.debuggee.settled(arrival);
  }

  get #here(): OpenedDebuggee {
    assert(this.#opened !== undefined, "nobody debugs this machine yet");
    return this.#opened;
  }

  #run(until: Instant): MachineStop | undefined {
    const motion = this.#here.debuggee.turn(until, this.#isSilent);
    for (;;) {
      const turn = motion.next();
      if (turn.done) return this.#arrived(turn.value);
      const { waiting, waitingTicks, writerBehind } = turn.value;
      if (waiting !== true && writerBehind !== true) continue;
      motion.return(undefined as never);
      if (writerBehind === true) return undefined;
      return waitingTicks === undefined ? { kind: "waiting" } : { kind: "waiting", ticks: waitingTicks };
    }
  }

  #arrived(arrival: Arrival): MachineStop {
    if (arrival.kind === "limit") return { kind: "reached" };
    if (arrival.kind === "hit") {
      this.#arrival = arrival;
      this.#isHeld = true;
      return { kind: "reached" };
    }
    this.#ending = arrival;
    const stop = arrival.kind === "end" ? arrival.stop : undefined;
    if (stop?.kind === "finished" || stop?.kind === "unhandled-trap") return stop;
    throw new AssertionFailure(`a live machine came to ${stop?.kind ?? arrival.kind}`);
  }

  #renew(member: LiveMember, timeline: Timeline): void {
    timeline.isLed = true;
    this.#ending = undefined;
    const { recording, said } = member;
    const gone = this.#member.member;
    this.#member = member;
    const isReset = this.#stretches.length === 0;
    this.#stretches.push({
      ...{ member: member.member, stretch: recording.paths.length, timeline, path: recording.file?.path ?? "" },
      start: isReset ? undefined : this.#parts.from(timeline.first),
      said: isReset ? MACHINE_DEVICES.map(() => 0) : [...said()],
    });
    if (this.#attached === undefined) return;
    const before = this.#opened;
    this.#open(timeline);
    void before?.closeSearches();
    // Another machine's timeline may still be open; this one's has been ended with its stretch.
    before?.branches.close();
    this.#attached.renewed();
    if (gone !== member.member) this.#parts.left(gone);
  }

  #open(timeline: Timeline): void {
    const { boot, options } = this.#parts;
    const { emit } = this.#attached!;
    this.#opened = openDebuggee({ timeline, ...boot, emit, file: this.#member.recording.file, options });
  }

  async #close(): Promise<void> {
    await this.#opened?.closeSearches();
    this.#opened?.branches.close();
  }
}
