import { placeRequest } from "../adapter/questions.ts";
import type { Instant, VirtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { BranchComparison } from "../debuggee/branch-protocol.ts";
import { Debuggee } from "../debuggee/debuggee.ts";
import { createBranchFile } from "../host/branch-file.ts";
import { Bell, drive } from "../host/motion-driver.ts";
import { openRecording, type RecordedSession } from "../host/recorded-session.ts";
import { sourceTexts } from "../host/source-files.ts";
import { NO_STOPS } from "../machine/stop.ts";
import { Branches } from "../replay/branches.ts";
import type { Motion, TravelStop } from "../replay/timeline-interface.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { instantNamed, type NamedInstant } from "./instants.ts";
import { BROKEN_PIPE_EXIT_CODE, Interruption } from "./interruption.ts";
import { Places } from "./places.ts";
import { formatCount } from "./quantities.ts";
import { describeStop, stopToJson } from "./stops.ts";

export interface BranchOptions {
  readonly at?: NamedInstant;
  /** Assignments, in the order in which they are made. */
  readonly set?: readonly string[];
  /** Returns from the function at once, with this in a0. */
  readonly return?: string | true;
  readonly hart?: number;
  /** False: without what came from outside later on in the recording. */
  readonly inputs?: boolean;
  readonly run?: number;
  readonly until?: string;
  readonly compare?: true;
  readonly compareAt?: NamedInstant;
  readonly output?: string;
}

/** Bytes of output that the JSON line has. */
const MOST_JSON_OUTPUT = 64 * 1024;
const PIECE_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

/** What if: leaves a recording at an instant, changes something, runs on, and says what came of it. */
export async function branch(context: Context, [path]: readonly string[], options: BranchOptions): Promise<Answer> {
  const session = openRecording(path);
  const bell = new Bell();
  const interruption = new Interruption(() => bell.ring());
  try {
    for (const warning of session.warnings) context.voice.warn(warning);
    return await new WhatIf(context, session, { path, bell, interruption }).run(options);
  } finally {
    context.voice.clearProgress();
    interruption.release();
    session.close();
  }
}

/** How the branch stands at its end. */
type Ending = TravelStop | { readonly kind: "interrupted" };

class WhatIf {
  readonly #context: Context;
  readonly #session: RecordedSession;
  readonly #path: string;
  readonly #bell: Bell;
  readonly #interruption: Interruption;
  readonly #branches: Branches;
  readonly #debuggee: Debuggee;
  /** The guest's console has not ended its line. */
  #isLineOpen = false;

  constructor(
    context: Context,
    session: RecordedSession,
    { path, bell, interruption }: { path: string; bell: Bell; interruption: Interruption },
  ) {
    this.#context = context;
    this.#session = session;
    this.#path = path;
    this.#bell = bell;
    this.#interruption = interruption;
    this.#branches = new Branches(session.timeline);
    this.#debuggee = new Debuggee({
      timeline: this.#branches,
      branches: this.#branches,
      history: this.#branches.history,
      programs: session.programs,
      sourceTexts: sourceTexts(session.sources),
      emit: () => {},
    });
  }

  async run(options: BranchOptions): Promise<Answer> {
    const { timeline } = this.#session;
    const named = (instant: NamedInstant) => instantNamed(instant, timeline.history.bookmarks, timeline);
    if (options.at === undefined) throw new UserError("branch-at", "Say where the branch begins: --at INSTANT.", 2);
    if (options.return !== undefined && options.set?.some((text) => /^\s*\$?pc\s*=/.test(text))) {
      throw new UserError("branch-return", "--return sets pc: it cannot be set as well.", 2);
    }
    const recordingEnd = timeline.end;
    await this.#drive("travelling", timeline.seek(named(options.at)));
    const { branching } = this.#debuggee;
    const { id, origin } = branching!.startBranch(options.inputs !== false);
    const hart = options.hart ?? this.#branches.machine.currentHart;
    for (const text of options.set ?? []) this.#set(text, hart);
    if (options.return !== undefined) {
      this.#debuggee.forceReturn(hart, options.return === true ? undefined : options.return);
    }
    const until = options.until === undefined ? [] : await this.#addressesOf(options.until);
    const limit = options.run === undefined ? Math.max(recordingEnd, origin) : origin + options.run;
    const ending = await this.#runOn(until, limit as Instant);
    const state = {
      origin,
      instant: this.#branches.now,
      ...(ending.kind === "interrupted" ? { reason: "interrupted" } : reasonOf(ending)),
      ...new Places(this.#session.programs).at(this.#branches.machine.harts[this.#branches.machine.currentHart].pc),
      output: this.#output(origin),
      digest: this.#branches.machine.digest(),
    };
    this.#context.voice.say(`The branch ${sentenceOf(ending, this.#branches.now, options)}.`);
    if (ending.kind === "interrupted") {
      return { exitCode: this.#interruption.exitCode ?? BROKEN_PIPE_EXIT_CODE, json: state };
    }
    const comparison = await this.#compare(options, named);
    if (options.output !== undefined) await this.#save(id, options.output);
    const saved = options.output === undefined ? {} : { recording: options.output };
    return {
      exitCode: comparison?.differs === true ? NEGATIVE : OK,
      json: { ...state, ...saved, ...(comparison !== undefined && { comparison: comparisonJson(comparison) }) },
    };
  }

  #set(text: string, hart: number): void {
    const before = this.#branches.branch!.edits;
    this.#debuggee.evaluate(text, hart, 0);
    if (this.#branches.branch!.edits === before) {
      throw new UserError("branch-set", `"${text}" changes nothing: write PLACE=VALUE, as in a0=5 or *(u32*)p=1.`, 2);
    }
  }

  async #addressesOf(place: string): Promise<readonly bigint[]> {
    const at = await placeRequest({ sources: async () => this.#debuggee.sources() }, place);
    const path = at.kind === "source" ? { path: at.path } : {};
    const [state] = this.#debuggee.setBreakpoints({ kind: at.kind, ...path }, [{ id: 1, at }]);
    this.#debuggee.setBreakpoints({ kind: at.kind, ...path }, []);
    if (state.address === undefined)
      throw new UserError("no-place", state.message ?? `There is no code at ${place}.`, 2);
    return [state.address];
  }

  /** What it prints is the guest's console here. */
  async #runOn(until: readonly bigint[], limit: Instant): Promise<Ending> {
    const branches = this.#branches;
    let printed = branches.history.outputLengthAt?.(branches.branch!.origin) ?? branches.history.outputLength;
    const print = async () => {
      if (this.#context.json) return;
      while (printed < branches.history.outputLength) {
        const bytes = branches.history.outputBytes(printed, PIECE_BYTES);
        printed += bytes.length;
        this.#context.stdout.bytes(bytes);
        this.#isLineOpen = bytes.at(-1) !== NEWLINE;
        await this.#context.stdout.flush();
      }
    };
    const from = branches.now;
    let isWaiting = false;
    const motion = branches.forward({ stops: { ...NO_STOPS, breakpoints: until as VirtualAddress[] }, limit });
    const outcome = await drive(motion, {
      bell: this.#bell,
      // Nobody types here.
      stop: () => isWaiting || this.#interruption.asked || this.#context.stdout.closed,
      onProgress: async ({ instant, waiting }) => {
        isWaiting = waiting === true;
        await print();
        const done = (instant - from) / Math.max(1, limit - from);
        this.#context.voice.progress(`running the branch, instant ${formatCount(instant)}`, done);
      },
    });
    await print();
    this.#context.voice.clearProgress();
    if (outcome.finished) return outcome.value;
    return isWaiting ? { kind: "waiting" } : { kind: "interrupted" };
  }

  async #compare(
    options: BranchOptions,
    named: (instant: NamedInstant) => Instant,
  ): Promise<BranchComparison | undefined> {
    if (options.compare !== true && options.compareAt === undefined) return undefined;
    const at = options.compareAt === undefined ? {} : { at: named(options.compareAt) };
    const comparison = await this.#drive("comparing", this.#debuggee.branching!.compareBranch(at));
    if (this.#context.json) return comparison;
    if (this.#isLineOpen) await this.#context.stdout.line("");
    for (const line of comparison.lines) await this.#context.stdout.line(line);
    return comparison;
  }

  async #save(id: number, output: string): Promise<void> {
    const recording = createBranchFile(output, this.#path, () => this.#bell.ring());
    await recording.writeWhole(() => this.#drive("saving", this.#debuggee.branching!.saveBranch(id, recording)));
    this.#context.voice.say(`Saved as ${output}.`);
  }

  async #drive<Result>(what: string, motion: Motion<Result>): Promise<Result> {
    const outcome = await drive(motion, {
      bell: this.#bell,
      stop: () => this.#interruption.asked,
      onProgress: async ({ instant, fraction }) =>
        this.#context.voice.progress(`${what}, instant ${formatCount(instant)}`, fraction ?? 0),
    });
    this.#context.voice.clearProgress();
    if (!outcome.finished) throw new UserError("interrupted", `Interrupted while ${what}.`);
    return outcome.value;
  }

  #output(origin: number): string {
    const { history } = this.#branches;
    const first = history.outputLengthAt?.(origin as Instant) ?? history.outputLength;
    const start = Math.max(first, history.outputLength - MOST_JSON_OUTPUT);
    return new TextDecoder().decode(history.outputBytes(start, MOST_JSON_OUTPUT));
  }
}

function sentenceOf(ending: Ending, now: Instant, { run, until }: BranchOptions): string {
  const where = `at instant ${formatCount(now)}`;
  switch (ending.kind) {
    case "interrupted":
      return `was interrupted ${where}`;
    case "breakpoint":
      return `has come to ${until} ${where}`;
    case "waiting":
      return `waits for input ${where}`;
    case "reached":
      return run === undefined
        ? `still runs ${where}, where the recording ends (--run STEPS goes on)`
        : `still runs ${where}`;
    case "end":
    case "start":
      return `ends ${where}`;
    default:
      return `ends ${where}: ${describeStop(ending)}`;
  }
}

function reasonOf(ending: TravelStop): object {
  if (ending.kind === "breakpoint") return { reason: "until" };
  return ending.kind === "end" || ending.kind === "start" || ending.kind === "reached"
    ? { reason: ending.kind }
    : stopToJson(ending);
}

function comparisonJson({ lines: _, branch: _branch, against: _against, ...comparison }: BranchComparison): object {
  return comparison;
}
