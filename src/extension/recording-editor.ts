import * as vscode from "vscode";
import type { FromRecording, RecordingFacts, ToRecording } from "../webview/messages.ts";
import { runCommandLine } from "./command-line.ts";
import { debugFile } from "./configuration.ts";
import { reporting } from "./failures.ts";
import { size } from "./instants.ts";
import { page, webviewOptions } from "./page.ts";

/** A recording in the editor area: a page that says what it holds, from which it is debugged. */
export class RecordingEditor implements vscode.CustomReadonlyEditorProvider {
  private readonly extensionUri: vscode.Uri;

  constructor(extensionUri: vscode.Uri) {
    this.extensionUri = extensionUri;
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => {} };
  }

  async resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { webview } = panel;
    webview.options = webviewOptions(this.extensionUri);
    const debug = () => reporting(() => debugFile(uri));
    webview.onDidReceiveMessage((message: FromRecording) => {
      if (message.type === "debug") return debug();
      return this.describe(uri).then((description) => webview.postMessage(description));
    });
    webview.html = page(webview, this.extensionUri, "recording", "Recording");
    const openDirectly = vscode.workspace.getConfiguration("hindcast.recording").get("debugOnOpen", false);
    if (openDirectly && vscode.debug.activeDebugSession === undefined) await debug();
  }

  private async describe(uri: vscode.Uri): Promise<ToRecording> {
    const name = uri.path.replace(/^.*\//, "");
    try {
      const { size: bytes } = await vscode.workspace.fs.stat(uri);
      const { json, said } = await runCommandLine(this.extensionUri, ["info", uri.fsPath]);
      if (json === undefined || typeof json.instants !== "number") {
        const error = json?.error as { message?: string } | undefined;
        return { type: "unusable", name, message: error?.message ?? (said || "It could not be read.") };
      }
      return { type: "facts", facts: facts(name, bytes, json as unknown as Info) };
    } catch (error) {
      return { type: "unusable", name, message: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** What is used of `hindcast info --json`. */
interface Info {
  readonly instants: number;
  readonly events: number;
  readonly outputs: number;
  readonly checkpoints: number;
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly bookmarks: RecordingFacts["bookmarks"];
  readonly configuration: { readonly harts: number; readonly isa: string; readonly memoryBytes: number };
  readonly images: readonly { readonly role: string; readonly name: string; readonly bytes: number }[];
}

function facts(name: string, bytes: number, info: Info): RecordingFacts {
  const { instants, events, outputs, checkpoints, complete, warnings, bookmarks, configuration } = info;
  const { harts, isa, memoryBytes } = configuration;
  return {
    name,
    bytes,
    instants,
    events,
    outputs,
    checkpoints,
    complete,
    warnings,
    bookmarks,
    machine: `${harts} hart${harts === 1 ? "" : "s"}, ${isa}, ${size(memoryBytes)} of memory`,
    program: info.images.find(({ role }) => role === "program"),
  };
}
