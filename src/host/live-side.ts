import { AssertionFailure, assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { Debuggee } from "../debuggee/debuggee.ts";
import type { DebuggeeEvent, PairPosition, PairStretch, Stopped } from "../debuggee/protocol.ts";
import type { Arrival } from "../debuggee/travel.ts";
import type { Machine } from "../machine/machine.ts";
import type { MachineStop } from "../machine/stop.ts";
import { Branches } from "../replay/branches.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { LoadedBoot } from "./boot-files.ts";
import { createBranchFile } from "./branch-file.ts";
import type { Session } from "./debuggee-server.ts";
import type { Bell } from "./motion-driver.ts";
import { sourceTexts } from "./source-files.ts";
import { ThreadRunner } from "./thread-runner.ts";
import type { MemberRecording } from "./timeline-replica.ts";

export interface LiveSideParts {
  readonly machine: Machine;
  readonly boot: LoadedBoot;
  readonly recording: MemberRecording;
  readonly warnings: readonly string[];
  /** Bytes of its console that have left; undefined: what it says is its own. */
  readonly released: (() => number) | undefined;
  /** The other machine's position, of whose state at that instant another stretch begins with. */
  readonly from: (instant: number) => PairPosition;
  /** Bytes that the console has said, with those of the states that were taken over. */
  readonly said: () => number;
}

interface Attached {
  readonly emit: (event: DebuggeeEvent) => void;
  readonly bell: Bell;
  /** The machine took over the other's state: its debuggee is another. */
  readonly renewed: () => void;
}

/**
 * One machine of a live pair, and its debuggee: the protocol leads the machine, in turns, and the debuggee says within each
 * where the user wants it to stop. A machine that takes over the other's state gets another timeline, and another debuggee.
 */
export class LiveSide {
  readonly #parts: LiveSideParts;
  #attached: Attached | undefined;
  #opened: { readonly debuggee: Debuggee; readonly branches: Branches; readonly runner: ThreadRunner } | undefined;
  /** Where the user's stop was come to in this run. */
  #arrival: Arrival | undefined;
  /** How the guest ended; a machine that is given another state may go on. */
  #ending: Arrival | undefined;
  #isHeld = false;
  #isSilent = false;
  readonly #stretches: {
    readonly timeline: Timeline;
    readonly path: string;
    readonly start: PairPosition | undefined;
    /** Bytes that had been said before. */
    readonly said: number;
  }[] = [];

  constructor(parts: LiveSideParts) {
    this.#parts = parts;
    parts.recording.runBy = (timeline, until) => {
      timeline.isLed = false;
      try {
        return this.#run(until);
      } finally {
        timeline.isLed = true;
      }
    };
    parts.recording.onStretch = (timeline) => this.#renew(timeline);
  }

  /** Its recordings so far, the present one last. */
  get stretches(): readonly PairStretch[] {
    return this.#stretches.map(({ timeline, path, start }, index) => ({
      ...{ number: index + 1, path, first: timeline.first, last: timeline.end },
      ...(start !== undefined && { start }),
    }));
  }

  /** The state before the step that said a byte of the console; undefined: not in this stretch. */
  instantOfByte(number: number): number | undefined {
    const { timeline, said } = this.#stretches.at(-1)!;
    return number < said ? undefined : timeline.history.instantOfOutput(number - said);
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
    const { recording, machine, boot, warnings, released } = this.#parts;
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
      ...(released !== undefined && { released }),
      createRecording: (to) => createBranchFile(to, recording.paths.at(-1)!, () => bell.ring()),
      result: {
        harts: machine.harts.length,
        recording: recording.paths[0],
        live: true,
        end: recording.timeline.end,
        hasLines: boot.programs.some(({ lines }) => lines.length > 0),
        warnings: [...boot.warnings, ...warnings],
        entered: side.#here.debuggee.entered(),
      },
      recordingBytes: () => recording.fileBytes,
      recordingFailure: () => recording.failure,
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

  get #here() {
    assert(this.#opened !== undefined, "nobody debugs this machine yet");
    return this.#opened;
  }

  #run(until: Instant): MachineStop | undefined {
    if (this.#isHeld) return undefined;
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

  #renew(timeline: Timeline): void {
    const { recording, from, said } = this.#parts;
    timeline.isLed = true;
    this.#ending = undefined;
    const start = this.#stretches.length === 0 ? undefined : from(timeline.first);
    this.#stretches.push({ timeline, path: recording.file?.path ?? "", start, said: start === undefined ? 0 : said() });
    if (this.#attached === undefined) return;
    void this.#opened?.runner.close();
    this.#open(timeline);
    this.#attached.renewed();
  }

  #open(timeline: Timeline): void {
    const { recording, boot } = this.#parts;
    const branches = new Branches(timeline);
    const runner = new ThreadRunner({
      checkpoints: recording.file?.checkpoints,
      // Threads know what is in the file.
      isUsable: () => recording.file?.checkpoints !== undefined && recording.failure === undefined,
      subject: async () => {
        const { end, ended } = timeline;
        await recording.file?.flush();
        return { path: recording.paths.at(-1)!, end, ended };
      },
    });
    const debuggee = new Debuggee({
      timeline: branches,
      branches,
      history: branches.history,
      programs: boot.programs,
      sourceTexts: sourceTexts(boot.sources),
      executable: boot.executable,
      emit: this.#attached!.emit,
      segmentRunner: runner,
    });
    this.#opened = { debuggee, branches, runner };
  }

  async #close(): Promise<void> {
    await this.#opened?.runner.close();
    this.#opened?.branches.close();
  }
}
