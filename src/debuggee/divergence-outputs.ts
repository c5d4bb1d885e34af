import { sameBytes } from "../base/same-bytes.ts";
import type { OutputDifference, SidePair } from "./divergence-protocol.ts";
import type { PrintedBytes, RunAbout, RunAsker } from "./run-probe.ts";

export const CONSOLE = 0;
export const NETWORK = 1;
export const END = 2;

/** Bytes that are fetched at once. */
const PAGE_BYTES = 64 * 1024;
const PAGE_FRAMES = 256;
/** Of a line, around the byte in question. */
const SHOWN_BEFORE = 120;
const SHOWN_BEHIND = 60;
/** A machine that is a little slower than the other one, where its recording ends, would have said the same a little later. */
const SLACK_STEPS = 20_000;

/** What was said by both, and the first thing that was not. */
export interface ComparedOutputs {
  readonly difference: OutputDifference | undefined;
  /** Outputs that both said alike. */
  readonly equal: number;
  readonly moved: number;
  readonly mostSteps: number;
  /** The first output that both said alike at other instants. */
  readonly firstMoved: SidePair<number> | undefined;
  readonly notes: readonly string[];
}

export type Askers = SidePair<RunAsker>;
export type Abouts = SidePair<RunAbout>;

/** Compares what two runs said since they begin: bytes of the console and frames by their numbers, and how they ended. */
export async function compareOutputs(askers: Askers, abouts: Abouts): Promise<ComparedOutputs> {
  const tally = new Tally();
  const notes: string[] = [];
  const printed = await consoleDifference(askers, abouts, tally, notes);
  const sent = await frameDifference(askers, abouts, tally, notes);
  const ended = endDifference(abouts, tally);
  const all = [printed, sent, ended].filter((each) => each !== undefined);
  const difference = all.sort((a, b) => a.left - b.left)[0];
  return { difference, equal: tally.equal, moved: tally.moved, mostSteps: tally.most, firstMoved: tally.first, notes };
}

class Tally {
  equal = 0;
  moved = 0;
  most = 0;
  first: SidePair<number> | undefined;

  add(left: number, right: number): void {
    this.equal++;
    if (left === right) return;
    this.moved++;
    this.most = Math.max(this.most, Math.abs(left - right));
    if (this.first === undefined || left < this.first.left) this.first = { left, right };
  }

  /** Whether a run that does not say something by its end, and can go on, would have. */
  isMissing({ end, ended }: RunAbout, instant: number): boolean {
    if (ended !== undefined) return true;
    return instant + (this.most === 0 ? 0 : this.most * 2 + SLACK_STEPS) < end;
  }
}

async function consoleDifference(
  { left, right }: Askers,
  abouts: Abouts,
  tally: Tally,
  notes: string[],
): Promise<OutputDifference | undefined> {
  const skipped = Math.max(abouts.left.printedFrom, abouts.right.printedFrom);
  if (skipped > 0) {
    const count = skipped.toLocaleString("en-US");
    notes.push(`What the consoles said before byte ${count} is not known of both, and was not compared.`);
  }
  for (let at = skipped; ; ) {
    const [a, b] = await Promise.all([left.printed(at, PAGE_BYTES), right.printed(at, PAGE_BYTES)]);
    const common = Math.min(a.bytes.length, b.bytes.length);
    for (let index = 0; index < common; index++) {
      if (a.bytes[index] !== b.bytes[index]) {
        return await differing({ left, right }, abouts, at + index, [one(a, index), one(b, index)]);
      }
      tally.add(a.instants[index], b.instants[index]);
    }
    at += common;
    if (common === PAGE_BYTES) continue;
    if (a.bytes.length === b.bytes.length) return undefined;
    const isLeftLonger = a.bytes.length > common;
    const extra = one(isLeftLonger ? a : b, common);
    if (!tally.isMissing(isLeftLonger ? abouts.right : abouts.left, extra.instant)) return undefined;
    return await differing({ left, right }, abouts, at, isLeftLonger ? [extra, undefined] : [undefined, extra]);
  }
}

interface Saying {
  readonly instant: number;
  readonly bytes: Uint8Array;
}

/** What each said under one number. */
type Sayings = readonly [Saying | undefined, Saying | undefined];

function one({ bytes, instants }: PrintedBytes, index: number): Saying {
  return { bytes: bytes.slice(index, index + 1), instant: instants[index] };
}

async function differing(
  { left, right }: Askers,
  abouts: Abouts,
  number: number,
  [a, b]: Sayings,
): Promise<OutputDifference> {
  const [leftText, rightText] = await Promise.all([
    lineAround(left, abouts.left, number),
    lineAround(right, abouts.right, number),
  ]);
  return { ...differenceAt(abouts, CONSOLE, number, [a, b]), leftText, rightText };
}

/** Who did not say it is told by where its run ends. */
function differenceAt({ left, right }: Abouts, device: number, number: number, [a, b]: Sayings): OutputDifference {
  return {
    ...{ left: a?.instant ?? left.end, right: b?.instant ?? right.end, device, number },
    ...(a !== undefined && { leftBytes: a.bytes }),
    ...(b !== undefined && { rightBytes: b.bytes }),
  };
}

/** The line that a byte of the console belongs to, as far as it was printed. */
async function lineAround(asker: RunAsker, { printedFrom }: RunAbout, number: number): Promise<string> {
  const start = Math.max(printedFrom, number - SHOWN_BEFORE);
  const { bytes } = await asker.printed(start, SHOWN_BEFORE + SHOWN_BEHIND);
  const at = number - start;
  const first = at === 0 ? 0 : bytes.lastIndexOf(LINE_FEED, at - 1) + 1;
  const end = bytes.indexOf(LINE_FEED, at);
  const text = new TextDecoder().decode(bytes.subarray(first, end < 0 ? undefined : end));
  return text.replace(/\p{Cc}/gu, "");
}

const LINE_FEED = 0x0a;

async function frameDifference(
  { left, right }: Askers,
  abouts: Abouts,
  tally: Tally,
  notes: string[],
): Promise<OutputDifference | undefined> {
  const held = Math.max(abouts.left.framesFrom, abouts.right.framesFrom);
  if (held > 0) notes.push(`What was sent before frame ${held} is not known of both, and was not compared.`);
  for (let at = held; ; ) {
    const [a, b] = await Promise.all([left.frames(at, PAGE_FRAMES), right.frames(at, PAGE_FRAMES)]);
    const common = Math.min(a.length, b.length);
    for (let index = 0; index < common; index++) {
      const [one, other] = [a[index], b[index]];
      if (!sameBytes(one.bytes, other.bytes)) {
        return differenceAt(abouts, NETWORK, at + index, [one, other]);
      }
      tally.add(one.instant, other.instant);
    }
    at += common;
    if (common === PAGE_FRAMES) continue;
    if (a.length === b.length) return undefined;
    const isLeftLonger = a.length > common;
    const extra = isLeftLonger ? a[common] : b[common];
    if (!tally.isMissing(isLeftLonger ? abouts.right : abouts.left, extra.instant)) return undefined;
    return differenceAt(abouts, NETWORK, at, isLeftLonger ? [extra, undefined] : [undefined, extra]);
  }
}

function endDifference({ left, right }: Abouts, tally: Tally): OutputDifference | undefined {
  const [leftText, rightText] = [endText(left), endText(right)];
  const at = { left: lastStep(left), right: lastStep(right), device: END, number: 0 };
  if (left.ended !== undefined && right.ended !== undefined) {
    if (leftText !== rightText) return { ...at, leftText, rightText };
    tally.add(at.left, at.right);
    return undefined;
  }
  if (left.ended === undefined && right.ended === undefined) return undefined;
  const [open, over] = left.ended === undefined ? [left, right] : [right, left];
  return tally.isMissing(open, over.end) ? { ...at, leftText, rightText } : undefined;
}

/** The step that ended a guest has been taken where it wrote the finisher, and has not where it trapped. */
function lastStep({ ended, end }: RunAbout): number {
  return ended?.kind === "finished" ? Math.max(0, end - 1) : end;
}

function endText({ ended }: RunAbout): string {
  switch (ended?.kind) {
    case undefined:
      return "has not ended";
    case "finished":
      return ended.reset ? "asked for a reset" : `ended with exit code ${ended.exitCode}`;
    case "unhandled-trap":
      return `ended by a trap without a handler (cause ${ended.cause}, value 0x${ended.tval.toString(16)})`;
    default:
      return `ended (${ended?.kind})`;
  }
}
