import { effectsOf } from "../isa/effects.ts";
import type { Decoded } from "../isa/instruction.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Tracing } from "./write-notes-code.ts";

/** Something of a hart that single steps, and traps, write. "csr" is the one that the trace was begun for. */
export type TracedPlace =
  | { readonly kind: "integer" | "float"; readonly number: number }
  | { readonly kind: "csr" }
  /** What a trap to this privilege writes: its pc, cause and value. */
  | { readonly kind: "trap"; readonly privilege: 1 | 3 };

/** Writes of registers that a trace passes over; those of CSRs and traps are noted all the same. */
export interface TraceFilter {
  /** Physical address of an instruction whose writes do not count. */
  readonly except?: number;
  /** Nor do those of a hart whose stack pointer is lower: in functions that were called meanwhile. */
  readonly fromStack?: bigint;
}

export interface TracedWrite {
  /** The state before the step that wrote. */
  readonly instant: number;
  /** No step: an interrupt that was taken on arrival at the instant. */
  readonly interrupt?: true;
}

const { WRITE_NOTES, WRITE_NOTE, WRITE_NOTE_COUNT } = layout;
/** Behind the notes of generated code: interrupts, by the privilege that they went to. */
const INTERRUPTS = WRITE_NOTE_COUNT;
const PLACES = INTERRUPTS + 4;
const NO_CSR = -1;
const STACK_POINTER = layout.REGISTERS + 2 * 8;

/** What was written while a trace was made, and by which step last. */
export class TracedWrites {
  /** The CSR that was noted. */
  readonly csr: number | undefined;
  /** By hart and place; NaN: not written. */
  readonly #instants: Float64Array;

  constructor(csr: number | undefined, instants: Float64Array) {
    this.csr = csr;
    this.#instants = instants;
  }

  last(hart: number, place: TracedPlace): TracedWrite | undefined {
    const at = (index: number) => this.#instants[hart * PLACES + index];
    if (place.kind !== "trap") return written(at(noteOf(place)));
    const exception = at(WRITE_NOTE.trap + place.privilege);
    const interrupt = at(INTERRUPTS + place.privilege);
    // An interrupt is taken on arrival, behind the step before.
    if (interrupt > exception || Number.isNaN(exception)) {
      return Number.isNaN(interrupt) ? undefined : { instant: interrupt, interrupt: true };
    }
    return written(exception);
  }
}

/**
 * Which step wrote each register last, while a machine runs between `begin` and `end`. The traced interpreter notes it in the course
 * of a slice; behind the slice it becomes instants here.
 */
export class WriteTrace {
  readonly #memory: PhysicalMemory;
  readonly #instants: Float64Array;
  readonly #notes: Int32Array;
  #csr: number | undefined;
  #tracing: Tracing;
  /** Physical address of the instruction whose writes are not noted. */
  #except: number | undefined;

  constructor(memory: PhysicalMemory, harts: number) {
    this.#memory = memory;
    this.#instants = new Float64Array(harts * PLACES);
    this.#notes = new Int32Array(memory.memory.buffer, WRITE_NOTES, WRITE_NOTE_COUNT);
  }

  /** What is being traced. */
  get tracing(): Tracing {
    return this.#tracing;
  }

  /** `csr`: the one whose writes are noted as well. */
  begin(csr?: number, filter?: TraceFilter): void {
    this.#tracing = filter === undefined ? "all" : "filtered";
    this.#csr = csr;
    this.#instants.fill(Number.NaN);
    const { view } = this.#memory;
    view.setInt32(layout.NOTED_CSR, csr ?? NO_CSR, true);
    this.#except = filter?.except;
    this.#placeExcept();
    view.setBigUint64(layout.NOTED_STACK, filter?.fromStack ?? 0n, true);
  }

  #placeExcept(): void {
    const record = this.#except === undefined ? 0 : this.#recordOf(this.#except);
    this.#memory.view.setInt32(layout.UNNOTED_RECORD, record, true);
  }

  /** Where the instruction is decoded; 0 when it is not. */
  #recordOf(physical: number): number {
    const { decodedPointers, layout: where } = this.#memory;
    const offset = physical - where.ramBase;
    const page = decodedPointers[this.#memory.frameOf(offset >>> 12)] ?? 0;
    return page === 0 ? 0 : page + ((offset & (layout.PAGE_BYTES - 1)) >>> 1) * layout.RECORD_BYTES;
  }

  end(): TracedWrites {
    this.#tracing = undefined;
    return new TracedWrites(this.#csr, this.#instants.slice());
  }

  beginSlice(): void {
    // Its page may be in another frame by now.
    if (this.#memory.layout.isMapped) this.#placeExcept();
    this.#notes.fill(-1);
  }

  /** `end`: the instant at which the slice's budget would be used up. */
  endSlice(hart: number, end: number): void {
    const notes = this.#notes;
    for (let place = 0; place < WRITE_NOTE_COUNT; place++) {
      if (notes[place] >= 0) this.#instants[hart * PLACES + place] = end - 1 - notes[place];
    }
  }

  /** A trap that the machine took by itself. */
  trap(hart: number, privilege: number, instant: number, isInterrupt: boolean): void {
    this.#instants[hart * PLACES + (isInterrupt ? INTERRUPTS : WRITE_NOTE.trap) + privilege] = instant;
  }

  /** A step that the oracle took for the interpreter; `left`: steps of the slice behind it. */
  step(decoded: Decoded, left: number): void {
    const { writesRd, writesFloatRd, system } = effectsOf(decoded.instruction);
    const { view } = this.#memory;
    const isPassedOver =
      this.#tracing === "filtered" &&
      view.getBigUint64(STACK_POINTER, true) < view.getBigUint64(layout.NOTED_STACK, true);
    if (isPassedOver) return;
    if (writesRd && decoded.rd !== 0) this.#notes[WRITE_NOTE.integer + decoded.rd] = left;
    if (writesFloatRd) this.#notes[WRITE_NOTE.float + decoded.rd] = left;
    if (system?.startsWith("csr") && decoded.imm === this.#csr) {
      if (system.startsWith("csrrw") || decoded.rs1 !== 0) this.#notes[WRITE_NOTE.csr] = left;
    }
  }
}

function noteOf(place: Exclude<TracedPlace, { kind: "trap" }>): number {
  if (place.kind === "csr") return WRITE_NOTE.csr;
  return (place.kind === "float" ? WRITE_NOTE.float : WRITE_NOTE.integer) + place.number;
}

function written(instant: number): TracedWrite | undefined {
  return Number.isNaN(instant) ? undefined : { instant };
}
