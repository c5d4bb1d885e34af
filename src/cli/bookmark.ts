import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { BookmarkFile } from "../host/bookmark-file.ts";
import { holderOf, recordingWarnings } from "../host/recording-lock.ts";
import { FileByteSource } from "../host/recording-source.ts";
import { ZSTD } from "../host/zstd.ts";
import { isNewBookmark } from "../replay/bookmarks.ts";
import { RecordingReader } from "../replay/recording-reader.ts";
import type { Bookmark } from "../replay/timeline-interface.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { instantNamed, type NamedInstant } from "./instants.ts";
import { formatCount } from "./quantities.ts";

export interface BookmarkOptions {
  readonly at?: NamedInstant;
  readonly remove?: true;
}

/** Lists, adds and removes the names that instants of a recording have. */
export async function bookmark(
  context: Context,
  [path, name]: readonly string[],
  options: BookmarkOptions,
): Promise<Answer> {
  const writer = holderOf(path);
  const source = new FileByteSource(path);
  try {
    const reader = new RecordingReader(source, ZSTD);
    for (const warning of recordingWarnings(reader, writer)) context.voice.warn(warning);
    const kept = new BookmarkFile(path, reader);
    const known = kept.merge(reader.bookmarks);
    const { remove } = options;
    const at = options.at === undefined ? undefined : instantNamed(options.at, known, reader);
    let exitCode = OK;
    if (name === undefined) {
      if (at !== undefined || remove === true) throw usage("Say the bookmark's name.");
    } else if (remove === true) {
      const found = known.filter((each) => each.name === name.trim() && (at ?? each.instant) === each.instant);
      for (const each of found) kept.remove(each);
      if (found.length === 0) {
        context.voice.say(`There is no bookmark "${name}"${at === undefined ? "" : ` at ${formatCount(at)}`}.`);
        exitCode = NEGATIVE;
      }
    } else {
      const chosen = bookmarkAt(name.trim(), at, reader);
      if (isNewBookmark(chosen, known)) kept.add(chosen);
    }
    // What could not be added was refused with the same sentence.
    if (kept.warning !== undefined) context.voice.warn(kept.warning);
    const bookmarks = kept.merge(reader.bookmarks);
    if (!context.json) {
      const width = Math.max(0, ...bookmarks.map(({ instant }) => formatCount(instant).length));
      for (const each of bookmarks) {
        await context.stdout.line(`${formatCount(each.instant).padStart(width)}  ${each.name}`);
      }
    }
    return { exitCode, json: { bookmarks } };
  } finally {
    source.close();
  }
}

function bookmarkAt(name: string, at: Instant | undefined, { first, end }: RecordingReader): Bookmark {
  if (at === undefined) throw usage("Say which instant: --at INSTANT, or --remove to take the name away.");
  if (at < first) {
    throw usage(`Instant ${formatCount(at)} is not in the recording, which begins at ${formatCount(first)}.`);
  }
  if (at > end) throw usage(`Instant ${formatCount(at)} is not in the recording, which ends at ${formatCount(end)}.`);
  return { instant: at, name };
}

function usage(sentence: string): UserError {
  return new UserError("bookmark", sentence, 2);
}
