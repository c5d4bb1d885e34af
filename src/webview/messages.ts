/**
 * What the extension and its webviews say to each other. The only file that both sides import: plain data, no code that
 * needs either of them; what the adapter answers goes through with the types of its protocol.
 */

import type {
  AddressSpaceBody as AddressSpace,
  CacheGroupBody as CacheGroup,
  CsrBody as CsrFacts,
  CsrsBody as CsrTable,
  DeviceBody as DeviceFacts,
  HartBody as HartFacts,
  MachineBody as MachineOverview,
  MemoryRegionBody as MemoryRegion,
  PageEntryBody as PageEntry,
  PageTableBody as PageTable,
  ResidencyBody as Residency,
  PageTableArguments as TableQuestion,
  TranslationBody as Translation,
} from "../adapter/custom-protocol.ts";

export type MarkKind = "event" | "output" | "checkpoint" | "bookmark" | "hit" | "trap" | "wait" | "found";

/** One thing that happened, or was noted by the user, at an instant. */
export interface Mark {
  readonly kind: MarkKind;
  readonly instant: number;
  /** Of a wait: its end; absent: it goes on. */
  readonly until?: number;
  readonly label: string;
  readonly detail?: string;
}

/** Where the machine stands and how far history reaches, in instants. */
export interface Position {
  readonly first: number;
  readonly now: number;
  readonly end: number;
  /** The recording is still open: running on makes new history. */
  readonly live: boolean;
  readonly running: boolean;
  /** The what-if branch that is shown: from its origin on it is another run than the recording. */
  readonly branch?: { readonly origin: number; readonly label: string };
}

export type ToTimeline =
  /** No session: show what to do to get one. */
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  | { readonly type: "position"; readonly position: Position }
  /** Something was added or thinned: marks in view should be asked for anew. */
  | { readonly type: "changed" }
  /** Answer to the request of the same number. */
  | {
      readonly type: "marks";
      readonly request: number;
      readonly from: number;
      readonly to: number;
      readonly marks: readonly Mark[];
      /** Marks there are in this range; more than `marks.length` when they were thinned. */
      readonly total: number;
    }
  /** What there is to say of the wait that begins at an instant: who waited, and who ran meanwhile. */
  | { readonly type: "wait"; readonly instant: number; readonly text: string };

export type FromTimeline =
  | { readonly type: "ready" }
  /** Marks with from <= instant <= to, thinned to at most `most`. */
  | {
      readonly type: "askMarks";
      readonly request: number;
      readonly from: number;
      readonly to: number;
      readonly most: number;
    }
  | { readonly type: "travel"; readonly instant: number }
  | { readonly type: "askWait"; readonly instant: number }
  | { readonly type: "renameBookmark" | "removeBookmark"; readonly instant: number; readonly name: string }
  | { readonly type: "command"; readonly command: TimelineCommand };

/** Commands of the extension that the timeline's page offers as buttons. */
export type TimelineCommand =
  | "hindcast.debugFile"
  | "hindcast.openRecording"
  | "hindcast.openDemo"
  | "hindcast.addBookmark";

/** The machine as a whole, where it stands still: what the adapter answers goes to the page as it is. */
export type {
  AddressSpace,
  CacheGroup,
  CsrFacts,
  CsrTable,
  DeviceFacts,
  HartFacts,
  MachineOverview,
  MemoryRegion,
  PageEntry,
  PageTable,
  Residency,
  TableQuestion,
  Translation,
};

export type ResidencyWork = Residency["works"][number];

export type ToMachine =
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  /** It runs: what is shown was so at the last stop. */
  | { readonly type: "running" }
  /** It stands still: here, or after an edit. */
  | { readonly type: "overview"; readonly overview: MachineOverview }
  /** Answers to the request of the same number. */
  | { readonly type: "csrs"; readonly request: number; readonly hart: number; readonly csrs: CsrTable }
  | { readonly type: "translation"; readonly request: number; readonly translation: Translation }
  | { readonly type: "table"; readonly request: number; readonly table: PageTable }
  /** It cannot be answered; a sentence. */
  | { readonly type: "refused"; readonly request: number; readonly message: string };

export type FromMachine =
  | { readonly type: "ready" }
  | { readonly type: "askCsrs"; readonly request: number; readonly hart: number }
  /** `address` is a number or an expression. */
  | { readonly type: "askTranslation"; readonly request: number; readonly hart: number; readonly address: string }
  | ({ readonly type: "askTable"; readonly request: number } & TableQuestion)
  | { readonly type: "command"; readonly command: TimelineCommand };

/** What the page of a recording shows. */
export interface RecordingFacts {
  readonly name: string;
  readonly bytes: number;
  /** Steps that the recording holds. */
  readonly instants: number;
  readonly events: number;
  /** Bytes that the guest printed. */
  readonly outputs: number;
  readonly checkpoints: number;
  /** The machine that was recorded; a sentence. */
  readonly machine: string;
  readonly bookmarks: readonly { readonly name: string; readonly instant: number }[];
  /** The recorder ended it in good order. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  /** The program that ran, and how large its file was. */
  readonly program: { readonly name: string; readonly bytes: number } | undefined;
}

export type ToRecording =
  | { readonly type: "facts"; readonly facts: RecordingFacts }
  /** The file cannot be used; a sentence. */
  | { readonly type: "unusable"; readonly name: string; readonly message: string };

export type FromRecording = { readonly type: "ready" } | { readonly type: "debug" } | { readonly type: "reload" };

export type { FromLockstep, ToLockstep } from "./lockstep-messages.ts";
export type {
  ChainFacts,
  FromSearches,
  OriginFacts,
  OriginQuestion,
  SearchFacts,
  ToSearches,
} from "./search-messages.ts";
export { isChain } from "./search-messages.ts";
export type {
  Change,
  FromPlot,
  FromWatches,
  SeriesColumn,
  Stretch,
  ToPlot,
  ToWatches,
  WatchLine,
  WatchPosition,
  WatchRow,
  WatchStatus,
} from "./watch-messages.ts";
