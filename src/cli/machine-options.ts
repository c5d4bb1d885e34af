import type { SymbolChoice } from "../base/boot-choice.ts";
import type { DiskChoice } from "../base/disk-choice.ts";
import type { ResidencyChoice } from "../host/residency.ts";
import type { CacheGroupChoice, EngineChoice } from "../machine/configuration.ts";

/** What commander makes of the machine's options (main.ts). */
export interface MachineOptions {
  readonly memory?: number;
  readonly harts?: number;
  readonly isa?: string;
  readonly modes?: "m" | "mu" | "msu";
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly bios?: string;
  readonly dtb?: string;
  readonly symbols?: readonly SymbolChoice[];
  readonly seed?: number;
  readonly clock?: "virtual" | "paced";
  readonly input?: string;
  readonly limit?: number;
  readonly engine?: EngineChoice;
  readonly cacheGroup?: CacheGroupChoice;
  readonly net?: string;
  readonly disk?: readonly DiskChoice[];
  readonly startTime?: number;
  readonly virtio?: "modern" | "legacy";
  readonly guestConsole?: "uart" | "virtio";
  readonly resident?: number;
  readonly asyncPages?: "on" | "off";
  readonly pageInLatency?: number;
}

/** What of a machine's memory is kept. */
export function residencyChoice({ resident, asyncPages, pageInLatency }: MachineOptions) {
  return {
    residentBytes: resident,
    asyncPages: asyncPages === undefined ? undefined : asyncPages === "on",
    pageInLatencyMs: pageInLatency,
  } satisfies ResidencyChoice;
}
