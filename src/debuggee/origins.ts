import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { OutsideWrite } from "../machine/machine-interface.ts";
import type { WatchHit } from "../machine/stop.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { readNumber } from "./code.ts";
import { errors } from "./errors.ts";
import { isPhysical as isPhysicalType, unsignedOfSize } from "./expression-types.ts";
import { lastAccess, lastMemoryWrite } from "./memory-writes.ts";
import { type Cell, cellOf } from "./origin-cells.ts";
import { type ChainOptions, OriginChain, type OriginParts } from "./origin-chain.ts";
import type { Origin, OriginOptions } from "./origin-protocol.ts";
import type { AddressUse, WriteFound } from "./protocol.ts";

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

/** Bytes that a question may be about. */
const MOST_ACCESSED_BYTES = 1 << 24;

interface AccessQuestion {
  readonly address: bigint;
  readonly length: number;
  /** Default: now. */
  readonly before?: number | undefined;
  /** Default: the hart that stopped last. */
  readonly use?: AddressUse | undefined;
}

/** Where values came from. Motions leave the timeline anywhere; whoever asks puts it back. */
export class Origins {
  readonly #parts: OriginParts;

  constructor(parts: OriginParts) {
    this.#parts = parts;
  }

  /**
   * Who wrote, or read, any of these bytes last, before an instant. The bytes are those that the address means in a hart's address
   * space now: a page that was moved since is followed no farther back than to where it lies.
   */
  *lastAccess(access: "read" | "write", question: AccessQuestion): Motion<WriteFound | undefined> {
    const { timeline, machine, inspector } = this.#parts;
    const { address, length, before = timeline.now, use } = question;
    if (!(length >= 1 && length <= MOST_ACCESSED_BYTES)) throw errors.length(length, MOST_ACCESSED_BYTES);
    const ranges = inspector.ranges(address, length, use);
    let value = 0n;
    // The last one accepted is the one found; the machine stands behind it, so memory holds what it wrote.
    const look = (hit: WatchHit) => {
      value = readNumber(machine, hit.address, unsignedOfSize(hit.size).size, hit.hart) ?? 0n;
    };
    if (access === "read") {
      const hit = yield* lastAccess(timeline, ranges, "read", before, look);
      return hit && this.#found(hit, value);
    }
    const writer = yield* lastMemoryWrite(timeline, ranges, before, look);
    if (writer === undefined) return undefined;
    return writer.kind === "step" ? this.#found(writer.hit, value) : yield* this.#outside(writer.write);
  }

  /** On arrival at that instant, whatever the hart was about to do. */
  *#outside({ by, instant, address, size }: OutsideWrite): Motion<WriteFound> {
    const { timeline, machine, map } = this.#parts;
    yield* timeline.seek(instant);
    const hart = machine.currentHart;
    const { pc } = machine.harts[hart];
    const bytes = machine.peekPhysical(address, size);
    const value = bytes.reduceRight((sum: bigint, byte) => (sum << 8n) | BigInt(byte ?? 0), 0n);
    return { instant, hart, pc, symbol: map.describe(pc), address: BigInt(address), size, value, by };
  }

  #found(
    { instant, pc, hart, address, size }: { instant: Instant; pc: bigint; hart: number; address: bigint; size: number },
    value: bigint,
  ): WriteFound {
    return { instant, hart, ...this.#parts.map.place(pc), address, size, value };
  }

  /** Where what an expression names at an instant came from. */
  *originOf(text: string, hart: number, options: OriginOptions = {}): Motion<Origin> {
    const { timeline, machine, inspector } = this.#parts;
    const { first, end } = timeline;
    const { at = timeline.now, length, depth = 0, most = DEFAULT_STEPS } = options;
    if (!(Number.isSafeInteger(at) && at >= first && at <= end)) throw errors.noInstant(at, first, end);
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
