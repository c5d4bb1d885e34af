/** Instants and quantities as people write and read them. No VS Code in here. */

export interface Bounds {
  readonly first: number;
  readonly now: number;
  readonly end: number;
}

const SUFFIXES: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

/**
 * What a user typed to name an instant: `81204113`, `81,204,113`, `12.5M`, `+1000` and `-1000` from the present, `50%` of
 * the run, `start`, `end`. A sentence when it is none of these or lies outside of the recording.
 */
export function parseInstant(input: string, { first, now, end }: Bounds): number | string {
  const text = input.trim().toLowerCase();
  if (text === "start") return first;
  if (text === "end") return end;
  const match = /^([+-]?)([0-9][0-9,_' ]*(?:\.[0-9]+)?)([kmg%]?)$/.exec(text);
  if (match === null)
    return "Write an instant (81,204,113 or 12.5M), a distance (+1000, -1000), a share (50%), start or end.";
  const [, sign, digits, suffix] = match;
  const number = Number(digits.replaceAll(/[,_' ]/g, ""));
  const wanted = suffix === "%" ? first + (number / 100) * (end - first) : number * SUFFIXES[suffix];
  const instant = Math.round(sign === "" ? wanted : sign === "+" ? now + wanted : now - wanted);
  if (suffix === "%" && sign !== "") return "A share of the run has no sign: 50%.";
  if (instant < first) return `Before the start: the recording begins at instant ${exact(first)}.`;
  if (instant > end) return `Not yet reached: the newest instant is ${exact(end)}.`;
  return instant;
}

/** `81,204,113`. */
export function exact(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 check`, `2,000 checks`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${exact(count)} ${count === 1 ? singular : plural}`;
}

/** Millions of steps a second: `85.2 MIPS`, `0.3 MIPS`. */
export function speed(stepsPerSecond: number): string {
  const mips = stepsPerSecond / 1e6;
  return `${mips >= 100 ? Math.round(mips) : mips.toFixed(1)} MIPS`;
}

/** `512 bytes`, `1.4 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
