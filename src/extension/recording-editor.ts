import * as vscode from "vscode";
import type { FromRecording, RecordingFacts, ToRecording } from "../webview/messages.ts";
import { runCommandLine } from "./command-line.ts";
import { debugFile } from "./configuration.ts";
import { reporting } from "./failures.ts";
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
      const { size } = await vscode.workspace.fs.stat(uri);
      const { json, said } = await runCommandLine(this.extensionUri, ["info", uri.fsPath]);
      if (json === undefined || typeof json.instants !== "number") {
        const error = json?.error as { message?: string } | undefined;
        return { type: "unusable", name, message: error?.message ?? (said || "It could not be read.") };
      }
      return { type: "facts", facts: facts(name, size, json) };
    } catch (error) {
      return { type: "unusable", name, message: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** `hindcast info --json` as the page wants it. */
function facts(name: string, bytes: number, json: Record<string, unknown>): RecordingFacts {
  const count = (key: string) => (typeof json[key] === "number" ? json[key] : 0);
  const images = Array.isArray(json.images) ? json.images : [];
  return {
    name,
    bytes,
    instants: count("instants"),
    events: count("events"),
    outputs: count("outputs"),
    checkpoints: count("checkpoints"),
    complete: json.complete === true,
    warnings: Array.isArray(json.warnings) ? json.warnings.map(String) : [],
    images: images.map((image: { name?: string; bytes?: number }) => ({
      name: image.name ?? "unnamed",
      ...(image.bytes !== undefined && { bytes: image.bytes }),
    })),
  };
}
