import * as vscode from "vscode";
import { wordAt } from "./add-watch.ts";

/** A place in memory, or a value, that somebody asks about. */
export interface Place {
  /** How to call it in sentences. */
  readonly name: string;
  /** An expression that names the place; of a register, what it points to. */
  readonly address: string;
  /** Bytes; absent: as many as the expression names. */
  readonly length?: number;
  /** The value itself, a register's as well, where there is an expression for it. */
  readonly value?: string;
}

/** What VS Code hands to a command in the menu of a variable or of a watch expression. */
interface DebugVariable {
  readonly name: string;
  readonly evaluateName?: string;
  readonly memoryReference?: string;
}

/** What a page of ours says about what was clicked. */
interface PageContext {
  readonly webviewSection?: "memory";
  readonly name: string;
  readonly address: string;
  readonly length: number;
}

/** Bytes that are looked at where only an address is known: a register's worth. */
const WORD_BYTES = 8;

/** What a menu was opened on; undefined: none that names a place. */
export function placeIn(argument: unknown): Place | undefined {
  if (typeof argument !== "object" || argument === null) return undefined;
  const context = argument as Partial<PageContext>;
  if (context.webviewSection === "memory" && context.address !== undefined) {
    return { name: context.name ?? context.address, address: context.address, length: context.length ?? WORD_BYTES };
  }
  const { variable } = argument as { variable?: DebugVariable };
  if (variable === undefined) return undefined;
  const { name, evaluateName, memoryReference } = variable;
  // Of a register ("$t0") it is the memory that it points to, which the debugger's expressions write "*t0".
  const isRegister = evaluateName?.startsWith("$") === true;
  const pointed = isRegister ? `*${name}` : name;
  const shown = memoryReference === undefined ? pointed : `${memoryReference} (${pointed})`;
  if (evaluateName !== undefined) {
    return { name: shown, address: isRegister ? pointed : evaluateName, value: isRegister ? name : evaluateName };
  }
  return memoryReference === undefined ? undefined : { name: shown, address: memoryReference, length: WORD_BYTES };
}

/** Asks for one, and offers what is selected in the editor. */
export async function askForPlace(title: string): Promise<Place | undefined> {
  const input = await vscode.window.showInputBox({
    title,
    prompt: "An address or an expression: 0x80001000, a symbol, sp + 8",
    value: wordAtCursor(),
  });
  const address = input?.trim() ?? "";
  return address === "" ? undefined : { name: address, address, value: address };
}

/** What is selected, else the name under the cursor. */
export function wordAtCursor(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && wordAt(editor);
}
