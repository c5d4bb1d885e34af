import { Prng } from "../base/prng.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import {
  ASYNC_PAGES_BASE,
  ASYNC_PAGES_IRQ,
  CLINT_BASE,
  FINISHER_BASE,
  PLIC_BASE,
  RAM_BASE,
  RTC_BASE,
  RTC_IRQ,
  TICKS_PER_SECOND,
  UART0_BASE,
  UART0_IRQ,
  VIRTIO_BASE,
  VIRTIO_IRQ,
  VIRTIO_SLOTS,
} from "../machine/memory-map.ts";
import { cells, type DeviceTree, type DeviceTreeNode, PRESENT, texts, wideCells } from "./flattened-device-tree.ts";

/** What the tree says about a hart's instruction set. */
export interface HartDescription {
  /** `riscv,isa`: the canonical string. */
  readonly isaString: string;
  /** `riscv,isa-base`. */
  readonly base: string;
  /** `riscv,isa-extensions`. */
  readonly extensions: readonly string[];
  /** `riscv,sv57`; undefined: no address translation. */
  readonly translation: string | undefined;
}

/** What the tree says about how the system is started; everything is optional. */
export interface Chosen {
  readonly commandLine?: string;
  readonly initrd?: { readonly first: number; readonly bytes: number };
  /** Memory from the beginning that the firmware keeps for itself. */
  readonly firmwareBytes?: number;
}

/** What QEMU's `virt` gives an UART, whose divisor nobody looks at. */
const UART_CLOCK_HZ = 3_686_400;
/** Values that the test finisher takes. */
const POWER_OFF = 0x5555;
const REBOOT = 0x7777;
/** Sources of the PLIC: 1 to 95. */
const PLIC_SOURCES = 95;
const CACHE_BLOCK_BYTES = 64;
const VIRTIO_SLOT_BYTES = 0x1000;
const SEED_BYTES = 32;

const M_SOFTWARE = 3;
const M_TIMER = 7;
const M_EXTERNAL = 11;
const S_EXTERNAL = 9;

/** Phandles: the PLIC, the finisher, then one for each hart's interrupt controller and one for the hart. */
const PLIC_PHANDLE = 1;
const FINISHER_PHANDLE = 2;
const FIRST_HART_PHANDLE = 16;

/** The board as kernels read of it: names and nodes of QEMU's `virt`, for what exists here. */
export function boardDeviceTree(
  configuration: MachineConfiguration,
  hart: HartDescription,
  chosen: Chosen = {},
): DeviceTree {
  const { memoryBytes } = configuration;
  const root = node(
    "",
    {
      "#address-cells": cells(2),
      "#size-cells": cells(2),
      compatible: texts("riscv-virtio"),
      model: texts("riscv-virtio,hindcast"),
    },
    [
      chosenNode(configuration.seed, chosen),
      ...reservedMemory(chosen.firmwareBytes),
      node(named("memory", RAM_BASE), { device_type: texts("memory"), reg: wideCells(RAM_BASE, memoryBytes) }),
      cpus(configuration.harts, hart),
      soc(configuration.harts),
      syscon("poweroff", POWER_OFF),
      syscon("reboot", REBOOT),
    ],
  );
  return { root, reservations: [] };
}

/** What `/chosen` says; `linux,initrd-*` and `bootargs` where there is something to say. */
export function chosenProperties(seed: number, { commandLine, initrd }: Chosen): Record<string, Uint8Array> {
  return {
    ...(commandLine === undefined ? {} : { bootargs: texts(commandLine) }),
    ...(initrd === undefined
      ? {}
      : {
          "linux,initrd-start": wideCells(initrd.first),
          "linux,initrd-end": wideCells(initrd.first + initrd.bytes),
        }),
    // What a kernel draws by chance begins here; so it follows from the machine's seed.
    "rng-seed": seedBytes(seed),
  };
}

function chosenNode(seed: number, chosen: Chosen): DeviceTreeNode {
  return node("chosen", {
    "stdout-path": texts(`/soc/${named("serial", UART0_BASE)}`),
    ...chosenProperties(seed, chosen),
  });
}

function seedBytes(seed: number): Uint8Array {
  const random = new Prng(seed);
  return cells(...Array.from({ length: SEED_BYTES / 4 }, () => random.next32()));
}

function reservedMemory(firmwareBytes: number | undefined): DeviceTreeNode[] {
  if (firmwareBytes === undefined) return [];
  return [
    node("reserved-memory", { "#address-cells": cells(2), "#size-cells": cells(2), ranges: PRESENT }, [
      node(named("mmode_resv0", RAM_BASE), { reg: wideCells(RAM_BASE, firmwareBytes), "no-map": PRESENT }),
    ]),
  ];
}

function cpus(harts: number, hart: HartDescription): DeviceTreeNode {
  const numbers = Array.from({ length: harts }, (_, number) => number);
  const map = node("cpu-map", {}, [
    node(
      "cluster0",
      {},
      numbers.map((number) => node(`core${number}`, { cpu: cells(hartPhandle(number)) })),
    ),
  ]);
  return node(
    "cpus",
    { "#address-cells": cells(1), "#size-cells": cells(0), "timebase-frequency": cells(TICKS_PER_SECOND) },
    [...numbers.map((number) => cpu(number, hart)), map],
  );
}

function cpu(number: number, { isaString, base, extensions, translation }: HartDescription): DeviceTreeNode {
  const blockSize = (extension: string, name: string) =>
    extensions.includes(extension) ? { [name]: cells(CACHE_BLOCK_BYTES) } : {};
  return node(
    named("cpu", number),
    {
      phandle: cells(hartPhandle(number)),
      device_type: texts("cpu"),
      reg: cells(number),
      status: texts("okay"),
      compatible: texts("riscv"),
      ...blockSize("zicboz", "riscv,cboz-block-size"),
      ...blockSize("zicbom", "riscv,cbom-block-size"),
      ...blockSize("zicbop", "riscv,cbop-block-size"),
      "riscv,isa": texts(isaString),
      "riscv,isa-base": texts(base),
      "riscv,isa-extensions": texts(...extensions),
      ...(translation === undefined ? {} : { "mmu-type": texts(translation) }),
    },
    [
      node("interrupt-controller", {
        "#interrupt-cells": cells(1),
        "interrupt-controller": PRESENT,
        compatible: texts("riscv,cpu-intc"),
        phandle: cells(controllerPhandle(number)),
      }),
    ],
  );
}

function soc(harts: number): DeviceTreeNode {
  const controllers = Array.from({ length: harts }, (_, number) => controllerPhandle(number));
  const wired = (...interrupts: readonly number[]) =>
    cells(...controllers.flatMap((phandle) => interrupts.flatMap((interrupt) => [phandle, interrupt])));
  const interrupt = (source: number) => ({ interrupts: cells(source), "interrupt-parent": cells(PLIC_PHANDLE) });
  const devices = [
    node(named("test", FINISHER_BASE), {
      phandle: cells(FINISHER_PHANDLE),
      reg: wideCells(FINISHER_BASE, 0x1000),
      compatible: texts("sifive,test1", "sifive,test0", "syscon"),
    }),
    node(named("rtc", RTC_BASE), {
      ...interrupt(RTC_IRQ),
      reg: wideCells(RTC_BASE, 0x1000),
      compatible: texts("google,goldfish-rtc"),
    }),
    // Work of the machine that the guest need not wait for: docs/async-pages.md.
    node(named("async-pages", ASYNC_PAGES_BASE), {
      ...interrupt(ASYNC_PAGES_IRQ),
      reg: wideCells(ASYNC_PAGES_BASE, 0x1000),
      compatible: texts("hindcast,async-pages"),
    }),
    node(named("clint", CLINT_BASE), {
      "interrupts-extended": wired(M_SOFTWARE, M_TIMER),
      reg: wideCells(CLINT_BASE, 0x1_0000),
      compatible: texts("sifive,clint0", "riscv,clint0"),
    }),
    node(named("plic", PLIC_BASE), {
      phandle: cells(PLIC_PHANDLE),
      "riscv,ndev": cells(PLIC_SOURCES),
      reg: wideCells(PLIC_BASE, 0x60_0000),
      "interrupts-extended": wired(M_EXTERNAL, S_EXTERNAL),
      "interrupt-controller": PRESENT,
      compatible: texts("sifive,plic-1.0.0", "riscv,plic0"),
      "#address-cells": cells(0),
      "#interrupt-cells": cells(1),
    }),
    node(named("serial", UART0_BASE), {
      ...interrupt(UART0_IRQ),
      "clock-frequency": cells(UART_CLOCK_HZ),
      reg: wideCells(UART0_BASE, 0x100),
      compatible: texts("ns16550a"),
    }),
    ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) => {
      const base = VIRTIO_BASE + slot * VIRTIO_SLOT_BYTES;
      return node(named("virtio_mmio", base), {
        ...interrupt(VIRTIO_IRQ + slot),
        reg: wideCells(base, VIRTIO_SLOT_BYTES),
        compatible: texts("virtio,mmio"),
      });
    }),
  ];
  return node(
    "soc",
    { "#address-cells": cells(2), "#size-cells": cells(2), compatible: texts("simple-bus"), ranges: PRESENT },
    devices,
  );
}

function syscon(name: string, value: number): DeviceTreeNode {
  return node(name, {
    value: cells(value),
    offset: cells(0),
    regmap: cells(FINISHER_PHANDLE),
    compatible: texts(`syscon-${name}`),
  });
}

function hartPhandle(hart: number): number {
  return FIRST_HART_PHANDLE + 2 * hart;
}

function controllerPhandle(hart: number): number {
  return hartPhandle(hart) + 1;
}

function named(kind: string, address: number): string {
  return `${kind}@${address.toString(16)}`;
}

function node(
  name: string,
  properties: Readonly<Record<string, Uint8Array>>,
  children: readonly DeviceTreeNode[] = [],
): DeviceTreeNode {
  return { name, properties, children };
}
