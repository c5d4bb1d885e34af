import { UserError } from "../base/errors.ts";
import type { DebuggeeEvent, LaunchOptions } from "../debuggee/protocol.ts";
import { createBranchFile } from "./branch-file.ts";
import type { Session } from "./debuggee-server.ts";
import { openNetwork } from "./host-network.ts";
import { type LiveSession, openLive } from "./live-session.ts";
import type { Bell } from "./motion-driver.ts";
import { openDebuggee } from "./opened-debuggee.ts";
import { Pacer } from "./pacer.ts";
import { openRecording } from "./recorded-session.ts";
import { folderWarning } from "./recording-place.ts";

/** Opens what a launch asks for: a program to run and record, or a recording. */
export async function openSession(
  options: LaunchOptions,
  emit: (event: DebuggeeEvent) => void,
  bell: Bell,
): Promise<Session> {
  const { program, kernel, recording } = options;
  if (recording === undefined && (program ?? kernel) !== undefined) return live(options, emit, bell);
  if (recording !== undefined && (program ?? kernel) === undefined) return recorded(options, recording, emit, bell);
  throw new UserError("launch-what", "Launch a program, a kernel or a recording: exactly one of the three.", 2);
}

async function live(options: LaunchOptions, emit: (event: DebuggeeEvent) => void, bell: Bell): Promise<Session> {
  const network = await openNetwork(options.net, bell);
  let session: LiveSession;
  try {
    session = openLive(options, () => bell.ring(), network);
  } catch (error) {
    network?.close();
    throw error;
  }
  const { machine, timeline, boot, recording, residency } = session;
  const opened = openDebuggee({ timeline, ...boot, emit, file: recording, options, residency });
  const { debuggee, branches } = opened;
  const pacer = machine.configuration.clock === "paced" ? new Pacer(() => performance.now(), machine.time) : undefined;
  const warning = folderWarning(recording.path);
  return {
    debuggee,
    branches,
    createRecording: (to) => createBranchFile(to, recording.path, () => bell.ring()),
    result: {
      harts: machine.harts.length,
      recording: recording.path,
      live: true,
      end: timeline.end,
      hasLines: boot.programs.some(({ lines }) => lines.length > 0),
      warnings: [...boot.warnings, ...(warning === undefined ? [] : [warning])],
      entered: debuggee.entered(),
    },
    recordingBytes: () => recording.fileBytes,
    recordingFailure: () => recording.failure ?? timeline.networkFailure,
    pace: (progress) => pacer?.keep(progress, { ticks: machine.time, bell, idle: (ticks) => timeline.idle(ticks) }),
    close: async () => {
      await opened.closeSearches();
      network?.close();
      branches.close();
      await recording.close();
      await residency?.close();
    },
  };
}

function recorded(options: LaunchOptions, path: string, emit: (event: DebuggeeEvent) => void, bell: Bell): Session {
  const session = openRecording(path, { ...options, travels: true });
  const { machine, timeline, reader, programs, sources, warnings, executable, residency } = session;
  const file = { path, checkpoints: reader.checkpoints };
  const opened = openDebuggee({ timeline, programs, sources, executable, emit, file, options, residency });
  const { debuggee, branches } = opened;
  return {
    debuggee,
    branches,
    createRecording: (to) => createBranchFile(to, path, () => bell.ring()),
    result: {
      harts: machine.harts.length,
      recording: path,
      live: false,
      end: timeline.end,
      hasLines: programs.some(({ lines }) => lines.length > 0),
      warnings,
      entered: debuggee.entered(),
    },
    recordingBytes: () => reader.sizeBytes,
    recordingFailure: () => undefined,
    pace: () => undefined,
    close: async () => {
      await opened.closeSearches();
      branches.close();
      session.close();
    },
  };
}
