import type { Prng } from "../../src/base/prng.ts";
import { RAM, RAM_BYTES } from "../devices/virtio-driver.ts";
import type { FuzzTarget, Subject } from "./subjects.ts";

/** What is done to a device, as plain data: it can be done to a twin as well, and be printed. */
export type Operation =
  | { readonly kind: "read"; readonly offset: number; readonly size: number }
  | { readonly kind: "write"; readonly offset: number; readonly size: number; readonly value: bigint }
  | { readonly kind: "memory"; readonly address: number; readonly bytes: readonly number[] }
  | { readonly kind: "time"; readonly ticks: number }
  | { readonly kind: "receive"; readonly bytes: readonly number[] };

/** Does it; what came of it, as text. Throws when the device breaks its contract. */
export function apply({ device, memory, clock, receive }: Subject, operation: Operation): string {
  switch (operation.kind) {
    case "read": {
      const value = device.read(operation.offset, operation.size);
      if (value !== undefined && (value < 0n || value >> BigInt(operation.size * 8) !== 0n)) {
        throw new Error(`a read of ${operation.size} bytes gave ${value}`);
      }
      return String(value);
    }
    case "write":
      return String(device.write(operation.offset, operation.size, operation.value));
    case "memory":
      return String(memory.write(operation.address, Uint8Array.from(operation.bytes)));
    case "time":
      clock.ticks += BigInt(operation.ticks);
      return "";
    default:
      receive?.(Uint8Array.from(operation.bytes));
      return "";
  }
}

const EDGES = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0xffff_ffff_ffff_ffffn,
];

function anyValue(prng: Prng, size: number): bigint {
  const value = prng.pick([() => prng.pick(EDGES), () => BigInt(prng.below(64)), () => prng.next64()])();
  return BigInt.asUintN(size * 8, value);
}

/** Any access that the bus lets through: aligned, inside of the device. */
function anyAccess(prng: Prng, { registers }: FuzzTarget, sizeBytes: number): Operation {
  const size = prng.pick([1, 2, 4, 4, 4, 8]);
  const near = prng.below(8) === 0 ? prng.below(sizeBytes) : prng.pick(registers);
  const offset = Math.min(near - (near % size), sizeBytes - size);
  if (prng.below(2) === 0) return { kind: "read", offset, size };
  return { kind: "write", offset, size, value: anyValue(prng, size) };
}

/** What a driver remembers: buffers that it made available, for each queue, since it set the device up. */
export type Driven = number[];

/** Something that may happen next: one thing, or for devices with queues a whole attempt of a driver at something. */
export function anything(prng: Prng, target: FuzzTarget, sizeBytes: number, driven: Driven): Operation[] {
  const what = prng.below(10);
  if (what === 0) return [{ kind: "time", ticks: prng.pick([1, 10, 1000, 2 ** 31]) }];
  if (what === 1) return [{ kind: "receive", bytes: Array.from({ length: prng.below(20) }, () => prng.below(256)) }];
  if (target.queues > 0 && what < 3) return setup(prng, target, driven);
  if (target.queues > 0 && what < 9) return attempt(prng, target, driven);
  return [anyAccess(prng, target, sizeBytes)];
}

// What follows knows virtio well enough to get far into a device, and then does one thing or another wrong.

const [DRIVER_FEATURES, DRIVER_FEATURES_SEL, GUEST_PAGE_SIZE] = [0x20, 0x24, 0x28];
const [QUEUE_SEL, QUEUE_NUM, QUEUE_ALIGN, QUEUE_PFN, QUEUE_READY] = [0x30, 0x38, 0x3c, 0x40, 0x44];
const [QUEUE_NOTIFY, INTERRUPT_ACK, STATUS, QUEUE_AREAS] = [0x50, 0x64, 0x70, 0x80];
/** Rings lie at the beginning of RAM, one queue behind the other; the legacy layout fits there, too. */
const QUEUE_SPACE = 0x4000;
const SIZE = 8;
const PAGE = 0x1000;
/** Where the first parts of chains are. */
const HEADER = RAM + 0x8000;
const [DESC_NEXT, DESC_WRITE, DESC_INDIRECT] = [1, 2, 4];

interface Areas {
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

/** Where an honest driver puts the areas of a queue: so that modern and legacy find the same. */
function areasOf(queue: number): Areas {
  const descriptors = RAM + queue * QUEUE_SPACE;
  return { descriptors, available: descriptors + SIZE * 16, used: descriptors + PAGE };
}

function word(offset: number, value: number): Operation {
  return { kind: "write", offset, size: 4, value: BigInt(value >>> 0) };
}

function seldom<T>(prng: Prng, honest: T, otherwise: () => T): T {
  return prng.below(12) === 0 ? otherwise() : honest;
}

function anyAddress(prng: Prng): number {
  return prng.pick([
    () => RAM + prng.below(3 * QUEUE_SPACE),
    () => RAM + prng.below(RAM_BYTES),
    () => RAM + RAM_BYTES - prng.below(64),
    () => RAM - prng.below(64),
    () => prng.next32(),
    () => 0,
  ])();
}

/** Negotiation and queues, as a driver begins. */
function setup(prng: Prng, { queues }: FuzzTarget, driven: Driven): Operation[] {
  const features = prng.pick([0, 1 << 28, 1 << 29, 3 << 28, prng.next32() & 0x3fff_ffff]);
  const operations = [
    word(STATUS, 0),
    word(STATUS, 3),
    word(DRIVER_FEATURES_SEL, 0),
    word(DRIVER_FEATURES, features),
    word(DRIVER_FEATURES_SEL, 1),
    word(
      DRIVER_FEATURES,
      seldom(prng, 1, () => prng.next32()),
    ),
    word(STATUS, 11),
    word(
      GUEST_PAGE_SIZE,
      seldom(prng, PAGE, () => prng.next32()),
    ),
  ];
  for (let queue = 0; queue < queues; queue++) {
    const { descriptors, available, used } = areasOf(queue);
    driven[queue] = 0;
    operations.push(
      word(
        QUEUE_SEL,
        seldom(prng, queue, () => prng.next32()),
      ),
      word(
        QUEUE_NUM,
        seldom(prng, SIZE, () => prng.pick([0, 1, 3, 16, 1024, 0x8000_0000, prng.next32()])),
      ),
    );
    [descriptors, available, used].forEach((address, area) => {
      operations.push(
        word(
          QUEUE_AREAS + area * 16,
          seldom(prng, address, () => anyAddress(prng)),
        ),
      );
      operations.push(
        word(
          QUEUE_AREAS + area * 16 + 4,
          seldom(prng, 0, () => prng.next32()),
        ),
      );
    });
    operations.push(
      word(QUEUE_READY, 1),
      word(
        QUEUE_ALIGN,
        seldom(prng, PAGE, () => prng.next32()),
      ),
      word(
        QUEUE_PFN,
        seldom(prng, descriptors / PAGE, () => prng.next32()),
      ),
      { kind: "memory", address: available, bytes: new Array<number>(SIZE * 2 + 6).fill(0) },
    );
  }
  operations.push(
    word(
      STATUS,
      seldom(prng, 15, () => prng.below(256)),
    ),
  );
  return operations.filter(() => prng.below(150) !== 0);
}

/** A buffer made available, or several; then a notification. */
function attempt(prng: Prng, { queues }: FuzzTarget, driven: Driven): Operation[] {
  const queue = prng.below(queues);
  const { descriptors, available } = areasOf(queue);
  const operations: Operation[] = [];
  const put = (address: number, bytes: Iterable<number>) => {
    operations.push({ kind: "memory", address, bytes: [...bytes] });
  };
  const table = prng.below(4) === 0 ? RAM + 0xc000 + prng.below(4) * 256 : descriptors;
  const chain = prng.below(3) === 0 ? wildChain(prng) : requestChain(prng);
  chain.forEach((part, index) => void put(table + index * 16, part));
  if (table !== descriptors) {
    const length = seldom(prng, chain.length * 16, () => prng.pick([0, 17, 128, 0xffff_fff0]));
    const address = seldom(prng, table, () => anyAddress(prng));
    put(descriptors, descriptor(address, length, DESC_INDIRECT, 0));
  }
  put(HEADER, requestHeader(prng));
  // All entries of the ring begin at descriptor 0, most times.
  const head = seldom(prng, 0, () => prng.below(12));
  const entries = Array.from({ length: SIZE * 2 }, (_, index) => (index % 2 === 0 ? head : 0));
  put(available + 4, entries);
  driven[queue] = ((driven[queue] ?? 0) + 1 + prng.below(3)) & 0xffff;
  const index = seldom(prng, driven[queue], () => prng.below(0x1_0000));
  put(available, [prng.below(2), 0, index & 0xff, index >> 8]);
  const notified = seldom(prng, queue, () => prng.next32());
  operations.push(word(QUEUE_NOTIFY, notified), word(INTERRUPT_ACK, prng.below(4)));
  return operations;
}

/** What a block driver would send, and a console driver nearly so: a header, data, room for a status. */
function requestChain(prng: Prng): Uint8Array[] {
  const write = prng.below(2) * DESC_WRITE;
  const data = HEADER + 1024;
  const address = seldom(prng, data, () => anyAddress(prng));
  const length = seldom(prng, 512 * (1 + prng.below(4)), () => prng.below(5000));
  const last = seldom(prng, DESC_WRITE, () => prng.below(8));
  return [
    descriptor(HEADER, 16, DESC_NEXT, 1),
    descriptor(address, length, DESC_NEXT | write, 2),
    descriptor(data + 8192, 1, last, prng.below(12)),
  ];
}

function wildChain(prng: Prng): Uint8Array[] {
  return Array.from({ length: SIZE }, (_, index) => {
    const length = prng.pick([512, 1, 0, prng.below(4096), prng.below(20) === 0 ? prng.next32() : 512]);
    const next = prng.below(3) > 0 ? DESC_NEXT : 0;
    const write = prng.below(SIZE) < index ? DESC_WRITE : 0;
    const flags = seldom(prng, next | write, () => prng.below(8));
    const follower = seldom(prng, index + 1, () => prng.below(12));
    return descriptor(anyAddress(prng), length, flags, follower);
  });
}

function descriptor(address: number, length: number, flags: number, next: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(address), true);
  view.setUint32(8, length, true);
  view.setUint16(12, flags, true);
  view.setUint16(14, next, true);
  return bytes;
}

function requestHeader(prng: Prng): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, prng.pick([0, 0, 1, 1, 4, 8, 11, 13, prng.next32()]), true);
  view.setBigUint64(8, prng.pick([BigInt(prng.below(64)), BigInt(prng.below(70)), prng.next64()]), true);
  return bytes;
}
