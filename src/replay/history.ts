import type { Instant } from "../base/brand.ts";
import { isPageEvent, type MachineEvent, type PageEvent } from "../machine/inlet.ts";
import { describeFrame } from "../network/describe-frame.ts";
import { isNewBookmark, noBookmark } from "./bookmarks.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import { lowerBound } from "./number-column.ts";
import { evenly } from "./output-log.ts";
import type { Run } from "./playback.ts";
import { type PageWait, pageWaits } from "./recorded-waits.ts";
import type { Bookmark, BookmarkKeeper, HistoryLike, HistoryMark, PrintedLine } from "./timeline-interface.ts";

/** What is remembered of a run besides its states. */
export class History implements HistoryLike {
  readonly #run: Run;
  readonly #store: CheckpointStore;
  readonly #keeper: BookmarkKeeper;
  #bookmarks: Bookmark[] = [];
  #knownWaits: { readonly events: number; readonly waits: readonly PageWait[] } | undefined;

  constructor(run: Run, store: CheckpointStore, keeper: BookmarkKeeper) {
    this.#run = run;
    this.#store = store;
    this.#keeper = keeper;
  }

  get events(): readonly MachineEvent[] {
    return this.#run.events.others;
  }

  get outputLength(): number {
    return this.#run.outputs.length;
  }

  get firstOutputHeld(): number {
    return this.#run.outputs.firstHeld;
  }

  get frameCount(): number {
    return this.#run.frames.length;
  }

  get checkpoints(): readonly Instant[] {
    const inFile = this.#run.file?.checkpoints.map(({ instant }) => instant) ?? [];
    return [...new Set([...this.#store.instants, ...inFile])].sort((a, b) => a - b);
  }

  get digests(): readonly Instant[] {
    return this.#run.digests.entries.map(({ instant }) => instant);
  }

  get bookmarks(): readonly Bookmark[] {
    return this.#bookmarks;
  }

  instantOfOutput(offset: number): Instant | undefined {
    return this.#run.outputs.instantOf(offset);
  }

  outputBytes(offset: number, length: number): Uint8Array {
    return this.#run.outputs.bytes(offset, length);
  }

  outputLengthAt(instant: Instant): number | undefined {
    return this.#run.outputs.countBefore(instant);
  }

  instantOfFrame(number: number): Instant | undefined {
    const { frames } = this.#run;
    return number < frames.length ? frames.instantOf(number) : undefined;
  }

  frameCountAt(instant: Instant): number {
    return this.#run.frames.countBefore(instant);
  }

  *lines(from: Instant, to: Instant): Generator<PrintedLine, void> {
    const { outputs } = this.#run;
    const start = Math.max(outputs.countBefore(from) ?? outputs.firstHeld, outputs.firstHeld);
    const cursor = outputs.from(start);
    let line: (PrintedLine & { readonly bytes: number[] }) | undefined;
    let isStart = start === 0 || outputs.bytes(start - 1, 1)[0] === NEWLINE;
    while (cursor.advance()) {
      const { byte } = cursor;
      if (isStart) {
        if (cursor.instant >= to) break;
        line = { instant: cursor.instant as Instant, offset: cursor.offset - 1, bytes: [] };
      }
      isStart = byte === NEWLINE;
      if (!isStart) {
        if (line !== undefined && line.bytes.length < LONGEST_LINE_BYTES) line.bytes.push(byte);
      } else if (line !== undefined) {
        yield line;
        line = undefined;
      }
    }
    if (line !== undefined) yield { ...line, open: true };
  }

  addBookmark(bookmark: Bookmark): void {
    if (!isNewBookmark(bookmark, this.#bookmarks)) return;
    this.restore([bookmark]);
    this.#keeper.add(bookmark);
  }

  removeBookmark(bookmark: Bookmark): void {
    this.#bookmarks = this.#without(bookmark);
    this.#keeper.remove(bookmark);
  }

  renameBookmark(bookmark: Bookmark, name: string): void {
    if (name === bookmark.name) return;
    const others = this.#without(bookmark);
    const renamed = { instant: bookmark.instant, name };
    const isNew = isNewBookmark(renamed, others);
    this.#bookmarks = others;
    if (isNew) this.restore([renamed]);
    // Whatever becomes of the process in between, the instant has a name.
    if (isNew) this.#keeper.add(renamed);
    this.#keeper.remove(bookmark);
  }

  #without({ instant, name }: Bookmark): Bookmark[] {
    const others = this.#bookmarks.filter((each) => each.instant !== instant || each.name !== name);
    if (others.length === this.#bookmarks.length) throw noBookmark({ instant, name });
    return others;
  }

  /** Takes bookmarks in that are kept already. */
  restore(bookmarks: readonly Bookmark[]): void {
    for (const { instant, name } of bookmarks) {
      const index = lowerBound(this.#bookmarks.length, (at) => this.#bookmarks[at].instant > instant);
      this.#bookmarks.splice(index, 0, { instant, name });
    }
  }

  marks(from: Instant, to: Instant, most: number): { marks: HistoryMark[]; total: number } {
    const bookmarks = this.#bookmarks.filter(({ instant }) => instant >= from && instant < to);
    const named = bookmarks.map(({ instant, name }): HistoryMark => ({ kind: "bookmark", instant, label: name }));
    // Names that people gave are never thinned; the rest share what is left.
    const share = Math.max(1, Math.floor((most - named.length) / 5));
    const events = within(this.events, from, to, ({ instant }) => instant).filter(hasMark);
    const waits = this.#waits(from, to);
    const checkpoints = within(this.checkpoints, from, to, (instant) => instant);
    const firstSent = this.#run.frames.countBefore(from);
    const sent = Array.from({ length: this.#run.frames.countBefore(to) - firstSent }, (_, index) => firstSent + index);
    const lines = this.#run.outputs.lineStarts(from, to, share);
    const marks = [
      ...named,
      ...evenly(events, share).map(eventMark),
      ...evenly(waits, share).map((wait) => waitMark(wait)),
      ...evenly(sent, share).map((index) => this.#sentMark(index)),
      ...lines.starts.map(({ instant, offset }) => this.#lineMark(instant, offset)),
      ...evenly(checkpoints, share).map((instant): HistoryMark => ({ kind: "checkpoint", instant, label: "" })),
    ];
    marks.sort((a, b) => a.instant - b.instant);
    return {
      marks,
      total: named.length + events.length + waits.length + sent.length + checkpoints.length + lines.total,
    };
  }

  /** Those that go on in some of [from, to). */
  #waits(from: Instant, to: Instant): PageWait[] {
    const known = this.events.length;
    if (this.#knownWaits?.events !== known) this.#knownWaits = { events: known, waits: pageWaits(this.events) };
    return this.#knownWaits.waits.filter((wait) => wait.from < to && (wait.to ?? to) >= from);
  }

  #sentMark(index: number): HistoryMark {
    const { frames } = this.#run;
    const frame = frames.at(index);
    const contents = frame === undefined ? "" : `: ${describeFrame(frame)}`;
    return { kind: "event", instant: frames.instantOf(index), label: `packet out${contents}` };
  }

  #lineMark(instant: Instant, offset: number): HistoryMark {
    const bytes = this.#run.outputs.bytes(offset, LONGEST_LABEL_BYTES);
    const end = bytes.indexOf(0x0a);
    const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    return { kind: "output", instant, label: printable(text), outputOffset: offset };
  }
}

const LONGEST_LABEL_BYTES = 80;
/** What a program prints without a line feed may be a picture. */
const LONGEST_LINE_BYTES = 4096;
const NEWLINE = 0x0a;

/** What is told of pages the mark of the wait says. */
function hasMark(event: MachineEvent): event is Exclude<MachineEvent, PageEvent> {
  return !isPageEvent(event);
}

function waitMark({ from, to, hart, address, work }: PageWait): HistoryMark {
  const length = to === undefined ? "goes on" : `${(to - from).toLocaleString("en-US")} steps`;
  const label = `0x${address.toString(16)} on hart ${hart}: ${work}, ${length}`;
  return { kind: "wait", instant: from as Instant, ...(to !== undefined && { until: to as Instant }), label };
}

function eventMark(event: Exclude<MachineEvent, PageEvent>): HistoryMark {
  const { instant } = event;
  switch (event.kind) {
    case "console-input": {
      const text = new TextDecoder().decode(event.bytes.subarray(0, LONGEST_LABEL_BYTES));
      return { kind: "event", instant, label: `input ${JSON.stringify(text)}` };
    }
    case "edit":
      return { kind: "event", instant, label: `edit of ${event.edit.target}` };
    case "network-input":
      return { kind: "event", instant, label: `packet in: ${describeFrame(event.frame)}` };
    case "idle-jump":
      return { kind: "event", instant, label: `idle for ${event.ticks} ticks` };
  }
}

/** Control characters would upset whoever shows the label. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "");
}

function within<T>(items: readonly T[], from: number, to: number, instantOf: (item: T) => number): readonly T[] {
  const first = lowerBound(items.length, (index) => instantOf(items[index]) >= from);
  return items.slice(
    first,
    lowerBound(items.length, (index) => instantOf(items[index]) >= to),
  );
}
