import {
  appendFileSync,
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { RecordingReader } from "../replay/recording-reader.ts";
import type { Bookmark } from "../replay/timeline-interface.ts";
import { isSystemError, systemReason, withSystemErrors } from "./system-errors.ts";

/** Beside the recording, by its name. */
export const BOOKMARKS_EXTENSION = ".bookmarks";
const VERSION = 1;
/** Nobody names so many instants; and a file that is something else is not read whole. */
const MOST_BYTES = 4 << 20;

/** A line of the file, behind the first. */
interface Line {
  readonly instant: number;
  readonly name: string;
  readonly removed?: true;
}

/**
 * Bookmarks of a recording that is finished, or that somebody else is writing: what a recording holds is never changed, so
 * they stand in a file beside it, one JSON object a line, which only grows (docs/recording-format.md). Several programs may
 * add to it at the same time: a line is one write.
 */
export class BookmarkFile {
  readonly path: string;
  /** A sentence when there is something to say about the file, else undefined. */
  readonly warning: string | undefined;
  readonly #recording: string;
  readonly #end: number;
  /** The state that the run began in: another recording by the same name began in another. */
  readonly #digest: string | undefined;
  #lines: readonly Line[] = [];
  /** Why the file can neither be read nor added to. */
  #refusal: UserError | undefined;

  constructor(recording: string, { end, digests }: Pick<RecordingReader, "end" | "digests">) {
    this.path = `${recording}${BOOKMARKS_EXTENSION}`;
    this.#recording = recording;
    this.#end = end;
    this.#digest = digests.entries[0]?.digest;
    this.warning = this.#read();
  }

  /** Those of the recording and those of the file, in order of instant, without those that were removed. */
  merge(recorded: readonly Bookmark[]): Bookmark[] {
    let all = [...recorded];
    for (const { instant, name, removed } of this.#lines) {
      // Two programs may have added the same one.
      all = all.filter((each) => each.instant !== instant || each.name !== name);
      if (removed !== true) all.push({ instant: instant as Instant, name });
    }
    return all.sort((a, b) => a.instant - b.instant);
  }

  add({ instant, name }: Bookmark): void {
    this.#append({ instant, name });
  }

  remove({ instant, name }: Bookmark): void {
    this.#append({ instant, name, removed: true });
  }

  #append(line: Line): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    withSystemErrors("bookmark-unwritable", `save the bookmark in ${this.path}`, () => {
      try {
        const head = { hindcastBookmarks: VERSION, ...(this.#digest !== undefined && { digest: this.#digest }) };
        writeFileSync(this.path, `${JSON.stringify(head)}\n`, { flag: "wx" });
      } catch (error) {
        if (!(isSystemError(error) && error.code === "EEXIST")) throw error;
      }
      // Somebody who was killed may have left half a line: this one must not become its end.
      appendFileSync(this.path, `${endsInLine(this.path) ? "" : "\n"}${JSON.stringify(line)}\n`);
    });
    this.#lines = [...this.#lines, line];
  }

  #read(): string | undefined {
    let text: string;
    try {
      if (statSync(this.path).size > MOST_BYTES) return this.#unusable("it is too large");
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if (isSystemError(error) && error.code === "ENOENT") return undefined;
      if (isSystemError(error)) return this.#unusable(systemReason(error));
      throw error;
    }
    const [first, ...lines] = text.split("\n");
    const head = parse(first) as { hindcastBookmarks?: unknown; digest?: unknown } | undefined;
    if (head?.hindcastBookmarks !== VERSION) return this.#unusable("it is something else, or of another version");
    if (this.#digest !== undefined && head.digest !== undefined && head.digest !== this.#digest) {
      return this.#refuse(
        `${this.path} does not have the bookmarks of ${this.#recording} but others; move it away to have new ones.`,
      );
    }
    // The last line may be half written, by somebody who was killed.
    const parsed = lines.filter((line) => line !== "").map(parse);
    this.#lines = parsed.filter((line) => this.#isLine(line));
    const lost = parsed.length - this.#lines.length;
    return lost === 0 ? undefined : `${this.path} has ${lost === 1 ? "a line" : `${lost} lines`} that cannot be read.`;
  }

  #isLine(line: unknown): line is Line {
    if (typeof line !== "object" || line === null) return false;
    const { instant, name } = line as Partial<Line>;
    const isPlace = Number.isSafeInteger(instant) && instant! >= 0 && instant! <= this.#end;
    return isPlace && typeof name === "string" && name !== "";
  }

  #unusable(why: string): string {
    return this.#refuse(`The bookmarks beside the recording are left out: ${this.path} cannot be used, ${why}.`);
  }

  #refuse(sentence: string): string {
    this.#refusal = new UserError("bookmarks-foreign", sentence);
    return sentence;
  }
}

/** A file that has a first line. */
function endsInLine(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, Math.max(0, fstatSync(file).size - 1));
    return last.toString() === "\n";
  } finally {
    closeSync(file);
  }
}

/** Undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
