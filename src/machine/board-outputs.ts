import type { Clock } from "./clock.ts";
import type { BoardMemory } from "./device-memory.ts";
import type { Outlet } from "./inlet.ts";

export interface BoardOutputParts {
  readonly devices: () => BoardMemory;
  readonly clock: Clock;
  readonly outlet: () => Outlet;
  /** The inlet is to be asked at the next instant, and not at the end of the slice. */
  readonly attention: () => void;
}

/** What the board's devices say, on its way out of the machine. */
export function boardOutputs({ devices, clock, outlet, attention }: BoardOutputParts) {
  return {
    console: (byte: number) =>
      devices().say(() => {
        const listener = outlet();
        if (listener.isAnswered === true) attention();
        listener.consoleOutput(clock.stepInstant, byte);
      }),
    network: (frame: Uint8Array) =>
      devices().say(() => {
        // What answers at once is to be heard at once.
        attention();
        outlet().networkOutput?.(clock.stepInstant, frame);
      }),
  };
}
