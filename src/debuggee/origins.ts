import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { readNumber } from "./code.ts";
import { errors } from "./errors.ts";
import { isPhysical as isPhysicalType, unsignedOfSize } from "./expression-types.ts";
import { lastAccess, lastMemoryWrite } from "./memory-writes.ts";
import { type Cell, cellOf } from "./origin-cells.ts";
import { type ChainOptions, OriginChain, type OriginParts } from "./origin-chain.ts";
import type { Origin, OriginOptions } from "./origin-protocol.ts";
import { physicalRanges } from "./physical-ranges.ts";
import type { WriteFound } from "./protocol.ts";

export type { OriginParts } from "./origin-chain.ts";
export type { WriteFound } from "./protocol.ts";

/** `phys:0x80001000`, as everywhere else. */
const PHYSICAL_MARK = /^\s*phys:/i;
/** Steps of a chain, when nobody says. */
const DEFAULT_STEPS = 64;
/** A tree has up to three operands at each step. */
const MOST_DEPTH = 16;
/** A value, and not a table of them. */
const MOST_BYTES = 4096;

/** Where values came from. Motions leave the timeline anywhere; whoever asks puts it back. */
export class Origins {
  readonly #parts: OriginParts;

  constructor(parts: OriginParts) {
    this.#parts = parts;
  }

  /**
   * Who wrote any of these bytes last, before an instant. The bytes are those that the address means in a hart's address
   * space now: a page that was moved since is followed no farther back than to where it lies.
   */
  *lastWrite(
    address: bigint,
    length: number,
    before: number,
    space: number | "physical",
  ): Motion<WriteFound | undefined> {
    const { timeline, machine, map } = this.#parts;
    const ranges = physicalRanges(machine, address, length, space);
    let value = 0n;
    // The last write accepted is the one found; the machine stands behind it, so memory holds what it wrote.
    const writer = yield* lastMemoryWrite(timeline, ranges, before, (hit) => {
      value = readNumber(machine, hit.address, unsignedOfSize(hit.size).size, hit.hart) ?? 0n;
    });
    if (writer === undefined) return undefined;
    if (writer.kind === "step") return this.#found(writer.hit, value);
    // On arrival at that instant, whatever the hart was about to do.
    const { by, instant, address: physical, size } = writer.write;
    yield* timeline.seek(instant);
    const hart = machine.currentHart;
    const { pc } = machine.harts[hart];
    const bytes = machine.peekPhysical(physical, size);
    value = bytes.reduceRight((sum: bigint, byte) => (sum << 8n) | BigInt(byte ?? 0), 0n);
    return { instant, hart, pc, symbol: map.describe(pc), address: BigInt(physical), size, value, by };
  }

  /** The instruction that read any of these bytes last, before an instant. */
  *lastRead(
    address: bigint,
    length: number,
    before: number,
    space: number | "physical",
  ): Motion<WriteFound | undefined> {
    const { timeline, machine } = this.#parts;
    const ranges = physicalRanges(machine, address, length, space);
    let value = 0n;
    const hit = yield* lastAccess(timeline, ranges, "read", before, (each) => {
      value = readNumber(machine, each.address, unsignedOfSize(each.size).size, each.hart) ?? 0n;
    });
    return hit && this.#found(hit, value);
  }

  #found(
    { instant, pc, hart, address, size }: { instant: Instant; pc: bigint; hart: number; address: bigint; size: number },
    value: bigint,
  ): WriteFound {
    const { map } = this.#parts;
    const source = map.position(pc);
    return {
      ...{ instant, hart, pc, symbol: map.describe(pc), ...(source !== undefined && { source }) },
      ...{ address, size, value },
    };
  }

  /** Where what an expression names at an instant came from. */
  *originOf(text: string, hart: number, options: OriginOptions & { readonly at: number }): Motion<Origin> {
    const { timeline, machine, inspector } = this.#parts;
    const { at, length, depth = 0, most = DEFAULT_STEPS } = options;
    if (!(length === undefined || (length >= 1 && length <= MOST_BYTES))) throw errors.length(length, MOST_BYTES);
    const isPhysical = PHYSICAL_MARK.test(text);
    const compiled = inspector.valueOnly(text.replace(PHYSICAL_MARK, ""));
    yield* timeline.seek(at as Instant);
    const value = compiled.evaluate(inspector.surroundings(hart));
    const cell = cellOf(machine, value, hart, { length, physical: isPhysical || isPhysicalType(value.type) });
    if (cell === undefined) throw errors.noOrigin(text);
    if (cell.kind === "memory" && cell.length > MOST_BYTES) throw errors.length(cell.length, MOST_BYTES);
    const bounds = { depth: Math.min(Math.max(depth, 0), MOST_DEPTH), most: Math.max(1, most) };
    return yield* this.origin(cell, hart, bounds);
  }

  /** Where what a cell holds now came from. */
  *origin(cell: Cell, hart: number, options: ChainOptions): Motion<Origin> {
    assert(options.depth >= 0 && options.most >= 1, "a chain of no steps");
    return yield* new OriginChain(this.#parts).follow(cell, hart, options);
  }
}
