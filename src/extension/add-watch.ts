import * as vscode from "vscode";
import { linePlace, type Watched, withPlace } from "./watch-text.ts";

/** What VS Code hands to a command in the menu of a variable or of a watch expression. */
interface MenuArgument {
  readonly variable?: { readonly name: string; readonly evaluateName?: string; readonly value?: string };
  readonly container?: { readonly name?: string };
  /** Of a watch expression: VS Code gives it as `variable` in new versions, and bare in others. */
  readonly name?: string;
}

const LOCAL = /^(locals?|arguments?|parameters?)$/i;

/** The expression that a menu was opened on; undefined: none, the user will write one. */
export async function chosenExpression(argument: unknown): Promise<Watched | undefined> {
  const { variable, container, name } = (argument ?? {}) as MenuArgument;
  const expression = variable?.evaluateName ?? variable?.name ?? name;
  if (expression !== undefined) {
    return withPlace(expression, LOCAL.test(container?.name ?? ""), await frameLine());
  }
  const editor = vscode.window.activeTextEditor;
  const selected = editor && wordAt(editor);
  if (editor === undefined || selected === undefined) return undefined;
  return withPlace(selected, false, linePlace(editor.document.uri.path, editor.selection.active.line + 1));
}

/** The line of the frame that the debug views show, as a place. */
async function frameLine(): Promise<string | undefined> {
  const item = vscode.debug.activeStackItem;
  if (!(item instanceof vscode.DebugStackFrame)) return undefined;
  const { stackFrames } = await item.session.customRequest("stackTrace", { threadId: item.threadId });
  const frame = (
    stackFrames as { id: number; line: number; source?: { path?: string }; instructionPointerReference?: string }[]
  ).find(({ id }) => id === item.frameId);
  if (frame === undefined) return undefined;
  const path = frame.source?.path;
  return path === undefined ? frame.instructionPointerReference : linePlace(path, frame.line);
}

/** What is selected, else the name under the cursor. */
export function wordAt({ document, selection }: vscode.TextEditor): string | undefined {
  if (!selection.isEmpty) return selection.isSingleLine ? document.getText(selection).trim() || undefined : undefined;
  const range = document.getWordRangeAtPosition(selection.active, /[A-Za-z_.$][\w.$]*/);
  return range === undefined ? undefined : document.getText(range);
}
