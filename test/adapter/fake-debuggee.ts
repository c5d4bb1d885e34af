import type { Debuggee } from "../../src/adapter/environment.ts";
import { UserError } from "../../src/base/errors.ts";
import type { BranchComparison, BranchList, BranchSummary } from "../../src/debuggee/branch-protocol.ts";
import type {
  MachineOverview,
  PageTableQuestion,
  PageTableReport,
  TranslationReport,
} from "../../src/debuggee/machine-protocol.ts";
import type { Origin, OriginOptions } from "../../src/debuggee/origin-protocol.ts";
import type {
  BreakpointRequest,
  BreakpointSpec,
  BreakpointState,
  DebuggeeApi,
  DebuggeeEvent,
  Evaluation,
  LaunchOptions,
  LaunchResult,
  Stopped,
} from "../../src/debuggee/protocol.ts";
import type { DifferencePlace, Row } from "../../src/debuggee/search-protocol.ts";
import { FakeSearches } from "./fake-searches.ts";

export const SOURCE = "/project/guest.s";
export const RAM = 0x8000_0000n;
const RAM_BYTES = 4096;
/** The program: one instruction of 4 bytes a line, executed once, from line 1 at instant 0. */
export const LINES = 50;

/** A UserError as it would come over the port from the debuggee. */
function cancelled(): UserError {
  return new UserError("cancelled", "The search was cancelled.");
}

/**
 * A debuggee simple enough to see through: at instant n the machine is before line n + 1; line 50 ends the guest. What
 * tests need beyond that is switched on by fields.
 */
export class FakeDebuggee implements Debuggee {
  readonly calls: string[] = [];
  readonly memory = new Uint8Array(RAM_BYTES);
  readonly #emit: (event: DebuggeeEvent) => void;
  readonly #breakpoints = new Map<string, readonly BreakpointSpec[]>();
  /** Motions and searches go on until `pause`. */
  endless = false;
  /** What `launch` throws. */
  launchError: Error | undefined;
  options: LaunchOptions | undefined;
  exceptionStops: readonly number[] = [];
  /** Text of the source as recorded; undefined: only the disk has it. */
  recordedText: string | undefined;
  frameConfidence: "certain" | "guess" = "guess";
  exitCode = 3;
  closed = false;
  disposed = false;
  now = 0;
  x10 = 42n;
  readonly found: FakeSearches;
  readonly startSearch: FakeSearches["startSearch"] = (...args) => this.found.startSearch(...args);
  readonly searches: FakeSearches["searches"] = () => this.found.searches();
  readonly searchRows: FakeSearches["searchRows"] = (...args) => this.found.searchRows(...args);
  readonly seriesBuckets: FakeSearches["seriesBuckets"] = (...args) => this.found.seriesBuckets(...args);
  readonly rowsAround: FakeSearches["rowsAround"] = (...args) => this.found.rowsAround(...args);
  readonly countRows: FakeSearches["countRows"] = (...args) => this.found.countRows(...args);
  readonly rowInstants: FakeSearches["rowInstants"] = (...args) => this.found.rowInstants(...args);
  readonly extendSearch: FakeSearches["extendSearch"] = (...args) => this.found.extendSearch(...args);
  readonly cancelSearch: FakeSearches["cancelSearch"] = (id) => this.found.cancelSearch(id);
  readonly closeSearch: FakeSearches["closeSearch"] = (id) => this.found.closeSearch(id);
  #pause: (() => void) | undefined;

  constructor(emit: (event: DebuggeeEvent) => void) {
    this.#emit = emit;
    this.found = new FakeSearches(LINES, emit);
  }

  emit(event: DebuggeeEvent): void {
    this.#emit(event);
  }

  print(text: string): void {
    this.emit({ type: "output", category: "guest", bytes: new TextEncoder().encode(text), instant: this.now });
  }

  async launch(options: LaunchOptions): Promise<LaunchResult> {
    this.options = options;
    if (this.launchError !== undefined) throw this.launchError;
    return {
      harts: options.harts ?? 1,
      recording: options.recording ?? "/project/.hindcast/guest.hindcast",
      live: options.recording === undefined,
      end: options.recording === undefined ? 0 : LINES,
      hasLines: true,
      warnings: [],
      entered: this.#stop("entry"),
    };
  }

  resume(until?: number): Promise<Stopped> {
    return this.#move("resume", () => this.#run(+1, until));
  }

  reverseContinue(until?: number): Promise<Stopped> {
    return this.#move("reverseContinue", () => this.#run(-1, until));
  }

  stepRange(hart: number, start: bigint, end: bigint): Promise<Stopped> {
    return this.#move(`stepRange ${hart} ${start} ${end}`, () => {
      this.now++;
      return this.#stop("step");
    });
  }

  step(kind: string, direction: "forward" | "backward", granularity: string, hart: number): Promise<Stopped> {
    return this.#move(`step ${kind} ${direction} ${granularity} ${hart}`, () => {
      this.now += direction === "forward" ? 1 : -1;
      return this.#stop("step");
    });
  }

  seek(instant: number): Promise<Stopped> {
    return this.#move(`seek ${instant}`, () => {
      this.now = Math.min(instant, LINES);
      return this.#stop("goto");
    });
  }

  async pause(): Promise<void> {
    this.calls.push("pause");
    this.#pause?.();
  }

  async setBreakpoints(
    { kind, path }: { kind: BreakpointRequest["kind"]; path?: string },
    specs: readonly BreakpointSpec[],
  ): Promise<BreakpointState[]> {
    this.calls.push(`setBreakpoints ${kind} ${specs.map(({ id }) => id).join(",")}`);
    this.#breakpoints.set(`${kind}:${path}`, specs);
    return specs.map(({ id, at }) => {
      if (at.kind === "function") return { id, verified: true, path: SOURCE, line: 1, address: RAM };
      if (at.kind !== "source") return { id, verified: true, address: at.address };
      if (at.line > LINES) return { id, verified: false, message: `Line ${at.line} has no code.` };
      return { id, verified: true, path: at.path, line: at.line, address: addressOf(at.line) };
    });
  }

  specs(kind: BreakpointRequest["kind"], path?: string): readonly BreakpointSpec[] {
    return this.#breakpoints.get(`${kind}:${path}`) ?? [];
  }

  async setExceptionStops(causes: readonly number[]): Promise<void> {
    this.exceptionStops = causes;
  }

  async frames(hart: number) {
    this.calls.push(`frames ${hart}`);
    const place = { path: SOURCE, line: this.now + 1, column: 1 };
    return [
      {
        level: 0,
        pc: addressOf(this.now + 1),
        name: "main+0x4",
        source: place,
        confidence: "certain" as const,
        sp: 0n,
      },
      { level: 1, pc: RAM, name: "_start", confidence: this.frameConfidence, sp: 16n },
    ];
  }

  async scopes(hart: number, level: number) {
    return [{ name: "Registers", reference: 100 + hart * 10 + level, expensive: false }];
  }

  async variables(reference: number) {
    if (reference !== 100) throw new UserError("stale", "These variables are gone: the machine has moved since.");
    return [
      { name: "a0", value: String(this.x10), type: "u64", reference: 0, evaluateName: "a0", settable: true },
      { name: "counter", value: "7", reference: 0, memoryAddress: RAM + 64n, size: 8, settable: true },
      { name: "zero", value: "0", reference: 0, settable: false },
    ];
  }

  async setVariable(_reference: number, name: string, value: string): Promise<Evaluation> {
    if (name !== "a0") throw new UserError("not-settable", `“${name}” cannot be set.`);
    if (!/^\d+$/.test(value)) throw new UserError("bad-value", `“${value}” is no number.`);
    this.x10 = BigInt(value);
    this.emit({ type: "invalidated" });
    return { value, type: "u64", reference: 0 };
  }

  async evaluate(expression: string, hart: number, level: number, use = "change"): Promise<Evaluation> {
    this.calls.push(`evaluate ${expression} ${hart} ${level} ${use}`);
    if (expression === "a0") return { value: String(this.x10), bits: this.x10, type: "u64", reference: 0 };
    if (expression === "counter") return { value: "7", bits: 7n, reference: 0, memoryAddress: RAM + 64n, size: 8 };
    // A symbol of which only the name is known: its value is its address.
    if (/^&?jiffies$/.test(expression)) return { value: "0x80000048 <jiffies>", bits: RAM + 72n, reference: 0 };
    if (expression === "*jiffies") return { value: "1", bits: 1n, reference: 0, memoryAddress: RAM + 72n, size: 8 };
    throw new UserError("unknown-name", `“${expression}” is not known.`);
  }

  async setExpression(expression: string, value: string): Promise<Evaluation> {
    if (expression !== "counter" || !/^\d+$/.test(value))
      throw new UserError("not-settable", `“${expression}” cannot be set.`);
    await this.writeMemory(RAM + 64n, new Uint8Array([Number(value), 0, 0, 0, 0, 0, 0, 0]));
    return { value, reference: 0, memoryAddress: RAM + 64n, size: 8 };
  }

  async disassemble(address: bigint, instructionOffset: number, count: number) {
    return Array.from({ length: count }, (_, index) => {
      const at = address + BigInt(4 * (instructionOffset + index));
      const line = Number(at - RAM) / 4 + 1;
      const valid = line >= 1 && line <= LINES;
      return valid
        ? { address: at, bytes: "13 00 00 00", text: "nop", source: { path: SOURCE, line, column: 1 }, valid }
        : { address: at, bytes: "", text: "(no memory)", valid };
    });
  }

  async readMemory(address: bigint, length: number): Promise<Uint8Array> {
    const offset = Number(address - RAM);
    return offset < 0 ? new Uint8Array() : this.memory.slice(offset, offset + length);
  }

  async writeMemory(address: bigint, bytes: Uint8Array): Promise<number> {
    const offset = Number(address - RAM);
    const written = offset < 0 ? 0 : Math.max(Math.min(bytes.length, RAM_BYTES - offset), 0);
    if (written > 0) this.memory.set(bytes.subarray(0, written), offset);
    this.emit({ type: "invalidated", memory: { address, length: written } });
    return written;
  }

  async breakpointLocations(path: string, line: number, endLine: number) {
    const lines = Array.from({ length: LINES }, (_, index) => index + 1);
    return lines.filter((at) => at >= line && at <= endLine).map((at) => ({ path, line: at, column: 3 }));
  }

  /** Beside the program's own file. */
  otherSources: readonly string[] = [];

  async sources() {
    const others = this.otherSources.map((path) => ({ path, embedded: false }));
    return [{ path: SOURCE, embedded: this.recordedText !== undefined }, ...others];
  }

  async sourceText(path: string) {
    return path === SOURCE ? this.recordedText : undefined;
  }

  async names(prefix: string, most: number) {
    const all = [
      { name: "a0", kind: "register" as const },
      { name: "a1", kind: "register" as const },
      { name: "add_node", kind: "function" as const },
    ];
    return all.filter(({ name }) => name.startsWith(prefix)).slice(0, most);
  }

  async input(bytes: Uint8Array): Promise<void> {
    this.calls.push(`input ${new TextDecoder().decode(bytes)}`);
  }

  async timeline({ from, to, most }: { from?: number; to?: number; most: number }) {
    this.calls.push(`timeline ${from} ${to} ${most}`);
    const marks = most === 0 ? [] : [{ kind: "output" as const, instant: 10, label: "hello" }];
    return { first: 0, now: this.now, end: LINES, live: false, marks, total: 1 };
  }

  async addBookmark(name: string, instant = this.now): Promise<void> {
    this.calls.push(`bookmark ${name} at ${instant}`);
  }

  async removeBookmark(instant: number, name: string): Promise<void> {
    this.calls.push(`removeBookmark ${instant} ${name}`);
  }

  async renameBookmark(instant: number, name: string, newName: string): Promise<void> {
    this.calls.push(`renameBookmark ${instant} ${name} ${newName}`);
  }

  /** Output k comes from instant 10 + k on. */
  async outputLengthAt(instant: number) {
    return Math.min(Math.max(instant - 10, 0), 5);
  }

  async instantOfOutput(offset: number) {
    return offset < 5 ? 10 + offset : undefined;
  }

  /** It has sent no frames. */
  async instantOfFrame(_number: number): Promise<number | undefined> {
    return undefined;
  }

  async frameCountAt(_instant: number) {
    return 0;
  }

  async lastWrite(address: bigint, length: number, before?: number) {
    this.calls.push(`lastWrite ${address.toString(16)} ${length} ${before}`);
    if (this.endless) {
      this.emit({ type: "progress", title: "Searching the last write", instant: 5, fraction: 0.5, done: false });
      await this.#paused();
      throw cancelled();
    }
    const source = { path: SOURCE, line: 8, column: 1 };
    const store = { hart: 0, address, size: length, value: 0n };
    return address === RAM + 64n ? { instant: 7, pc: addressOf(8), symbol: "main+0x1c", source, ...store } : undefined;
  }

  async lastRead(address: bigint, length: number, before?: number) {
    this.calls.push(`lastRead ${address.toString(16)} ${length} ${before}`);
    return undefined;
  }

  async firstRead(address: bigint, length: number, from?: number): Promise<Row | undefined> {
    this.calls.push(`firstRead ${address.toString(16)} ${length} ${from}`);
    return address === RAM + 64n ? this.#row(12) : undefined;
  }

  async firstDifference(place: DifferencePlace, from?: number): Promise<Row | undefined> {
    const text = (_: string, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value);
    this.calls.push(`firstDifference ${JSON.stringify(place, text)} ${from}`);
    return this.#row(14);
  }

  #row(instant: number): Row {
    return { instant, hart: 0, pc: addressOf(instant + 1), symbol: "main", text: "cell = 8", bits: 8n };
  }

  async origin(place: string, hart: number, options: OriginOptions = {}): Promise<Origin> {
    this.calls.push(`origin ${place} ${hart} ${JSON.stringify(options)}`);
    const at = { pc: addressOf(8), symbol: "main+0x1c", source: { path: SOURCE, line: 8, column: 1 }, hart };
    const register = { kind: "register", name: "a0" } as const;
    const memory = { kind: "memory", name: "cell", address: RAM + 64n, physical: RAM + 64n, length: 8 } as const;
    const operands = [{ place: memory, value: 5n, role: "value" as const }];
    const step = { ...at, instant: 7, text: "ld a0,0(s0)", place: register, value: 5n, how: "load" as const };
    return {
      ...{ place: register, instant: options.at ?? 9, hart, value: 5n },
      steps: [{ ...step, sentence: "a0 was loaded from cell (8 bytes)", operands, follows: 0 }],
      end: { kind: "image", sentence: "Nothing has written to cell since reset.", address: RAM + 64n },
    };
  }

  async machine(): Promise<MachineOverview> {
    const space = { satp: 0x8000_0000_0008_0200n, scheme: "Sv39" as const, asid: 0, root: 0x8020_0000n, harts: [0] };
    const hart = { id: 0, stopped: true, turn: true, pc: addressOf(this.now + 1), symbol: "main+0x4" };
    return {
      instant: this.now,
      harts: [{ ...hart, privilege: "S", waiting: false, space, pending: [] }],
      spaces: [space],
      devices: [{ name: "uart", address: 0x1000_0000n, registers: [{ name: "lsr", value: "96" }] }],
      memory: [{ start: RAM, end: RAM + 4096n, name: "RAM", kind: "memory", detail: "4 KiB" }],
    };
  }

  async executable() {
    this.calls.push("executable");
    return undefined;
  }

  async registers(hart: number) {
    this.calls.push(`registers ${hart}`);
    const integers = Array.from({ length: 32 }, (_, index) => (index === 10 ? this.x10 : 0n));
    return { pc: RAM + BigInt(4 * this.now), integers, privilege: 3 as const };
  }

  async outputBetween(from: number, to: number) {
    this.calls.push(`outputBetween ${from} ${to}`);
    return new Uint8Array();
  }

  async csrs(hart: number) {
    this.calls.push(`csrs ${hart}`);
    return { groups: [], protection: [] };
  }

  async translate(address: string, hart: number): Promise<TranslationReport> {
    this.calls.push(`translate ${address} ${hart}`);
    const { harts } = await this.machine();
    const found = { physicalAddress: 0x8020_1000n, pageBytes: 4096, access: "Can be read by supervisor mode." };
    return { address: 0x1000n, hart, space: harts[0].space!, entries: [], ...found };
  }

  async pageTable(question: PageTableQuestion): Promise<PageTableReport> {
    this.calls.push(`pageTable ${question.satp.toString(16)} ${question.table?.toString(16)} ${question.level}`);
    return { scheme: "Sv39", level: 2, table: 0x8020_0000n, entries: [] };
  }

  readonly #branches: BranchSummary[] = [];
  #branch = 0;

  async startBranch(inputs = true): Promise<BranchSummary> {
    const id = this.#branches.length + 1;
    this.calls.push(`startBranch ${inputs}`);
    this.#branches.push({ id, parent: this.#branch, origin: this.now, now: this.now, end: this.now, inputs, edits: 0 });
    this.#branch = id;
    this.emit({ type: "branch", current: id, branches: this.#branches });
    return this.#branches[id - 1];
  }

  async branches(): Promise<BranchList> {
    return { current: this.#branch, branches: this.#branches };
  }

  async switchBranch(id: number): Promise<Stopped> {
    this.calls.push(`switchBranch ${id}`);
    this.#branch = id;
    return this.#stop("goto");
  }

  async discardBranch(id = this.#branch): Promise<Stopped> {
    this.calls.push(`discardBranch ${id}`);
    this.#branch = 0;
    return this.#stop("goto");
  }

  async keepBranch(name: string, id = this.#branch): Promise<BranchSummary> {
    this.calls.push(`keepBranch ${id} ${name}`);
    return { ...this.#branches[id - 1], name };
  }

  async compareBranch({ id = this.#branch, at }: { id?: number; at?: number } = {}): Promise<BranchComparison> {
    this.calls.push(`compareBranch ${id} ${at}`);
    if (this.endless) {
      this.emit({ type: "progress", title: "Comparing with the recording", instant: 5, fraction: 0.5, done: false });
      await this.#paused();
      throw cancelled();
    }
    const state = { instant: 7, equal: true, registers: [], words: [], differingWords: 0, blocks: [], devices: [] };
    const branch = this.#branches[id - 1];
    const outputs = { equalBytes: 0 };
    return {
      branch,
      against: 0,
      comparedTo: 7,
      differs: false,
      outputs,
      steppedTo: 7,
      at: state,
      lines: ["The same."],
    };
  }

  async saveBranch(path: string, id = this.#branch): Promise<void> {
    this.calls.push(`saveBranch ${id} ${path}`);
  }

  async forceReturn(hart: number, value?: string): Promise<Stopped> {
    this.calls.push(`forceReturn ${hart} ${value}`);
    return this.#stop("goto");
  }

  async close(): Promise<void> {
    this.calls.push("close");
    this.closed = true;
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }

  #paused(): Promise<void> {
    return new Promise((resolve) => {
      this.#pause = resolve;
    });
  }

  async #move(call: string, motion: () => Stopped): Promise<Stopped> {
    this.calls.push(call);
    if (!this.endless) return motion();
    this.emit({ type: "progress", title: "Running backwards", instant: 9, fraction: 0.25, done: false });
    await this.#paused();
    return this.#stop("pause");
  }

  #run(direction: 1 | -1, until: number | undefined): Stopped {
    for (;;) {
      this.now += direction;
      if (this.now >= LINES) {
        return {
          ...this.#stop("finished"),
          exitCode: this.exitCode,
          description: `Guest exited with ${this.exitCode}`,
        };
      }
      if (this.now <= 0) {
        this.now = 0;
        return this.#stop("start");
      }
      const hits = [...this.#breakpoints.values()].flat().filter(({ at }) => this.#isAt(at));
      if (hits.length > 0) return this.#stop(hits[0].at.kind === "data" ? "data breakpoint" : "breakpoint", hits);
      if (this.now === until) return this.#stop("goto");
    }
  }

  #isAt(at: BreakpointRequest): boolean {
    if (at.kind === "source") return at.line === this.now + 1;
    if (at.kind === "instruction") return at.address === addressOf(this.now + 1);
    return false;
  }

  #stop(reason: Stopped["reason"], hits: readonly BreakpointSpec[] = []): Stopped {
    return { reason, instant: this.now, hart: 0, description: `At ${reason}`, breakpoints: hits.map(({ id }) => id) };
  }
}

function addressOf(line: number): bigint {
  return RAM + BigInt(4 * (line - 1));
}

/** Fails to compile when the fake does not keep up with the interface. */
export type FakeIsComplete = FakeDebuggee extends DebuggeeApi ? true : never;
