import * as vscode from "vscode";
import type { FirstArguments, FirstBody } from "../adapter/custom-protocol.ts";
import { exact } from "./instants.ts";
import { findLast, offerReturn } from "./last-write.ts";
import { chooseBreakpoint } from "./search-breakpoints.ts";
import type { SearchList } from "./search-list.ts";
import { askForPlace, type Place, placeIn, wordAtCursor } from "./search-places.ts";
import type { Session } from "./session.ts";

/** Asks for an instant of the session; undefined when the user did not want to. */
export type AskInstant = (session: Session, title: string, prompt: string) => Promise<number | undefined>;

type Command = (session: Session, argument: unknown) => Promise<void>;

/** Commands that ask the past: each begins with what was clicked, or asks for it. */
export function searchCommands(list: SearchList, askInstant: AskInstant): Readonly<Record<string, Command>> {
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
    "hindcast.findLastRead": ofPlace("Find the last read of…", (session, place) => findLast(session, "read", place)),
    "hindcast.findFirstRead": ofPlace("Find the first read of…", findFirstRead),
    "hindcast.findFirstDifference": ofPlace("Find the first difference of…", (session, place) =>
      findFirstDifference(session, place, askInstant),
    ),
    "hindcast.findOrigin": ofPlace("Where did this value come from?", (session, place) => {
      const { name, address, length, value } = place;
      const ask = { place: value ?? address, ...(length !== undefined && { length }) };
      return list.follow(session, ask, `Where ${value ?? name} came from`);
    }),
    "hindcast.allCalls": async (session, argument) => {
      const name = functionIn(argument) ?? (await askForFunction());
      if (name !== undefined) await list.search(session, { kind: "calls", function: name });
    },
    "hindcast.allTraps": (session) => list.search(session, { kind: "traps" }),
    "hindcast.allWaits": (session) => list.search(session, { kind: "waits" }),
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
  { label: "$(watch) All Waits for Pages", description: "of the guest's processes", command: "hindcast.allWaits" },
  { label: "$(terminal) All Lines of Output", description: "that the guest printed", command: "hindcast.allOutputs" },
  {
    label: "$(git-commit) Where Did a Value Come From",
    description: "back to its origin",
    command: "hindcast.findOrigin",
  },
  {
    label: "$(diff) Find First Difference",
    description: "of a value, from an instant on",
    command: "hindcast.findFirstDifference",
  },
];

/** Goes to the first read in the recording. */
async function findFirstRead(session: Session, { name, address, length }: Place): Promise<void> {
  const { first } = await session.reach();
  const { row } = await found(session, "hindcast/firstRead", {
    address,
    ...(length !== undefined && { length }),
    from: first,
  });
  if (row !== undefined) {
    await offerReturn(session, `First read of ${name}: ${row.symbol} at instant ${exact(row.instant)}.`);
    return;
  }
  void vscode.window.showInformationMessage(`Nothing has read ${name} in the whole recording.`);
}

/** Goes to the step, behind an instant, that first made the bytes others. */
async function findFirstDifference(session: Session, place: Place, askInstant: AskInstant): Promise<void> {
  const { name, address, length } = place;
  const from = await askInstant(
    session,
    `When did ${name} first differ, since instant…`,
    "The value that it had at this instant is what it is compared with.",
  );
  if (from === undefined) return;
  const { row } = await found(session, "hindcast/firstDifference", {
    address,
    ...(length !== undefined && { length }),
    from,
  });
  if (row !== undefined) {
    await offerReturn(
      session,
      `First difference since instant ${exact(from)}: ${row.text}, in ${row.symbol} at instant ${exact(row.instant)}.`,
    );
    return;
  }
  void vscode.window.showInformationMessage(`${name} has been the same from instant ${exact(from)} to the end.`);
}

async function found(
  session: Session,
  request: "hindcast/firstRead" | "hindcast/firstDifference",
  question: FirstArguments,
): Promise<FirstBody> {
  session.noteReturn();
  return session.request(request, { ...question, seek: true });
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
