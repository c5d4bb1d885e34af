import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { withSystemErrors } from "./system-errors.ts";

export const RECORDING_EXTENSION = ".hindcast";

/** Folder beside the program that takes the recordings nobody named. */
const FOLDER = ".hindcast";

/** From here on a launch mentions what the recordings of a folder take up: nothing is ever deleted unasked. */
const MENTIONED_FOLDER_BYTES = 1 << 30;

/**
 * Where to record when the user did not say: `.hindcast/NAME-DATE-TIME.hindcast` beside the program, so that
 * recordings lie with what they are about. Where that folder cannot be written, the user's state folder serves.
 * The folder keeps itself out of version control. `now` is local time.
 */
export function chooseRecordingPath(program: string, now: Date): string {
  const folder = writableFolder([join(dirname(resolve(program)), FOLDER), stateFolder()]);
  const stem = `${basename(program).replace(/\.[^.]+$/, "")}-${stamp(now)}`;
  // Two runs within one second get -2, -3, … .
  for (let count = 1; ; count++) {
    const path = join(folder, `${stem}${count === 1 ? "" : `-${count}`}${RECORDING_EXTENSION}`);
    if (!existsSync(path)) return path;
  }
}

/** A sentence when the recordings beside `recording` take up a lot, else undefined. */
export function folderWarning(recording: string): string | undefined {
  const folder = dirname(recording);
  let bytes = 0;
  let count = 0;
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(RECORDING_EXTENSION)) continue;
    const status = statSync(join(folder, name), { throwIfNoEntry: false });
    if (status === undefined || !status.isFile()) continue;
    bytes += status.size;
    count++;
  }
  if (bytes < MENTIONED_FOLDER_BYTES) return undefined;
  const gigabytes = (bytes / (1 << 30)).toFixed(1);
  return `The ${count} recordings in ${folder} take up ${gigabytes} GiB; delete those you do not need.`;
}

function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

function writableFolder(candidates: readonly string[]): string {
  for (const folder of candidates.slice(0, -1)) {
    try {
      prepare(folder);
      return folder;
    } catch {
      // Read-only media, someone else's folder: the next one.
    }
  }
  const last = candidates[candidates.length - 1];
  return withSystemErrors("recording-folder", `record into ${last}`, () => {
    prepare(last);
    return last;
  });
}

function prepare(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
  const ignore = join(folder, ".gitignore");
  if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
}

/** The operating system's place for what a program keeps between runs. */
function stateFolder(): string {
  if (process.platform === "win32") {
    return join(process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "Hindcast", "recordings");
  }
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "Hindcast", "recordings");
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "hindcast", "recordings");
}
