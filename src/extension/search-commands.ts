import * as vscode from "vscode";
import type { QuestionBody, SearchBody } from "../adapter/custom-protocol.ts";
import { exact } from "./instants.ts";
import { offerReturn } from "./last-write.ts";
import { chooseBreakpoint } from "./search-breakpoints.ts";
import type { SearchList } from "./search-list.ts";
import { askForPlace, fixedExpression, type Place, placeIn, wordAtCursor } from "./search-places.ts";
import type { Session, Sessions } from "./session.ts";

/** Asks for an instant of the session; undefined when the user did not want to. */
export type AskInstant = (session: Session, title: string, prompt: string) => Promise<number | undefined>;

type Command = (session: Session, argument: unknown) => Promise<void>;

/** Commands that ask the past: each begins with what was clicked, or asks for it. */
export function searchCommands(
  list: SearchList,
  { onSearch }: Pick<Sessions, "onSearch">,
  askInstant: AskInstant,
): Readonly<Record<string, Command>> {
  const ofPlace =
    (title: string, work: (session: Session, place: Place) => Promise<void>): Command =>
    async (session, argument) => {
      const place = placeIn(argument) ?? (await askForPlace(title));
      if (place !== undefined) await work(session, place);
    };
  const accesses = (kind: "writes" | "reads" | "accesses"): ((session: Session, place: Place) => Promise<void>) => {
    return (session, { address, length }) =>
      list.search(session, { kind, address, ...(length !== undefined && { length }) });
  };
  const commands: Record<string, Command> = {
    "hindcast.allWrites": ofPlace("All writes to…", accesses("writes")),
    "hindcast.allReads": ofPlace("All reads of…", accesses("reads")),
    "hindcast.allAccesses": ofPlace("All accesses to…", accesses("accesses")),
    "hindcast.findLastRead": ofPlace("Find the last read of…", (session, place) =>
      findRead({ session, onSearch }, place, "last"),
    ),
    "hindcast.findFirstRead": ofPlace("Find the first read of…", (session, place) =>
      findRead({ session, onSearch }, place, "first"),
    ),
    "hindcast.findFirstDifference": ofPlace("Find the first difference of…", (session, place) =>
      findFirstDifference({ session, onSearch }, place, askInstant),
    ),
    "hindcast.allCalls": async (session, argument) => {
      const name = functionIn(argument) ?? (await askForFunction());
      if (name !== undefined) await list.search(session, { kind: "calls", function: name });
    },
    "hindcast.allTraps": (session) => list.search(session, { kind: "traps" }),
    "hindcast.allInterrupts": (session) => list.search(session, { kind: "traps", causes: [], interrupts: true }),
    "hindcast.allOutputs": (session) => list.search(session, { kind: "outputs" }),
    "hindcast.searchBreakpoint": async (session, argument) => {
      const found = await chooseBreakpoint(session, argument);
      if (found !== undefined) await list.search(session, found.question);
    },
    "hindcast.newSearch": async (session) => {
      const chosen = await vscode.window.showQuickPick(CHOICES, { title: "Search the past for…" });
      if (chosen !== undefined) await commands[chosen.command](session, undefined);
    },
  };
  return commands;
}

const CHOICES = [
  { label: "$(edit) All Writes", description: "to a place in memory", command: "hindcast.allWrites" },
  { label: "$(eye) All Reads", description: "of a place in memory", command: "hindcast.allReads" },
  { label: "$(symbol-method) All Calls", description: "of a function", command: "hindcast.allCalls" },
  {
    label: "$(debug-breakpoint) A Breakpoint or Log Point over the Whole Recording",
    description: "with its condition and message",
    command: "hindcast.searchBreakpoint",
  },
  { label: "$(warning) All Exceptions", description: "that were taken", command: "hindcast.allTraps" },
  { label: "$(zap) All Interrupts", description: "that were taken", command: "hindcast.allInterrupts" },
  { label: "$(terminal) All Lines of Output", description: "that the guest printed", command: "hindcast.allOutputs" },
  {
    label: "$(diff) Find First Difference",
    description: "of a value, from an instant on",
    command: "hindcast.findFirstDifference",
  },
];

/** Goes to the oldest read that there is, or to the newest before now. */
async function findRead(asker: Asker, { name, address, length }: Place, which: "first" | "last"): Promise<void> {
  const question = { kind: "reads" as const, address, ...(length !== undefined && { length }) };
  const now = asker.session.status?.instant;
  const stretch = which === "last" && now !== undefined ? { to: now } : {};
  const found = await edge(asker, question, stretch, `The ${which} read of ${name}`, which, 0);
  if (found === undefined) return;
  if (found.row === undefined) {
    void vscode.window.showInformationMessage(`Nothing has read ${name} ${found.searched}.`);
    return;
  }
  const { instant, symbol } = found.row;
  const title = which === "first" ? "First" : "Last";
  await arrive(asker.session, instant, `${title} read of ${name}: ${symbol} at instant ${exact(instant)}.`);
}

/** Goes to the step, behind an instant, that first made the value another one. */
async function findFirstDifference(asker: Asker, place: Place, askInstant: AskInstant): Promise<void> {
  const { session } = asker;
  const expression = await fixedExpression(session, place);
  if (expression === undefined) {
    void vscode.window.showInformationMessage(`${place.name} is no value of 1, 2, 4 or 8 bytes in memory.`);
    return;
  }
  const from = await askInstant(
    session,
    `When did ${place.name} first differ, since instant…`,
    "The value that it had at this instant is what it is compared with.",
  );
  if (from === undefined) return;
  // The oldest row is the value at the beginning.
  const title = `The first difference of ${place.name}`;
  const found = await edge(asker, { kind: "series", expression }, { from }, title, "first", 1);
  if (found === undefined) return;
  if (found.row === undefined) {
    void vscode.window.showInformationMessage(`${place.name} has always been the same ${found.searched}.`);
    return;
  }
  const { instant, symbol, text } = found.row;
  await arrive(session, instant, `${place.name} first became ${text} in ${symbol}, at instant ${exact(instant)}.`);
}

/** A session, and what is heard of its searches. */
interface Asker {
  readonly session: Session;
  readonly onSearch: Sessions["onSearch"];
}

/** Searches for one row at an end of the stretch, which nobody need see in a list. Undefined when the user cancelled. */
async function edge(
  { session, onSearch }: Asker,
  question: QuestionBody,
  stretch: { readonly from?: number; readonly to?: number },
  title: string,
  which: "first" | "last",
  /** So many rows are passed over. */
  but: number,
) {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const started = await session.request("hindcast/search", { question, ...stretch });
    const { id, from, to } = started;
    // The newest row is known before the search is over, the oldest is not.
    const isEnough = ({ done, rows }: SearchBody) => done || (which === "last" && rows > but);
    const state = await new Promise<SearchBody | undefined>((resolve) => {
      let told = 0;
      const listener = onSearch(({ session: of, body }) => {
        if (of === session && body.id === id) look(body);
      });
      const cancelled = token.onCancellationRequested(() => end(undefined));
      const end = (last: SearchBody | undefined) => {
        listener.dispose();
        cancelled.dispose();
        resolve(last);
      };
      const look = (body: SearchBody) => {
        progress.report({ increment: 100 * (body.fraction - told) });
        told = body.fraction;
        if (isEnough(body)) end(body);
      };
      look(started);
      // It may have ended before anybody listened.
      session.request("hindcast/searches", {}).then(
        ({ searches }) => {
          const now = searches.find((search) => search.id === id);
          if (now !== undefined) look(now);
        },
        () => end(undefined),
      );
    });
    try {
      if (state === undefined) return undefined;
      if (state.problem !== undefined) throw new Error(state.problem);
      const searched = `between instants ${exact(from)} and ${exact(to)}`;
      const first = which === "last" ? but : state.rows - 1 - but;
      if (first < 0 || first >= state.rows) return { row: undefined, searched };
      const { rows } = await session.request("hindcast/searchRows", { id, first, count: 1 });
      return { row: rows.at(0), searched };
    } finally {
      await session.request("hindcast/closeSearch", { id });
    }
  });
}

async function arrive(session: Session, instant: number, sentence: string): Promise<void> {
  await session.travel(instant);
  await offerReturn(session, sentence);
}

/** The function of a frame in the call stack, without its offset. */
function functionIn(argument: unknown): string | undefined {
  const { frameName } = (argument ?? {}) as { frameName?: unknown };
  if (typeof frameName !== "string") return undefined;
  const name = frameName.replace(/ \(guess\)$/, "").replace(/\+0x[0-9a-f]+$/i, "");
  return name === "" || name.startsWith("0x") || name.startsWith("<") ? undefined : name;
}

async function askForFunction(): Promise<string | undefined> {
  const word = wordAtCursor();
  const input = await vscode.window.showInputBox({
    title: "All calls of…",
    prompt: "The name of a function of the program",
    ...(word !== undefined && { value: word }),
  });
  const name = input?.trim() ?? "";
  return name === "" ? undefined : name;
}
