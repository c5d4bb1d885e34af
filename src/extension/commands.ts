import * as vscode from "vscode";
import { bindBreakpoint } from "./bind-breakpoint.ts";
import { addBookmark, goToBookmark, removeBookmark, renameBookmark } from "./bookmarks.ts";
import { debugFile } from "./configuration.ts";
import type { GuestConsoles } from "./console.ts";
import { chooseLine } from "./console-links.ts";
import { debugDemo, debugKernel, openDemo } from "./demo.ts";
import { reporting } from "./failures.ts";
import { type Bounds, exact, parseInstant } from "./instants.ts";
import { findLastWrite } from "./last-write.ts";
import { LOCKSTEP_VIEW, MACHINE_VIEW, SEARCHES_VIEW, TIMELINE_VIEW } from "./names.ts";
import { searchCommands } from "./search-commands.ts";
import type { SearchList } from "./search-list.ts";
import type { Session, Sessions } from "./session.ts";
import { activeFile } from "./subject.ts";

/** Harts are DAP threads; the first one is 1. */
const FIRST_THREAD = 1;

export function registerCommands(
  context: vscode.ExtensionContext,
  sessions: Sessions,
  consoles: GuestConsoles,
  searches: SearchList,
  others: Readonly<Record<string, (session: Session, argument: unknown) => unknown>>,
): vscode.Disposable {
  /** A command about the session that the views show. */
  const inSession = (work: (session: Session, argument: unknown) => unknown) => (argument?: unknown) => {
    const session = sessions.active;
    if (session !== undefined) return reporting(() => work(session, argument));
    void vscode.window.showInformationMessage(
      "Start debugging first: press F5 on an assembly file, an ELF or a recording.",
    );
  };
  const commands: Record<string, (...args: never[]) => unknown> = {
    "hindcast.reverseStepInto": inSession((session) => reverseStep(session, "hindcast/reverseStepIn", "statement")),
    "hindcast.reverseStepOut": inSession((session) => reverseStep(session, "hindcast/reverseStepOut", "statement")),
    "hindcast.reverseStepIntoInstruction": inSession((session) =>
      reverseStep(session, "hindcast/reverseStepIn", "instruction"),
    ),
    "hindcast.reverseStepOutInstruction": inSession((session) =>
      reverseStep(session, "hindcast/reverseStepOut", "instruction"),
    ),
    "hindcast.goToInstant": inSession(goToInstant),
    "hindcast.goToStart": inSession(async (session) => session.travel((await session.reach()).first)),
    "hindcast.goToEnd": inSession(async (session) => session.travel((await session.reach()).end)),
    "hindcast.goBack": inSession(goBack),
    "hindcast.addBookmark": inSession(addBookmark),
    "hindcast.goToBookmark": inSession(goToBookmark),
    "hindcast.renameBookmark": inSession(renameBookmark),
    "hindcast.removeBookmark": inSession(removeBookmark),
    "hindcast.goToOutput": inSession((session) => goToOutput(session, consoles)),
    "hindcast.showConsole": inSession((session) => consoles.show(session)),
    "hindcast.findLastWrite": (argument: unknown) => findLastWrite(sessions, argument),
    "hindcast.debugFile": (uri: unknown) => reporting(() => debugFile(uri instanceof vscode.Uri ? uri : activeFile())),
    "hindcast.openRecording": () => reporting(openRecording),
    "hindcast.showTimeline": () => vscode.commands.executeCommand(`${TIMELINE_VIEW}.focus`),
    "hindcast.showSearches": () => vscode.commands.executeCommand(`${SEARCHES_VIEW}.focus`),
    "hindcast.showLockstep": () => vscode.commands.executeCommand(`${LOCKSTEP_VIEW}.focus`),
    "hindcast.showMachine": () => vscode.commands.executeCommand(`${MACHINE_VIEW}.focus`),
    "hindcast.bindBreakpointToSpace": inSession((session, argument) => bindBreakpoint(session, "space", argument)),
    "hindcast.bindBreakpointToPrivilege": inSession((session, argument) =>
      bindBreakpoint(session, "privilege", argument),
    ),
    "hindcast.openDemo": () => reporting(() => openDemo(context)),
    "hindcast.debugDemo": () => reporting(() => debugDemo(context)),
    "hindcast.debugKernel": () => reporting(() => debugKernel(context)),
    "hindcast.openWalkthrough": () => openWalkthrough(context, "firstBug"),
    "hindcast.openKernelWalkthrough": () => openWalkthrough(context, "kernel"),
  };
  for (const [name, run] of Object.entries(others)) commands[name] = inSession(run);
  for (const [name, ask] of Object.entries(searchCommands(searches, askSince))) commands[name] = inSession(ask);
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
}

function openWalkthrough({ extension }: vscode.ExtensionContext, id: string): Thenable<unknown> {
  return vscode.commands.executeCommand("workbench.action.openWalkthrough", `${extension.id}#${id}`, false);
}

function reverseStep(
  session: Session,
  request: "hindcast/reverseStepIn" | "hindcast/reverseStepOut",
  granularity: "statement" | "instruction",
): Thenable<void> {
  const item = vscode.debug.activeStackItem;
  const threadId = item?.session.id === session.debugSession.id ? item.threadId : FIRST_THREAD;
  return session.request(request, { threadId, granularity });
}

async function askSince(session: Session, title: string, prompt: string): Promise<number | undefined> {
  const bounds = await session.reach();
  return askForInstant(bounds, { title, prompt, value: exact(bounds.first) });
}

async function goToInstant(session: Session): Promise<void> {
  const bounds = await session.reach();
  const prompt = `From ${exact(bounds.first)} to ${exact(bounds.end)}; +1000 and -1000 count from here, 50% is the middle of the run.`;
  const instant = await askForInstant(bounds, { title: "Go to instant", prompt, value: exact(bounds.now) });
  if (instant !== undefined) await session.travel(instant);
}

async function askForInstant(bounds: Bounds, box: vscode.InputBoxOptions): Promise<number | undefined> {
  const validateInput = (text: string) => {
    const parsed = parseInstant(text, bounds);
    return typeof parsed === "string" ? parsed : undefined;
  };
  const input = await vscode.window.showInputBox({ ...box, validateInput });
  const instant = input === undefined ? undefined : parseInstant(input, bounds);
  return typeof instant === "number" ? instant : undefined;
}

async function goBack(session: Session): Promise<void> {
  if (!(await session.goBack())) {
    void vscode.window.showInformationMessage("There is nowhere to go back to: no jump has been made yet.");
  }
}

async function goToOutput(session: Session, consoles: GuestConsoles): Promise<void> {
  const console = consoles.of(session);
  if (console !== undefined) await chooseLine(console);
}

async function openRecording(): Promise<void> {
  const chosen = await vscode.window.showOpenDialog({
    title: "Open a recording",
    filters: { "Hindcast recordings": ["hindcast"] },
    canSelectMany: false,
  });
  if (chosen !== undefined) await debugFile(chosen[0]);
}
