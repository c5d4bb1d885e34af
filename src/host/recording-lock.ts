import { linkSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname, uptime } from "node:os";
import { threadId } from "node:worker_threads";
import { UserError } from "../base/errors.ts";
import { withSystemErrors } from "./system-errors.ts";

/**
 * One writer a recording. Node offers no `flock`, so the lock is a file beside the recording that names its holder: it
 * appears whole (written aside, then linked), it is void once its holder is gone, and whoever finds it void takes it
 * over by renaming it away, which only one of several can do. Readers need no lock: a recording only ever grows.
 */
export interface RecordingLock {
  release(): void;
}

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** The thread of that process. */
  readonly thread: number;
  /** Distinguishes two locks of one process. */
  readonly token: string;
}

/** Rounds of "taken, void, take over": more than a handful means that something else fights for the file. */
const MAX_ATTEMPTS = 10;

let lastToken = 0;

export function lockPath(recording: string): string {
  return `${recording}.lock`;
}

/** Throws a UserError when another living process (or another session of this one) writes `recording`. */
export function acquireRecordingLock(recording: string): RecordingLock {
  const path = lockPath(recording);
  const token = `${process.pid}-${threadId}-${++lastToken}-${Date.now()}`;
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), thread: threadId, token } satisfies LockHolder);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const created = withSystemErrors("recording-unwritable", `record to ${recording}`, () =>
      createWhole(path, mine, token),
    );
    if (created) return { release: () => releaseIfMine(path, token) };
    const holder = livingHolder(path);
    if (holder !== undefined) throw alreadyRecording(recording, holder);
    takeAway(path, token);
  }
  throw new UserError("recording-locked", `cannot lock ${recording}: other processes keep taking ${path}.`);
}

/**
 * A thread of this process has died: its lock on `recording`, if it had one, is void, though the process lives on.
 */
export function releaseLockOfThread(recording: string, thread: number): void {
  const holder = holderOf(recording);
  if (holder?.pid !== process.pid || holder.host !== hostname() || holder.thread !== thread) return;
  rmSync(lockPath(recording), { force: true });
}

/** Who writes this recording right now, or undefined when nobody does. */
export function holderOf(recording: string): LockHolder | undefined {
  return livingHolder(lockPath(recording));
}

/** What is to be said of a recording: one that grows under our eyes was not cut short. `writer` is who held it before it was read. */
export function recordingWarnings(
  reader: { readonly warnings: readonly string[]; readonly endsOpen: boolean; readonly end: number },
  writer: LockHolder | undefined,
): string[] {
  if (writer === undefined || !reader.endsOpen) return [...reader.warnings];
  const end = reader.end.toLocaleString("en-US");
  return [`The recording is still being recorded, by process ${writer.pid}: so far it goes to instant ${end}.`];
}

function livingHolder(path: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Partial<LockHolder> | null;
    if (typeof holder?.pid !== "number" || typeof holder.host !== "string") return undefined;
    return isAlive(holder as LockHolder, statSync(path).mtimeMs) ? (holder as LockHolder) : undefined;
  } catch {
    // Not there, or not a lock that we could have written: nobody holds it.
    return undefined;
  }
}

function alreadyRecording(recording: string, holder: LockHolder): UserError {
  const where = holder.host === hostname() ? "" : ` on ${holder.host}`;
  return new UserError(
    "recording-locked",
    `${recording} is being recorded by process ${holder.pid}${where}: choose another file, or end that one first ` +
      `(if it is long gone, delete ${lockPath(recording)}).`,
  );
}

function createWhole(path: string, content: string, token: string): boolean {
  const aside = `${path}.${token}`;
  try {
    writeFileSync(aside, content, { flag: "wx" });
    linkSync(aside, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST") return false;
    // File systems without hard links (exFAT, some network shares): nearly as good, not quite indivisible.
    if (code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS" || code === "EMLINK") {
      return createExclusive(path, content);
    }
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function createExclusive(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Moves a void lock away. Whoever loses the race finds nothing, or a fresh lock, and looks again. */
function takeAway(path: string, token: string): void {
  const away = `${path}.${token}.void`;
  try {
    renameSync(path, away);
  } catch {
    return;
  }
  // Between the look and the rename a third process may have taken over: then it is its lock, and goes back.
  if (livingHolder(away) !== undefined) renameSync(away, path);
  else unlinkSync(away);
}

function releaseIfMine(path: string, token: string): void {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as LockHolder;
    if (holder.token === token) unlinkSync(path);
  } catch {
    // Someone deleted it by hand; there is nothing to release.
  }
}

function isAlive(holder: LockHolder, takenAtMs: number): boolean {
  // Another host's processes cannot be asked: believe the lock.
  if (holder.host !== hostname()) return true;
  // Process ids begin anew at boot.
  if (takenAtMs < Date.now() - uptime() * 1000) return false;
  if (holder.pid === process.pid) return true;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
