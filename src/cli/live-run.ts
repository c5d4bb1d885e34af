import type { Instant } from "../base/brand.ts";
import { loadBoot, type RunChoice } from "../host/boot-files.ts";
import { makeCompileThread } from "../host/compile-thread.ts";
import { openDisks } from "../host/disk-files.ts";
import type { HostNetwork } from "../host/host-network.ts";
import { configurationOf, openLive } from "../host/live-session.ts";
import { HostResidency } from "../host/residency.ts";
import { UnrecordedRun } from "../host/unrecorded-run.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import { Machine } from "../machine/machine.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Context } from "./context.ts";
import { type MachineOptions, residencyChoice } from "./machine-options.ts";
import type { LiveRun } from "./run.ts";

export function openUnrecorded(
  context: Context,
  path: string | undefined,
  options: MachineOptions,
  network: HostNetwork | undefined,
): LiveRun {
  const { choice, configuration, make } = machinesFor(path, options);
  const residency = HostResidency.of(residencyChoice(options), configuration);
  const machine = make(configuration, residency);
  const { image, programs, warnings } = loadBoot(choice, configuration);
  machine.load(image);
  const { stdout } = context;
  machine.outlet = {
    consoleOutput: (_instant, byte) => stdout.byte(byte),
    networkOutput: (_instant, frame) => network?.fromGuest(frame),
  };
  const live = new UnrecordedRun(machine, () => performance.now() - (residency?.stoodMs ?? 0), residency);
  network?.connect({
    deliver: (frame) => live.receive(frame),
    get backlog() {
      return live.framesWaiting;
    },
  });
  return {
    machine,
    ...(configuration.clock === "paced" ? { paced: machine } : {}),
    programs,
    warnings,
    forward: (limit) => live.forward(limit),
    input: (bytes) => live.input(bytes),
    idle: (ticks) => live.idle(ticks),
    turn: () => {},
    failure: () => undefined,
    residency: () => residency && machine.residency && residency.report(machine.residency),
    close: async () => {
      await residency?.close();
      return undefined;
    },
  };
}

/** The same, recorded. What the guest prints is taken from the history, where it has its instants. */
export function openRecorded(
  context: Context,
  path: string | undefined,
  options: MachineOptions & { readonly output?: string },
  onRoom: () => void,
  network: HostNetwork | undefined,
): LiveRun {
  const { memory, output } = options;
  const { disk: disks } = options;
  const ofSession = {
    ...{ ...options, ...runChoice(path, options), ...residencyChoice(options) },
    ...{ disks, memoryBytes: memory, recordTo: output },
  };
  const session = openLive(ofSession, onRoom, network);
  const { machine, timeline, boot, recording, residency } = session;
  const { history } = timeline;
  let printed = 0;
  let toldOfNetwork = false;
  return {
    machine,
    ...(machine.configuration.clock === "paced" ? { paced: machine } : {}),
    programs: boot.programs,
    warnings: boot.warnings,
    forward: (limit) => timeline.forward({ stops: NO_STOPS, limit: limit as Instant }),
    input: (bytes) => void timeline.input(bytes),
    idle: (ticks) => timeline.idle(ticks),
    turn: () => {
      while (printed < history.outputLength) {
        const bytes = history.outputBytes(printed, history.outputLength - printed);
        context.stdout.bytes(bytes);
        printed += bytes.length;
      }
      const { networkFailure } = timeline;
      if (networkFailure !== undefined && !toldOfNetwork) context.voice.warn(networkFailure);
      toldOfNetwork = networkFailure !== undefined;
    },
    failure: () => recording.failure,
    residency: () => residency && machine.residency && residency.report(machine.residency),
    close: async () => {
      if (timeline.live) timeline.close();
      await recording.close();
      await residency?.close();
      return { recording: recording.path, bytes: recording.fileBytes };
    },
  };
}

/** What is to be run, and how machines for it are made: with the same disks, whose images stay as they are. */
export function machinesFor(path: string | undefined, options: MachineOptions, isRecorded = false) {
  const choice = runChoice(path, options);
  const disks = openDisks(options.disk ?? [], isRecorded);
  const configuration = configurationOf(
    { ...choice, ...options, ...residencyChoice(options), memoryBytes: options.memory },
    disks.configurations,
  );
  const make = (of: MachineConfiguration, residency?: HostResidency) =>
    new Machine(
      ...([of, options.engine, disks.images, options.cacheGroup] as const),
      residency?.metered(makeCompileThread) ?? makeCompileThread,
      residency?.residency,
    );
  return { choice, configuration, make, recordedDisks: disks.recorded };
}

export function runChoice(program: string | undefined, options: MachineOptions): RunChoice {
  const { kernel, initrd, append, bios, dtb, symbols } = options;
  return { program, kernel, initrd, append, bios, dtb, symbolFiles: symbols };
}
