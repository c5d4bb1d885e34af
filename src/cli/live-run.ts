import { DISK, loadProgram } from "../host/program-files.ts";
import { UnrecordedRun } from "../host/unrecorded-run.ts";
import { Machine } from "../machine/machine.ts";
import type { Context } from "./context.ts";
import { configurationOf, type MachineOptions } from "./machine-options.ts";
import type { LiveRun } from "./run.ts";

export function openUnrecorded(context: Context, path: string, options: MachineOptions): LiveRun {
  const configuration = configurationOf(options);
  const machine = new Machine(configuration, options.engine);
  const { program, warnings } = loadProgram(path, DISK, configuration.memoryBytes);
  machine.load(program);
  const { stdout } = context;
  machine.outlet = { consoleOutput: (_instant, byte) => stdout.byte(byte) };
  const live = new UnrecordedRun(machine, () => performance.now());
  return {
    machine,
    program,
    warnings,
    forward: (limit) => live.forward(limit),
    input: (bytes) => live.input(bytes),
    idle: (ticks) => live.idle(ticks),
    turn: () => {},
    failure: () => undefined,
    close: async () => undefined,
  };
}

export function openRecorded(
  _context: Context,
  _path: string,
  _options: MachineOptions & { output?: string },
  _onRoom: () => void,
): LiveRun {
  throw new Error("awaits replay's recorder");
}
