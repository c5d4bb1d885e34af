import type { DiskChoice } from "../base/disk-choice.ts";
import type { EngineChoice } from "../machine/configuration.ts";

/** What commander makes of the machine's options (main.ts). */
export interface MachineOptions {
  readonly memory?: number;
  readonly harts?: number;
  readonly isa?: string;
  readonly seed?: number;
  readonly clock?: "virtual" | "paced";
  readonly input?: string;
  readonly limit?: number;
  readonly engine?: EngineChoice;
  readonly net?: string;
  readonly disk?: readonly DiskChoice[];
  readonly startTime?: number;
  readonly virtio?: "modern" | "legacy";
  readonly guestConsole?: "uart" | "virtio";
}
