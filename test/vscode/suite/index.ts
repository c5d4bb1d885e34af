/**
 * The suite that runs inside the extension host, on whatever VS Code the launcher found: `run` is what VS Code calls
 * (`extensionTestsPath`).
 */
import * as vscode from "vscode";
import { contributionCases } from "./contributions.ts";
import { debuggingCases } from "./debugging.ts";
import { languageCases } from "./language.ts";
import { recordingCases } from "./recordings.ts";
import { runCases } from "./runner.ts";
import { end, Watcher } from "./session.ts";
import { travelCases } from "./travel.ts";

export async function run(): Promise<void> {
  const watcher = new Watcher();
  const cases = [
    ...contributionCases(),
    ...debuggingCases(watcher),
    ...travelCases(watcher),
    ...recordingCases(watcher),
    ...languageCases(),
  ];
  // HINDCAST_CASES=hover runs the cases with that word in their names, while one works on them.
  const wanted = cases.filter(({ name }) => name.includes(process.env.HINDCAST_CASES ?? ""));
  const results = await runCases(wanted, async () => {
    await end();
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    watcher.forget();
  });
  watcher.dispose();
  const failed = results.filter(({ error }) => error !== undefined);
  // The launchers for desktops take the exit code from this.
  if (failed.length > 0) throw new Error(`${failed.length} of ${results.length} cases failed.`);
}
