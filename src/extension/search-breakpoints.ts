import * as vscode from "vscode";
import type { BreakpointBody, QuestionBody } from "../adapter/custom-protocol.ts";
import type { Session } from "./session.ts";

type Hits = Extract<QuestionBody, { kind: "hits" }>;

interface Chosen {
  readonly question: Hits;
}

/**
 * The breakpoint that a command is about, as a question: that of the line whose menu was opened, or else one that the user
 * chooses among all of the session, data and instruction breakpoints as well; that of the line with the cursor comes first.
 */
export async function chooseBreakpoint(session: Session, argument: unknown): Promise<Chosen | undefined> {
  const { breakpoints } = await session.request("hindcast/breakpoints", {});
  const line = lineIn(argument);
  if (line !== undefined) {
    const onLine = breakpoints.filter(({ question }) => isOn(question, line));
    if (onLine.length > 0) return pick(onLine);
    // One that is switched off is not the adapter's, and a line without one can be asked about all the same.
    const off = sourceBreakpoint(line);
    return { question: off === undefined ? { kind: "hits", at: { kind: "source", ...line } } : questionOf(off) };
  }
  const cursor = cursorLine();
  const isHere = ({ question }: BreakpointBody) => cursor !== undefined && isOn(question, cursor);
  if (breakpoints.length > 0)
    return pick(breakpoints.toSorted((one, other) => Number(isHere(other)) - Number(isHere(one))));
  void vscode.window.showInformationMessage(
    "Set a breakpoint or a log point first: its condition and its message are asked of the whole recording.",
  );
  return undefined;
}

function pick(breakpoints: readonly BreakpointBody[]): Thenable<Chosen | undefined> | Chosen {
  if (breakpoints.length === 1) return breakpoints[0];
  const title = "Which breakpoint, over the whole recording?";
  return vscode.window.showQuickPick(breakpoints.map(itemOf), { title, matchOnDescription: true, matchOnDetail: true });
}

interface Line {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** Menus of the editor name a line, counted from 1. */
function lineIn(argument: unknown): Line | undefined {
  const { lineNumber, uri } = (argument ?? {}) as { lineNumber?: unknown; uri?: { fsPath?: unknown } };
  if (typeof lineNumber !== "number" || typeof uri?.fsPath !== "string") return undefined;
  return { path: uri.fsPath, line: lineNumber };
}

function cursorLine(): Line | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && { path: editor.document.uri.fsPath, line: editor.selection.active.line + 1 };
}

function isOn({ at }: Hits, { path, line }: Line): boolean {
  return typeof at === "object" && at.kind === "source" && at.path === path && at.line === line;
}

function sourceBreakpoint({ path, line }: Line): vscode.SourceBreakpoint | undefined {
  return vscode.debug.breakpoints.find(
    (breakpoint): breakpoint is vscode.SourceBreakpoint =>
      breakpoint instanceof vscode.SourceBreakpoint &&
      breakpoint.location.uri.fsPath === path &&
      breakpoint.location.range.start.line === line - 1,
  );
}

function questionOf({ location, condition, hitCondition, logMessage }: vscode.SourceBreakpoint): Hits {
  return {
    kind: "hits",
    at: { kind: "source", path: location.uri.fsPath, line: location.range.start.line + 1 },
    ...(condition !== undefined && { condition }),
    ...(hitCondition !== undefined && { hitCondition }),
    ...(logMessage !== undefined && { logMessage }),
  };
}

function itemOf({ title, question, mode }: BreakpointBody) {
  const { condition, hitCondition, logMessage } = question;
  const parts = [
    condition === undefined ? undefined : `if ${condition}`,
    hitCondition === undefined ? undefined : `hits ${hitCondition}`,
  ];
  return {
    label: `$(${logMessage === undefined ? "debug-breakpoint" : "debug-breakpoint-log"}) ${title}`,
    description: parts.filter((part) => part !== undefined).join(", "),
    ...(logMessage !== undefined && { detail: logMessage }),
    ...(mode !== undefined && { detail: [mode.replaceAll("-", " "), logMessage].filter(Boolean).join(": ") }),
    question,
  };
}
