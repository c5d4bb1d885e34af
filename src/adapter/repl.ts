import type { DebugProtocol } from "@vscode/debugprotocol";
import { UserError } from "../base/errors.ts";
import type { Origin } from "../debuggee/protocol.ts";
import type { Coordinates } from "./coordinates.ts";
import type { Debuggee } from "./environment.ts";
import type { Motion } from "./motions.ts";
import { formatInstant } from "./references.ts";
import type { FrameKey } from "./stack.ts";
import { lastWrite, motionTo } from "./travel.ts";

/** What a command works with. `move` starts a motion once the command has been answered. */
export interface ReplContext {
  readonly debuggee: Debuggee;
  readonly frame: FrameKey;
  move(motion: Motion): void;
  search<T>(question: () => Promise<T>): Promise<T>;
}

interface Command {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  /** Gives what is printed. */
  run(words: readonly string[], context: ReplContext): Promise<string> | string;
}

/**
 * Commands of the debug console, so that every client travels in time, also one without our buttons. A first word that is
 * no command makes the line an expression; so does a parenthesis around it.
 */
const COMMANDS: readonly Command[] = [
  {
    name: "help",
    usage: "help",
    summary: "this list",
    run: () =>
      [
        ...COMMANDS.map(({ usage, summary }) => `${usage.padEnd(42)}${summary}`),
        "Anything else is an expression: registers, CSRs, symbols, memory, arithmetic.",
      ].join("\n"),
  },
  {
    name: "instant",
    usage: "instant",
    summary: "where the machine is in time",
    run: async (_, { debuggee }) => {
      const { now, first, end, live } = await debuggee.timeline({ most: 0 });
      const from = first === 0 ? "" : `, from ${formatInstant(first)}`;
      return `instant ${formatInstant(now)} of ${formatInstant(end)}${from}${live ? ", still recording" : ""}`;
    },
  },
  {
    name: "goto",
    usage: "goto INSTANT | +STEPS | -STEPS | start | end",
    summary: "travel to an instant",
    run: async (words, { debuggee, move }) => {
      const { now, first, end } = await debuggee.timeline({ most: 0 });
      const instant = parseInstant(only("goto", words), { now, first, end });
      move(await motionTo(debuggee, instant));
      return `to instant ${formatInstant(instant)}`;
    },
  },
  {
    name: "last-write",
    usage: "last-write PLACE [BYTES] [before INSTANT]",
    summary: "who wrote there last",
    run: (words, context) => findLastWrite(words, context),
  },
  {
    name: "origin",
    usage: "origin PLACE",
    summary: "where the value came from that is there now",
    run: (words, { debuggee, frame, search }) => {
      if (words.length === 0) throw usage("origin");
      return search(async () => wayOf(await debuggee.origin(words.join(" "), frame.hart)));
    },
  },
  {
    name: "output",
    usage: "output OFFSET",
    summary: "travel to where that byte of console output was printed",
    run: async (words, { debuggee, move }) => {
      const offset = parseCount("output", only("output", words));
      const instant = await debuggee.instantOfOutput(offset);
      if (instant === undefined) return `The guest has not printed a byte number ${formatInstant(offset)}.`;
      move((moving) => moving.seek(instant));
      return `to instant ${formatInstant(instant)}`;
    },
  },
  {
    name: "bookmark",
    usage: "bookmark NAME",
    summary: "name this instant",
    run: async (words, { debuggee }) => {
      if (words.length === 0) throw usage("bookmark");
      await debuggee.addBookmark(words.join(" "));
      return `bookmark “${words.join(" ")}”`;
    },
  },
  moving("reverse-continue", "back to the last stop before this", (debuggee) => debuggee.reverseContinue()),
  moving("reverse-step", "back over a line", (debuggee, hart) => debuggee.step("over", "backward", "line", hart)),
  moving("reverse-step-in", "back into the last call", (debuggee, hart) =>
    debuggee.step("into", "backward", "line", hart),
  ),
  moving("reverse-step-out", "back to the call of this function", (debuggee, hart) =>
    debuggee.step("out", "backward", "line", hart),
  ),
];

const byName = new Map(COMMANDS.map((command) => [command.name, command]));

/** What a line of the debug console prints when it is a command; undefined when it is an expression. */
export function runCommand(line: string, context: ReplContext): Promise<string> | string | undefined {
  const [word, ...words] = line.trim().split(/\s+/);
  return byName.get(word)?.run(words, context);
}

function moving(
  name: string,
  summary: string,
  motion: (debuggee: Debuggee, hart: number) => ReturnType<Motion>,
): Command {
  return {
    name,
    usage: name,
    summary,
    run: (words, { frame, move }) => {
      if (words.length > 0) throw usage(name);
      move((debuggee) => motion(debuggee, frame.hart));
      return "";
    },
  };
}

async function findLastWrite(words: readonly string[], { debuggee, frame, search }: ReplContext): Promise<string> {
  const match = /^(\S+)(?:\s+(\d+))?(?:\s+before\s+(\S+))?$/.exec(words.join(" "));
  if (match === null) throw usage("last-write");
  const [, address, bytes, before] = match;
  const request = {
    address,
    ...(bytes === undefined ? {} : { length: Number(bytes) }),
    ...(before === undefined ? {} : { before: parseCount("last-write", before) }),
  };
  const { write } = await search(() => lastWrite(debuggee, request, frame));
  if (write === undefined) return `Nothing wrote ${address} since the recording began.`;
  const place = write.source === undefined ? "" : ` (${write.source.path}:${write.source.line})`;
  const who =
    write.by === undefined ? `${write.symbol}${place}` : `${WRITERS[write.by]}, when the hart was at ${write.symbol}`;
  return `instant ${formatInstant(write.instant)}: ${who}; “goto ${write.instant}” goes there`;
}

/** Who writes memory without an instruction. */
const WRITERS = { device: "a device", edit: "an edit", walk: "a page-table walk" };

/** The way of a value, newest step first. */
function wayOf({ steps, end }: Origin): string {
  const lines = steps.flatMap(({ instant, text, sentence, symbol, source, omitted }) => {
    const place = source === undefined ? symbol : `${source.path}:${source.line}`;
    const line = `instant ${formatInstant(instant)}: ${text.padEnd(TEXT_WIDTH)} ${sentence} (${place})`;
    return omitted === undefined ? [line] : [line, withInstants(omitted.sentence)];
  });
  return [...lines, withInstants(end.sentence)].join("\n");
}

const TEXT_WIDTH = 22;

function withInstants(sentence: string): string {
  return sentence.replace(/\binstant (\d+)/g, (_, instant: string) => `instant ${formatInstant(Number(instant))}`);
}

function parseInstant(text: string, { now, first, end }: { now: number; first: number; end: number }): number {
  if (text === "start") return first;
  if (text === "end") return end;
  const steps = parseCount("goto", text.replace(/^[+-]/, ""));
  // Some way forth or back goes as far as there is something; an instant is meant as it was written.
  if (text.startsWith("+")) return Math.min(now + steps, end);
  return text.startsWith("-") ? Math.max(now - steps, first) : steps;
}

/** A count as people write one: `1234`, `1,234`, `1_234`, `1e6`. */
function parseCount(command: string, text: string): number {
  const plain = text.replace(/[,_]/g, "");
  const count = /^\d+(e\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw usage(command);
  return count;
}

function only(command: string, words: readonly string[]): string {
  if (words.length !== 1) throw usage(command);
  return words[0];
}

function usage(name: string): UserError {
  return new UserError("usage", `Usage: ${byName.get(name)!.usage}`);
}

/** As many as a list shows; the user goes on typing when there are more. */
const COMPLETIONS_LIMIT = 200;

const COMPLETION_TYPES: Readonly<Record<string, DebugProtocol.CompletionItemType>> = {
  register: "variable",
  csr: "variable",
  variable: "variable",
  function: "function",
  object: "value",
  label: "reference",
};

/** Commands and names that fit before the cursor. */
export async function completions(
  debuggee: Debuggee,
  { text, column, line }: DebugProtocol.CompletionsArguments,
  coordinates: Coordinates,
): Promise<DebugProtocol.CompletionItem[]> {
  const lines = text.split("\n");
  const current = lines[coordinates.lineFromClient(line ?? coordinates.lineToClient(1)) - 1] ?? "";
  const before = current.slice(0, Math.max(coordinates.columnFromClient(column) - 1, 0));
  const prefix = /[A-Za-z_.$][\w.$-]*$/.exec(before)?.[0] ?? "";
  const word = /[A-Za-z_.$][\w.$]*$/.exec(before)?.[0] ?? "";
  const replace = (length: number) => ({ start: coordinates.columnToClient(before.length - length + 1), length });
  const commands =
    prefix === before.trimStart()
      ? COMMANDS.filter(({ name }) => name.startsWith(prefix)).map(({ name, summary }) => ({
          label: name,
          detail: summary,
          type: "keyword" as const,
          ...replace(prefix.length),
        }))
      : [];
  const names = word === "" ? [] : await debuggee.names(word, COMPLETIONS_LIMIT);
  return [
    ...commands,
    ...names.map(({ name, kind }) => ({
      label: name,
      detail: kind,
      type: COMPLETION_TYPES[kind],
      ...replace(word.length),
    })),
  ];
}
