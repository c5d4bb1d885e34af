import type * as vscode from "vscode";
import { page, webviewOptions } from "./page.ts";

/** A view that shows a page of dist/webview: how the page comes and goes, and how the two speak. */
export abstract class PageView<To, From> implements vscode.WebviewViewProvider, vscode.Disposable {
  /** Undefined while there is no page. */
  protected view: vscode.WebviewView | undefined;
  protected readonly subscriptions: vscode.Disposable[] = [];
  private readonly extensionUri: vscode.Uri;
  private readonly name: string;
  private readonly title: string;

  /** @param name of the page's bundle. */
  constructor(extensionUri: vscode.Uri, name: string, title: string) {
    this.extensionUri = extensionUri;
    this.name = name;
    this.title = title;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = webviewOptions(this.extensionUri);
    view.webview.onDidReceiveMessage((message: From) => this.receive(message));
    view.onDidChangeVisibility(() => this.visibilityChanged());
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = page(view.webview, this.extensionUri, this.name, this.title);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  protected send(message: To): void {
    void this.view?.webview.postMessage(message);
  }

  protected abstract receive(message: From): unknown;

  protected visibilityChanged(): void {}
}

/** What a page is told when its question cannot be answered. */
export function refusal(
  request: number,
  error: unknown,
): { readonly type: "refused"; readonly request: number; readonly message: string } {
  return { type: "refused", request, message: error instanceof Error ? error.message : String(error) };
}
