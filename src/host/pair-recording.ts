import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../base/errors.ts";
import type { PairHeader } from "../replay/recording-message.ts";
import { RecordingReader } from "../replay/recording-reader.ts";
import { BOOKMARKS_EXTENSION } from "./bookmark-file.ts";
import { FIRST_MEMBER, firstFileOf, isBeside, pairFile, SECOND_MEMBER } from "./pair-files.ts";
import { type LoggedStretch, type PairLog, RecordedPairLog } from "./pair-log.ts";
import { readHeader } from "./recorded-images.ts";
import { checkReplaceable } from "./recording-file.ts";
import { FileByteSource } from "./recording-source.ts";
import { withSystemErrors } from "./system-errors.ts";
import { ZSTD } from "./zstd.ts";

export interface PairRecording {
  readonly id: string;
  /** In the order in which they came; those of which there is a recording. */
  readonly members: readonly PairMemberRecording[];
  readonly log: PairLog;
  /** Sentences: what is not there, or not whole. */
  readonly missing: readonly string[];
  /** Of the recording that was opened. */
  readonly opened: { readonly member: string; readonly stretch: number };
}

export interface PairMemberRecording {
  readonly member: string;
  readonly stretches: readonly PairStretchRecording[];
}

export interface PairStretchRecording {
  readonly path: string;
  readonly number: number;
  readonly first: number;
  readonly last: number;
  /** Whose state it begins with, absent: reset. */
  readonly start?: { readonly member: string; readonly stretch: number; readonly instant: number };
  /** How much had been said before, by device. */
  readonly said: readonly number[];
}

interface Found extends LoggedStretch {
  readonly path: string;
}

/** The pair that a recording is of, with what stands beside it. Undefined: an ordinary recording. */
export async function openPairRecording(path: string): Promise<PairRecording | undefined> {
  const { lockstep } = readHeader(path);
  if (lockstep === undefined) return undefined;
  const { pair, member, stretch } = lockstep;
  const missing: string[] = [];
  const first = firstFileOf(path, member, stretch);
  if (first === undefined)
    missing.push(`${basename(path)} was renamed: the other recordings of the pair are not found.`);
  const paths = first === undefined ? [path] : [...new Set([path, ...beside(first)])];
  const found = paths.flatMap((each): Found[] => {
    const opened = open(each, pair, missing);
    return opened === undefined ? [] : [opened];
  });
  found.sort(
    ({ header: a }, { header: b }) =>
      a.member.length - b.member.length || compare(a.member, b.member) || a.stretch - b.stretch,
  );
  if (first !== undefined) missing.push(...gaps(first, found));
  const names = [...new Set(found.map(({ header }) => header.member))];
  return {
    ...{ id: pair, log: new RecordedPairLog(found), missing, opened: { member, stretch } },
    members: names.map((name) => ({
      member: name,
      stretches: found.filter(({ header }) => header.member === name).map((each) => describe(each, found)),
    })),
  };
}

/**
 * Makes room for the recordings of a new pair: what is left of an older one whose place they take goes, bookmarks included. Throws
 * a UserError when one of them would replace something else.
 */
export function makeRoomForPair(first: string): void {
  for (const member of [FIRST_MEMBER, SECOND_MEMBER]) {
    withSystemErrors("recording-unwritable", `record to ${first}`, () => checkReplaceable(pairFile(first, member, 1)));
  }
  const older = existsSync(first) && statSync(first).isFile() ? pairOf(first) : undefined;
  if (older === undefined) return;
  for (const path of beside(first)) {
    if (path === first || pairOf(path) !== older) continue;
    for (const each of [path, `${path}${BOOKMARKS_EXTENSION}`]) rmSync(each, { force: true });
  }
}

/** Undefined: it is none of a pair, or cannot be read. */
function pairOf(path: string): string | undefined {
  try {
    return readHeader(path).lockstep?.pair;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function beside(first: string): string[] {
  const folder = dirname(first);
  const names = readdirSync(folder).filter((name) => isBeside(first, name));
  return names.map((name) => join(folder, name));
}

/** Undefined: it is of another pair, or of none. */
function open(path: string, pair: string, missing: string[]): Found | undefined {
  if (!existsSync(path)) return undefined;
  const source = new FileByteSource(path);
  try {
    const reader = new RecordingReader(source, ZSTD);
    const { lockstep } = reader.header;
    if (lockstep?.pair !== pair) return undefined;
    if (reader.header.start !== undefined && reader.checkpoints.checkpoints.length === 0) {
      missing.push(
        `${basename(path)} ends before the state that it begins with had come as a whole: it cannot be replayed.`,
      );
      return undefined;
    }
    if (!reader.complete)
      missing.push(`${basename(path)} is good up to instant ${reader.end.toLocaleString("en-US")}.`);
    const { outputs, frames, events, lockstep: log, first, end: last } = reader;
    return { path, header: lockstep, reader: { outputs, frames, events, lockstep: log }, first, last };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    missing.push(`${basename(path)}: ${error.message}`);
    return undefined;
  } finally {
    source.close();
  }
}

/** Recordings that there must have been, by what the others say. */
function gaps(first: string, found: readonly Found[]): string[] {
  const there = new Set(found.map(({ header }) => `${header.member} ${header.stretch}`));
  const wanted = new Set<string>([`${FIRST_MEMBER} 1`, `${SECOND_MEMBER} 1`]);
  for (const { header } of found) {
    for (let stretch = 1; stretch < header.stretch; stretch++) wanted.add(`${header.member} ${stretch}`);
    if (header.from !== undefined) wanted.add(`${header.from.member} 1`);
  }
  return [...wanted]
    .filter((each) => !there.has(each))
    .flatMap((each) => {
      const [member, stretch] = each.split(" ");
      const path = pairFile(first, member, Number(stretch));
      // What is there and cannot be used has been told of.
      return existsSync(path) ? [] : [`${basename(path)} is not there: what machine ${member} did is not known.`];
    });
}

function describe({ path, header, first, last }: Found, all: readonly Found[]): PairStretchRecording {
  return { path, number: header.stretch, first, last, said: header.said, ...startOf(header, first, all) };
}

function startOf(
  { from, member, stretch }: PairHeader,
  instant: number,
  all: readonly Found[],
): Pick<PairStretchRecording, "start"> {
  if (from === undefined) return {};
  const of = all.filter(
    ({ header }) => header.member === from.member && (from.member !== member || header.stretch < stretch),
  );
  const source = of.filter(({ first, last }) => first <= instant && instant <= last).at(-1) ?? of.at(-1);
  return { start: { member: from.member, stretch: source?.header.stretch ?? 1, instant } };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
