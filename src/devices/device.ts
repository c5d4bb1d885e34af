/**
 * A device on the bus: five verbs on plain data. It has no clock, no stream and no timer: what it needs to know of time
 * it is told, what it has to say it says through its `DeviceContext`.
 */
export interface Device {
  readonly name: string;
  /** First address, and size in bytes, of its registers. */
  readonly base: number;
  readonly sizeBytes: number;
  /** Undefined: no register answers to an access of this size there. Offsets are aligned to the size. */
  read(offset: number, sizeBytes: number): bigint | undefined;
  /** False: as above. */
  write(offset: number, sizeBytes: number, value: bigint): boolean;
  /** A write there may make the device read or write RAM at once; absent: none does. */
  reachesMemory?(offset: number): boolean;
  /** mtime, in ticks, at which the device will do something by itself; undefined: never. */
  nextDeadline(): bigint | undefined;
  save(): DeviceState;
  restore(state: DeviceState): void;
}

/** Plain data that JSON carries exactly; the order of keys is fixed by `save`, because it is digested. */
export type DeviceState = { readonly [key: string]: number | string | readonly number[] | readonly string[] };

export interface DeviceContext {
  /** mtime, in ticks, before the step being executed. */
  time(): bigint;
  setTime(ticks: bigint): void;
  /** Interrupt lines, deadlines or the end may have changed: look before the next step. */
  attention(): void;
}

/** What a device that masters the bus is given besides. */
export interface BusMasterContext extends DeviceContext {
  readonly memory: DeviceMemory;
}

/** What a device that masters the bus does with RAM, by physical address. Nothing but RAM can be reached. */
export interface DeviceMemory {
  /** All `length` bytes, one at least, are RAM. */
  contains(address: number, length: number): boolean;
  /** A copy of `length` bytes; undefined when not all of them are RAM. */
  read(address: number, length: number): Uint8Array | undefined;
  /** False, and nothing is written, when not all bytes are RAM. Watches, decoded code and reservations are told. */
  write(address: number, bytes: Uint8Array): boolean;
}
