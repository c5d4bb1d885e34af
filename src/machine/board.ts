import { Clint } from "../devices/clint.ts";
import type { BusMasterContext, Device, DeviceState } from "../devices/device.ts";
import { Finisher } from "../devices/finisher.ts";
import { Plic } from "../devices/plic.ts";
import { Uart16550 } from "../devices/uart16550.ts";
import { Bus } from "./bus.ts";
import { CLINT_BASE, FINISHER_BASE, PLIC_BASE, UART0_BASE, UART0_IRQ } from "./memory-map.ts";

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
  readonly devices: readonly Device[];
  readonly bus: Bus;

  constructor(harts: number, context: BusMasterContext, consoleOutput: (byte: number) => void) {
    this.finisher = new Finisher(FINISHER_BASE, context);
    this.clint = new Clint(CLINT_BASE, harts, context);
    const interrupting = {
      ...context,
      attention: () => {
        this.plic.sense();
        context.attention();
      },
    };
    this.uart = new Uart16550(UART0_BASE, interrupting, consoleOutput);
    const lines = new Map([[UART0_IRQ, () => this.uart.interrupt()]]);
    this.plic = new Plic(PLIC_BASE, harts * CONTEXTS_PER_HART, lines, context);
    this.devices = [this.finisher, this.clint, this.plic, this.uart];
    this.bus = new Bus(this.devices);
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

  save(): Record<string, DeviceState> {
    return Object.fromEntries(this.devices.map((device) => [device.name, device.save()]));
  }

  restore(states: Readonly<Record<string, DeviceState>>): void {
    for (const device of this.devices) device.restore(states[device.name]);
  }
}
