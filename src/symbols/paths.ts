/**
 * Paths as text, of whatever system: a program may have been built on Windows and be looked at on Linux. Nothing here
 * looks at a file system.
 */

const DRIVE = /^[A-Za-z]:/;

export function isAbsolutePath(path: string): boolean {
  return path.startsWith("/") || path.startsWith("\\") || DRIVE.test(path);
}

/** `name` as seen from `directory`, without `.` and `..` where they can be resolved. */
export function joinPath(directory: string, name: string): string {
  return normalizePath(directory === "" || isAbsolutePath(name) ? name : `${directory}/${name}`);
}

/** One spelling of a path: forward slashes, no `.`, no resolvable `..`, the drive letter in upper case. */
export function normalizePath(path: string): string {
  const slashed = path.replaceAll("\\", "/").replace(DRIVE, (drive) => drive.toUpperCase());
  const root = /^([A-Z]:)?\/*/.exec(slashed)?.[0] ?? "";
  const parts: string[] = [];
  for (const part of slashed.slice(root.length).split("/")) {
    if (part === "" || part === ".") continue;
    const previous = parts[parts.length - 1];
    if (part !== "..") parts.push(part);
    else if (previous !== undefined && previous !== "..") parts.pop();
    else if (root === "") parts.push(part);
  }
  return root.replace(/\/+$/, "/") + parts.join("/");
}

/**
 * How well two paths name one file: the number of names that they share from the end, or 0 when they cannot be the
 * same. Infinity for the same path. Names are compared as they are written, except where one of them carries a drive
 * letter, whose file systems ignore case.
 */
export function pathAffinity(a: string, b: string): number {
  const left = normalizePath(a);
  const right = normalizePath(b);
  const fold = DRIVE.test(left) || DRIVE.test(right);
  const x = (fold ? left.toLowerCase() : left).split("/").reverse();
  const y = (fold ? right.toLowerCase() : right).split("/").reverse();
  let shared = 0;
  while (shared < Math.min(x.length, y.length) && x[shared] === y[shared]) shared++;
  if (shared === x.length && shared === y.length) return Number.POSITIVE_INFINITY;
  return shared;
}
