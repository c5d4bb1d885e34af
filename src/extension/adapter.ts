import * as vscode from "vscode";
import type { Sessions } from "./session.ts";

/**
 * Starts the debug adapter in a process of its own, with the runtime that the editor itself runs on: Electron as Node
 * on the desktop, Node on a server. A `node` on the PATH may be missing, or too old.
 */
export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  private readonly program: string;
  private readonly sessions: Sessions;

  constructor(extensionUri: vscode.Uri, sessions: Sessions) {
    this.program = vscode.Uri.joinPath(extensionUri, "dist", "adapter.js").fsPath;
    this.sessions = sessions;
  }

  createDebugAdapterDescriptor(session: vscode.DebugSession): vscode.DebugAdapterDescriptor {
    this.sessions.begin(session);
    return new vscode.DebugAdapterExecutable(process.execPath, [this.program], { env: { ELECTRON_RUN_AS_NODE: "1" } });
  }
}
