import { effectsOf } from "../isa/effects.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { Placed } from "./region.ts";
import type { Node, RegionGraph } from "./region-graph.ts";

/** Bytes around the address that a register holds, by their distances from it. The address itself is among them or just behind. */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** That bytes are in RAM, or also that stores to them need nobody's attention, must be found out before an access. */
export interface RamCheck {
  readonly base: number;
  readonly span: Span;
  readonly access: "read" | "write";
}

/** What is known of the addresses in registers at a place of a region: there are as many entries as registers. */
interface Known {
  readonly readable: (Span | undefined)[];
  readonly writable: (Span | undefined)[];
}

const REGISTERS = 32;
/** After so many visits of a block, what its predecessors do not agree on is given up: pointers that run on would shrink spans for long. */
const PATIENT_VISITS = 3;

/**
 * Which accesses of a region with physical addresses need no check, because an earlier one has found out about the bytes
 * around the same address. Nothing that a region does makes RAM less accessible: it holds until the register changes.
 */
export class KnownRam {
  readonly #atStart: ReadonlyMap<Node, Known>;
  #known: Known = nothing();

  constructor({ nodes }: RegionGraph) {
    this.#atStart = knownAtStart(nodes);
  }

  /** Goes to the beginning of a block. */
  enter(node: Node): void {
    const { readable, writable } = this.#atStart.get(node) ?? nothing();
    this.#known = { readable: [...readable], writable: [...writable] };
  }

  /** Passes an instruction of the block; gives the checks that stand in front of it. */
  pass(instructions: readonly Placed[], index: number): RamCheck[] {
    return pass(this.#known, instructions, index);
  }
}

function nothing(): Known {
  return { readable: new Array(REGISTERS).fill(undefined), writable: new Array(REGISTERS).fill(undefined) };
}

/** A forward data-flow analysis: what all predecessors agree on. */
function knownAtStart(nodes: readonly Node[]): Map<Node, Known> {
  const atStart = new Map<Node, Known>();
  const atEnd = new Map<Node, Known>();
  const visits = new Map<Node, number>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of nodes) {
      const ends = node.predecessors.flatMap((predecessor) => atEnd.get(predecessor) ?? []);
      const old = atStart.get(node);
      const count = visits.get(node) ?? 0;
      const met = ends.length === 0 ? nothing() : ends.reduce(common);
      if (old !== undefined && equal(old, met)) continue;
      const start = old !== undefined && count >= PATIENT_VISITS ? agreed(old, met) : met;
      if (old !== undefined && equal(old, start)) continue;
      visits.set(node, count + 1);
      atStart.set(node, start);
      const known = { readable: [...start.readable], writable: [...start.writable] };
      const { instructions } = node.block;
      for (let index = 0; index < instructions.length; index++) pass(known, instructions, index);
      atEnd.set(node, known);
      changed = true;
    }
  }
  return atStart;
}

function common(a: Known, b: Known): Known {
  return { readable: a.readable.map(overlap(b.readable)), writable: a.writable.map(overlap(b.writable)) };
}

function overlap(others: readonly (Span | undefined)[]) {
  return (span: Span | undefined, register: number): Span | undefined => {
    const other = others[register];
    if (span === undefined || other === undefined || span === other) return span && other;
    const [first, end] = [Math.max(span.first, other.first), Math.min(span.end, other.end)];
    return first < end ? { first, end } : undefined;
  };
}

/** What has not changed. */
function agreed(old: Known, now: Known): Known {
  const keep = (spans: readonly (Span | undefined)[], others: readonly (Span | undefined)[]) =>
    spans.map((span, register) => (same(span, others[register]) ? span : undefined));
  return { readable: keep(old.readable, now.readable), writable: keep(old.writable, now.writable) };
}

function equal(a: Known, b: Known): boolean {
  return (
    a.readable.every((span, register) => same(span, b.readable[register])) &&
    a.writable.every((span, register) => same(span, b.writable[register]))
  );
}

function same(a: Span | undefined, b: Span | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.first === b.first && a.end === b.end);
}

function pass(known: Known, instructions: readonly Placed[], index: number): RamCheck[] {
  const { decoded, patched } = instructions[index];
  const effects = effectsOf(decoded.instruction);
  const checks = effects.address === "rs1 + imm" ? checksOf(known, instructions, index) : [];
  if (!effects.writesRd || decoded.rd === 0) return checks;
  const { rd, rs1, rs2, imm } = decoded;
  for (const spans of [known.readable, known.writable]) {
    if (effects.result === "rs1 + imm" && patched === undefined) spans[rd] = shifted(spans[rs1], imm);
    else if (effects.result === "rs1 + rs2" && rs1 === 0) spans[rd] = spans[rs2];
    else spans[rd] = undefined;
  }
  return checks;
}

/** What is known of an address that lies `distance` further on. */
function shifted(span: Span | undefined, distance: number): Span | undefined {
  if (span === undefined) return undefined;
  const moved = { first: span.first - distance, end: span.end - distance };
  return moved.first <= 0 && moved.end >= 0 ? moved : undefined;
}

/**
 * The first access that uses an address finds out about all bytes around it that the block will access: a check fails
 * only where some access of the block is out of the ordinary.
 */
function checksOf(known: Known, instructions: readonly Placed[], index: number): RamCheck[] {
  const { decoded } = instructions[index];
  const { memory } = effectsOf(decoded.instruction);
  const base = decoded.rs1;
  const own = spanOf(decoded);
  const checks: RamCheck[] = [];
  if (!covers(known.readable[base], withAddress(own))) {
    const span = withAddress(around(own, instructions, index, ["load", "store"]));
    checks.push({ base, span, access: "read" });
    if (base !== 0) known.readable[base] = joined(known.readable[base], span);
  }
  if (memory === "store" && !covers(known.writable[base], own)) {
    const span = around(own, instructions, index, ["store"]);
    checks.push({ base, span, access: "write" });
    if (base !== 0) known.writable[base] = joined(known.writable[base], span);
  }
  return checks;
}

function spanOf({ instruction, imm }: Placed["decoded"]): Span {
  return { first: imm, end: imm + effectsOf(instruction).size };
}

/** The span of an access and of those behind it that use the same address, as far as a page's length reaches. */
function around(own: Span, instructions: readonly Placed[], index: number, kinds: readonly string[]): Span {
  const { rs1 } = instructions[index].decoded;
  let span = own;
  for (let next = index; next < instructions.length; next++) {
    const { decoded } = instructions[next];
    const { address, memory, writesRd } = effectsOf(decoded.instruction);
    if (address === "rs1 + imm" && decoded.rs1 === rs1 && kinds.includes(memory)) {
      const wider = joined(span, spanOf(decoded));
      if (wider.end - wider.first <= PAGE_BYTES) span = wider;
    }
    if (writesRd && decoded.rd === rs1) break;
  }
  return span;
}

function withAddress({ first, end }: Span): Span {
  return { first: Math.min(first, 0), end: Math.max(end, 0) };
}

function covers(known: Span | undefined, span: Span): boolean {
  return known !== undefined && known.first <= span.first && known.end >= span.end;
}

/**
 * From the first byte of both to the last. RAM has no gaps; and when both are writable and the whole is no longer than a
 * page, it lies on the pages of its first and last byte.
 */
function joined(known: Span | undefined, span: Span): Span {
  if (known === undefined) return span;
  const whole = { first: Math.min(known.first, span.first), end: Math.max(known.end, span.end) };
  return whole.end - whole.first <= PAGE_BYTES ? whole : span;
}
