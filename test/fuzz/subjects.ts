import { Prng } from "../../src/base/prng.ts";
import { AsyncPages } from "../../src/devices/async-pages.ts";
import { Clint } from "../../src/devices/clint.ts";
import type { BusMasterContext, Device } from "../../src/devices/device.ts";
import { Finisher } from "../../src/devices/finisher.ts";
import { GoldfishRtc } from "../../src/devices/goldfish-rtc.ts";
import { Plic } from "../../src/devices/plic.ts";
import { Uart16550 } from "../../src/devices/uart16550.ts";
import { type BlockStore, VirtioBlock } from "../../src/devices/virtio-block.ts";
import { VirtioConsole } from "../../src/devices/virtio-console.ts";
import type { VirtioDevice } from "../../src/devices/virtio-device.ts";
import { VirtioEntropy } from "../../src/devices/virtio-entropy.ts";
import { EmptyVirtioSlots, VirtioMmio, type VirtioTransport } from "../../src/devices/virtio-mmio.ts";
import { VirtioNet } from "../../src/devices/virtio-net.ts";
import { contextOf, FakeMemory } from "../devices/virtio-driver.ts";

/** A device with all that it touches, for fuzzing: two of one kind that are given the same do the same. */
export interface Subject {
  readonly device: Device;
  readonly memory: FakeMemory;
  readonly clock: Clock;
  /** What it has said and kept outside of its state: compared between twins, and carried over when one is made. */
  readonly outside: number[];
  interrupt?(): boolean;
  /** Something comes from outside. */
  receive?(bytes: Uint8Array): void;
}

export interface Clock {
  ticks: bigint;
}

/** What distinguishes fuzz targets. */
export interface FuzzTarget {
  readonly name: string;
  /** Offsets worth trying; others come up by chance. */
  readonly registers: readonly number[];
  /** It has rings in memory. */
  readonly queues: number;
  make(): Subject;
}

const DISK_BYTES = 16 * 1024;

class FuzzStore implements BlockStore {
  readonly bytes: number[];
  readonly sizeBytes = DISK_BYTES;

  constructor(bytes: number[]) {
    this.bytes = bytes;
  }

  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    return Uint8Array.from(this.bytes.slice(offset, offset + length));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    bytes.forEach((byte, index) => {
      this.bytes[offset + index] = byte;
    });
  }

  #check(offset: number, length: number): void {
    if (!(offset >= 0 && offset + length <= DISK_BYTES)) throw new Error(`disk asked for ${length} bytes at ${offset}`);
  }
}

function surroundings() {
  const memory = new FakeMemory();
  const clock: Clock = { ticks: 0n };
  const context: BusMasterContext = {
    ...contextOf(memory),
    time: () => BigInt.asUintN(64, clock.ticks),
    setTime: (ticks) => {
      clock.ticks = ticks;
    },
  };
  return { memory, clock, context };
}

function words(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index * 4);
}

function plain(
  name: string,
  registers: readonly number[],
  make: (context: BusMasterContext, said: number[]) => Device,
) {
  return {
    name,
    registers,
    queues: 0,
    make(): Subject {
      const { memory, clock, context } = surroundings();
      const outside: number[] = [];
      const device = make(context, outside) as Device & Partial<Pick<Subject, "interrupt" | "receive">>;
      return {
        ...{ device, memory, clock, outside },
        interrupt: device.interrupt?.bind(device),
        receive: device.receive?.bind(device),
      };
    },
  };
}

const VIRTIO_REGISTERS = [...words(0, 64), ...words(0x100, 16)];

function virtio(
  transport: VirtioTransport,
  queues: number,
  make: (outside: number[]) => VirtioDevice & { receive?(bytes: Uint8Array): void },
): FuzzTarget {
  return {
    name: `virtio ${make([]).kind}, ${transport}`,
    registers: VIRTIO_REGISTERS,
    queues,
    make(): Subject {
      const { memory, clock, context } = surroundings();
      const outside: number[] = [];
      const behind = make(outside);
      const device = new VirtioMmio("under test", 0x1000_1000, transport, behind, context);
      return {
        ...{ device, memory, clock, outside },
        interrupt: () => device.interrupt(),
        receive: behind.receive?.bind(behind),
      };
    },
  };
}

function virtioTargets(transport: VirtioTransport): FuzzTarget[] {
  const blank = (outside: number[]) => {
    for (let index = 0; index < DISK_BYTES; index++) outside.push(index & 0xff);
    return new FuzzStore(outside);
  };
  return [
    virtio(transport, 1, (outside) => new VirtioBlock(blank(outside), false, "fuzz")),
    virtio(transport, 2, (outside) => new VirtioConsole((byte) => outside.push(byte))),
    virtio(transport, 1, () => new VirtioEntropy(1)),
    virtio(transport, 2, (outside) => new VirtioNet((frame) => outside.push(frame.length, ...frame))),
  ];
}

/** What comes from outside says that pages are not ready, and that they are. */
function told(device: AsyncPages): AsyncPages {
  const receive = (bytes: Uint8Array) => {
    for (const byte of bytes) {
      const hart = byte & 1;
      if (byte >= 128) device.ready(byte & 15);
      else if (device.takes(hart, (byte & 2) === 0)) device.give(hart, device.nextToken);
    }
  };
  return Object.assign(device, { receive, interrupt: () => device.takeInterrupt() });
}

const PLIC_REGISTERS = [...words(0, 16), ...words(0x1000, 3), ...words(0x2000, 8), ...words(0x2080, 8)];

export const TARGETS: readonly FuzzTarget[] = [
  plain(
    "uart",
    words(0, 2).flatMap((at) => [at, at + 1, at + 2, at + 3]),
    (context, said) => {
      return new Uart16550(0x1000_0000, context, (byte) => said.push(byte));
    },
  ),
  plain("clint", [...words(0, 4), ...words(0x4000, 8), 0xbff8, 0xbffc], (context) => new Clint(0x200_0000, 2, context)),
  plain("plic", [...PLIC_REGISTERS, 0x20_0000, 0x20_0004, 0x20_1000, 0x20_1004], (context) => {
    // Its lines rise and fall with time, in no order.
    const lines = new Map(
      [1, 10, 11, 64].map((source) => [
        source,
        () => new Prng(Number(context.time() & 0xffffn) * 100 + source).below(2) === 1,
      ]),
    );
    return new Plic(0xc00_0000, 4, lines, context);
  }),
  plain("finisher", words(0, 2), (context) => new Finisher(0x10_0000, context)),
  plain("rtc", words(0, 8), (context) => new GoldfishRtc(0x10_1000, 1_769_860_800, 10_000_000, context)),
  plain("async-pages", words(0, 6), (context) => told(new AsyncPages(0x10_2000, 2, context))),
  plain("virtio empty", [...words(0, 4), 0x70, 0x100], () => new EmptyVirtioSlots(0x1000_1000, 3, "modern")),
  ...virtioTargets("modern"),
  ...virtioTargets("legacy"),
];
