import * as vscode from "vscode";
import type { Session } from "./session.ts";

/**
 * Binds a breakpoint to where the machine stands: its privilege mode, and its address space. DAP knows no address
 * spaces, so that becomes a part of the breakpoint's condition, which the user sees and may change.
 */
export async function bindBreakpoint(session: Session, to: "privilege" | "space", argument: unknown): Promise<void> {
  const breakpoint = named(argument) ?? atCursor() ?? (await chosen());
  if (breakpoint === undefined) {
    void vscode.window.showInformationMessage("Set a breakpoint first: there is none to bind.");
    return;
  }
  const item = vscode.debug.activeStackItem;
  const hart = item?.session.id === session.debugSession.id ? { hart: item.threadId - 1 } : {};
  const { condition } = await session.request("hindcast/bindingCondition", {
    to,
    ...hart,
    ...(breakpoint.condition !== undefined && { condition: breakpoint.condition }),
  });
  const { enabled, hitCondition, logMessage } = breakpoint;
  const bound =
    breakpoint instanceof vscode.SourceBreakpoint
      ? new vscode.SourceBreakpoint(breakpoint.location, enabled, condition, hitCondition, logMessage)
      : new vscode.FunctionBreakpoint(breakpoint.functionName, enabled, condition, hitCondition, logMessage);
  // A breakpoint of the editor cannot be changed, only replaced.
  vscode.debug.removeBreakpoints([breakpoint]);
  vscode.debug.addBreakpoints([bound]);
  void vscode.window.showInformationMessage(`The breakpoint now stops only if ${condition}.`);
}

type Bindable = vscode.SourceBreakpoint | vscode.FunctionBreakpoint;

function bindable(): Bindable[] {
  return vscode.debug.breakpoints.filter(
    (breakpoint) => breakpoint instanceof vscode.SourceBreakpoint || breakpoint instanceof vscode.FunctionBreakpoint,
  );
}

/** Menus of the editor name a line, counted from 1; the list of breakpoints names its item. */
function named(argument: unknown): Bindable | undefined {
  if (typeof argument !== "object" || argument === null) return undefined;
  const { id, lineNumber, uri } = argument as { id?: unknown; lineNumber?: unknown; uri?: { path?: unknown } };
  const byId = bindable().find((breakpoint) => breakpoint.id === id);
  if (byId !== undefined || typeof lineNumber !== "number") return byId;
  return onLine(uri?.path, lineNumber - 1);
}

function atCursor(): Bindable | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && onLine(editor.document.uri.path, editor.selection.active.line);
}

function onLine(path: unknown, line: number): Bindable | undefined {
  return bindable().find(
    (breakpoint) =>
      breakpoint instanceof vscode.SourceBreakpoint &&
      breakpoint.location.uri.path === path &&
      breakpoint.location.range.start.line === line,
  );
}

async function chosen(): Promise<Bindable | undefined> {
  const items = bindable().map((breakpoint) => ({
    label:
      breakpoint instanceof vscode.SourceBreakpoint
        ? `${breakpoint.location.uri.path.replace(/^.*\//, "")}:${breakpoint.location.range.start.line + 1}`
        : breakpoint.functionName,
    description: breakpoint.condition ?? "",
    breakpoint,
  }));
  if (items.length <= 1) return items[0]?.breakpoint;
  return (await vscode.window.showQuickPick(items, { title: "Which breakpoint?" }))?.breakpoint;
}
