import type { BreakpointSpec, DebuggeeApi } from "../debuggee/protocol.ts";

/** `Z0` to `Z4`, in the protocol's order. */
export type StopPointType = "software" | "hardware" | "write" | "read" | "access";
export const STOP_POINT_TYPES: readonly StopPointType[] = ["software", "hardware", "write", "read", "access"];

export interface StopPoint {
  readonly type: StopPointType;
  readonly address: bigint;
  /** Bytes that a watchpoint watches. */
  readonly length: number;
}

const ACCESS = { write: "write", read: "read", access: "readWrite" } as const;

/** What the client has inserted, as breakpoints of the debuggee. There is no difference between software and hardware ones. */
export class StopPoints {
  readonly #debuggee: DebuggeeApi;
  readonly #points = new Map<string, StopPoint & { readonly id: number; readonly hart: number }>();
  #nextId = 1;

  constructor(debuggee: DebuggeeApi) {
    this.#debuggee = debuggee;
  }

  /** @returns why it cannot be placed, a sentence. `hart` is whose address space a watched address is in. */
  async insert(point: StopPoint, hart: number): Promise<string | undefined> {
    const key = keyOf(point);
    // A client that is not sure whether the packet arrived may send it again.
    if (this.#points.has(key)) return undefined;
    const id = this.#nextId++;
    this.#points.set(key, { ...point, id, hart });
    const problem = await this.#apply(point, id);
    if (problem === undefined) return undefined;
    await this.remove(point);
    return problem;
  }

  async remove(point: StopPoint): Promise<void> {
    if (this.#points.delete(keyOf(point))) await this.#apply(point);
  }

  async clear(): Promise<void> {
    this.#points.clear();
    await this.#debuggee.setBreakpoints({ kind: "instruction" }, []);
    await this.#debuggee.setBreakpoints({ kind: "data" }, []);
  }

  /** Some of them watch memory. */
  get watches(): boolean {
    return [...this.#points.values()].some(({ type }) => !isCode(type));
  }

  /** The first of those with these ids. */
  find(ids: readonly number[]): StopPoint | undefined {
    return [...this.#points.values()].find(({ id }) => ids.includes(id));
  }

  async #apply({ type }: StopPoint, id?: number): Promise<string | undefined> {
    const kind = isCode(type) ? "instruction" : "data";
    const specs = [...this.#points.values()].filter((point) => isCode(point.type) === isCode(type)).map(specOf);
    const states = await this.#debuggee.setBreakpoints({ kind }, specs);
    const state = states.find((each) => each.id === id);
    return state === undefined || state.verified ? undefined : (state.message ?? "It cannot be placed.");
  }
}

function isCode(type: StopPointType): boolean {
  return type === "software" || type === "hardware";
}

function specOf({ id, type, address, length, hart }: StopPoint & { id: number; hart: number }): BreakpointSpec {
  if (type === "software" || type === "hardware") return { id, at: { kind: "instruction", address } };
  return { id, at: { kind: "data", address, length, access: ACCESS[type], use: { hart } } };
}

function keyOf({ type, address, length }: StopPoint): string {
  return isCode(type) ? `${type} ${address}` : `${type} ${address} ${length}`;
}
