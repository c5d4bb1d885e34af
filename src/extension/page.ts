import * as vscode from "vscode";

/** The frame of a webview: a bundle of dist/webview with its styles, and a policy that allows nothing else. */
export function page(webview: vscode.Webview, extensionUri: vscode.Uri, name: string, title: string): string {
  const folder = webviewFolder(extensionUri);
  const resource = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
  const nonce = crypto.randomUUID();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${resource(`${name}.css`)}">
  <title>${title}</title>
</head>
<body>
  <script nonce="${nonce}" src="${resource(`${name}.js`)}"></script>
</body>
</html>`;
}

export function webviewOptions(extensionUri: vscode.Uri): vscode.WebviewOptions {
  return { enableScripts: true, localResourceRoots: [webviewFolder(extensionUri)] };
}

function webviewFolder(extensionUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extensionUri, "dist", "webview");
}
