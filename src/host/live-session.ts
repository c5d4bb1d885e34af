import { resolve } from "node:path";
import packageDescription from "../../package.json" with { type: "json" };
import type { Instant } from "../base/brand.ts";
import type { DiskChoice } from "../base/disk-choice.ts";
import { UserError } from "../base/errors.ts";
import {
  type CacheGroupChoice,
  DEFAULT_CONFIGURATION,
  type EngineChoice,
  KERNEL_CONFIGURATION,
  type MachineConfiguration,
} from "../machine/configuration.ts";
import { Machine } from "../machine/machine.ts";
import { parseNetOptions } from "../network/net-options.ts";
import { DigestLog } from "../replay/digest-log.ts";
import type { RecordingHeader } from "../replay/recording-message.ts";
import { Timeline, type TimelineOptions } from "../replay/timeline.ts";
import { BookmarkFile } from "./bookmark-file.ts";
import { hasFirmware, type LoadedBoot, loadBoot, type RunChoice } from "./boot-files.ts";
import { makeCompileThread } from "./compile-thread.ts";
import { openDisks } from "./disk-files.ts";
import type { HostNetwork } from "./host-network.ts";
import { RecordingFile } from "./recording-file.ts";
import { chooseRecordingPath } from "./recording-place.ts";
import { HostResidency, type ResidencyChoice } from "./residency.ts";
import { threadMs } from "./thread-clock.ts";
import { AdaptiveTurns } from "./turn-length.ts";

/** What a live run is made of. Absent: the defaults of DEFAULT_CONFIGURATION, or of KERNEL_CONFIGURATION under firmware. */
export interface LiveOptions extends RunChoice, ResidencyChoice {
  /** Undefined: a new file beside the program's other recordings. */
  readonly recordTo?: string;
  readonly memoryBytes?: number;
  readonly harts?: number;
  readonly isa?: string;
  readonly modes?: MachineConfiguration["modes"];
  readonly seed?: number;
  readonly clock?: "virtual" | "paced";
  readonly engine?: EngineChoice;
  readonly cacheGroup?: CacheGroupChoice;
  /** The network, as `--net` has it. Absent: none. */
  readonly net?: string;
  /** In the order of their slots. */
  readonly disks?: readonly DiskChoice[];
  /** Seconds since 1970 that the guest's clock shows at instant 0; undefined: now. */
  readonly startTime?: number;
  readonly virtio?: "modern" | "legacy";
  /** Which of the guest's consoles gets the input: `console` of the configuration. */
  readonly guestConsole?: "uart" | "virtio";
}

export interface LiveSession {
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly boot: LoadedBoot;
  readonly recording: RecordingFile;
  /** Where pages are that the machine does not keep; absent: it keeps all. */
  readonly residency: HostResidency | undefined;
}

/** The oracle does a million steps a second: its slices must be short for a pause to come through. */
const ORACLE_SLICE_STEPS = 5_000;

/** The machine of a run that begins now: its clock shows the present time, unless the user wants another. */
export function configurationOf(options: LiveOptions, disks: MachineConfiguration["disks"]): MachineConfiguration {
  const network = options.net !== undefined && parseNetOptions(options.net) !== undefined;
  const defaults = hasFirmware(options) ? KERNEL_CONFIGURATION : DEFAULT_CONFIGURATION;
  return {
    ...defaults,
    memoryBytes: options.memoryBytes ?? defaults.memoryBytes,
    harts: options.harts ?? DEFAULT_CONFIGURATION.harts,
    isa: options.isa ?? defaults.isa,
    modes: options.modes ?? defaults.modes,
    seed: options.seed ?? DEFAULT_CONFIGURATION.seed,
    // Whoever the guest talks to lives in the host's time: a guest that sleeps must not wake before an answer can come.
    clock: options.clock ?? (network ? "paced" : DEFAULT_CONFIGURATION.clock),
    startTime: options.startTime ?? Math.floor(Date.now() / 1000),
    disks,
    network,
    virtio: options.virtio ?? DEFAULT_CONFIGURATION.virtio,
    console: options.guestConsole ?? DEFAULT_CONFIGURATION.console,
  };
}

export function timelineOptions(engine: EngineChoice | undefined): TimelineOptions {
  return engine === "oracle" ? { sliceSteps: ORACLE_SLICE_STEPS } : {};
}

/**
 * A machine with a program in it, recorded from its first instant. `onRoom` is called when the writer's backlog has
 * shrunk and when the recording has failed. `network` is what `options.net` asks for, opened. Nothing is written when
 * the program or the options are wrong.
 */
export function openLive(options: LiveOptions, onRoom: () => void, network?: HostNetwork): LiveSession {
  const disks = openDisks(options.disks ?? [], true);
  const configuration = configurationOf(options, disks.configurations);
  const residency = HostResidency.of(options, configuration);
  const machine = new Machine(
    ...([configuration, options.engine, disks.images, options.cacheGroup] as const),
    residency?.metered(makeCompileThread) ?? makeCompileThread,
    residency?.residency,
  );
  const boot = loadBoot(options, configuration);
  machine.load(boot.image);
  const header: RecordingHeader = {
    tool: `hindcast ${packageDescription.version}`,
    configuration,
    images: [...boot.recorded, ...disks.recorded],
  };
  const path = options.recordTo ?? chooseRecordingPath(boot.path, new Date());
  if (resolve(path) === resolve(boot.path)) {
    throw new UserError("recording-is-program", `The recording cannot replace the program ${boot.path}.`, 2);
  }
  const recording = RecordingFile.create(path, header, onRoom);
  const ofTimeline = {
    ...timelineOptions(options.engine),
    turns: new AdaptiveTurns(() => performance.now() - (residency?.stoodMs ?? 0), undefined, threadMs),
    ...(residency && { pages: residency }),
    onFrame: (frame: Uint8Array) => network?.fromGuest(frame),
    bookmarkKeeper: bookmarksBeside(path, machine),
  };
  const timeline = Timeline.record(machine, recording, ofTimeline, recording.checkpoints);
  network?.connect({
    deliver: (frame) => {
      const isTaken = timeline.receive(frame);
      // Once the network is silent it stays so: nobody need try again.
      if (!isTaken && timeline.networkFailure !== undefined) queueMicrotask(() => network.close());
      return isTaken;
    },
    get backlog() {
      return timeline.framesWaiting;
    },
  });
  return { machine, timeline, boot, recording, residency };
}

/** For what becomes of bookmarks that the open recording has: it goes on, and nobody knows yet where it ends. */
export function bookmarksBeside(path: string, machine: Machine): BookmarkFile {
  const digests = new DigestLog();
  digests.push({ instant: machine.instant, events: 0, digest: machine.digest() });
  return new BookmarkFile(path, { end: Number.MAX_SAFE_INTEGER as Instant, digests });
}
