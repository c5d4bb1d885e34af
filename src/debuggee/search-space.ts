import type { VirtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { MachineLike, Translation } from "../machine/machine-interface.ts";
import type { Watch } from "../machine/stop.ts";
import { MOST_DATA_BREAKPOINTS } from "./breakpoints.ts";
import { readPhysicalNumber } from "./code.ts";
import { errors } from "./errors.ts";
import type { Surroundings } from "./expression.ts";
import type { AddressSpace } from "./search-protocol.ts";

const ENTRY_BYTES = 8;
const PAGE_BYTES = 4096n;

/**
 * Memory as one address space shows it, for expressions that read nothing else. Remembers what of memory was read, the page tables
 * on the way included: as long as none of it is written, an expression has the same value.
 */
export class WatchedSpace implements Surroundings {
  readonly hart: number;
  readonly #machine: MachineLike;
  readonly #satp: bigint | undefined;
  /** Addresses and lengths, as they were read; and as they were the last time that `watches` was asked for. */
  #read: number[] = [];
  #before: number[] = [];
  #watches: readonly Watch[] = [];

  constructor(machine: MachineLike, { hart, satp }: AddressSpace) {
    this.hart = hart;
    this.#machine = machine;
    this.#satp = satp;
  }

  /** Forgets what was read. */
  begin(): void {
    this.#read = [];
  }

  /** What was read since `begin`, in order of address; the same object when it is the same as the last time. */
  get watches(): readonly Watch[] {
    const [read, before] = [this.#read, this.#before];
    if (read.length === before.length && read.every((number, index) => number === before[index])) return this.#watches;
    this.#before = read;
    const ranges = Array.from({ length: read.length / 2 }, (_, index) => [read[2 * index], read[2 * index + 1]]);
    const watches: { address: number; length: number }[] = [];
    for (const [address, length] of ranges.sort(([a], [b]) => a - b)) {
      const last = watches.at(-1);
      if (last !== undefined && address <= last.address + last.length) {
        last.length = Math.max(last.length, address + length - last.address);
      } else watches.push({ address, length });
    }
    if (watches.length > MOST_DATA_BREAKPOINTS) throw errors.seriesReadsMuch(MOST_DATA_BREAKPOINTS);
    this.#watches = watches.map(({ address, length }) => {
      return { address: address as Watch["address"], length, access: "write" };
    });
    return this.#watches;
  }

  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const inPage = PAGE_BYTES - (address % PAGE_BYTES);
    if (inPage >= BigInt(size)) return this.#readAt(address, size);
    let value = 0n;
    for (let index = size - 1; index >= 0; index--) {
      const byte = this.#readAt(BigInt.asUintN(64, address + BigInt(index)), 1);
      if (byte === undefined) return undefined;
      value = (value << 8n) | byte;
    }
    return value;
  }

  #readAt(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const { physicalAddress } = this.translate(address);
    return physicalAddress === undefined ? undefined : this.readPhysical(BigInt(physicalAddress), size);
  }

  readPhysical(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const value = readPhysicalNumber(this.#machine, address, size);
    if (value !== undefined) this.#note(Number(address), size);
    return value;
  }

  translate(address: bigint): Translation {
    const at = BigInt.asUintN(64, address);
    if (this.#satp === undefined) return bare(at);
    const translation = this.#machine.translateIn(this.#satp, at as VirtualAddress);
    for (const entry of translation.entries) if (entry.value !== undefined) this.#note(entry.address, ENTRY_BYTES);
    return translation;
  }

  #note(address: number, bytes: number): void {
    this.#read.push(address, bytes);
  }

  register(): never {
    throw notMemory();
  }
  floatRegister(): never {
    throw notMemory();
  }
  csr(): never {
    throw notMemory();
  }
  get pc(): bigint {
    throw notMemory();
  }
  get instant(): number {
    throw notMemory();
  }
  get time(): bigint {
    throw notMemory();
  }
  get privilege(): number {
    throw notMemory();
  }
}

/** Who reads more than memory is told apart beforehand. */
function notMemory(): UserError {
  return new UserError("series-registers", "This expression reads more than memory.");
}

function bare(address: bigint): Translation {
  const physicalAddress = Number(address) as Translation["physicalAddress"];
  return { scheme: "bare", entries: [], physicalAddress, pageBytes: 0, problem: undefined };
}
