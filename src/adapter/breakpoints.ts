import type { DebugProtocol } from "@vscode/debugprotocol";
import type { BreakpointRequest, BreakpointSpec, BreakpointState } from "../debuggee/protocol.ts";
import { breakpointMode } from "./breakpoint-modes.ts";
import type { Client } from "./client.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import { fromReference, toPhysicalReference, toReference } from "./references.ts";
import type { Sources } from "./sources.ts";

type Scope = { readonly kind: BreakpointRequest["kind"]; readonly path?: string };
const STALE = "The file is not what the program was made from; its lines may be others.";

type Wish = Omit<BreakpointSpec, "id">;

/**
 * All breakpoints of the session by scope (one scope is what one `set…Breakpoints` request replaces). They outlive the
 * debuggee, so that a restart can set them again.
 */
export class Breakpoints {
  readonly #client: Client;
  readonly #sources: Sources;
  readonly #scopes = new Map<string, { scope: Scope; specs: readonly BreakpointSpec[] }>();
  /** Goes with its scope whenever that is set: the client may change breakpoints while the machine runs to it. */
  #temporary: { readonly key: string; readonly spec: BreakpointSpec } | undefined;
  #nextId = 1;

  constructor(client: Client, sources: Sources) {
    this.#client = client;
    this.#sources = sources;
  }

  async setSource(
    debuggee: Debuggee,
    { source, breakpoints, lines }: DebugProtocol.SetBreakpointsArguments,
  ): Promise<DebugProtocol.Breakpoint[]> {
    const path = this.#sources.fromClient(source);
    const { coordinates } = this.#client;
    // `lines` is what clients from before conditions send.
    const wanted: readonly DebugProtocol.SourceBreakpoint[] = breakpoints ?? (lines ?? []).map((line) => ({ line }));
    const wishes = wanted.map(({ line, column, ...rest }) => ({
      at: {
        kind: "source" as const,
        path,
        line: coordinates.lineFromClient(line),
        ...(column === undefined ? {} : { column: coordinates.columnFromClient(column) }),
      },
      ...conditions(rest),
    }));
    const set = await this.#replace(debuggee, { kind: "source", path }, wishes);
    if (!this.#sources.isStale(path, source)) return set;
    const warn = (message: string | undefined) => (message === undefined ? STALE : `${message} ${STALE}`);
    return set.map((breakpoint) => ({ ...breakpoint, message: warn(breakpoint.message) }));
  }

  async setFunction(debuggee: Debuggee, { breakpoints }: DebugProtocol.SetFunctionBreakpointsArguments) {
    const wishes = breakpoints.map(({ name, ...rest }) => ({
      at: { kind: "function" as const, name },
      ...conditions(rest),
    }));
    return this.#replace(debuggee, { kind: "function" }, wishes);
  }

  async setInstruction(debuggee: Debuggee, { breakpoints }: DebugProtocol.SetInstructionBreakpointsArguments) {
    const wishes = breakpoints.map(({ instructionReference, offset, ...rest }) => ({
      at: { kind: "instruction" as const, address: fromReference(instructionReference, offset ?? 0) },
      ...conditions(rest),
    }));
    return this.#replace(debuggee, { kind: "instruction" }, wishes);
  }

  async setData(debuggee: Debuggee, { breakpoints }: DebugProtocol.SetDataBreakpointsArguments) {
    const wishes = breakpoints.map(({ dataId, accessType, ...rest }) => ({
      at: { kind: "data" as const, ...parseDataId(dataId), access: accessType ?? ("write" as const) },
      ...conditions(rest),
    }));
    return this.#replace(debuggee, { kind: "data" }, wishes);
  }

  /** All that the client has set, in the order in which their ids were given. */
  list(): BreakpointSpec[] {
    return [...this.#scopes.values()].flatMap(({ specs }) => specs).sort((a, b) => a.id - b.id);
  }

  /** Sets everything again in a debuggee that has just been launched, and tells the client what became of it. */
  async setAgain(debuggee: Debuggee): Promise<void> {
    for (const { scope, specs } of this.#scopes.values()) {
      for (const state of await debuggee.setBreakpoints(scope, specs)) this.changed(state);
    }
  }

  /** Stops at a line beside what the client asked for, while `motion` lasts; `motion` gets the id of that breakpoint. */
  async withTemporary<T>(
    debuggee: Debuggee,
    path: string,
    line: number,
    motion: (id: number) => Promise<T>,
  ): Promise<T> {
    const scope: Scope = { kind: "source", path };
    const id = this.#nextId++;
    this.#temporary = { key: keyOf(scope), spec: { id, at: { kind: "source", path, line } } };
    try {
      await this.#apply(debuggee, scope, this.#kept(scope));
      return await motion(id);
    } finally {
      this.#temporary = undefined;
      await this.#apply(debuggee, scope, this.#kept(scope));
    }
  }

  changed(state: BreakpointState): void {
    this.#client.event("breakpoint", { reason: "changed", breakpoint: this.#toClient(state) });
  }

  async #replace(debuggee: Debuggee, scope: Scope, wishes: readonly Wish[]): Promise<DebugProtocol.Breakpoint[]> {
    // What did not change keeps its id, and with it its count of hits: clients send all of a file when one is added.
    const old = new Map(this.#kept(scope).map((spec) => [wishKey(spec), spec.id]));
    const specs = wishes.map((wish) => {
      const id = old.get(wishKey(wish)) ?? this.#nextId++;
      old.delete(wishKey(wish));
      return { id, ...wish };
    });
    const states = new Map((await this.#apply(debuggee, scope, specs)).map((state) => [state.id, state]));
    // Remembered only now: what the debuggee refused is not there.
    this.#scopes.set(keyOf(scope), { scope, specs });
    return specs.map(({ id }) => this.#toClient(states.get(id) ?? { id, verified: false }));
  }

  #kept(scope: Scope): readonly BreakpointSpec[] {
    return this.#scopes.get(keyOf(scope))?.specs ?? [];
  }

  #apply(debuggee: Debuggee, scope: Scope, specs: readonly BreakpointSpec[]): Promise<BreakpointState[]> {
    const temporary = this.#temporary?.key === keyOf(scope) ? [this.#temporary.spec] : [];
    return debuggee.setBreakpoints(scope, [...specs, ...temporary]);
  }

  #toClient({ id, verified, message, path, line, address }: BreakpointState): DebugProtocol.Breakpoint {
    const place: Partial<DebugProtocol.Breakpoint> = {};
    if (path !== undefined) place.source = this.#sources.toClient(path);
    if (line !== undefined) place.line = this.#client.coordinates.lineToClient(line);
    if (address !== undefined) place.instructionReference = toReference(address);
    return {
      id,
      verified,
      ...(message === undefined ? {} : { message }),
      ...(verified ? {} : { reason: "failed" as const }),
      ...place,
    };
  }
}

function keyOf({ kind, path }: Scope): string {
  return path === undefined ? kind : `${kind}:${path}`;
}

/** Two breakpoints with the same text are the same breakpoint, whatever their ids. */
function wishKey({ at, condition, hitCondition, logMessage, mode }: Wish): string {
  const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  return JSON.stringify([at, condition ?? "", hitCondition ?? "", logMessage ?? "", mode ?? ""], text);
}

interface Conditions {
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
  mode?: "check" | "log";
}

/** Clients send empty strings for what the user left empty. */
function conditions(raw: Omit<Conditions, "mode"> & { readonly mode?: string }): Conditions {
  const kept: Conditions = {};
  if (raw.condition?.trim()) kept.condition = raw.condition.trim();
  if (raw.hitCondition?.trim()) kept.hitCondition = raw.hitCondition.trim();
  if (raw.logMessage?.trim()) kept.logMessage = raw.logMessage;
  const mode = breakpointMode(raw.mode);
  if (mode !== undefined) kept.mode = mode;
  return kept;
}

/** `0x80001000/8`: 8 bytes from there; `phys:0x80001000/8` by physical address. Means the same in every session. */
export function toDataId(address: bigint, length: number, physical: boolean): string {
  return `${physical ? toPhysicalReference(address) : toReference(address)}/${length}`;
}

export function parseDataId(dataId: string): { address: bigint; length: number; use?: "physical" } {
  const match = /^(phys:)?(0x[0-9a-f]{1,16})\/([1-9]\d{0,9})$/i.exec(dataId);
  if (match === null) throw errors.badDataId(dataId);
  const [, physical, address, length] = match;
  return { address: BigInt(address), length: Number(length), ...(physical !== undefined && { use: "physical" }) };
}
