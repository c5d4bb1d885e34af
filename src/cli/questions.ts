import { type Instant, type VirtualAddress, virtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { RecordedSession } from "../host/recorded-session.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { NO_STOPS, type StopConditions, type WatchHit } from "../machine/stop.ts";
import type { Hit, Motion } from "../replay/timeline-interface.ts";
import { locate } from "./locate.ts";
import { type Place, Places } from "./places.ts";
import { formatAddress, parseAddress } from "./quantities.ts";

/** A range of memory that a question is about. */
export interface Range {
  readonly address: VirtualAddress;
  /** The address is physical. Else it is one of the address space that some hart was in. */
  readonly isPhysical: boolean;
  readonly length: number;
  /** As the user named it. */
  readonly text: string;
}

/** One answer. The state at `instant` is the one before the step in question. */
export interface QueryHit extends Place {
  readonly instant: number;
  readonly hart: number;
  /** Of a write: what the store wrote and where, which may be wider than what was asked about. */
  readonly address?: string;
  readonly size?: number;
  readonly value?: string;
  /** Of an output: the line. */
  readonly text?: string;
}

export interface Bounds {
  readonly from: Instant;
  /** Exclusive. */
  readonly before: Instant;
  /** At most so many hits, the first ones. */
  readonly most: number;
}

/**
 * `0x80001000`, `phys:0x80001000`, `pool`, `pool+8`, `pool-0x10`; the symbol's size, or an aligned word, when `length` is
 * undefined.
 */
export function parseRange(text: string, length: number | undefined, places: Places): Range {
  const isPhysical = text.startsWith(PHYSICAL_MARK);
  const number = parseAddress(isPhysical ? text.slice(PHYSICAL_MARK.length) : text);
  if (number !== undefined) return { ...range(number, length ?? alignedSize(number), text), isPhysical };
  const match = /^(.+?)(?:([+-])([0-9a-fx_]+))?$/i.exec(text);
  const offset = match?.[3] === undefined ? 0n : parseAddress(match[3]);
  const symbol = places.symbols.named(match?.[1] ?? text);
  if (symbol === undefined || offset === undefined) throw unknownPlace(text, places);
  const address = match?.[2] === "-" ? symbol.address - offset : symbol.address + offset;
  const isWhole = offset === 0n && symbol.size > 0 && symbol.kind === "object";
  return range(address, length ?? (isWhole ? symbol.size : alignedSize(address)), text);
}

function range(address: bigint, length: number, text: string): Range {
  return { address: virtualAddress(address), length, text, isPhysical: false };
}

/** A bare address means the word there: 8 bytes at a multiple of 8, 4 at one of 4, … . */
function alignedSize(address: bigint): number {
  return [8, 4, 2].find((size) => address % BigInt(size) === 0n) ?? 1;
}

function unknownPlace(text: string, places: Places): UserError {
  const wanted = text.toLowerCase();
  const near = [...places.symbols.names()].find((name) => name.toLowerCase().includes(wanted));
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return new UserError("unknown-place", `${text} is neither an address nor a symbol of the program.${hint}`, 2);
}

/** Answers questions about one recording. Each is a motion: somebody drives it, shows progress, and may cancel it. */
export class Questions {
  readonly places: Places;
  readonly #session: RecordedSession;

  constructor(session: RecordedSession) {
    this.#session = session;
    this.places = new Places(session.programs);
  }

  /** The last write to a range before an instant. */
  *lastWrite(range: Range, before: Instant): Motion<QueryHit[]> {
    const stops = yield* this.#writeStops(range, before);
    const found = yield* this.#session.timeline.findLast({ stops }, before);
    if (found === undefined) return [];
    // Once more that one step, to see what it wrote.
    const from = found.instant;
    return yield* this.#writes(stops, { from, before: (from + 1) as Instant, most: 1 });
  }

  /** The first writes to a range within bounds. */
  *writes(range: Range, bounds: Bounds): Motion<QueryHit[]> {
    return yield* this.#writes(yield* this.#writeStops(range, bounds.before), bounds);
  }

  *#writes(stops: StopConditions, { from, before, most }: Bounds): Motion<QueryHit[]> {
    const hits: QueryHit[] = [];
    const accept = (hit: Hit, machine: MachineLike) => {
      for (const write of writesOf(hit)) hits.push(this.#write(write, machine));
      return true;
    };
    yield* this.#session.timeline.findAll({ stops, accept }, from, before, most);
    return hits.slice(0, most);
  }

  /** Lines that the guest printed, each with the step that printed its first byte. */
  *outputs({ from, before, most }: Bounds): Motion<QueryHit[]> {
    const { timeline, machine } = this.#session;
    const hits: QueryHit[] = [];
    for (const { instant, text } of this.#lines(from, before, most)) {
      if (instant < timeline.now) yield* timeline.seek(instant);
      else yield* timeline.forward({ stops: NO_STOPS, limit: instant });
      const hart = machine.harts[machine.currentHart];
      hits.push({ instant, hart: hart.id, ...this.places.at(hart.pc), text });
    }
    return hits;
  }

  *#writeStops(range: Range, before: Instant): Motion<StopConditions> {
    const places = yield* locate(this.#session.timeline, range, before);
    return { ...NO_STOPS, watches: places.map((place) => ({ ...place, access: "write" })) };
  }

  #lines(from: Instant, before: Instant, most: number): { instant: Instant; text: string }[] {
    const { outputs } = this.#session.reader;
    const lines: { instant: Instant; bytes: number[] }[] = [];
    const cursor = outputs.from(outputs.firstHeld);
    let isLineStart = true;
    for (let byte = cursor.next(); byte !== undefined && byte.instant < before; byte = cursor.next()) {
      if (isLineStart) {
        if (lines.length === most) break;
        if (byte.instant >= from) lines.push({ instant: byte.instant, bytes: [] });
      }
      isLineStart = byte.byte === NEWLINE;
      if (!isLineStart) lines[lines.length - 1]?.bytes.push(byte.byte);
    }
    return lines.map(({ instant, bytes }) => ({ instant, text: new TextDecoder().decode(Uint8Array.from(bytes)) }));
  }

  /** `machine` stands behind the write. */
  #write(write: WatchHit, machine: MachineLike): QueryHit {
    const bytes = machine.peek(write.address, write.size, write.hart);
    const value = bytes.reduceRight((sum: bigint, byte) => (sum << 8n) | BigInt(byte ?? 0), 0n);
    const store = { address: formatAddress(write.address), size: write.size, value: formatAddress(value) };
    return { instant: write.instant, hart: write.hart, ...this.places.at(write.pc), ...store };
  }
}

const NEWLINE = 0x0a;
const PHYSICAL_MARK = "phys:";

function writesOf({ stop }: Hit): readonly WatchHit[] {
  return stop.kind === "watch" ? stop.hits.filter(({ access }) => access === "write") : [];
}
