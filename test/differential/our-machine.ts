import type { Instant } from "../../src/base/brand.ts";
import {
  DEFAULT_CONFIGURATION,
  type EngineChoice,
  type MachineConfiguration,
} from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Image } from "../../src/machine/machine-interface.ts";
import type { Ending } from "./qemu.ts";

/** What the hart on QEMU has (qemu.ts). */
export const LIKE_QEMU: MachineConfiguration = {
  ...DEFAULT_CONFIGURATION,
  modes: "m",
  isa: "rv64imac_zicsr_zifencei_zba_zbb_zbc_zbs",
};

/** The programs of these tests end well before; one that does not has lost its way. */
const LIMIT_STEPS = 2_000_000_000;

export interface OurEnding extends Ending {
  readonly machine: Machine;
  /** Why it did not end by writing the finisher; the exit code means nothing then. */
  readonly failure: string | undefined;
}

/** Runs an image until it writes the finisher. */
export function runOurs(
  image: Image,
  engine: EngineChoice,
  limitSteps = LIMIT_STEPS,
  configuration: MachineConfiguration = LIKE_QEMU,
): OurEnding {
  const machine = new Machine(configuration, engine);
  const output: number[] = [];
  machine.outlet = { consoleOutput: (_instant, byte) => output.push(byte) };
  machine.load(image);
  const stop = machine.run(limitSteps as Instant, { departing: false });
  const console = Buffer.from(output);
  if (stop.kind === "finished") return { console, exitCode: stop.exitCode, machine, failure: undefined };
  const details = JSON.stringify(stop, (_key, value) =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value,
  );
  const place = `instant ${machine.instant}, pc 0x${machine.harts[0].pc.toString(16)}`;
  return { console, exitCode: -1, machine, failure: `${engine} stopped with ${details} at ${place}` };
}
