import type { Instant } from "../base/brand.ts";
import { openDisks } from "../host/disk-files.ts";
import type { HostNetwork } from "../host/host-network.ts";
import { configurationOf, openLive } from "../host/live-session.ts";
import { DISK, loadProgram } from "../host/program-files.ts";
import { UnrecordedRun } from "../host/unrecorded-run.ts";
import { Machine } from "../machine/machine.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Context } from "./context.ts";
import type { MachineOptions } from "./machine-options.ts";
import type { LiveRun } from "./run.ts";

export function openUnrecorded(
  context: Context,
  path: string,
  options: MachineOptions,
  network: HostNetwork | undefined,
): LiveRun {
  const disks = openDisks(options.disk ?? [], false);
  const configuration = configurationOf({ ...options, memoryBytes: options.memory }, disks.configurations);
  const machine = new Machine(configuration, options.engine, disks.images);
  const { program, warnings } = loadProgram(path, DISK, configuration.memoryBytes);
  machine.load(program);
  const { stdout } = context;
  machine.outlet = {
    consoleOutput: (_instant, byte) => stdout.byte(byte),
    networkOutput: (_instant, frame) => network?.fromGuest(frame),
  };
  const live = new UnrecordedRun(machine, () => performance.now());
  network?.connect({
    deliver: (frame) => live.receive(frame),
    get backlog() {
      return live.framesWaiting;
    },
  });
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

/** The same, recorded. What the guest prints is taken from the history, where it has its instants. */
export function openRecorded(
  context: Context,
  path: string,
  options: MachineOptions & { readonly output?: string },
  onRoom: () => void,
  network: HostNetwork | undefined,
): LiveRun {
  const { memory, output } = options;
  const { disk: disks } = options;
  const ofSession = { ...options, disks, program: path, memoryBytes: memory, recordTo: output };
  const session = openLive(ofSession, onRoom, network);
  const { machine, timeline, loaded, recording } = session;
  const { history } = timeline;
  let printed = 0;
  return {
    machine,
    program: loaded.program,
    warnings: loaded.warnings,
    forward: (limit) => timeline.forward({ stops: NO_STOPS, limit: limit as Instant }),
    input: (bytes) => void timeline.input(bytes),
    idle: (ticks) => timeline.idle(ticks),
    turn: () => {
      while (printed < history.outputLength) {
        const bytes = history.outputBytes(printed, history.outputLength - printed);
        context.stdout.bytes(bytes);
        printed += bytes.length;
      }
    },
    failure: () => recording.failure,
    close: async () => {
      if (timeline.live) timeline.close();
      await recording.close();
      return { recording: recording.path, bytes: recording.fileBytes };
    },
  };
}
