import * as vscode from "vscode";
import { exact } from "./instants.ts";
import type { Session } from "./session.ts";

export interface Bookmark {
  readonly instant: number;
  readonly name: string;
}

const RENAME: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("edit"), tooltip: "Rename" };
const REMOVE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("trash"), tooltip: "Remove" };

export async function addBookmark(session: Session): Promise<void> {
  const { now } = await session.reach();
  const name = await askForName(`Bookmark instant ${exact(now)}`);
  if (name !== undefined) await session.request("hindcast/bookmark", { name });
}

/** Lists the bookmarks: one that is chosen is gone to, and each can be renamed and removed. */
export async function goToBookmark(session: Session): Promise<void> {
  const chosen = await choose(session, "Go to bookmark");
  if (chosen !== undefined) await session.travel(chosen.instant);
}

export async function renameBookmark(session: Session, argument: unknown): Promise<void> {
  const bookmark = bookmarkIn(argument) ?? (await choose(session, "Rename which bookmark?"));
  if (bookmark === undefined) return;
  const newName = await askForName(`Rename the bookmark at instant ${exact(bookmark.instant)}`, bookmark.name);
  if (newName !== undefined && newName !== bookmark.name) {
    await session.request("hindcast/renameBookmark", { ...bookmark, newName });
  }
}

export async function removeBookmark(session: Session, argument: unknown): Promise<void> {
  const bookmark = bookmarkIn(argument) ?? (await choose(session, "Remove which bookmark?"));
  if (bookmark === undefined) return;
  await session.request("hindcast/removeBookmark", bookmark);
  const undo = "Undo";
  const sentence = `The bookmark “${bookmark.name}” at instant ${exact(bookmark.instant)} is gone.`;
  const choice = await vscode.window.showInformationMessage(sentence, undo);
  if (choice === undo && !session.ended) await session.request("hindcast/bookmark", bookmark);
}

/** What the Timeline's page says of the row that a menu was opened on, or a key pressed. */
function bookmarkIn(argument: unknown): Bookmark | undefined {
  const { instant, name } = (argument ?? {}) as Partial<Bookmark>;
  return typeof instant === "number" && typeof name === "string" ? { instant, name } : undefined;
}

async function bookmarksOf(session: Session): Promise<Bookmark[]> {
  // Bookmarks are never thinned away.
  const { marks } = await session.request("hindcast/timeline", { most: 1 });
  return marks.flatMap(({ kind, instant, label }) => (kind === "bookmark" ? [{ instant, name: label }] : []));
}

async function choose(session: Session, title: string): Promise<Bookmark | undefined> {
  const items = async () =>
    (await bookmarksOf(session)).map((bookmark) => ({
      label: `$(bookmark) ${bookmark.name}`,
      description: `instant ${exact(bookmark.instant)}`,
      buttons: [RENAME, REMOVE],
      bookmark,
    }));
  const all = await items();
  if (all.length === 0) {
    void vscode.window.showInformationMessage(
      "There are no bookmarks: “Add Bookmark…” names the instant that you are at.",
    );
    return undefined;
  }
  const pick = vscode.window.createQuickPick<(typeof all)[number]>();
  Object.assign(pick, { title, items: all, matchOnDescription: true });
  return new Promise((resolve) => {
    const end = (bookmark: Bookmark | undefined) => {
      resolve(bookmark);
      pick.dispose();
    };
    pick.onDidAccept(() => end(pick.selectedItems.at(0)?.bookmark));
    pick.onDidHide(() => end(undefined));
    pick.onDidTriggerItemButton(async ({ item, button }) => {
      const work = button === RENAME ? renameBookmark : removeBookmark;
      end(undefined);
      await work(session, item.bookmark).catch((error: Error) => vscode.window.showErrorMessage(error.message));
    });
    pick.show();
  });
}

async function askForName(title: string, value?: string): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title,
    prompt: "A name to find it by on the Timeline",
    ...(value !== undefined && { value }),
    validateInput: (text) => (text.trim() === "" ? "A bookmark needs a name." : undefined),
  });
  return name?.trim();
}
