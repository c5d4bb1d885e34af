import { branchName } from "../base/branch-name.ts";
import { UserError } from "../base/errors.ts";
import { isNamedPlace, readCount } from "../base/instant-text.ts";
import type { Origin, OriginStep, TimelineMark } from "../debuggee/protocol.ts";
import { BRANCH_USAGE, branchCommand, MOVED } from "./branch-command.ts";
import { errors } from "./errors.ts";
import type { Target } from "./target.ts";

interface Command {
  readonly usage: string;
  readonly help: string;
  readonly run: (target: Target, words: readonly string[], hart: number) => Promise<string>;
}

/** Lines of output that are listed, when the user does not say. */
const DEFAULT_LINES = 100;
const MOST_LINES = 5000;
/** The timeline shares its marks among four kinds. */
const MARKS_FOR_A_LINE = 4;

/** `monitor NAME …`: what the protocol has no packet for. */
const COMMANDS: Readonly<Record<string, Command>> = {
  help: { usage: "help", help: "lists these commands", run: async () => helpText() },
  instant: { usage: "instant", help: "says where on the timeline the machine stands", run: whereNow },
  goto: {
    usage: "goto INSTANT|start|end|BOOKMARK",
    help: "travels there",
    run: async (target, words) => {
      if (words.length === 0) throw errors.usage("goto INSTANT|start|end|BOOKMARK");
      return travel(target, words.join(" "));
    },
  },
  start: { usage: "start", help: "travels to the first instant", run: (target) => travel(target, "start") },
  end: { usage: "end", help: "travels to the newest instant", run: (target) => travel(target, "end") },
  bookmark: {
    usage: "bookmark NAME",
    help: "names this instant",
    run: async (target, words) => {
      const name = words.join(" ");
      if (name === "") throw errors.usage("bookmark NAME");
      await target.debuggee.addBookmark(name);
      return `Bookmark "${name}" at instant ${target.stopped.instant}.`;
    },
  },
  bookmarks: {
    usage: "bookmarks",
    help: "lists the instants that have names",
    run: async (target) => {
      const marks = await bookmarksOf(target);
      if (marks.length === 0) return "There are no bookmarks.";
      return marks.map(({ instant, label }) => `${instant}  ${label}`).join("\n");
    },
  },
  outputs: {
    usage: "outputs [COUNT]",
    help: `lists the last lines that the guest printed before now (${DEFAULT_LINES}), with their instants`,
    run: async (target, words) => outputLines(target, words[0]),
  },
  "last-write": {
    usage: "last-write PLACE [BYTES]",
    help: "says who wrote there last before now; PLACE is a symbol or an expression",
    run: lastWrite,
  },
  origin: {
    usage: "origin PLACE",
    help: "follows back where the value came from that a register, a CSR or memory holds now",
    run: async ({ debuggee }, words, hart) => {
      if (words.length === 0) throw errors.usage("origin PLACE");
      return wayOf(await debuggee.origin(words.join(" "), hart));
    },
  },
  evaluate: {
    usage: "evaluate EXPRESSION",
    help: "in Hindcast's own language: $mstatus.MPP, phys(0x80200000), translate($pc), pagetable($sp)",
    run: async ({ debuggee }, words, hart) => {
      if (words.length === 0) throw errors.usage("evaluate EXPRESSION");
      return (await debuggee.evaluate(words.join(" "), hart, 0, "look")).value;
    },
  },
  input: {
    usage: "input TEXT",
    help: "types TEXT and a line feed on the guest's console, when it runs",
    run: async (target, words) => {
      if (!(await target.debuggee.timeline({ most: 0 })).live) throw errors.notLive();
      await target.debuggee.input(new TextEncoder().encode(`${words.join(" ")}\n`));
      return "It is typed when the machine runs on.";
    },
  },
  branch: {
    usage: BRANCH_USAGE,
    help: "what-if branches: an edit in the past starts one; compares it with the recording, names, leaves or drops it",
    run: branchCommand,
  },
  checks: {
    usage: "checks [on|off]",
    help: "whether the guest's replay-only checks run in the recorded past, and stop where they fail",
    run: checks,
  },
};

/** What to answer, one or more lines. Throws a UserError. */
export async function monitor(target: Target, line: string, hart: number): Promise<string> {
  const [name = "help", ...words] = line.trim() === "" ? [] : line.trim().split(/\s+/);
  // As gdb's own commands: any beginning that is no other's.
  const full = Object.hasOwn(COMMANDS, name) ? [name] : Object.keys(COMMANDS).filter((each) => each.startsWith(name));
  if (full.length !== 1) throw errors.unknownCommand(name);
  const answer = await COMMANDS[full[0]].run(target, words, hart);
  return [...target.takeUntold(), answer].join("\n");
}

async function checks(target: Target, words: readonly string[]): Promise<string> {
  const [word, ...more] = words;
  if (more.length > 0 || !(word === undefined || word === "on" || word === "off"))
    throw errors.usage("checks [on|off]");
  if (word !== undefined) await target.setChecks(word === "on");
  return target.checks
    ? "Replay-only checks are on: the guest's blocks run when the recorded past is gone through; one that fails is SIGABRT."
    : "Replay-only checks are off.";
}

function helpText(): string {
  const width = Math.max(...Object.values(COMMANDS).map(({ usage }) => usage.length));
  return Object.values(COMMANDS)
    .map(({ usage, help }) => `monitor ${usage.padEnd(width)}  ${help}`)
    .join("\n");
}

async function whereNow(target: Target): Promise<string> {
  const { first, now, end, live, branch } = await target.debuggee.timeline({ most: 0 });
  const run = live ? "of a machine that can run on" : "of a recording";
  const what = branch === undefined ? run : `of ${branchName(branch)}`;
  return `Instant ${now}, ${what} from ${first} to ${end}.\n${target.stopped.description}`;
}

async function travel(target: Target, place: string): Promise<string> {
  const instant = await instantOf(target, place);
  const { description } = await target.seek(instant);
  return `${description}\n${MOVED} \`set $instant = N\` does both.`;
}

async function instantOf(target: Target, place: string): Promise<number> {
  if (isNamedPlace(place)) {
    const { first, end } = await target.debuggee.timeline({ most: 0 });
    return place === "start" ? first : end;
  }
  const count = readCount(place);
  if (count !== undefined) return count;
  const named = (await bookmarksOf(target)).find(({ label }) => label === place);
  if (named === undefined) throw errors.noBookmark(place);
  return named.instant;
}

async function bookmarksOf({ debuggee }: Target): Promise<TimelineMark[]> {
  const { marks } = await debuggee.timeline({ most: 0 });
  return marks.filter(({ kind }) => kind === "bookmark");
}

async function outputLines({ debuggee, stopped }: Target, count: string | undefined): Promise<string> {
  const most = count === undefined ? DEFAULT_LINES : Number(count);
  if (!(Number.isInteger(most) && most > 0 && most <= MOST_LINES)) throw errors.usage("outputs [COUNT]");
  const { marks } = await debuggee.timeline({ to: stopped.instant - 1, most: MARKS_FOR_A_LINE * MOST_LINES });
  const lines = marks.filter(({ kind }) => kind === "output");
  if (lines.length === 0) return "The guest has printed nothing before now.";
  return lines
    .slice(-most)
    .map(({ instant, label }) => `${instant}  ${label}`)
    .join("\n");
}

async function lastWrite(target: Target, words: readonly string[], hart: number): Promise<string> {
  const { debuggee } = target;
  const length =
    words.length > 1 && /^\d+$/.test(words[words.length - 1]) ? Number(words[words.length - 1]) : undefined;
  const place = (length === undefined ? words : words.slice(0, -1)).join(" ");
  if (place === "") throw errors.usage("last-write PLACE [BYTES]");
  const { memoryAddress, size, bits, physical } = await debuggee.evaluate(place, hart, 0, "look");
  const address = memoryAddress ?? bits;
  if (address === undefined) throw errors.noAddress(place);
  const use = physical ? "physical" : { hart };
  const found = await debuggee.lastWrite(address, length ?? size ?? 8, undefined, use);
  if (found === undefined) return `Nobody wrote to ${place} before now.`;
  const { instant, pc, symbol, value, by } = found;
  const who =
    by === undefined
      ? `${placeOf(found)}, pc 0x${pc.toString(16)},`
      : `${WRITERS[by]}, while the hart was at ${symbol},`;
  const where = `${who} wrote there last, at instant ${instant}`;
  const bytes = found.size === 1 ? "1 byte" : `${found.size} bytes`;
  return `${where}: 0x${value.toString(16)} to 0x${found.address.toString(16)} (${bytes}).`;
}

/** Who writes memory without an instruction. */
const WRITERS = { device: "A device", edit: "The user", walk: "A page-table walk" };

function placeOf({ symbol, source }: Pick<OriginStep, "symbol" | "source">): string {
  if (source === undefined) return symbol;
  return `${symbol} (${source.path.slice(source.path.lastIndexOf("/") + 1)}:${source.line})`;
}

/** The way of a value, newest step first. */
function wayOf({ steps, end }: Origin): string {
  const lines = steps.flatMap((step) => {
    const line = `${step.instant}  ${step.text.padEnd(TEXT_WIDTH)} ${step.sentence}; ${placeOf(step)}`;
    return step.omitted === undefined ? [line] : [line, step.omitted.sentence];
  });
  return [...lines, end.sentence].join("\n");
}

const TEXT_WIDTH = 22;

/** A sentence for whoever typed the command; faults of ours are not for them. */
export function sentenceOf(error: unknown): string | undefined {
  return error instanceof UserError ? error.message : undefined;
}
