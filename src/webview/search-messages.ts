/** What the extension and the page of the Searches view say to each other. */
import type { QuestionBody, RowBody, SearchBody } from "../adapter/custom-protocol.ts";
import type { TimelineCommand } from "./messages.ts";

/** A search as the list shows it. */
export type SearchFacts = Omit<SearchBody, "question"> & {
  readonly kind: QuestionBody["kind"];
  /** The run has grown since it was asked. */
  readonly behind: boolean;
};

export type RowFacts = RowBody;

/** A value's way back through registers and memory, as the list shows it. */
export interface ChainFacts {
  readonly id: number;
  readonly title: string;
  /** Absent: it is being followed. */
  readonly origin?: OriginFacts;
  /** A sentence: why there is none. */
  readonly problem?: string;
}

export type ToSearches =
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  | { readonly type: "position"; readonly now: number; readonly end: number }
  /** All there are, the newest first; `selected` is one of them. */
  | {
      readonly type: "list";
      readonly entries: readonly (SearchFacts | ChainFacts)[];
      readonly selected: number | undefined;
    }
  /** One of them is further on. */
  | { readonly type: "changed"; readonly entry: SearchFacts | ChainFacts }
  /** Answers to the request of the same number. */
  | { readonly type: "rows"; readonly request: number; readonly rows: readonly RowFacts[] }
  | { readonly type: "origin"; readonly request: number; readonly origin: OriginFacts }
  | { readonly type: "refused"; readonly request: number; readonly message: string };

export type FromSearches =
  | { readonly type: "ready" }
  | { readonly type: "select"; readonly id: number }
  /** Rows `first`, `first + 1`, …, counted from the newest. */
  | {
      readonly type: "askRows";
      readonly request: number;
      readonly id: number;
      readonly first: number;
      readonly count: number;
    }
  | { readonly type: "askOrigin"; readonly request: number; readonly ask: OriginQuestion }
  | { readonly type: "travel"; readonly instant: number }
  | { readonly type: "openSource"; readonly source: SourceFacts }
  | { readonly type: "cancel" | "close" | "extend"; readonly id: number }
  | { readonly type: "command"; readonly command: SearchCommand | TimelineCommand };

export type SearchCommand = "hindcast.newSearch" | "hindcast.allTraps" | "hindcast.allOutputs";

export interface SourceFacts {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export function isChain(entry: SearchFacts | ChainFacts): entry is ChainFacts {
  return !("kind" in entry);
}

/** Where a value came from: what the adapter answers, as much of it as is shown. Values are `0x…`. */
export interface OriginFacts {
  readonly place: OriginPlaceFacts;
  readonly instant: number;
  readonly hart: number;
  readonly value?: string;
  /** Newest first. */
  readonly steps: readonly OriginStepFacts[];
  readonly end: OriginEndFacts;
}

export interface OriginPlaceFacts {
  readonly name: string;
  /** How to ask on from there. */
  readonly ask: OriginQuestion;
}

export interface OriginQuestion {
  readonly place: string;
  readonly length?: number;
  readonly instant?: number;
  readonly hart?: number;
}

export interface OriginStepFacts {
  readonly instant: number;
  readonly hart: number;
  readonly pc: string;
  readonly symbol: string;
  readonly source?: SourceFacts;
  /** The instruction. */
  readonly text: string;
  readonly place: OriginPlaceFacts;
  readonly value: string;
  readonly how: string;
  readonly sentence: string;
  readonly operands: readonly OriginOperandFacts[];
  /** The operand that the chain goes on with. */
  readonly follows?: number;
  readonly note?: string;
}

export interface OriginOperandFacts {
  readonly place: OriginPlaceFacts;
  readonly value?: string;
  /** "address": it decided where, not what. "rest": bytes that the step left as they were. */
  readonly role?: "value" | "address" | "rest";
}

export interface OriginEndFacts {
  readonly kind: string;
  readonly sentence: string;
  /** To travel to. */
  readonly instant?: number;
  /** The chain was long enough: it can be followed on from there. */
  readonly place?: OriginPlaceFacts;
}
