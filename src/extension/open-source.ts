import * as vscode from "vscode";

/** Opens a line beside what has the focus, which keeps it: rows are gone through with the keys. */
export async function openSource({
  path,
  line,
  column,
}: {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}): Promise<void> {
  const at = new vscode.Position(line - 1, Math.max(0, column - 1));
  await vscode.window.showTextDocument(vscode.Uri.file(path), {
    preserveFocus: true,
    preview: true,
    selection: new vscode.Range(at, at),
  });
}
