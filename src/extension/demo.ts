import * as vscode from "vscode";
import { debugFile } from "./configuration.ts";
import { DEBUG_TYPE } from "./names.ts";

const DEMO = ["guest", "demo", "work-queue.s"];
/** What the kernel's debug information names lies beside it as in the tree: that is how it is found. */
const KERNEL = ["guest", "kernel"];
const KERNEL_HEADER = ["guest", "include", "hindcast.h"];

/** Opens the demo: a copy of one's own, which may be changed; the shipped one stays as it is. */
export async function openDemo(context: vscode.ExtensionContext): Promise<vscode.Uri> {
  const uri = vscode.Uri.joinPath(await copies(context, "demo", [DEMO]), ...DEMO);
  await vscode.window.showTextDocument(uri, { preview: false });
  return uri;
}

export async function debugDemo(context: vscode.ExtensionContext): Promise<void> {
  await debugFile(await openDemo(context));
}

/** The teaching kernel, with its scheduler in the editor; real time, so that one can type. */
export async function debugKernel(context: vscode.ExtensionContext): Promise<void> {
  const folder = vscode.Uri.joinPath(await copies(context, "kernel", [KERNEL, KERNEL_HEADER]), ...KERNEL);
  const file = (...path: string[]) => vscode.Uri.joinPath(folder, ...path);
  await vscode.window.showTextDocument(file("process.c"), { preview: false });
  await vscode.debug.startDebugging(undefined, {
    ...{ type: DEBUG_TYPE, request: "launch", name: "Teaching kernel" },
    ...{ kernel: file("prebuilt", "kernel.elf").fsPath, disk: file("prebuilt", "files.img").fsPath },
    // Little enough that a few processes that walk through memory wait for their pages.
    ...{ harts: 2, clock: "paced", memory: "16M", residentMemory: "4M" },
  });
}

/** Copies of shipped files and folders lie in the extension's storage: they work without a workspace and litter none. */
async function copies(
  { globalStorageUri, extension, extensionUri }: vscode.ExtensionContext,
  name: string,
  wanted: readonly (readonly string[])[],
): Promise<vscode.Uri> {
  const folder = vscode.Uri.joinPath(globalStorageUri, name, extension.packageJSON.version);
  for (const path of wanted) {
    const copy = vscode.Uri.joinPath(folder, ...path);
    try {
      await vscode.workspace.fs.stat(copy);
    } catch {
      await vscode.workspace.fs.createDirectory(vscode.Uri.joinPath(copy, ".."));
      await vscode.workspace.fs.copy(vscode.Uri.joinPath(extensionUri, ...path), copy);
    }
  }
  return folder;
}
