import type { PhysicalAddress } from "../base/brand.ts";
import { csrName } from "../isa/csrs.ts";
import { abiName, floatAbiName } from "../isa/registers.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import type { Watch } from "../machine/stop.ts";
import { readPhysicalNumber } from "./code.ts";
import type { Place } from "./expression.ts";
import type { OriginPlace } from "./origin-protocol.ts";
import { physicalRanges } from "./physical-ranges.ts";

export type Ranges = readonly Pick<Watch, "address" | "length">[];

/** Something that holds a value: of a hart, or memory where it lies physically. */
export type Cell = { readonly kind: "integer" | "float" | "csr"; readonly number: number } | MemoryCell;

export interface MemoryCell {
  readonly kind: "memory";
  readonly address: bigint;
  readonly length: number;
  readonly ranges: Ranges;
}

/** Bytes of an address that is all that is known. */
const WORD_BYTES = 8;

/** What an expression names, or else the memory that its value is the address of. */
export function cellOf(
  machine: MachineLike,
  value: { readonly bits: bigint; readonly place?: Place },
  hart: number,
  { length, physical }: { length: number | undefined; physical: boolean },
): Cell | undefined {
  const { bits, place } = value;
  switch (place?.kind) {
    case "register":
      return { kind: "integer", number: place.register };
    case "float-register":
      return { kind: "float", number: place.register };
    case "csr":
      return { kind: "csr", number: place.csr.number };
    case "pc":
      return undefined;
    case "memory":
      return memoryCell(machine, place.address, length ?? place.size, place.physical ? "physical" : hart);
    default:
      return memoryCell(machine, bits, length ?? WORD_BYTES, physical ? "physical" : hart);
  }
}

/** Bytes of memory as a hart sees them now. */
export function memoryCell(
  machine: MachineLike,
  address: bigint,
  length: number,
  space: number | "physical",
): MemoryCell {
  const at = BigInt.asUintN(64, address);
  return { kind: "memory", address: at, length, ranges: physicalRanges(machine, at, length, space) };
}

/** What it holds now; undefined where looking would change it, or there is no memory. */
export function cellValue(machine: MachineLike, view: HartView, cell: Cell): bigint | undefined {
  switch (cell.kind) {
    case "integer":
      return view.register(cell.number);
    case "float":
      return view.floatRegister(cell.number);
    case "csr":
      return view.csr(cell.number);
    case "memory":
      return memoryValue(machine, cell.ranges);
  }
}

function memoryValue(machine: MachineLike, ranges: Ranges): bigint | undefined {
  let value = 0n;
  let shift = 0n;
  for (const { address, length } of ranges) {
    for (let index = 0; index < length; index++) {
      const byte = readPhysicalNumber(machine, BigInt(address + index), 1);
      if (byte === undefined) return undefined;
      value |= byte << shift;
      shift += 8n;
    }
  }
  return value;
}

export function isMemory(machine: MachineLike, [first]: Ranges): boolean {
  return first !== undefined && machine.peekPhysical(first.address, 1)[0] !== undefined;
}

export function placeOf(cell: Cell, symbolize: (address: bigint) => string | undefined): OriginPlace {
  switch (cell.kind) {
    case "integer":
      return { kind: "register", name: abiName(cell.number) };
    case "float":
      return { kind: "register", name: floatAbiName(cell.number) };
    case "csr":
      return { kind: "csr", name: csrName(cell.number) };
    case "memory": {
      const { address, length, ranges } = cell;
      const name = symbolize(address) ?? `0x${address.toString(16)}`;
      return { kind: "memory", name, address, physical: BigInt(ranges[0].address), length };
    }
  }
}

/** The bytes of `ranges` that `others` have as well, and those that they have not. */
export function splitRanges(ranges: Ranges, others: Ranges): { shared: Ranges; rest: Ranges } {
  const [shared, rest]: { address: PhysicalAddress; length: number }[][] = [[], []];
  for (const { address, length } of ranges) {
    for (let at = address as number; at < address + length; at++) {
      const isShared = others.some((other) => at >= other.address && at < other.address + other.length);
      const list = isShared ? shared : rest;
      const last = list.at(-1);
      if (last !== undefined && last.address + last.length === at) last.length++;
      else list.push({ address: at as PhysicalAddress, length: 1 });
    }
  }
  return { shared, rest };
}

export function bytesOf(ranges: Ranges): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}
