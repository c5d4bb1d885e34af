import type { Mark, MarkKind } from "./messages.ts";
import { exact } from "./scale.ts";

/** How a kind of mark is named and drawn. Shape and lane tell kinds apart as well as colour does. */
export interface Lane {
  readonly kind: MarkKind;
  readonly title: string;
  /** Of one mark, for lists and screen readers. */
  readonly singular: string;
  readonly explanation: string;
  readonly shape: "disc" | "triangle" | "bar" | "diamond" | "flag" | "square" | "tick" | "span";
  /** Theme colour, and what to take where the theme has none. */
  readonly colour: readonly [variable: string, fallback: string];
}

export const LANES: readonly Lane[] = [
  {
    kind: "hit",
    title: "Hits",
    singular: "hit",
    explanation: "Breakpoints and data breakpoints that were hit",
    shape: "disc",
    colour: ["--vscode-debugIcon-breakpointForeground", "#e51400"],
  },
  {
    kind: "trap",
    title: "Traps",
    singular: "trap",
    explanation: "Exceptions that the machine ran into",
    shape: "triangle",
    colour: ["--vscode-symbolIcon-eventForeground", "#d67e00"],
  },
  {
    kind: "wait",
    title: "Waits",
    singular: "wait",
    explanation: "Processes that slept while the machine brought in a page of their memory, and others ran",
    shape: "span",
    colour: ["--vscode-charts-orange", "#d18616"],
  },
  {
    kind: "output",
    title: "Output",
    singular: "output",
    explanation: "What the guest printed",
    shape: "bar",
    colour: ["--vscode-charts-blue", "#3794ff"],
  },
  {
    kind: "event",
    title: "Events",
    singular: "event",
    explanation: "What reached the machine from outside: keys, edits",
    shape: "diamond",
    colour: ["--vscode-charts-green", "#89d185"],
  },
  {
    kind: "bookmark",
    title: "Bookmarks",
    singular: "bookmark",
    explanation: "Instants that you gave a name",
    shape: "flag",
    colour: ["--vscode-charts-purple", "#b180d7"],
  },
  {
    kind: "found",
    title: "Found",
    singular: "row found",
    explanation: "Rows of the search that is selected in the Searches view",
    shape: "square",
    colour: ["--vscode-charts-yellow", "#cca700"],
  },
  {
    kind: "checkpoint",
    title: "Checkpoints",
    singular: "checkpoint",
    explanation: "Saved states of the machine; travel starts from the nearest",
    shape: "tick",
    colour: ["--vscode-descriptionForeground", "#888888"],
  },
];

/** Most guests never wait for a page: the lane is there for those that do. */
export function lanesFor(hasWaits: boolean): readonly Lane[] {
  return hasWaits ? LANES : LANES.filter(({ kind }) => kind !== "wait");
}

export function laneOf(mark: Mark): Lane {
  return LANES.find(({ kind }) => kind === mark.kind)!;
}

/** A checkpoint has nothing to say but what it is. */
export function withLabel(mark: Mark): Mark {
  return mark.label === "" ? { ...mark, label: laneOf(mark).singular } : mark;
}

/** What the user wants to see. */
export interface Filter {
  readonly hidden: ReadonlySet<MarkKind>;
  /** Lower case; matched against label and detail. */
  readonly text: string;
}

export function passes(mark: Mark, filter: Filter): boolean {
  if (filter.hidden.has(mark.kind)) return false;
  if (filter.text === "") return true;
  return `${mark.label} ${mark.detail ?? ""} ${mark.instant} ${exact(mark.instant)}`
    .toLowerCase()
    .includes(filter.text);
}

/** Index of the first mark at or after `instant`. `marks` ascend. */
export function firstAtOrAfter(marks: readonly Mark[], instant: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle].instant < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The mark nearest to `instant` of those at most `reach` away for which `wanted` holds. `marks` ascend. */
export function nearest(
  marks: readonly Mark[],
  instant: number,
  reach: number,
  wanted: (mark: Mark) => boolean,
): Mark | undefined {
  let best: Mark | undefined;
  for (let index = firstAtOrAfter(marks, instant - reach); index < marks.length; index++) {
    const mark = marks[index];
    if (mark.instant > instant + reach) break;
    if (!wanted(mark)) continue;
    if (best === undefined || Math.abs(mark.instant - instant) < Math.abs(best.instant - instant)) best = mark;
  }
  return best;
}

/** The mark that lasts over `instant` and began last, of those for which `wanted` holds. */
export function lasting(marks: readonly Mark[], instant: number, wanted: (mark: Mark) => boolean): Mark | undefined {
  return marks.findLast((mark) => mark.instant <= instant && (mark.until ?? instant) >= instant && wanted(mark));
}
