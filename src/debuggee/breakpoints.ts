import type { VirtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Condition, HitFilter, Watch } from "../machine/stop.ts";
import { checkProblem } from "./checks.ts";
import { errors } from "./errors.ts";
import { HitHistory, type HitTest, parseHitCondition } from "./hit-history.ts";
import { compileLogMessage, type LogMessage } from "./log-message.ts";
import type { ProgramMap } from "./program-map.ts";
import type { AddressUse, BreakpointRequest, BreakpointSpec, BreakpointState } from "./protocol.ts";

/** What breakpoints need of the expression language; `At` is what an expression looks at. */
export interface BreakpointCompiler<At> {
  /** "calls": functions of the guest may be called. */
  condition(text: string, calls?: "calls"): (at: At) => boolean;
  /** The same for the machine; undefined when it cannot answer that by itself. */
  machineCondition(text: string): Condition | undefined;
  /** The value as text, formatted as `evaluate` does. */
  text(expression: string, calls?: "calls"): (at: At) => string;
  /** The value of an expression that needs no machine state, as an address; undefined when it needs some. */
  constant(expression: string): bigint | undefined;
  /** There is an instruction's room at an address, or there may be once it is mapped. */
  placeOfCode(address: bigint): "memory" | "not mapped" | "none";
  /** What to watch for a range of addresses; throws a UserError when it is not mapped. */
  ranges(address: bigint, length: number, use: AddressUse | undefined): Pick<Watch, "address" | "length">[];
}

/** A breakpoint, resolved. */
export interface Breakpoint<At> {
  readonly spec: BreakpointSpec;
  readonly state: BreakpointState;
  /** Addresses of instructions, for all kinds but data. */
  readonly addresses: readonly bigint[];
  /** Of a data breakpoint; several where its pages lie apart in memory. */
  readonly watches: readonly Watch[];
  readonly condition: ((at: At) => boolean) | undefined;
  readonly hitTest: HitTest | undefined;
  readonly log: LogMessage<At> | undefined;
  /** Only where there is a hit condition: counting costs a search over the past. */
  readonly history: HitHistory | undefined;
  /** What the machine need not stop for; undefined when it must always stop. */
  readonly filter: HitFilter | undefined;
  /** Likewise while hits are only counted. */
  readonly countingFilter: HitFilter | undefined;
}

type Filters = ReadonlyMap<VirtualAddress, readonly HitFilter[]>;

/** What becomes of a hit. */
export type Verdict =
  | { readonly kind: "pass" }
  | { readonly kind: "stop" }
  /** A log point; passes on. */
  | { readonly kind: "log"; readonly text: string }
  /** A replay-only check has failed: stop. */
  | { readonly kind: "failed"; readonly message: string }
  /** The condition cannot be evaluated: stop, because passing would hide what the user waits for. */
  | { readonly kind: "error"; readonly message: string };

/** As many as the machine looks out for (MAX_WATCHES of memory/layout.ts). */
export const MOST_DATA_BREAKPOINTS = 64;
/** A watched range may be a whole table, not the whole memory. */
const MOST_WATCHED_BYTES = 1 << 20;

/** All breakpoints of a session. `generation` changes with them. */
export class Breakpoints<At> {
  readonly #map: ProgramMap;
  readonly #compiler: BreakpointCompiler<At>;
  #all: readonly Breakpoint<At>[] = [];
  #byAddress: ReadonlyMap<bigint, readonly Breakpoint<At>[]> = new Map();
  #filters: Filters = new Map();
  #countingFilters: Filters = new Map();
  #data: readonly { readonly breakpoint: Breakpoint<At>; readonly watch: Watch }[] = [];
  #generation = 0;

  constructor(map: ProgramMap, compiler: BreakpointCompiler<At>) {
    this.#map = map;
    this.#compiler = compiler;
  }

  get generation(): number {
    return this.#generation;
  }

  get all(): readonly Breakpoint<At>[] {
    return this.#all;
  }

  /** Addresses of instructions with a breakpoint. */
  get addresses(): readonly bigint[] {
    return [...this.#byAddress.keys()];
  }

  /** For the addresses at which all breakpoints have a filter. */
  get filters(): Filters {
    return this.#filters;
  }

  /** The same for breakpoints with a hit condition while their hits are counted. */
  get countingFilters(): Filters {
    return this.#countingFilters;
  }

  get watches(): readonly Watch[] {
    return this.#data.map(({ watch }) => watch);
  }

  at(address: bigint): readonly Breakpoint<At>[] {
    return this.#byAddress.get(address) ?? [];
  }

  /** The breakpoint of a position in `watches`. */
  watching(index: number): Breakpoint<At> | undefined {
    return this.#data[index]?.breakpoint;
  }

  /** Replaces all breakpoints of one kind, for source breakpoints those of one path. */
  set(
    scope: { readonly kind: BreakpointRequest["kind"]; readonly path?: string },
    specs: readonly BreakpointSpec[],
  ): BreakpointState[] {
    const inScope = ({ at }: BreakpointSpec) =>
      at.kind === scope.kind && (at.kind !== "source" || scope.path === undefined || at.path === scope.path);
    const old = this.#all.filter(({ spec }) => inScope(spec));
    const kept = this.#all.filter(({ spec }) => !inScope(spec));
    let dataLeft = MOST_DATA_BREAKPOINTS - kept.flatMap(({ watches }) => watches).length;
    const fresh = specs.map((spec) => {
      // Clients send the whole list after each change; what stays keeps its counted hits.
      const same = old.find((candidate) => JSON.stringify(key(candidate.spec)) === JSON.stringify(key(spec)));
      const resolved =
        // What could not be placed may have been mapped since.
        same === undefined || !same.state.verified
          ? this.#resolve(spec)
          : { ...same, spec, state: { ...same.state, id: spec.id } };
      dataLeft -= resolved.watches.length;
      if (resolved.watches.length === 0 || dataLeft >= 0) return resolved;
      return this.#refused(spec, `There are already ${MOST_DATA_BREAKPOINTS} data breakpoints.`);
    });
    this.#all = [...kept, ...fresh];
    this.#index();
    this.#generation++;
    return fresh.map(({ state }) => state);
  }

  /** What a hit means. The number of the hit is looked up where there is a hit condition. */
  judge(breakpoint: Breakpoint<At>, at: At, instant: number): Verdict {
    const { condition, hitTest, history, log, spec } = breakpoint;
    try {
      if (condition !== undefined && !condition(at)) return { kind: "pass" };
      if (hitTest !== undefined && history !== undefined && !hitTest.passes(history.numberOf(instant))) {
        return { kind: "pass" };
      }
      if (spec.mode === "check") return { kind: "failed", message: spec.condition!.trim() };
      return log === undefined ? { kind: "stop" } : { kind: "log", text: log(at) };
    } catch (error) {
      const problem = checkProblem(error);
      if (problem !== undefined) return { kind: "failed", message: problem };
      if (error instanceof UserError) return { kind: "error", message: error.message };
      throw error;
    }
  }

  /** The state at `instant` was edited. */
  edited(instant: number): void {
    for (const { history } of this.#all) history?.truncate(instant);
  }

  #index(): void {
    const byAddress = new Map<bigint, Breakpoint<At>[]>();
    for (const breakpoint of this.#all) {
      for (const address of breakpoint.addresses) {
        const there = byAddress.get(address);
        if (there === undefined) byAddress.set(address, [breakpoint]);
        else there.push(breakpoint);
      }
    }
    this.#byAddress = byAddress;
    this.#filters = filtersOf(byAddress, ({ filter }) => filter);
    const counted = this.#all.filter(({ history }) => history !== undefined);
    const countedAt = new Map([...byAddress].map(([at, all]) => [at, all.filter((one) => counted.includes(one))]));
    this.#countingFilters = filtersOf(countedAt, ({ countingFilter }) => countingFilter);
    this.#data = this.#all.flatMap((breakpoint) => breakpoint.watches.map((watch) => ({ breakpoint, watch })));
  }

  #resolve(spec: BreakpointSpec): Breakpoint<At> {
    try {
      const place = this.#place(spec);
      const condition = nonEmpty(spec.condition);
      const hitCondition = nonEmpty(spec.hitCondition);
      const logMessage = nonEmpty(spec.logMessage);
      const calls = spec.mode === undefined ? undefined : "calls";
      if (spec.mode === "check" && condition === undefined) throw errors.checkNeedsCondition();
      if (spec.mode === "log" && logMessage === undefined) throw errors.logNeedsMessage();
      const hitTest = hitCondition === undefined ? undefined : parseHitCondition(hitCondition);
      if (hitCondition !== undefined && hitTest === undefined) {
        return this.#refused(spec, `"${hitCondition}" is no hit condition: write 5, >= 5, < 5 or % 5.`);
      }
      const history = hitTest === undefined ? undefined : new HitHistory();
      const asked = condition === undefined ? undefined : this.#compiler.machineCondition(condition);
      const isAskable = condition === undefined || asked !== undefined;
      return {
        spec,
        addresses: place.addresses,
        watches: place.watches ?? [],
        ...(isAskable ? filtersFor(asked, hitTest, history) : NO_FILTERS),
        state: { id: spec.id, verified: true, ...place.shown },
        condition: condition === undefined ? undefined : this.#compiler.condition(condition, calls),
        hitTest,
        log:
          logMessage === undefined || spec.mode === "check"
            ? undefined
            : compileLogMessage(logMessage, (text) => this.#compiler.text(text, calls)),
        history,
      };
    } catch (error) {
      if (error instanceof UserError) return this.#refused(spec, error.message);
      throw error;
    }
  }

  #refused(spec: BreakpointSpec, message: string): Breakpoint<At> {
    return {
      spec,
      state: { id: spec.id, verified: false, message },
      addresses: [],
      watches: [],
      condition: undefined,
      hitTest: undefined,
      log: undefined,
      history: undefined,
      ...NO_FILTERS,
    };
  }

  #place({ at }: BreakpointSpec): Placement {
    switch (at.kind) {
      case "source":
        return this.#onLine(at.path, at.line);
      case "function":
        return this.#onFunction(at.name.trim());
      case "instruction":
        if (at.address % 2n !== 0n)
          throw unplaced(`Instructions begin at even addresses, 0x${at.address.toString(16)} is odd.`);
        return this.#onAddress(at.address);
      case "data":
        if (!(at.length >= 1 && at.length <= MOST_WATCHED_BYTES)) {
          throw unplaced(`A data breakpoint watches 1 to ${MOST_WATCHED_BYTES} bytes, not ${at.length}.`);
        }
        return {
          addresses: [],
          watches: this.#compiler
            .ranges(at.address, at.length, at.use)
            .map((range) => ({ ...range, access: at.access })),
          shown: { address: at.address },
        };
    }
  }

  #onLine(path: string, line: number): Placement {
    const { lines } = this.#map;
    const place = lines.place(path, line);
    if (place !== undefined) {
      const moved = place.line !== line;
      const message = moved ? `There is no code on line ${line}; this is the next line that has some.` : undefined;
      return {
        addresses: place.addresses,
        shown: { path: place.path, line: place.line, address: place.addresses[0], ...(message && { message }) },
      };
    }
    if (lines.isEmpty) throw unplaced("The program has no line information; build it with -g.");
    throw unplaced(
      lines.pathsFor(path).length === 0
        ? "No code of the program comes from this file."
        : `There is no code on line ${line} or below it.`,
    );
  }

  #onFunction(name: string): Placement {
    const symbols = this.#map.symbols.allNamed(name).filter(({ kind }) => kind !== "object" && kind !== "absolute");
    const addresses = [...new Set(symbols.map(({ address }): bigint => address))];
    const code = addresses.filter((address) => this.#map.symbols.isExecutable(address));
    if (code.length > 0) return this.#onAddresses(code);
    if (addresses.length > 0) throw unplaced(`"${name}" is not code.`);
    // Also `*0x80000000` and `main+8`, as gdb users write them.
    const address = this.#compiler.constant(name.replace(/^\*/, ""));
    if (address !== undefined && address % 2n === 0n && this.#compiler.placeOfCode(address) !== "none") {
      return this.#onAddress(address);
    }
    throw unplaced(`There is no function "${name}" in the program.`);
  }

  /** Code that a program declares needs no memory yet: a kernel's addresses are mapped long after reset. */
  #onAddress(address: bigint): Placement {
    const placement = this.#onAddresses([address]);
    if (this.#map.symbols.isExecutable(address)) return placement;
    const name = `0x${address.toString(16)}`;
    switch (this.#compiler.placeOfCode(address)) {
      case "none":
        throw unplaced(`There is no memory at ${name}.`);
      case "not mapped":
        return { ...placement, shown: { ...placement.shown, message: `Nothing is mapped at ${name} now.` } };
      default:
        return placement;
    }
  }

  #onAddresses(addresses: readonly bigint[]): Placement {
    const source = this.#map.position(addresses[0]);
    return {
      addresses,
      shown: { address: addresses[0], ...(source && { path: source.path, line: source.line }) },
    };
  }
}

const NO_FILTERS = { filter: undefined, countingFilter: undefined };

/** `condition` undefined: there is none. */
function filtersFor(
  condition: Condition | undefined,
  hitTest: HitTest | undefined,
  history: HitHistory | undefined,
): { readonly filter: HitFilter | undefined; readonly countingFilter: HitFilter | undefined } {
  const asked = condition && { condition };
  if (hitTest === undefined || history === undefined) return { filter: asked, countingFilter: undefined };
  const skipped = (instants: Float64Array) => history.merge(instants);
  const counter = { toSkip: (instant: number) => hitsToSkip(hitTest, history, instant), skipped };
  const toSkip = () => (history.isFull ? 0 : Number.POSITIVE_INFINITY);
  return { filter: { ...asked, counter }, countingFilter: { ...asked, counter: { toSkip, skipped } } };
}

/** All hits before the instant are known; one at it may have been seen already, so that the next has the number behind. */
function hitsToSkip(test: HitTest, history: HitHistory, instant: number): number {
  if (history.isFull) return 0;
  const before = history.countBefore(instant);
  return Math.max(0, (test.firstFrom(before + 1) ?? Number.POSITIVE_INFINITY) - before - 2);
}

function filtersOf<At>(
  byAddress: ReadonlyMap<bigint, readonly Breakpoint<At>[]>,
  filterOf: (breakpoint: Breakpoint<At>) => HitFilter | undefined,
): Filters {
  const filters = new Map<VirtualAddress, readonly HitFilter[]>();
  for (const [address, breakpoints] of byAddress) {
    const all = breakpoints.flatMap((breakpoint) => filterOf(breakpoint) ?? []);
    if (all.length > 0 && all.length === breakpoints.length) filters.set(address as VirtualAddress, all);
  }
  return filters;
}

interface Placement {
  readonly addresses: readonly bigint[];
  readonly watches?: readonly Watch[];
  readonly shown: Partial<BreakpointState>;
}

function unplaced(message: string): UserError {
  return new UserError("breakpoint", message);
}

/** What makes two specifications one breakpoint. */
function key({ at, condition, hitCondition, logMessage, mode }: BreakpointSpec): unknown[] {
  const place = at.kind === "data" || at.kind === "instruction" ? { ...at, address: String(at.address) } : { ...at };
  return [place, condition ?? "", hitCondition ?? "", logMessage ?? "", mode ?? ""];
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}
