import { basename, dirname, join } from "node:path";
import { RECORDING_EXTENSION } from "./recording-place.ts";

/**
 * Where a pair's recordings stand: `x.hindcast` is the first of the first member, `x.B.hindcast` that of the second,
 * `x.B.2.hindcast` the next of it, after it was given another state.
 */
export function pairFile(first: string, member: string, stretch: number): string {
  const [stem, extension] = split(first);
  const name = `${member === FIRST_MEMBER ? "" : `.${member}`}${stretch === 1 ? "" : `.${stretch}`}`;
  // A number alone would be read as part of the name.
  return `${stem}${stretch > 1 && member === FIRST_MEMBER ? `.${member}.${stretch}` : name}${extension}`;
}

/** The recording of the pair's first member, by the path of any and what its header says; undefined: it was renamed. */
export function firstFileOf(path: string, member: string, stretch: number): string | undefined {
  const [stem, extension] = split(path);
  if (member === FIRST_MEMBER && stretch === 1) return path;
  const suffix = stretch === 1 ? `.${member}` : `.${member}.${stretch}`;
  return stem.endsWith(suffix) ? `${stem.slice(0, -suffix.length)}${extension}` : undefined;
}

/** Whether a file in the same folder may be a recording of the pair whose first one this is, by their names. */
export function isBeside(first: string, name: string): boolean {
  const [stem, extension] = split(first).map((part) => basename(part));
  if (!name.startsWith(stem) || !name.endsWith(extension)) return false;
  return /^(\.[A-Z]+(\.\d+)?)?$/.test(name.slice(stem.length, name.length - extension.length));
}

export const FIRST_MEMBER = "A";

function split(path: string): readonly [string, string] {
  const name = basename(path);
  const extension = name.endsWith(RECORDING_EXTENSION) ? RECORDING_EXTENSION : "";
  return [join(dirname(path), name.slice(0, name.length - extension.length)), extension];
}
