import * as vscode from "vscode";
import { reporting } from "./failures.ts";
import { exact } from "./instants.ts";
import { askForPlace, placeIn } from "./search-places.ts";
import type { Session, Sessions } from "./session.ts";

/** Travels to the instruction that last wrote what a variable, an expression or an address names. */
export async function findLastWrite(sessions: Sessions, argument: unknown): Promise<void> {
  const session = sessions.active;
  if (session === undefined) {
    void vscode.window.showInformationMessage("Start debugging first: the last write is looked up in a recording.");
    return;
  }
  const place = placeIn(argument) ?? (await askForPlace("Find the last write to…"));
  if (place === undefined) return;
  const { name, address, length } = place;
  const before = session.status?.instant;
  await reporting(async () => {
    session.noteReturn();
    const { write } = await session.request("hindcast/lastWrite", {
      address,
      ...(length !== undefined && { length }),
      seek: true,
    });
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

/** Says where one has come to, with a way back. */
export async function offerReturn(session: Session, sentence: string): Promise<void> {
  const back = "Go Back";
  const choice = await vscode.window.showInformationMessage(sentence, back);
  // The notification may have outlived the session.
  if (choice === back && !session.ended) await session.goBack();
}
