import * as vscode from "vscode";
import { wordAt } from "./add-watch.ts";
import type { Session } from "./session.ts";

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
  const pointed = evaluateName?.startsWith("$") ? `*${name}` : name;
  const shown = memoryReference === undefined ? pointed : `${memoryReference} (${pointed})`;
  if (evaluateName !== undefined) return { name: shown, address: evaluateName, value: evaluateName };
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

const TYPES: Readonly<Record<number, string>> = { 1: "u8", 2: "u16", 4: "u32", 8: "u64" };

/**
 * The place as an expression that means the same bytes at every instant: a register points elsewhere then. Undefined where
 * there are no so many bytes in a value.
 */
export async function fixedExpression(session: Session, { address, length }: Place): Promise<string | undefined> {
  // Names of variables and numbers stay what they are; what has a register in it does not.
  if (!address.includes("$") && length === undefined && !/^(0x)?[0-9a-f]+$/i.test(address)) return address;
  const frame = vscode.debug.activeStackItem;
  const frameId = frame instanceof vscode.DebugStackFrame ? { frameId: frame.frameId } : {};
  const { dataId } = await session.debugSession.customRequest("dataBreakpointInfo", { name: address, ...frameId });
  const known = /^(phys:)?(0x[0-9a-f]+)\/(\d+)$/.exec(dataId ?? "");
  const at = known?.[2] ?? (await registerValue(session, address, frameId));
  const type = TYPES[length ?? Number(known?.[3] ?? WORD_BYTES)];
  if (at === undefined || type === undefined) return undefined;
  return known?.[1] === undefined ? `${type}(${at})` : `${type}(phys(${at}))`;
}

async function registerValue(session: Session, expression: string, frame: object): Promise<string | undefined> {
  const context = "watch";
  const { result } = await session.debugSession.customRequest("evaluate", {
    expression: `${expression},x`,
    context,
    ...frame,
  });
  return /0x[0-9a-f]+/i.exec(result)?.[0];
}
