import * as vscode from "vscode";
import type { LastWriteArguments } from "../adapter/custom-protocol.ts";
import { reporting } from "./failures.ts";
import { exact } from "./instants.ts";
import type { Session, Sessions } from "./session.ts";

/** What VS Code hands to a command in the menu of a variable or of a watch expression. */
interface MenuArgument {
  readonly variable?: DebugVariable;
  readonly name?: string;
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
  const before = session.status?.instant;
  await reporting(async () => {
    session.noteReturn();
    const { write } = await session.request("hindcast/lastWrite", { ...place, seek: true });
    if (write === undefined) {
      const until = before === undefined ? "now" : `instant ${exact(before)}`;
      void vscode.window.showInformationMessage(
        `Nothing has written to ${place.address} between the start of the recording and ${until}.`,
      );
      return;
    }
    await offerReturn(session, `${write.symbol} wrote ${place.address} at instant ${exact(write.instant)}.`);
  });
}

async function offerReturn(session: Session, sentence: string): Promise<void> {
  const back = "Go Back";
  const choice = await vscode.window.showInformationMessage(sentence, back);
  if (choice === back) await session.goBack();
}

function placeOf(argument: MenuArgument | undefined): LastWriteArguments | undefined {
  const variable = argument?.variable;
  // Of a watch expression VS Code tells the text alone.
  const address = variable === undefined ? argument?.name : (variable.evaluateName ?? variable.memoryReference);
  return address === undefined ? undefined : { address };
}

async function askForPlace(): Promise<LastWriteArguments | undefined> {
  const address = await vscode.window.showInputBox({
    title: "Find the last write to…",
    prompt: "An address or an expression: 0x80001000, a symbol, sp + 8",
    value: wordAtCursor(),
  });
  return address === undefined || address.trim() === "" ? undefined : { address: address.trim() };
}

/** What is selected, else the name under the cursor. */
function wordAtCursor(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return undefined;
  const { document, selection } = editor;
  if (!selection.isEmpty && selection.isSingleLine) return document.getText(selection);
  const range = document.getWordRangeAtPosition(selection.active, /[A-Za-z_.$][\w.$]*/);
  return range === undefined ? undefined : document.getText(range);
}
