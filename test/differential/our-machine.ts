import type { Instant } from "../../src/base/brand.ts";
import { DEFAULT_CONFIGURATION, type EngineChoice } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Image } from "../../src/machine/machine-interface.ts";
import type { Ending } from "./qemu.ts";

/** The programs of these tests end well before; one that does not has lost its way. */
const LIMIT_STEPS = 2_000_000_000;

export interface OurEnding extends Ending {
  readonly machine: Machine;
}

/** Runs an image until it writes the finisher; what it says goes to `console`. */
export function runOurs(image: Image, engine: EngineChoice, limitSteps = LIMIT_STEPS): OurEnding {
  const machine = new Machine({ ...DEFAULT_CONFIGURATION }, engine);
  const output: number[] = [];
  machine.outlet = { consoleOutput: (_instant, byte) => output.push(byte) };
  machine.load(image);
  const stop = machine.run(limitSteps as Instant, { departing: false });
  const console = Buffer.from(output);
  if (stop.kind !== "finished") {
    const details = JSON.stringify(stop, (_key, value) =>
      typeof value === "bigint" ? `0x${value.toString(16)}` : value,
    );
    throw new Error(
      `${engine} stopped with ${details} at instant ${machine.instant}, pc 0x${machine.harts[0].pc.toString(16)}; ` +
        `console ended with:\n${console.toString("latin1").slice(-500)}`,
    );
  }
  return { console, exitCode: stop.exitCode, machine };
}
