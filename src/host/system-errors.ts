import { UserError } from "../base/errors.ts";

/** What the operating system's error codes mean to a user; the end of a sentence. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder, not a file",
  EACCES: "permission denied",
  EPERM: "the operating system does not allow it",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would grow beyond the limit of its file system",
  EIO: "the device reported an input/output error",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "there are too many symbolic links in the path",
  EADDRINUSE: "another program uses that port",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** The operating system's reason in words: `no space is left on the device`. */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return MEANINGS[code ?? ""] ?? (code === undefined ? String(message) : `${code}: ${message}`);
}

/** True for what the operating system refused, as opposed to a fault of ours. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** Runs `act`; what the operating system refuses becomes `cannot <what>: <reason>.` */
export function withSystemErrors<T>(code: string, what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (isSystemError(error)) throw new UserError(code, `cannot ${what}: ${systemReason(error)}.`);
    throw error;
  }
}
