import * as vscode from "vscode";

/** Runs what a user asked for; what goes wrong is shown as the one sentence that it is. */
export async function reporting<T>(work: () => T | PromiseLike<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof vscode.CancellationError) return undefined;
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
