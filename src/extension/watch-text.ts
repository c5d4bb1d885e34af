/** Watch expressions over time as people write them. No VS Code in here. */

export interface Watched {
  readonly expression: string;
  /** Where it is evaluated: `queue.s:42`, a function, an address. Absent: whenever what it reads is written. */
  readonly at?: string;
}

/** `queue_length`, or `a0 at heap_alloc`; undefined when nothing is written. */
export function parseWatched(text: string): Watched | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  // No expression has two names beside each other: the last "at" between blanks is ours.
  const match = /^(.*\S)\s+at\s+(\S.*)$/.exec(trimmed);
  return match === null ? { expression: trimmed } : { expression: match[1], at: match[2] };
}

export function watchedText({ expression, at }: Watched): string {
  return at === undefined ? expression : `${expression} at ${at}`;
}

/** The names by which registers are written, with the debugger's `$` or without. */
const REGISTER = /^\$?(?:x\d{1,2}|zero|ra|sp|gp|tp|fp|pc|[ast]\d{1,2}|f(?:[ast])?\d{1,2})$/;

/** What registers hold changes all the time: an expression that reads them means something at a place only. */
export function readsRegisters(expression: string): boolean {
  return (expression.match(/[$A-Za-z_][\w$]*/g) ?? []).some((name) => REGISTER.test(name));
}

/** Adds the place where the user is to an expression that needs one. */
export function withPlace(expression: string, local: boolean, place: string | undefined): Watched {
  const plain = expression.replaceAll(/\$(?=[A-Za-z])/g, "");
  const needed = local || readsRegisters(plain);
  return needed && place !== undefined ? { expression: plain, at: place } : { expression: plain };
}

/** A line of a file, as a place is written. */
export function linePlace(path: string, line: number): string {
  return `${path.replace(/^.*[\\/]/, "")}:${line}`;
}
