import type { Program } from "../assembler/program.ts";
import type { ResidencyCounters, ResidencyReport } from "../machine/residency.ts";
import type { Branches } from "../replay/branches.ts";
import type { HistoryLike, TimelineLike } from "../replay/timeline-interface.ts";
import type { DebuggeeEvent, ExecutableFile } from "./protocol.ts";
import type { SegmentRunner } from "./search-protocol.ts";

export interface DebuggeeParts {
  readonly timeline: TimelineLike;
  /** The same with its branches, where there can be any. Absent: the past cannot be changed. */
  readonly branches?: Branches;
  /** What views draw; without it `timeline` shows instants only. */
  readonly history?: HistoryLike;
  /** Images with their symbols and lines; the first is the one that was launched. */
  readonly programs: readonly Program[];
  /** Text of sources that came with the program, by the paths of `Program.files`. */
  readonly sourceTexts?: ReadonlyMap<string, string>;
  /** The launched program as an ELF, read when it is wanted. */
  readonly executable?: () => ExecutableFile | undefined;
  /** Log points, changed breakpoints, invalidated memory. Called synchronously, in order of what happens. */
  readonly emit: (event: DebuggeeEvent) => void;
  /** Who searches the past elsewhere; absent: the debuggee itself, while it stands still. */
  readonly segmentRunner?: SegmentRunner;
  /** Where pages are that the machine does not keep; absent: it keeps all. */
  readonly residency?: (counters: ResidencyCounters) => ResidencyReport;
}
