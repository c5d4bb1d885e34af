/** What the extension and the pages of Watch over Time say to each other. */

import type { SeriesBucketBody as SeriesColumn } from "../adapter/custom-protocol.ts";

export type { SeriesColumn };

/** A change of an expression's value, or the value that it begins with. */
export interface Change {
  readonly instant: number;
  /** The value from here on. */
  readonly text: string;
  readonly number?: number;
  /** Where: `heap_split+0x1c (queue.s:42)`. */
  readonly place: string;
  readonly problem?: string;
}

export type WatchStatus =
  /** Nobody has asked yet: the machine starts, or runs. */
  | "waiting"
  | "searching"
  | "done"
  | "cancelled"
  /** It could not be asked; `problem` says why. */
  | "failed";

/** An expression and what is known of it. */
export interface WatchRow {
  readonly key: number;
  readonly expression: string;
  readonly at?: string;
  /** The user has asked for a look every so many steps. */
  readonly every?: number;
  readonly status: WatchStatus;
  /** 0 to 1. */
  readonly fraction: number;
  /** The value where the machine stands. */
  readonly value?: string;
  /** The step here changes it to this. */
  readonly becomes?: string;
  /** Changes that are known; `exact`: there are no others. */
  readonly changes: number;
  readonly exact: boolean;
  readonly sampled: boolean;
  /** Steps between two looks, where it is sampled. */
  readonly everySteps?: number;
  /** The value is the address of something: what to watch instead. */
  readonly instead?: string;
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
  readonly problem?: string;
  /** What is known of the search: whoever shows its rows asks anew when this is another one. */
  readonly search?: {
    readonly id: number;
    readonly from: number;
    readonly to: number;
    /** Everything from here on has been searched. */
    readonly searchedFrom: number;
    readonly rows: number;
  };
  /** The whole recording in columns, as far as it has been searched. */
  readonly line?: WatchLine;
}

export interface WatchLine {
  readonly searchedFrom: number;
  readonly to: number;
  readonly columns: readonly SeriesColumn[];
}

/** Where the machine stands, and how far history reaches. */
export interface WatchPosition {
  readonly first: number;
  readonly now: number;
  readonly end: number;
  readonly running: boolean;
}

export type ToWatches =
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  | {
      readonly type: "watches";
      readonly position: WatchPosition;
      readonly rows: readonly WatchRow[];
      /** Functions of the guest that were called for them in saved states, all restored with equal digests. */
      readonly restored: number;
    }
  /** The row's text is to be edited. */
  | { readonly type: "edit"; readonly key: number }
  /** The input gets the focus. */
  | { readonly type: "input" };

export type FromWatches =
  | { readonly type: "ready" }
  | { readonly type: "add"; readonly text: string }
  | { readonly type: "edit"; readonly key: number; readonly text: string }
  | { readonly type: "remove"; readonly key: number }
  | { readonly type: "cancel"; readonly key: number }
  | { readonly type: "restart"; readonly key: number }
  | { readonly type: "plot"; readonly key: number }
  | { readonly type: "step"; readonly key: number; readonly direction: "previous" | "next" }
  | { readonly type: "travel"; readonly instant: number };

/** What an expression was in a stretch: columns, or, where there are few changes, all of them. */
export type Stretch =
  | { readonly kind: "columns"; readonly columns: readonly SeriesColumn[] }
  /** Ascending; the first may lie before the stretch, and says what the value was at its beginning. */
  | { readonly kind: "changes"; readonly changes: readonly Change[] };

/** To the plot: expressions large, on one axis. */
export type ToPlot =
  | { readonly type: "idle"; readonly text: string }
  | {
      readonly type: "plot";
      readonly position: WatchPosition;
      /** Without their lines. */
      readonly rows: readonly WatchRow[];
      readonly restored: number;
    }
  /** Answers to the request of the same number. */
  | {
      readonly type: "stretch";
      readonly request: number;
      readonly key: number;
      readonly from: number;
      readonly to: number;
      readonly stretch: Stretch;
    }
  /** Changes from index `first` on, the newest being 0. Absent: they cannot be had now. */
  | { readonly type: "changes"; readonly search: number; readonly first: number; readonly changes?: readonly Change[] }
  /** The newest change that is not behind an instant: its index, and what it is. */
  | {
      readonly type: "place";
      readonly request: number;
      readonly key: number;
      readonly index: number;
      readonly change?: Change;
    };

export type FromPlot =
  | { readonly type: "ready" }
  | {
      readonly type: "askStretch";
      readonly request: number;
      readonly key: number;
      readonly from: number;
      readonly to: number;
      readonly most: number;
    }
  | {
      readonly type: "askChanges";
      readonly key: number;
      readonly search: number;
      readonly first: number;
      readonly count: number;
    }
  /** Where in the list the change is that an instant's value comes from; or the one before or behind an instant. */
  | {
      readonly type: "askPlace";
      readonly request: number;
      readonly key: number;
      readonly instant: number;
      readonly which: "holding" | "previous" | "next";
    }
  | { readonly type: "travel"; readonly instant: number }
  | { readonly type: "step"; readonly key: number; readonly direction: "previous" | "next" }
  | { readonly type: "remove"; readonly key: number }
  | { readonly type: "export" };
