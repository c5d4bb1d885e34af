import type {
  DivergenceFindingBody as DivergenceFinding,
  MachineComparisonBody as MachineComparison,
  PairLogFilterBody as PairLogFilter,
  PairLogRowBody as PairLogRow,
  PairPlaceBody as PairPlace,
  PairStateBody as PairState,
} from "../adapter/custom-protocol.ts";
import type { TimelineCommand } from "./messages.ts";
import type { SourceFacts } from "./search-messages.ts";

/** Two machines in lockstep: what the adapter answers goes to the page as it is. */
export type { DivergenceFinding, MachineComparison, PairLogFilter, PairLogRow, PairPlace, PairState };

export type LockstepCommand = TimelineCommand | "hindcast.goToCorresponding";

export type ToLockstep =
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  /** A session of one machine. */
  | { readonly type: "alone"; readonly title: string }
  | { readonly type: "pair"; readonly state: PairState }
  /** Answers to the request of the same number. */
  | { readonly type: "log"; readonly request: number; readonly rows: readonly PairLogRow[]; readonly total: number }
  | { readonly type: "finding"; readonly request: number; readonly finding: DivergenceFinding }
  | { readonly type: "comparison"; readonly request: number; readonly comparison: MachineComparison }
  /** It cannot be answered; a sentence. */
  | { readonly type: "refused"; readonly request: number; readonly message: string };

export type FromLockstep =
  | { readonly type: "ready" }
  | {
      readonly type: "askLog";
      readonly request: number;
      readonly from: number;
      readonly count: number;
      readonly filter: PairLogFilter;
    }
  /** The machines go to the divergent instruction. */
  | { readonly type: "find"; readonly request: number; readonly divergence?: number }
  | { readonly type: "compare"; readonly request: number }
  | { readonly type: "go"; readonly place: Partial<PairPlace> }
  /** The machine whose session is looked at goes to an instant of its own, the other along. */
  | { readonly type: "travel"; readonly instant: number }
  | { readonly type: "openSource"; readonly source: SourceFacts }
  | { readonly type: "command"; readonly command: LockstepCommand };
