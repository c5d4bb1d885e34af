import { instructionLength } from "../isa/decode.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { AddressTranslation } from "./address-translation.ts";
import type { CodeHistory } from "./code-history.ts";
import type { DecodedPages } from "./decoded-pages.ts";
import type { Departures } from "./departures.ts";
import { OPERATION } from "./interpreter-module.ts";
import type { ExecutedCode, Placed, Region } from "./region.ts";
import type { GuardedPage } from "./region-code.ts";

/** Where executed code is to be seen. */
export interface CodeParts {
  readonly memory: PhysicalMemory;
  readonly decoded: DecodedPages;
  readonly translation: AddressTranslation;
}

/** Where a virtual page is executed from. */
interface ExecutedPage extends GuardedPage {
  readonly frame: number;
}

/** Distances are keys in growRegion, together with a number of contexts. */
const FARTHEST = 2 ** 39;

/** Executed code as it is seen from an address, in the context in force. */
export class CodeAround implements ExecutedCode {
  readonly #parts: CodeParts;
  readonly #origin: bigint;
  readonly #originInPage: number;
  readonly #pages = new Map<number, ExecutedPage | undefined>();
  readonly #instructions = new Map<number, Placed | undefined>();
  readonly #departures: Departures;
  readonly #history: CodeHistory;

  constructor(parts: CodeParts, origin: bigint, departures: Departures, history: CodeHistory) {
    this.#parts = parts;
    this.#origin = origin;
    this.#originInPage = Number(origin & 0xfffn);
    this.#departures = departures;
    this.#history = history;
  }

  at(pc: number): Placed | undefined {
    if (this.#instructions.has(pc)) return this.#instructions.get(pc);
    const placed = this.#read(pc);
    this.#instructions.set(pc, placed);
    return placed;
  }

  arrivals(pc: number): number {
    const page = this.#pageOf(pc);
    if (page === undefined || this.#history.isRestless(this.place(pc)!)) return 0;
    const arrival = arrivalAt(page.decodedPage, this.#originInPage + pc);
    const { view } = this.#parts.memory;
    // What has a translation is hot, and its arrivals are counted no more.
    if (view.getInt32(arrival + layout.ARRIVAL.slot, true) !== 0) return Number.POSITIVE_INFINITY;
    return view.getInt32(arrival + layout.ARRIVAL.count, true);
  }

  targets({ place }: Placed): number[] {
    const distances = this.#departures.targets(place).map((target) => Number(BigInt.asIntN(64, target - this.#origin)));
    return distances.filter((distance) => Math.abs(distance) < FARTHEST && this.at(distance) !== undefined);
  }

  /** Undefined where nothing is executed. */
  place(pc: number): number | undefined {
    const page = this.#pageOf(pc);
    return page && page.frame * layout.PAGE_BYTES + ((this.#originInPage + pc) & 0xfff);
  }

  /** The pages that a region has instructions on. */
  pagesOf({ blocks }: Region): GuardedPage[] {
    const pages = new Set<ExecutedPage>();
    for (const { instructions } of blocks) {
      for (const { pc, decoded } of instructions) {
        pages.add(this.#pageOf(pc)!);
        pages.add(this.#pageOf(pc + decoded.length - 1)!);
      }
    }
    return [...pages];
  }

  #read(pc: number): Placed | undefined {
    const place = this.place(pc);
    const page = this.#pageOf(pc);
    if (place === undefined || page === undefined) return undefined;
    const { memory, decoded } = this.#parts;
    const record = page.decodedPage + (place & 4095) * (layout.RECORD_BYTES / 2);
    let operation = memory.bytes[record + layout.RECORD.operation];
    const breakpoint = decoded.breakpointCheck(this.#address(pc));
    if (breakpoint === 0 || decoded.isStoppingHint(place)) return undefined;
    if (operation === OPERATION.breakpoint) operation = memory.bytes[record + layout.RECORD.replaced];
    if (operation === OPERATION.straddling) {
      if (this.#pageOf(pc + 2)?.frame !== page.frame + 1) return undefined;
    } else if (operation <= OPERATION.straddling) return undefined;
    const host = memory.layout.ram + place;
    const low = memory.view.getUint16(host, true);
    const instruction = decoded.decode(instructionLength(low) === 2 ? low : memory.view.getUint32(host, true));
    if (instruction === undefined) return undefined;
    const patched = this.#history.patchedFormat(place, instruction.word);
    return { decoded: instruction, pc, place, ...(patched && { patched }), ...(breakpoint && { breakpoint }) };
  }

  #pageOf(pc: number): ExecutedPage | undefined {
    // Pages by their distance from the origin's, so that small integers serve.
    const number = Math.floor((this.#originInPage + pc) / layout.PAGE_BYTES);
    if (this.#pages.has(number)) return this.#pages.get(number);
    const virtualPage = this.#address(pc) & ~0xfffn;
    const decodedPage = this.#parts.translation.executedNow(virtualPage);
    const page = decodedPage && { virtualPage, decodedPage, frame: this.#parts.decoded.frameOf(decodedPage) };
    this.#pages.set(number, page || undefined);
    return page || undefined;
  }

  #address(pc: number): bigint {
    return BigInt.asUintN(64, this.#origin + BigInt(pc));
  }
}

/** Address of what a decoded page knows of jumps that arrive at an offset in RAM. */
export function arrivalAt(decodedPage: number, offset: number): number {
  return decodedPage + layout.ARRIVALS + (offset & (layout.PAGE_BYTES - 1)) * (layout.ARRIVAL_BYTES / 2);
}
