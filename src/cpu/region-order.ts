import { assert } from "../base/assert.ts";
import { decode } from "../isa/decode.ts";
import type { BreakpointCheck } from "./breakpoint-slots.ts";
import { type Block, type Edge, type Ending, edgesOf, type Placed, type Region, ROOT } from "./region.ts";
import type { Departure, EntryCount, GuardedPage, RegionForm } from "./region-code.ts";
import type { PatchedFormat } from "./translated-code.ts";

/** A region that shall become WebAssembly: all that its code is made from. */
export interface RegionOrder {
  readonly region: Region;
  /** Virtual address of the entry. */
  readonly entry: bigint;
  readonly pages: readonly GuardedPage[];
  readonly form: RegionForm;
  /** Where the region looks for breakpoints, by address. */
  readonly checks: ReadonlyMap<bigint, BreakpointCheck>;
  readonly entries: EntryCount;
  /** By distance from the entry: the slot of the region itself, and of places that it leaves to. */
  readonly slots: ReadonlyMap<number, number>;
  /** By offset in RAM of jumps to addresses in registers. */
  readonly departures: ReadonlyMap<number, Departure>;
}

/** The same as a message to another thread. */
export interface EncodedOrder extends Omit<RegionOrder, "region"> {
  readonly blocks: Float64Array<ArrayBuffer>;
}

const KINDS = ["jump", "branch", "indirect", "leave"] as const;
const FORMATS: readonly (PatchedFormat | undefined)[] = [undefined, "I", "U"];
const NOWHERE = -1;

export function encodeOrder({ region, ...rest }: RegionOrder): EncodedOrder {
  return { ...rest, blocks: encodeBlocks(region.blocks) };
}

export function decodeOrder({ blocks, ...rest }: EncodedOrder): RegionOrder {
  const { checks, entry } = rest;
  const checkAt = (pc: number) => (checks.size === 0 ? undefined : checks.get(BigInt.asUintN(64, entry + BigInt(pc))));
  return { ...rest, region: decodeBlocks(blocks, checkAt) };
}

/** Distances from the entry that the region leaves to, and its own. */
export function exitsOf({ blocks }: Region): Set<number> {
  const exits = new Set([0]);
  for (const block of blocks) for (const { to, exit } of edgesOf(block)) if (to === undefined) exits.add(exit);
  return exits;
}

/** The entry is the first block. */
function encodeBlocks(blocks: readonly Block[]): Float64Array<ArrayBuffer> {
  const numbers: number[] = [blocks.length];
  const indices = new Map(blocks.map((block, index) => [block, index]));
  const putEdge = ({ to, exit }: Edge): void => {
    numbers.push(to === undefined ? NOWHERE : indices.get(to)!, exit);
  };
  for (const { pc, instructions, ending } of blocks) {
    numbers.push(pc, instructions.length);
    for (const { decoded, place, patched } of instructions) {
      numbers.push(decoded.word, place, FORMATS.indexOf(patched));
    }
    assert(ending.kind !== "dispatch", "a region that was not analysed yet");
    numbers.push(KINDS.indexOf(ending.kind));
    if (ending.kind === "leave") numbers.push(ending.pc);
    if (ending.kind === "indirect") {
      numbers.push(ending.known.length);
      for (const { target } of ending.known) numbers.push(target);
    }
    for (const edge of edgesOf({ ending })) putEdge(edge);
  }
  return Float64Array.from(numbers);
}

function decodeBlocks(numbers: Float64Array, checkAt: (pc: number) => BreakpointCheck | undefined): Region {
  let at = 0;
  const take = (): number => numbers[at++];
  const targets: { edge: Edge; index: number }[] = [];
  const takeEdge = (): Edge => {
    const index = take();
    const edge: Edge = { to: undefined, exit: take() };
    if (index !== NOWHERE) targets.push({ edge, index });
    return edge;
  };
  const takeEnding = (): Ending => {
    const kind = KINDS[take()];
    switch (kind) {
      case "jump":
        return { kind, edge: takeEdge() };
      case "branch": {
        const taken = takeEdge();
        return { kind, taken, otherwise: takeEdge() };
      }
      case "indirect": {
        const known = Array.from({ length: take() }, take);
        return { kind, known: known.map((target) => ({ target, edge: takeEdge() })) };
      }
      default:
        return { kind, pc: take() };
    }
  };
  const blocks = Array.from({ length: take() }, (): Block => {
    const start = take();
    let pc = start;
    const instructions = Array.from({ length: take() }, (): Placed => {
      const decoded = decode(take());
      assert(decoded !== undefined, "an instruction of a region can be decoded");
      const place = take();
      const patched = FORMATS[take()];
      const breakpoint = checkAt(pc);
      const placed = { decoded, pc, place, ...(patched && { patched }), ...(breakpoint && { breakpoint }) };
      pc += decoded.length;
      return placed;
    });
    return { context: ROOT, pc: start, instructions, ending: takeEnding() };
  });
  for (const { edge, index } of targets) edge.to = blocks[index];
  return { entry: blocks[0], blocks };
}
