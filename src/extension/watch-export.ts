import * as vscode from "vscode";
import type { RowBody } from "../adapter/custom-protocol.ts";
import { CSV_HEADER, csvLine } from "./csv.ts";
import { exact } from "./instants.ts";
import type { Session } from "./session.ts";
import type { Watch } from "./watch.ts";
import { watchedText } from "./watch-text.ts";

const PAGE_ROWS = 1000;
/** A file of some 200 MB, which has to lie in memory to be written. */
const MOST_ROWS = 2_000_000;

/** Writes every value of the expressions, oldest first, to a file that the user names. */
export async function exportChanges(session: Session, watches: readonly Watch[]): Promise<void> {
  const total = watches.reduce((sum, { search }) => sum + (search?.rows ?? 0), 0);
  if (total > MOST_ROWS) {
    throw new Error(
      `There are ${exact(total)} rows, and at most ${exact(MOST_ROWS)} are exported: plot fewer expressions.`,
    );
  }
  const folder = session.debugSession.workspaceFolder?.uri ?? vscode.workspace.workspaceFolders?.[0]?.uri;
  const uri = await vscode.window.showSaveDialog({
    title: "Export all changes",
    filters: { "Comma-separated values": ["csv"] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, "changes.csv") }),
  });
  if (uri === undefined) return;
  const location = vscode.ProgressLocation.Notification;
  await vscode.window.withProgress(
    { location, title: "Exporting changes", cancellable: true },
    async (progress, cancel) => {
      const encoder = new TextEncoder();
      const pieces: Uint8Array[] = [encoder.encode(CSV_HEADER)];
      for (const { search, watched } of watches) {
        if (search === undefined) continue;
        // Pages come newest first.
        for (let first = Math.floor((search.rows - 1) / PAGE_ROWS) * PAGE_ROWS; first >= 0; first -= PAGE_ROWS) {
          if (cancel.isCancellationRequested) throw new vscode.CancellationError();
          const count = Math.min(PAGE_ROWS, search.rows - first);
          const { rows } = await session.request("hindcast/searchRows", { id: search.id, first, count });
          const lines = rows.map((row: RowBody) => csvLine(watchedText(watched), row)).reverse();
          pieces.push(encoder.encode(lines.join("")));
          progress.report({ increment: (100 * count) / total, message: `${exact(search.rows - first)} rows` });
        }
      }
      await vscode.workspace.fs.writeFile(uri, joined(pieces));
    },
  );
  const open = "Open";
  const name = uri.path.replace(/^.*\//, "");
  if ((await vscode.window.showInformationMessage(`${name} has been written.`, open)) === open) {
    await vscode.commands.executeCommand("vscode.open", uri);
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
