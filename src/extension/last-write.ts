import * as vscode from "vscode";
import type { LastWriteArguments } from "../adapter/custom-protocol.ts";
import { wordAt } from "./add-watch.ts";
import { reporting } from "./failures.ts";
import { exact } from "./instants.ts";
import type { Session, Sessions } from "./session.ts";

/** What VS Code hands to a command in the menu of a variable or of a watch expression. */
interface MenuArgument {
  readonly variable?: DebugVariable;
}

interface DebugVariable {
  readonly name: string;
  readonly evaluateName?: string;
  readonly memoryReference?: string;
}

/** Travels to the instruction that last wrote what a variable, an expression or an address names. */
export async function findLastWrite(sessions: Sessions, argument: unknown): Promise<void> {
  const session = sessions.active;
  if (session === undefined) {
    void vscode.window.showInformationMessage("Start debugging first: the last write is looked up in a recording.");
    return;
  }
  const place = placeOf(argument as MenuArgument | undefined) ?? (await askForPlace());
  if (place === undefined) return;
  const { name, ...where } = place;
  const before = session.status?.instant;
  await reporting(async () => {
    session.noteReturn();
    const { write } = await session.request("hindcast/lastWrite", { ...where, seek: true });
    if (write === undefined) {
      const until = before === undefined ? "now" : `instant ${exact(before)}`;
      void vscode.window.showInformationMessage(
        `Nothing has written to ${name} between the start of the recording and ${until}.`,
      );
      return;
    }
    await offerReturn(session, `Last write to ${name}: ${write.symbol} at instant ${exact(write.instant)}.`);
  });
}

async function offerReturn(session: Session, sentence: string): Promise<void> {
  const back = "Go Back";
  const choice = await vscode.window.showInformationMessage(sentence, back);
  // The notification may have outlived the session.
  if (choice === back && !session.ended) await session.goBack();
}

/** Where to look, and how to call it in sentences. */
interface Place extends LastWriteArguments {
  readonly name: string;
}

/** Bytes that are looked at where only an address is known: a register's worth. */
const WORD_BYTES = 8;

function placeOf(argument: MenuArgument | undefined): Place | undefined {
  const variable = argument?.variable;
  if (variable === undefined) return undefined;
  const { name, evaluateName, memoryReference } = variable;
  // Of a register ("$t0") it is the memory that it points to, which the debugger's expressions write "*t0".
  const pointed = evaluateName?.startsWith("$") ? `*${name}` : name;
  const shown = memoryReference === undefined ? pointed : `${memoryReference} (${pointed})`;
  if (evaluateName !== undefined) return { name: shown, address: evaluateName };
  return memoryReference === undefined ? undefined : { name: shown, address: memoryReference, length: WORD_BYTES };
}

async function askForPlace(): Promise<Place | undefined> {
  const editor = vscode.window.activeTextEditor;
  const input = await vscode.window.showInputBox({
    title: "Find the last write to…",
    prompt: "An address or an expression: 0x80001000, a symbol, sp + 8",
    value: editor && wordAt(editor),
  });
  const address = input?.trim() ?? "";
  return address === "" ? undefined : { name: address, address };
}
