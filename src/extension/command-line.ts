import { execFile } from "node:child_process";
import * as vscode from "vscode";

/** A recording of a long run takes a while to look over; more than this means that something is wrong. */
const TIMEOUT_MS = 60_000;

/** Result of `hindcast … --json`. */
export interface CommandResult {
  readonly exitCode: number;
  /** The JSON object on the last line of stdout; undefined when there is none. */
  readonly json: Record<string, unknown> | undefined;
  /** What Hindcast said to stderr: sentences for the user. */
  readonly said: string;
}

/** Runs the command line that ships in dist/, with the runtime that the editor itself runs on. */
export function runCommandLine(extensionUri: vscode.Uri, args: readonly string[]): Promise<CommandResult> {
  const cli = vscode.Uri.joinPath(extensionUri, "dist", "cli.js").fsPath;
  const options = { env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" }, timeout: TIMEOUT_MS, windowsHide: true };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [cli, ...args, "--json"], options, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? 4, json: lastLine(stdout), said: stderr.trim() });
    });
  });
}

function lastLine(stdout: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}
