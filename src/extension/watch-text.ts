/** Watch expressions over time as people write them. No VS Code in here. */

export interface Watched {
  readonly expression: string;
  /** Where it is evaluated: `queue.s:42`, a function, an address. Absent: whenever what it reads is written. */
  readonly at?: string;
  /** Or: every so many steps, which misses what is in between. */
  readonly every?: number;
}

const SUFFIXES: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

/** `queue_length`, `a0 at heap_alloc`, or `sp every 10k`; undefined when nothing is written. */
export function parseWatched(text: string): Watched | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const sampled = /^(.*\S)\s+every\s+(\d[\d,_']*)([kmg]?)$/i.exec(trimmed);
  if (sampled !== null) {
    const every = Number(sampled[2].replaceAll(/[,_']/g, "")) * SUFFIXES[sampled[3].toLowerCase()];
    if (every > 0) return { expression: sampled[1], every };
  }
  // No expression has two names beside each other: the last "at" between blanks is ours.
  const match = /^(.*\S)\s+at\s+(\S.*)$/.exec(trimmed);
  return match === null ? { expression: trimmed } : { expression: match[1], at: match[2] };
}

export function watchedText({ expression, at, every }: Watched): string {
  if (every !== undefined) return `${expression} every ${every}`;
  return at === undefined ? expression : `${expression} at ${at}`;
}

/** How often an expression is looked at whose changes cannot be followed: some thousand times in a run, at round instants. */
export function samplingStep(steps: number): number {
  const least = Math.max(steps / 1000, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9))!;
}

/** In place of a name whose value is only an address, what lies there: `*orders_taken`. */
export function pointedInstead(expression: string, value: string | undefined): string | undefined {
  const isName = /^[A-Za-z_.$][\w.$]*$/.test(expression) && !readsRegisters(expression);
  return isName && value !== undefined && /^0x[0-9a-f]+ <[^>]+>$/i.test(value) ? `*${expression}` : undefined;
}

/** The names by which registers are written, with the debugger's `$` or without. */
const REGISTER = /^\$?(?:x\d{1,2}|zero|ra|sp|gp|tp|fp|pc|[ast]\d{1,2}|f(?:[ast])?\d{1,2})$/;

/** What registers hold changes all the time: an expression that reads them means something at a place only. */
export function readsRegisters(expression: string): boolean {
  // What stands behind a point or an arrow is a member.
  return (expression.match(/(?<![\w$.]|->)[$A-Za-z_][\w$]*/g) ?? []).some((name) => REGISTER.test(name));
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
