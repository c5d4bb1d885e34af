import { AssertionFailure, unreachable } from "../base/assert.ts";
import type { Instant, PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import { REGISTERS } from "../isa/registers.ts";
import type { HistoryLike, Motion, TimelineLike } from "../replay/timeline-interface.ts";
import { Branching } from "./branching.ts";
import { Breakpoints } from "./breakpoints.ts";
import { Changes } from "./changes.ts";
import { Checks } from "./checks.ts";
import type { DebuggeeParts } from "./debuggee-parts.ts";
import { Disassembler } from "./disassembly.ts";
import { errors } from "./errors.ts";
import type { Surroundings, Value } from "./expression.ts";
import { expressionNames } from "./expression-names.ts";
import { FrameFinder, type UnwoundFrame } from "./frames.ts";
import { currentHart } from "./hart-turns.ts";
import { Inspector } from "./inspector.ts";
import { type LogLine, logLine } from "./judge.ts";
import type {
  CsrReport,
  MachineOverview,
  PageTableQuestion,
  PageTableReport,
  TranslationReport,
} from "./machine-protocol.ts";
import { MachineReporter } from "./machine-report.ts";
import { Marks } from "./marks.ts";
import type { Origin, OriginOptions } from "./origin-protocol.ts";
import { Origins, type WriteFound } from "./origins.ts";
import { ProgramMap } from "./program-map.ts";
import type {
  AddressUse,
  BreakpointRequest,
  BreakpointSpec,
  BreakpointState,
  DebuggeeEvent,
  DisassembledLine,
  Evaluation,
  ExecutableFile,
  ExpressionName,
  Frame,
  RegisterValues,
  SourceFile,
  SourcePosition,
  StepKind,
  Stopped,
  TimelineSummary,
  VariableNode,
} from "./protocol.ts";
import type { DifferencePlace, Row } from "./search-protocol.ts";
import { Searches } from "./searches.ts";
import { SegmentSearch } from "./segment-search.ts";
import { BackwardStepper } from "./step-backward.ts";
import { ForwardStepper } from "./step-forward.ts";
import type { StepEnd, StepParts } from "./step-parts.ts";
import { StopTeller } from "./stopping.ts";
import { type StorySearch, type Trap, type TrapStory, tellTrapStory } from "./trap-story.ts";
import { type Arrival, Traveller } from "./travel.ts";
import { Variables } from "./variables.ts";

/** Bytes that one request may read. */
const MOST_READ_BYTES = 1 << 24;

const UTF8 = new TextEncoder();

/**
 * A timeline together with its programs: everything that `DebuggeeApi` promises, but synchronous, and long motions as
 * generators that the host drives (`Motion`). One motion at a time; while one is under way only breakpoints may be set.
 * To pause: abandon the motion (`return()`), then run `interrupted()` to its end, which says where the machine stands.
 */
export class Debuggee {
  readonly #timeline: TimelineLike;
  readonly #history: HistoryLike | undefined;
  readonly #map: ProgramMap;
  readonly #sourceTexts: ReadonlyMap<string, string>;
  readonly #executable: () => ExecutableFile | undefined;
  readonly #emit: (event: DebuggeeEvent) => void;
  readonly #inspector: Inspector;
  readonly #frames: FrameFinder;
  readonly #breakpoints: Breakpoints<Surroundings>;
  readonly #traveller: Traveller;
  readonly #checks: Checks;
  readonly #variables: Variables;
  readonly #disassembler: Disassembler;
  readonly #origins: Origins;
  readonly #teller: StopTeller;
  readonly #marks: Marks;
  readonly #changes: Changes;
  readonly #reporter: MachineReporter;
  /** What-if branches; undefined where there are none. */
  readonly branching: Branching | undefined;
  /** Questions to the past that are answered in the background. */
  readonly searchEngine: Searches;
  /** The motion under way or abandoned, and where it is to be put back to when it was abandoned. */
  #motion: { readonly hart: number; readonly origin: number | undefined } | undefined;
  /** The exception that the machine stands before, when a motion ended there. */
  #trap: Trap | undefined;

  constructor(parts: DebuggeeParts) {
    const { timeline, branches, history, programs, sourceTexts, executable, emit, segmentRunner } = parts;
    const { machine } = timeline;
    this.#timeline = timeline;
    this.#history = history;
    this.#map = new ProgramMap(programs);
    this.#sourceTexts = sourceTexts ?? new Map();
    this.#executable = executable ?? (() => undefined);
    this.#emit = emit;
    this.#inspector = new Inspector(machine, this.#map);
    this.#frames = new FrameFinder(machine, this.#map);
    this.#breakpoints = new Breakpoints(this.#map, this.#inspector);
    this.#checks = new Checks(timeline, programs, {
      place: (pc) => this.#teller.place(pc),
      functionName: (pc) => this.#map.symbols.nearest(pc)?.symbol.name,
    });
    this.#inspector.caller = (address, values, hasFloat) => this.#checks.call(address, values, hasFloat);
    this.#traveller = new Traveller({
      timeline,
      breakpoints: this.#breakpoints,
      surroundings: (hart) => this.#inspector.surroundings(hart),
      callingSurroundings: (hart) => this.#inspector.callingSurroundings(hart),
      checks: this.#checks,
      log: (line) => this.#log(line),
    });
    this.#variables = new Variables(machine, this.#map, this.#inspector);
    this.#disassembler = new Disassembler(machine, this.#map, this.#inspector);
    this.#origins = new Origins({ timeline, machine, map: this.#map, inspector: this.#inspector, history });
    this.#teller = new StopTeller({ timeline, machine }, this.#map, this.#inspector);
    this.#marks = new Marks(timeline, history);
    this.#reporter = new MachineReporter(machine, this.#map, this.#inspector, parts.residency);
    this.#reporter.visit();
    const changed = (since: Instant) => this.#changed(since);
    const stopped = (run: string) => this.#stop(this.#teller.inRun(run, currentHart(machine)));
    const switched = (common: Instant, left: number) => {
      changed(common);
      this.searchEngine.runChanged(left);
    };
    this.branching = branches && new Branching({ branches, map: this.#map, emit, switched, stopped });
    const branch = this.branching && (() => void this.branching?.startBranch(true, true));
    this.#changes = new Changes({ timeline, machine, frames: this.#frames, emit, changed, branch });
    const looking = { timeline, history, machine, map: this.#map, inspector: this.#inspector, checks: this.#checks };
    const runner = segmentRunner && { runner: segmentRunner };
    this.searchEngine = new Searches({ search: new SegmentSearch(looking), timeline, history, emit, ...runner });
  }

  // ---- motions

  /** Where the debuggee stands before anything was asked of it: reason "entry". */
  entered(): Stopped {
    return this.#teller.here("entry", this.#inspector.focus);
  }

  /** Forward to a breakpoint or the end. While the guest waits for input it yields with `waiting`, and does not stop. */
  *resume(until?: number): Motion<Stopped> {
    this.#begin(this.#inspector.focus, undefined);
    const leg = until === undefined ? {} : { limit: until };
    return this.#stop(this.#arrived(yield* this.#traveller.forward(leg), currentHart(this.#timeline.machine)));
  }

  /**
   * A turn of a run whose machine somebody else leads: forward to the instant at the latest, or, unless it is silent, to what the user wants to stop at.
   * `settled` says at the end where it has come to.
   */
  *turn(until: number, silent: boolean): Motion<Arrival> {
    if (this.#motion === undefined) this.#begin(this.#inspector.focus, undefined);
    return yield* this.#traveller.forward({ limit: until, silent });
  }

  /** After turns; undefined: it was paused, or ran for the other machine. */
  settled(arrival: Arrival | undefined): Stopped {
    const hart = currentHart(this.#timeline.machine);
    return this.#stop(arrival === undefined ? this.#teller.here("pause", hart) : this.#arrived(arrival, hart));
  }

  *reverseContinue(until?: number): Motion<Stopped> {
    this.#begin(this.#inspector.focus, this.#timeline.now);
    const leg = until === undefined ? {} : { limit: until };
    return this.#stop(this.#arrived(yield* this.#traveller.backward(leg), currentHart(this.#timeline.machine)));
  }

  *step(
    kind: StepKind,
    direction: "forward" | "backward",
    granularity: "line" | "instruction",
    hart: number,
  ): Motion<Stopped> {
    this.#inspector.hart(hart);
    this.#begin(hart, direction === "backward" ? this.#timeline.now : undefined);
    const parts = this.#stepParts();
    const stepper = direction === "forward" ? new ForwardStepper(parts, hart) : new BackwardStepper(parts, hart);
    return this.#stop(this.#arrived(yield* stepper.step(kind, granularity), hart));
  }

  /** Forward until pc has left [start, end). */
  *stepRange(hart: number, start: bigint, end: bigint): Motion<Stopped> {
    this.#inspector.hart(hart);
    this.#begin(hart, undefined);
    const stepper = new ForwardStepper(this.#stepParts(), hart);
    return this.#stop(this.#arrived(yield* stepper.range({ start, end }), hart));
  }

  #stepParts(): StepParts {
    return {
      timeline: this.#timeline,
      machine: this.#timeline.machine,
      map: this.#map,
      frames: this.#frames,
      traveller: this.#traveller,
    };
  }

  /** Travels to an instant; throws a UserError when the recording does not hold it. */
  *seek(instant: number): Motion<Stopped> {
    const { first, end } = this.#timeline;
    if (!(Number.isSafeInteger(instant) && instant >= first && instant <= end)) {
      throw errors.noInstant(instant, first, end);
    }
    this.#begin(this.#inspector.focus, this.#timeline.now);
    yield* this.#traveller.seek(instant);
    return this.#stop(this.#teller.here("goto", currentHart(this.#timeline.machine)));
  }

  /** After a motion was abandoned: settles the timeline (a backward one is put back where it began); reason "pause". */
  *interrupted(): Motion<Stopped> {
    const motion = this.#motion;
    if (motion?.origin !== undefined && this.#timeline.now !== motion.origin) {
      yield* this.#traveller.seek(motion.origin);
    }
    return this.#stop(this.#teller.here("pause", motion?.hart ?? this.#inspector.focus));
  }

  #begin(hart: number, origin: number | undefined): void {
    this.#motion = { hart, origin };
    this.#trap = undefined;
    this.#traveller.begin();
    this.#frames.forget();
    this.#variables.clear();
  }

  #arrived(end: StepEnd | Arrival, hart: number): Stopped {
    switch (end.kind) {
      case "stepped":
        return this.#teller.here("step", hart);
      case "hit":
        return this.#teller.hit(end.reason);
      case "end":
        return this.#teller.end(end.stop, hart);
      case "limit":
        return this.#teller.here("goto", hart);
      case "own":
        // The end of a leg that a step has set itself.
        throw new AssertionFailure("a motion ended where nobody asked it to");
      default:
        return unreachable(end, "end of a motion");
    }
  }

  #stop(stopped: Stopped): Stopped {
    this.#motion = undefined;
    this.#frames.forget();
    const { instant, hart, exception } = stopped;
    this.#inspector.focus = hart;
    this.#reporter.visit();
    if (exception !== undefined) this.#trap = { instant, hart, cause: exception.cause, tval: exception.tval };
    if (this.#marks.visit(stopped)) this.#emit({ type: "timelineChanged" });
    return this.#isSourceless(hart) ? { ...stopped, sourceless: true } : stopped;
  }

  /** Callers with a source are shown where the innermost frame has none. */
  #isSourceless(hart: number): boolean {
    if (this.#map.position(this.#timeline.machine.harts[hart].pc) !== undefined) return false;
    return this.#frames.unwind(hart).every(({ lookup }) => this.#map.position(lookup) === undefined);
  }

  #log({ source, text, instant }: LogLine): void {
    const replayOnly = "pc" in source || source.breakpoint.spec.mode !== undefined;
    this.#marks.logged(instant, text);
    const { path, line } = "pc" in source ? { ...this.#map.position(source.pc) } : source.breakpoint.state;
    this.#emit({
      type: "output",
      category: "log",
      bytes: UTF8.encode(`${text}\n`),
      instant,
      ...(path !== undefined && line !== undefined && { source: { path, line, column: 1 } }),
      ...(replayOnly && { replayOnly }),
    });
  }

  // ---- what to stop at

  setBreakpoints(
    scope: { kind: BreakpointRequest["kind"]; path?: string },
    specs: readonly BreakpointSpec[],
  ): BreakpointState[] {
    return this.#breakpoints.set(scope, specs);
  }

  setExceptionStops(causes: readonly number[], checks = true): void {
    this.#traveller.setExceptionStops(causes, checks);
  }

  breakpointLocations(path: string, line: number, endLine: number): SourcePosition[] {
    return this.#map.lines
      .locations(path, line, endLine)
      .map((position) => ({ ...position, column: Math.max(1, position.column) }));
  }

  // ---- what can be seen

  frames(hart: number): Frame[] {
    this.#inspector.hart(hart);
    return this.#frames.describe(this.#frames.unwind(hart));
  }

  scopes(hart: number, level: number): { name: string; reference: number; expensive: boolean }[] {
    return this.#variables.scopes(hart, this.#callerFrame(hart, level), this.#timeline.end);
  }

  variables(reference: number): VariableNode[] {
    return this.#variables.of(reference);
  }

  /** `place = value` changes the machine, as `setExpression` does. */
  evaluate(expression: string, hart: number, level: number, use: "look" | "change" = "change"): Evaluation {
    const compiled = use === "look" ? this.#inspector.valueOnly(expression) : this.#inspector.compile(expression);
    const frame = this.#callerFrame(hart, level);
    const at = compiled.calls
      ? this.#inspector.callingSurroundings(hart, frame)
      : this.#inspector.surroundings(hart, frame);
    const value = compiled.evaluate(at);
    this.#tellLogsOfCalls();
    if (compiled.assigned !== undefined) {
      this.#changes.assign(value, compiled.assigned(at), expression, hart, level);
      return this.#evaluation(compiled.evaluate(this.#inspector.surroundings(hart)), compiled.format, hart);
    }
    return this.#evaluation(value, compiled.format, hart);
  }

  #tellLogsOfCalls(): void {
    const { now } = this.#timeline;
    const { pc } = this.#timeline.machine.harts[currentHart(this.#timeline.machine)];
    this.#checks.takeLogs().forEach((text, number) => {
      this.#log(logLine({ pc }, text, now, number));
    });
  }

  #evaluation(value: Value, format: Parameters<Inspector["show"]>[1], hart: number): Evaluation {
    const { place } = value;
    return {
      value: this.#inspector.show(value, format, hart),
      bits: value.bits,
      type: this.#inspector.typeName(value),
      reference: this.#variables.children(value, format, hart),
      ...(place?.kind === "memory" && { memoryAddress: place.address, size: place.size }),
      ...(place?.kind === "memory" && place.physical && { physical: true }),
    };
  }

  /** The frame of a caller; undefined for the current one, whose registers are the hart's own. */
  #callerFrame(hart: number, level: number): UnwoundFrame | undefined {
    return level <= 0 ? undefined : this.#frames.unwind(hart)[level];
  }

  disassemble(
    address: bigint,
    instructionOffset: number,
    count: number,
    hart = this.#inspector.focus,
  ): DisassembledLine[] {
    this.#inspector.hart(hart);
    return this.#disassembler.lines(BigInt.asUintN(64, address), instructionOffset, count, hart);
  }

  readMemory(address: bigint, length: number, use: AddressUse = { hart: this.#inspector.focus }): Uint8Array {
    if (!(length >= 0 && length <= MOST_READ_BYTES)) throw errors.length(length, MOST_READ_BYTES);
    const { machine } = this.#timeline;
    const start = BigInt.asUintN(64, address);
    const isBeyond = use === "physical" && start + BigInt(length) > BigInt(Number.MAX_SAFE_INTEGER);
    const bytes = isBeyond
      ? []
      : use === "physical"
        ? machine.peekPhysical(Number(start) as PhysicalAddress, length)
        : machine.peek(start as VirtualAddress, length, this.#inspector.hart(use.hart).id);
    const gap = bytes.indexOf(undefined);
    return Uint8Array.from((gap < 0 ? bytes : bytes.slice(0, gap)) as number[]);
  }

  sources(): SourceFile[] {
    const withLines = this.#map.lines.paths;
    const others = this.#map.programs.flatMap(({ files }) => files).filter((path) => path !== "");
    const paths = [...new Set([...withLines, ...others, ...this.#sourceTexts.keys()])];
    return paths.map((path) => ({ path, embedded: this.#sourceTexts.has(path) }));
  }

  sourceText(path: string): string | undefined {
    return this.#sourceTexts.get(path);
  }

  executable(): ExecutableFile | undefined {
    return this.#executable();
  }

  names(prefix: string, most: number): ExpressionName[] {
    return expressionNames(prefix, most, this.#timeline.machine, this.#map);
  }

  // ---- what can be changed

  setVariable(reference: number, name: string, value: string): Evaluation {
    const { expression, hart } = this.#variables.expressionOf(reference, name);
    return this.setExpression(expression, value, hart);
  }

  setExpression(expression: string, value: string, hart: number): Evaluation {
    const target = this.#inspector.compile(expression);
    const source = this.#inspector.compile(value);
    const at = this.#inspector.surroundings(hart);
    this.#changes.assign(target.evaluate(at), source.evaluate(at), expression, hart, 0);
    return this.#evaluation(target.evaluate(this.#inspector.surroundings(hart)), target.format, hart);
  }

  writeMemory(address: bigint, bytes: Uint8Array, use: AddressUse = { hart: this.#inspector.focus }): number {
    return this.#changes.writeMemory(address, bytes, use === "physical" ? use : this.#inspector.hart(use.hart).id);
  }

  /** Returns from the hart's current function at once; `value` is an expression for a0. */
  forceReturn(hart: number, value?: string): Stopped {
    this.#inspector.hart(hart);
    const at = this.#inspector.surroundings(hart);
    this.#changes.forceReturn(
      hart,
      value === undefined ? undefined : this.#inspector.valueOnly(value).evaluate(at).bits,
    );
    return this.#stop(this.#teller.here("goto", hart));
  }

  /** What was known of instants from `since` on is void. */
  #changed(since: Instant): void {
    this.#trap = undefined;
    this.#traveller.edited(since);
    this.#frames.forget();
  }

  input(bytes: Uint8Array): void {
    this.#timeline.input(bytes);
  }

  // ---- the whole machine

  machine(): MachineOverview {
    return this.#reporter.overview(this.#timeline.now, this.#inspector.focus);
  }

  registers(hart: number): RegisterValues {
    const view = this.#inspector.hart(hart);
    const { pc, privilege } = view;
    const all = Array.from({ length: REGISTERS.length }, (_, index) => index);
    const integers = all.map((index) => view.register(index));
    const hasFloats = this.#inspector.surroundings(hart).floatRegister(0) !== undefined;
    return { pc, integers, privilege, ...(hasFloats && { floats: all.map((index) => view.floatRegister(index)) }) };
  }

  csrs(hart: number): CsrReport {
    this.#inspector.hart(hart);
    return this.#reporter.csrs(hart);
  }

  /** `address` is an expression. */
  translate(address: string, hart: number): TranslationReport {
    const { bits } = this.#inspector.valueOnly(address).evaluate(this.#inspector.surroundings(hart));
    return this.#reporter.translation(bits, hart);
  }

  pageTable(question: PageTableQuestion): PageTableReport {
    return this.#reporter.pageTable(question);
  }

  // ---- the timeline

  timeline(options: { from?: number; to?: number; most: number }): TimelineSummary {
    return this.#marks.summary(options);
  }

  /** Replay-only checks and calls so far, each with the state restored and its digest equal. */
  get verifiedChecks(): number {
    return this.#checks.verified;
  }

  addBookmark(name: string, instant: number = this.#timeline.now): void {
    const { first, end } = this.#timeline;
    if (!(instant >= first && instant <= end)) throw errors.noInstant(instant, first, end);
    try {
      this.#history?.addBookmark({ instant: instant as Instant, name: name.trim() });
    } finally {
      this.#emit({ type: "timelineChanged" });
    }
  }

  removeBookmark(instant: number, name: string): void {
    try {
      this.#history?.removeBookmark({ instant: instant as Instant, name });
    } finally {
      this.#emit({ type: "timelineChanged" });
    }
  }

  renameBookmark(instant: number, name: string, newName: string): void {
    try {
      this.#history?.renameBookmark({ instant: instant as Instant, name }, newName.trim());
    } finally {
      this.#emit({ type: "timelineChanged" });
    }
  }

  instantOfOutput(offset: number): number | undefined {
    return this.#history?.instantOfOutput(offset);
  }

  outputLengthAt(instant: number): number | undefined {
    return this.#history?.outputLengthAt?.(instant as Instant);
  }

  outputBetween(from: number, to: number): Uint8Array {
    const [first, last] = [this.outputLengthAt(from), this.outputLengthAt(to)];
    if (first === undefined || last === undefined || last <= first) return new Uint8Array();
    return Uint8Array.from(this.#history?.outputBytes(first, last - first) ?? []);
  }

  // ---- questions to the past; the timeline stays where it is

  /** The last write to any of these bytes before an instant (default: now). */
  lastWrite(address: bigint, length: number, before?: number, use?: AddressUse): Motion<WriteFound | undefined> {
    return this.#excursion(() => this.#origins.lastAccess("write", { address, length, before, use }));
  }

  lastRead(address: bigint, length: number, before?: number, use?: AddressUse): Motion<WriteFound | undefined> {
    return this.#excursion(() => this.#origins.lastAccess("read", { address, length, before, use }));
  }

  /** The first read of any of these bytes from an instant on (default: now). */
  firstRead(address: bigint, length: number, from?: number, use?: AddressUse): Motion<Row | undefined> {
    return this.#excursion(() => this.searchEngine.firstRead(address, length, from ?? this.#timeline.now, use));
  }

  firstDifference(place: DifferencePlace, from?: number): Motion<Row | undefined> {
    return this.#excursion(() => this.searchEngine.firstDifference(place, from ?? this.#timeline.now));
  }

  /** Where the value came from that an expression names: see `DebuggeeApi.origin`. */
  origin(place: string, hart: number, options?: OriginOptions): Motion<Origin> {
    return this.#excursion(() => this.#origins.originOf(place, this.#inspector.hart(hart).id, options));
  }

  /**
   * The story behind the exception that the debuggee stands before, or else behind the last fault: the pointer, the load
   * that it came from, who wrote that word last. `onSearch` hears when each search begins.
   */
  *trapStory(onSearch?: (search: StorySearch) => void): Motion<TrapStory> {
    const known = this.#trap?.instant === this.#timeline.now ? this.#trap : undefined;
    return yield* this.#excursion(() =>
      tellTrapStory(
        {
          timeline: this.#timeline,
          machine: this.#timeline.machine,
          map: this.#map,
          inspector: this.#inspector,
          frames: this.#frames,
          origins: this.#origins,
          ...(onSearch !== undefined && { onSearch }),
        },
        known,
      ),
    );
  }

  /** A motion that looks around and comes back. When it is abandoned, `interrupted` puts the timeline back. */
  *#excursion<Result>(body: () => Motion<Result>): Motion<Result> {
    const { now } = this.#timeline;
    const trap = this.#trap;
    this.#motion = { hart: this.#inspector.focus, origin: now };
    try {
      const result = yield* body();
      if (this.#timeline.now !== now) yield* this.#timeline.seek(now as Instant);
      return result;
    } catch (error) {
      if (this.#timeline.now !== now) yield* this.#timeline.seek(now as Instant);
      throw error;
    } finally {
      this.#trap = trap;
      this.#frames.forget();
    }
  }
}

export type { Origin, OriginStep } from "./origin-protocol.ts";
export type { WriteFound } from "./origins.ts";
export type { Pointer, StorySearch, Trap, TrapStory } from "./trap-story.ts";
