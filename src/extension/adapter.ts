import * as vscode from "vscode";
import { allocatorSettings } from "./allocator-settings.ts";

/**
 * Starts the debug adapter in a process of its own, with the runtime that the editor itself runs on: Electron as Node
 * on the desktop, Node on a server. A `node` on the PATH may be missing, or too old.
 */
export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  private readonly program: string;

  constructor(extensionUri: vscode.Uri) {
    this.program = vscode.Uri.joinPath(extensionUri, "dist", "adapter.js").fsPath;
  }

  createDebugAdapterDescriptor({ configuration }: vscode.DebugSession): vscode.DebugAdapterDescriptor {
    // Machine B of a pair is in the process that asked for this session.
    const { __pairAddress: address } = configuration;
    if (typeof address === "string") return new vscode.DebugAdapterNamedPipeServer(address);
    const env = { ELECTRON_RUN_AS_NODE: "1", ...allocatorSettings(process.platform, process.env) };
    return new vscode.DebugAdapterExecutable(process.execPath, [this.program], { env });
  }
}
