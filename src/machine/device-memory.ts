import type { Instant } from "../base/brand.ts";
import type { DataAccess } from "../cpu/data-access.ts";
import type { Exception } from "../cpu/hart.ts";
import type { DeviceMemory } from "../devices/device.ts";
import { ABSENT_PAGE_CAUSE } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { AbsentPage } from "./absent-version.ts";
import type { Board } from "./board.ts";
import type { Clock } from "./clock.ts";
import type { Disks } from "./disks.ts";
import type { OutsideWrites } from "./outside-writes.ts";
import type { RamBytes } from "./ram-bytes.ts";

/** Made behind the devices that use this, and asked when they do. */
export interface DeviceMemoryParts {
  readonly memory: PhysicalMemory;
  readonly bytes: RamBytes;
  readonly clock: Clock;
  readonly disks: Disks;
  readonly outsideWrites: OutsideWrites;
  readonly others: () => { readonly board: Board; readonly data: DataAccess };
}

/** What a device does and says in answer to one access or event, while it may turn out that it cannot be done yet. */
interface Attempt {
  readonly writes: { readonly address: number; readonly bytes: Uint8Array }[];
  readonly said: (() => void)[];
}

/**
 * RAM as devices see it. While pages are absent, what devices do in answer to one access, or to one event, is done as a whole or
 * not at all: only by doing it is it known which pages a request needs.
 */
export class BoardMemory implements DeviceMemory {
  readonly #parts: DeviceMemoryParts;
  #attempt: Attempt | undefined;

  constructor(parts: DeviceMemoryParts) {
    this.#parts = parts;
  }

  /**
   * The answer of `work`; or, when a page that devices need is absent, what says so, and then nothing has happened. `looksFirst`: it finds
   * out before it changes anything.
   */
  attempt<T>(work: () => T, looksFirst = false): T | Exception {
    const { memory, disks, others } = this.#parts;
    if (looksFirst) {
      const answer = unlessAbsent(work);
      this.#parts.bytes.finish();
      return answer;
    }
    if (memory.absentCount === 0 && disks.absentBlocks === 0) return work();
    const { board } = others();
    const before = structuredClone(board.save());
    disks.begin();
    const attempt: Attempt = { writes: [], said: [] };
    this.#attempt = attempt;
    let answer: T;
    try {
      answer = work();
    } catch (thrown) {
      const absent = absentOf(thrown);
      board.restore(before);
      disks.undo();
      return absent;
    } finally {
      this.#attempt = undefined;
    }
    disks.keep();
    for (const { address, bytes } of attempt.writes) this.write(address, bytes);
    this.#parts.bytes.finish();
    for (const say of attempt.said) say();
    return answer;
  }

  /** A device says something: now, or once it is certain that it does. */
  say(work: () => void): void {
    if (this.#attempt === undefined) work();
    else this.#attempt.said.push(work);
  }

  contains(address: number, length: number): boolean {
    return length > 0 && this.#parts.memory.ramOffset(BigInt(address), length) >= 0;
  }

  read(address: number, length: number): Uint8Array | undefined {
    const offset = this.#offset(address, length);
    if (offset < 0) return undefined;
    const bytes = this.#parts.bytes.read(offset, length);
    for (const written of this.#attempt?.writes ?? []) overlay(bytes, address, written.bytes, written.address);
    return bytes;
  }

  write(address: number, bytes: Uint8Array): boolean {
    const { clock, others, outsideWrites } = this.#parts;
    const offset = this.#offset(address, bytes.length);
    if (offset < 0) return false;
    if (this.#attempt !== undefined) {
      this.#attempt.writes.push({ address, bytes: bytes.slice() });
      return true;
    }
    this.#parts.bytes.write(offset, bytes);
    // What an event brings in is no step's doing.
    if (clock.inSlice) others().data.deviceWrote(address, bytes.length);
    else outsideWrites.note("device", address, bytes.length, clock.instant as Instant);
    return true;
  }

  /** Of bytes that are all RAM, and there; else -1. */
  #offset(address: number, length: number): number {
    const { memory, bytes } = this.#parts;
    const offset = length === 0 ? -1 : memory.ramOffset(BigInt(address), length);
    const lacking = offset < 0 ? -1 : bytes.lacking(offset, length);
    if (lacking >= 0) throw new AbsentPage(lacking);
    return offset;
  }
}

/** For work that looks only. */
export function unlessAbsent<T>(work: () => T): T | Exception {
  try {
    return work();
  } catch (thrown) {
    return absentOf(thrown);
  }
}

/** Anything else is thrown on. */
function absentOf(thrown: unknown): Exception {
  if (!(thrown instanceof AbsentPage)) throw thrown;
  return { cause: ABSENT_PAGE_CAUSE, tval: BigInt(thrown.page) };
}

/** Puts those bytes of `from`, which lie at `fromAddress`, into `bytes` that belong there. */
function overlay(bytes: Uint8Array, address: number, from: Uint8Array, fromAddress: number): void {
  const first = Math.max(address, fromAddress);
  const end = Math.min(address + bytes.length, fromAddress + from.length);
  if (first < end) bytes.set(from.subarray(first - fromAddress, end - fromAddress), first - address);
}
