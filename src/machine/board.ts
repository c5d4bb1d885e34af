import { AsyncPages } from "../devices/async-pages.ts";
import { Clint } from "../devices/clint.ts";
import type { BusMasterContext, Device, DeviceState } from "../devices/device.ts";
import { Finisher } from "../devices/finisher.ts";
import { GoldfishRtc } from "../devices/goldfish-rtc.ts";
import { Plic } from "../devices/plic.ts";
import { Uart16550 } from "../devices/uart16550.ts";
import { type BlockStore, VirtioBlock } from "../devices/virtio-block.ts";
import { VirtioConsole } from "../devices/virtio-console.ts";
import type { VirtioDevice } from "../devices/virtio-device.ts";
import { VirtioEntropy } from "../devices/virtio-entropy.ts";
import { EmptyVirtioSlots, VIRTIO_SLOT_BYTES, VirtioMmio } from "../devices/virtio-mmio.ts";
import { VirtioNet } from "../devices/virtio-net.ts";
import { Bus } from "./bus.ts";
import type { MachineConfiguration } from "./configuration.ts";
import {
  ASYNC_PAGES_BASE,
  ASYNC_PAGES_IRQ,
  CLINT_BASE,
  FINISHER_BASE,
  PLIC_BASE,
  RTC_BASE,
  RTC_IRQ,
  TICKS_PER_SECOND,
  UART0_BASE,
  UART0_IRQ,
  VIRTIO_BASE,
  VIRTIO_IRQ,
  VIRTIO_SLOTS,
} from "./memory-map.ts";

const MIP_MSIP = 1 << 3;
const MIP_MTIP = 1 << 7;
const MIP_SEIP = 1 << 9;
const MIP_MEIP = 1 << 11;

/** A hart has a PLIC context for machine mode and one for supervisor mode, in this order. */
const CONTEXTS_PER_HART = 2;

/** The devices of the board, wired together. */
export class Board {
  readonly uart: Uart16550;
  readonly clint: Clint;
  readonly plic: Plic;
  readonly finisher: Finisher;
  readonly rtc: GoldfishRtc;
  readonly asyncPages: AsyncPages;
  readonly #console: VirtioConsole | undefined;
  readonly #network: VirtioNet | undefined;
  readonly devices: readonly Device[];
  readonly bus: Bus;

  constructor(
    configuration: MachineConfiguration,
    disks: readonly BlockStore[],
    context: BusMasterContext,
    outputs: { readonly console: (byte: number) => void; readonly network: (frame: Uint8Array) => void },
  ) {
    const { harts } = configuration;
    this.finisher = new Finisher(FINISHER_BASE, context);
    this.clint = new Clint(CLINT_BASE, harts, context);
    const interrupting = {
      ...context,
      attention: () => {
        this.plic.sense();
        context.attention();
      },
    };
    this.uart = new Uart16550(UART0_BASE, interrupting, outputs.console);
    this.rtc = new GoldfishRtc(RTC_BASE, configuration.startTime, TICKS_PER_SECOND, interrupting);
    this.asyncPages = new AsyncPages(ASYNC_PAGES_BASE, harts, interrupting);
    this.#console = configuration.console === "virtio" ? new VirtioConsole(outputs.console) : undefined;
    this.#network = configuration.network ? new VirtioNet(outputs.network) : undefined;
    // docs/devices.md says what has which slot.
    const inSlots: VirtioDevice[] = [
      ...disks.map((disk, n) => new VirtioBlock(disk, configuration.disks[n].readOnly, `hindcast-disk-${n}`)),
      ...(this.#network === undefined ? [] : [this.#network]),
      ...(this.#console === undefined ? [] : [this.#console]),
      new VirtioEntropy(configuration.seed, configuration.variation?.entropyMask),
    ];
    const virtio = inSlots.map((device, slot) => {
      const base = VIRTIO_BASE + slot * VIRTIO_SLOT_BYTES;
      return new VirtioMmio(`virtio${slot} ${device.kind}`, base, configuration.virtio, device, interrupting);
    });
    const empty = VIRTIO_BASE + virtio.length * VIRTIO_SLOT_BYTES;
    const lines = new Map([
      ...virtio.map((device, slot) => [VIRTIO_IRQ + slot, () => device.interrupt()] as const),
      [UART0_IRQ, () => this.uart.interrupt()],
      [RTC_IRQ, () => this.rtc.interrupt()],
      [ASYNC_PAGES_IRQ, () => this.asyncPages.takeInterrupt()],
    ]);
    this.plic = new Plic(PLIC_BASE, harts * CONTEXTS_PER_HART, lines, context);
    this.devices = [
      ...[this.finisher, this.rtc, this.asyncPages, this.clint, this.plic, this.uart, ...virtio],
      new EmptyVirtioSlots(empty, VIRTIO_SLOTS - virtio.length, configuration.virtio),
    ];
    this.bus = new Bus(this.devices);
  }

  /** Console input goes to the virtio console when there is one that a driver has in its hands, else to the UART. */
  receive(bytes: Uint8Array): void {
    if (this.#console?.active) this.#console.receive(bytes);
    else this.uart.receive(bytes);
  }

  /** A frame for the guest's card. A board without one hears nothing. */
  receiveFrame(frame: Uint8Array): void {
    this.#network?.receive(frame);
  }

  /** Time has passed: lines that rise with it are looked at. */
  timePassed(): void {
    if (this.rtc.interrupt()) this.plic.sense();
  }

  /** mtime at which the clock's alarm gets through the PLIC to a hart with these interrupts enabled; undefined: never. */
  alarmDeadline(hart: number, enabled: number): bigint | undefined {
    const context = hart * CONTEXTS_PER_HART;
    const isHeard =
      ((enabled & MIP_MEIP) !== 0 && this.plic.passes(context, RTC_IRQ)) ||
      ((enabled & MIP_SEIP) !== 0 && this.plic.passes(context + 1, RTC_IRQ));
    return isHeard ? this.rtc.nextDeadline() : undefined;
  }

  /** mtime at which some device will do something by itself. */
  nextDeadline(): bigint {
    const [timer, external] = [this.clint.nextDeadline(), this.rtc.nextDeadline()];
    return external !== undefined && external < timer ? external : timer;
  }

  /** What the devices raise for a hart, as bits of mip. */
  interruptLines(hart: number): number {
    return (
      (this.clint.softwareInterrupt(hart) ? MIP_MSIP : 0) |
      (this.clint.timerInterrupt(hart) ? MIP_MTIP : 0) |
      (this.plic.interrupt(hart * CONTEXTS_PER_HART) ? MIP_MEIP : 0) |
      (this.plic.interrupt(hart * CONTEXTS_PER_HART + 1) ? MIP_SEIP : 0)
    );
  }

  /** Plain data of every device, for views. */
  describe(): { name: string; address: number; state: Record<string, number | string> }[] {
    return this.devices.map((device) => ({
      name: device.name,
      address: device.base,
      state: Object.fromEntries(
        Object.entries(device.save()).map(([name, value]) => [
          name,
          typeof value === "object" ? value.join(" ") : value,
        ]),
      ),
    }));
  }

  save(): Record<string, DeviceState> {
    return Object.fromEntries(this.devices.map((device) => [device.name, device.save()]));
  }

  restore(states: Readonly<Record<string, DeviceState>>): void {
    for (const device of this.devices) device.restore(states[device.name]);
  }
}
