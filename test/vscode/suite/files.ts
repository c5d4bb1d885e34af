import * as vscode from "vscode";

/** A file of the folder that the launcher opened. */
export function file(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) throw new Error("The launcher opens a folder.");
  return vscode.Uri.joinPath(folder.uri, name);
}

/** Opens it as a double click does, whatever shows it. */
export async function open(name: string): Promise<void> {
  await vscode.commands.executeCommand("vscode.open", file(name));
}

/** Line, from 1, of the first line that contains `text`. */
export async function lineOf(name: string, text: string): Promise<number> {
  const lines = new TextDecoder().decode(await vscode.workspace.fs.readFile(file(name))).split("\n");
  const index = lines.findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${name} has no line with ${text}.`);
  return index + 1;
}

/** A breakpoint as a click in the gutter sets it. */
export function breakpoint(name: string, line: number): vscode.SourceBreakpoint {
  return new vscode.SourceBreakpoint(new vscode.Location(file(name), new vscode.Position(line - 1, 0)));
}

/** Asks again until the answer will do; what VS Code shows follows the adapter with a delay. */
export async function eventually<T>(
  ask: () => T | PromiseLike<T>,
  willDo: (answer: T) => boolean,
  what: string,
): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (willDo(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${what}; the last answer was ${JSON.stringify(answer)}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
