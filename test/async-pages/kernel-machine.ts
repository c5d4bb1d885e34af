import { join } from "node:path";
import { loadBoot } from "../../src/host/boot-files.ts";
import {
  DEFAULT_CONFIGURATION,
  type EngineChoice,
  type MachineConfiguration,
} from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";

export const KERNEL = join(import.meta.dirname, "../../guest/kernel/prebuilt/kernel.elf");
export const MEMORY_BYTES = 16 * 2 ** 20;

export function kernelConfiguration(harts: number, clock: MachineConfiguration["clock"]): MachineConfiguration {
  return { ...DEFAULT_CONFIGURATION, memoryBytes: MEMORY_BYTES, harts, clock };
}

const images = new Map<number, ReturnType<typeof loadBoot>["image"]>();

/** The teaching kernel at reset. */
export function kernelMachine(harts: number, clock: MachineConfiguration["clock"], engine: EngineChoice): Machine {
  const configuration = kernelConfiguration(harts, clock);
  const image = images.get(harts) ?? loadBoot({ kernel: KERNEL }, configuration).image;
  images.set(harts, image);
  const machine = new Machine(configuration, engine);
  machine.load(image);
  return machine;
}

/** What the page's number is of a physical address. */
export function pageOf(address: number): number {
  return Math.floor((address - RAM_BASE) / 4096);
}
