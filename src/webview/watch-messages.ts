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
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
  readonly problem?: string;
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
