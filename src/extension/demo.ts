import * as vscode from "vscode";
import { debugFile } from "./configuration.ts";

const DEMO = ["guest", "demo", "work-queue.s"];

/** Opens the demo: a copy of one's own, which may be changed; the shipped one stays as it is. */
export async function openDemo(context: vscode.ExtensionContext): Promise<vscode.Uri> {
  const uri = await copyOfDemo(context);
  await vscode.window.showTextDocument(uri, { preview: false });
  return uri;
}

export async function debugDemo(context: vscode.ExtensionContext): Promise<void> {
  await debugFile(await openDemo(context));
}

/** The copy lies in the extension's storage: the demo works without a workspace and litters none. */
async function copyOfDemo(context: vscode.ExtensionContext): Promise<vscode.Uri> {
  const folder = vscode.Uri.joinPath(context.globalStorageUri, "demo", context.extension.packageJSON.version);
  const copy = vscode.Uri.joinPath(folder, DEMO[DEMO.length - 1]);
  try {
    await vscode.workspace.fs.stat(copy);
  } catch {
    await vscode.workspace.fs.createDirectory(folder);
    await vscode.workspace.fs.copy(vscode.Uri.joinPath(context.extensionUri, ...DEMO), copy);
  }
  return copy;
}
