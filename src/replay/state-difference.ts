import type { Instant } from "../base/brand.ts";
import { CSRS } from "../isa/csrs.ts";
import { FLOAT_REGISTERS, REGISTERS } from "../isa/registers.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { Checkpoint, Digest, MachineLike, PageTable } from "../machine/machine-interface.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import { PAGE_BYTES } from "./recording-writer.ts";

const MISA = 0x301;
const MISA_F = 1n << 5n;
const WORD_BYTES = 8;
/** Words of memory that are listed; more are counted. */
const MOST_WORDS = 1024;
const MOST_BLOCKS = 1024;

/** One value in two runs. */
export interface ValueDifference<Value> {
  readonly recording: Value;
  readonly branch: Value;
}

export interface RegisterDifference extends ValueDifference<bigint> {
  readonly hart: number;
  /** `pc`, `a0`, `fa0`, `mstatus`, or `privilege`. */
  readonly name: string;
}

/** Eight bytes of memory. */
export interface WordDifference extends ValueDifference<bigint> {
  /** Physical. */
  readonly address: number;
}

/** A block of a disk, of 4096 bytes. */
export interface BlockDifference {
  readonly disk: number;
  readonly offset: number;
}

export interface DeviceDifference extends ValueDifference<number | string | undefined> {
  readonly device: string;
  readonly name: string;
}

/** What differs between the states of two runs at one instant. */
export interface StateDifference {
  readonly instant: Instant;
  /** The digests are equal: nothing differs. */
  readonly equal: boolean;
  readonly registers: readonly RegisterDifference[];
  /** The first of them, by address. */
  readonly words: readonly WordDifference[];
  /** How many there are. */
  readonly differingWords: number;
  readonly blocks: readonly BlockDifference[];
  readonly devices: readonly DeviceDifference[];
}

/** A state, with everything of it that can be told. */
export interface Snapshot {
  readonly instant: Instant;
  readonly digest: Digest;
  readonly registers: readonly { readonly hart: number; readonly name: string; readonly value: bigint }[];
  readonly devices: ReadonlyMap<
    string,
    { readonly device: string; readonly name: string; readonly value: number | string }
  >;
  readonly checkpoint: Checkpoint;
}

export function snapshotOf(machine: MachineLike): Snapshot {
  const checkpoint = machine.checkpoint();
  const devices = machine
    .describeDevices()
    .flatMap(({ name: device, state }) =>
      Object.entries(state).map(([name, value]) => [`${device} ${name}`, { device, name, value }] as const),
    );
  return {
    instant: machine.instant,
    digest: machine.digest(checkpoint),
    registers: machine.harts.flatMap((hart) => {
      const hasFloats = ((hart.csr(MISA) ?? 0n) & MISA_F) !== 0n;
      const csrs = CSRS.map(({ name, number }) => ({ name, value: hart.csr(number) }));
      const values: { readonly name: string; readonly value: bigint | undefined }[] = [
        { name: "pc", value: hart.pc },
        { name: "privilege", value: BigInt(hart.privilege) },
        ...REGISTERS.map(({ abiName, number }) => ({ name: abiName, value: hart.register(number) })),
        ...(hasFloats ? FLOAT_REGISTERS : []).map(({ abiName, number }) => ({
          name: abiName,
          value: hart.floatRegister(number),
        })),
        ...csrs,
      ];
      return values.flatMap(({ name, value }) => (value === undefined ? [] : [{ hart: hart.id, name, value }]));
    }),
    devices: new Map(devices),
    checkpoint,
  };
}

export function differenceOf(
  recording: Snapshot,
  branch: Snapshot,
  configuration: MachineConfiguration,
): StateDifference {
  const registers = recording.registers.flatMap(({ hart, name, value }, index) => {
    const other = branch.registers[index].value;
    return other === value ? [] : [{ hart, name, recording: value, branch: other }];
  });
  const devices = [...recording.devices].flatMap(([key, { device, name, value }]) => {
    const other = branch.devices.get(key)?.value;
    return other === value ? [] : [{ device, name, recording: value, branch: other }];
  });
  const contents = differingContents(recording.checkpoint.pages, branch.checkpoint.pages, configuration);
  const equal = recording.digest === branch.digest;
  return { instant: recording.instant, equal, registers, ...contents, devices };
}

function differingContents(recording: PageTable, branch: PageTable, { memoryBytes, disks }: MachineConfiguration) {
  const zero = new Uint8Array(PAGE_BYTES);
  const words: WordDifference[] = [];
  const blocks: BlockDifference[] = [];
  let differingWords = 0;
  for (const { page, version } of branch.changedSince(recording)) {
    const other = recording.get(page);
    if (version?.hash === other?.hash) continue;
    const offset = page * PAGE_BYTES;
    if (offset >= memoryBytes) {
      // A block that is as in the disk's image is in no checkpoint, so that all that is known is that it differs.
      if (blocks.length < MOST_BLOCKS) blocks.push(blockAt(offset - memoryBytes, disks));
      continue;
    }
    const old = view(other?.bytes ?? zero);
    const now = view(version?.bytes ?? zero);
    for (let at = 0; at < PAGE_BYTES; at += WORD_BYTES) {
      const before = old.getBigUint64(at, true);
      const after = now.getBigUint64(at, true);
      if (before === after) continue;
      differingWords++;
      if (words.length < MOST_WORDS) words.push({ address: RAM_BASE + offset + at, recording: before, branch: after });
    }
  }
  return { words, differingWords, blocks };
}

function blockAt(offset: number, disks: MachineConfiguration["disks"]): BlockDifference {
  let start = 0;
  for (const [disk, { sizeBytes }] of disks.entries()) {
    const size = Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    if (offset < start + size) return { disk, offset: offset - start };
    start += size;
  }
  return { disk: disks.length, offset: offset - start };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
