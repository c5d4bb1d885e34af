import * as vscode from "vscode";
import { bindBreakpoint } from "./bind-breakpoint.ts";
import { debugFile } from "./configuration.ts";
import type { GuestConsoles } from "./console.ts";
import { chooseLine } from "./console-links.ts";
import { debugDemo, openDemo } from "./demo.ts";
import { reporting } from "./failures.ts";
import { exact, parseInstant } from "./instants.ts";
import { findLastWrite } from "./last-write.ts";
import { MACHINE_VIEW, TIMELINE_VIEW } from "./names.ts";
import type { Session, Sessions } from "./session.ts";
import { activeFile } from "./subject.ts";

/** Harts are DAP threads; the first one is 1. */
const FIRST_THREAD = 1;

export function registerCommands(
  context: vscode.ExtensionContext,
  sessions: Sessions,
  consoles: GuestConsoles,
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
    "hindcast.goToStart": inSession(async (session) => session.travel((await reach(session)).first)),
    "hindcast.goToEnd": inSession(async (session) => session.travel((await reach(session)).end)),
    "hindcast.goBack": inSession(goBack),
    "hindcast.addBookmark": inSession(addBookmark),
    "hindcast.goToOutput": inSession((session) => goToOutput(session, consoles)),
    "hindcast.showConsole": inSession((session) => consoles.show(session)),
    "hindcast.findLastWrite": (argument: unknown) => findLastWrite(sessions, argument),
    "hindcast.debugFile": (uri: unknown) => reporting(() => debugFile(uri instanceof vscode.Uri ? uri : activeFile())),
    "hindcast.openRecording": () => reporting(openRecording),
    "hindcast.showTimeline": () => vscode.commands.executeCommand(`${TIMELINE_VIEW}.focus`),
    "hindcast.showMachine": () => vscode.commands.executeCommand(`${MACHINE_VIEW}.focus`),
    "hindcast.bindBreakpointToSpace": inSession((session, argument) => bindBreakpoint(session, "space", argument)),
    "hindcast.bindBreakpointToPrivilege": inSession((session, argument) =>
      bindBreakpoint(session, "privilege", argument),
    ),
    "hindcast.openDemo": () => reporting(() => openDemo(context)),
    "hindcast.debugDemo": () => reporting(() => debugDemo(context)),
    "hindcast.openWalkthrough": () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#firstBug`, false),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
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

/** How far history reaches; no marks are wanted. */
function reach(session: Session): Thenable<{ first: number; now: number; end: number }> {
  return session.request("hindcast/timeline", { from: 0, to: 0, most: 1 });
}

async function goToInstant(session: Session): Promise<void> {
  const bounds = await reach(session);
  const input = await vscode.window.showInputBox({
    title: "Go to instant",
    prompt: `From ${exact(bounds.first)} to ${exact(bounds.end)}; +1000 and -1000 count from here, 50% is the middle of the run.`,
    value: exact(bounds.now),
    validateInput: (text) => {
      const parsed = parseInstant(text, bounds);
      return typeof parsed === "string" ? parsed : undefined;
    },
  });
  if (input === undefined) return;
  const instant = parseInstant(input, bounds);
  if (typeof instant === "number") await session.travel(instant);
}

async function goBack(session: Session): Promise<void> {
  if (!(await session.goBack())) {
    void vscode.window.showInformationMessage("There is nowhere to go back to: no jump has been made yet.");
  }
}

async function addBookmark(session: Session): Promise<void> {
  const { now } = await reach(session);
  const name = await vscode.window.showInputBox({
    title: `Bookmark instant ${exact(now)}`,
    prompt: "A name to find it by on the Timeline",
    validateInput: (text) => (text.trim() === "" ? "A bookmark needs a name." : undefined),
  });
  if (name !== undefined) await session.request("hindcast/bookmark", { name: name.trim() });
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
