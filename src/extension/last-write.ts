import * as vscode from "vscode";
import { reporting } from "./failures.ts";
import { exact } from "./instants.ts";
import { askForPlace, type Place, placeIn } from "./search-places.ts";
import type { Session, Sessions } from "./session.ts";

/** Travels to the instruction that last wrote what a variable, an expression or an address names. */
export async function findLastWrite(sessions: Sessions, argument: unknown): Promise<void> {
  const session = sessions.active;
  if (session === undefined) {
    void vscode.window.showInformationMessage("Start debugging first: the last write is looked up in a recording.");
    return;
  }
  const place = placeIn(argument) ?? (await askForPlace("Find the last write to…"));
  if (place !== undefined) await reporting(() => findLast(session, "write", place));
}

/** The same of the last write or read, of a place that is known. */
export async function findLast(session: Session, kind: "write" | "read", place: Place): Promise<void> {
  const { name, address, length } = place;
  const before = session.status?.instant;
  const question = { address, ...(length !== undefined && { length }), seek: true };
  session.noteReturn();
  const access =
    kind === "write"
      ? (await session.request("hindcast/lastWrite", question)).write
      : (await session.request("hindcast/lastRead", question)).read;
  if (access === undefined) {
    const until = before === undefined ? "now" : `instant ${exact(before)}`;
    const verb = kind === "write" ? "written to" : "read";
    void vscode.window.showInformationMessage(
      `Nothing has ${verb} ${name} between the start of the recording and ${until}.`,
    );
    return;
  }
  const { by, symbol, instant } = access;
  const who = by === undefined ? symbol : { device: "a device", edit: "an edit", walk: "a page-table walk" }[by];
  await offerReturn(
    session,
    `Last ${kind === "write" ? "write to" : "read of"} ${name}: ${who} at instant ${exact(instant)}.`,
  );
}

/** Says where one has come to, with a way back. */
export async function offerReturn(session: Session, sentence: string): Promise<void> {
  const back = "Go Back";
  const choice = await vscode.window.showInformationMessage(sentence, back);
  // The notification may have outlived the session.
  if (choice === back && !session.ended) await session.goBack();
}
