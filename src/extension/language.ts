import * as vscode from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";
import { LANGUAGE } from "./names.ts";

/** The client of the assembly language server: diagnostics, hover, completion, definitions, symbols. */
export function startLanguageClient(extensionUri: vscode.Uri): LanguageClient {
  const module = vscode.Uri.joinPath(extensionUri, "dist", "language-server.js").fsPath;
  const client = new LanguageClient(
    "hindcast.language",
    "Hindcast Assembly Language Server",
    { module, transport: TransportKind.ipc },
    { documentSelector: [{ language: LANGUAGE }] },
  );
  client.start().catch((error: unknown) => {
    void vscode.window.showErrorMessage(
      `The assembly language server did not start: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
  return client;
}
