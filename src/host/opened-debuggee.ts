import type { Program } from "../assembler/program.ts";
import { Debuggee } from "../debuggee/debuggee.ts";
import type { DebuggeeEvent, ExecutableFile, LaunchOptions } from "../debuggee/protocol.ts";
import { Branches } from "../replay/branches.ts";
import type { CheckpointFile } from "../replay/checkpoint-file.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { HostResidency } from "./residency.ts";
import { sourceTexts } from "./source-files.ts";
import { ThreadRunner } from "./thread-runner.ts";

export interface DebuggedRun {
  readonly timeline: Timeline;
  readonly programs: readonly Program[];
  readonly sources: ReadonlyMap<string, Uint8Array>;
  readonly executable: () => ExecutableFile | undefined;
  readonly emit: (event: DebuggeeEvent) => void;
  /** What searches in other threads open. Undefined: they have nothing to open. */
  readonly file: SearchedFile | undefined;
  readonly options: Pick<LaunchOptions, "engine" | "cacheGroup">;
  /** What keeps the machine's pages elsewhere, if anything does. */
  readonly residency?: HostResidency | undefined;
}

export interface SearchedFile {
  readonly path: string;
  readonly checkpoints: CheckpointFile | undefined;
  /** Of a recording that is being written: threads know what is in the file. */
  readonly failure?: string | undefined;
  flush?(): Promise<void>;
}

/** A run's debuggee, with its branches and the threads that search for it. */
export interface OpenedDebuggee {
  readonly debuggee: Debuggee;
  readonly branches: Branches;
  closeSearches(): Promise<void>;
}

export function openDebuggee(run: DebuggedRun): OpenedDebuggee {
  const { timeline, programs, sources, executable, emit, file, options, residency } = run;
  const branches = new Branches(timeline);
  const segmentRunner = new ThreadRunner({
    checkpoints: file?.checkpoints,
    isUsable: () => file?.checkpoints !== undefined && file.failure === undefined,
    subject: async () => {
      const { end, ended } = timeline;
      await file?.flush?.();
      return { path: file?.path ?? "", end, ended, engine: options.engine, cacheGroup: options.cacheGroup };
    },
  });
  const debuggee = new Debuggee({
    ...{ timeline: branches, branches, history: branches.history },
    ...{ programs, sourceTexts: sourceTexts(sources), executable, emit, segmentRunner },
    ...(residency && { residency: (counters) => residency.report(counters) }),
  });
  return { debuggee, branches, closeSearches: () => segmentRunner.close() };
}
