/**
 * The language server of RISC-V assembly: LSP over what the arguments say (`--stdio`, `--node-ipc`, `--socket=PORT`).
 * Handlers are one line; server-session.ts answers.
 */
import { ErrorCodes, type InitializeResult, ResponseError } from "vscode-languageserver";
import { createConnection, ProposedFeatures, TextDocumentSyncKind, TextDocuments } from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { toCodeActions, withDocumentation } from "./server-protocol.ts";
import { LanguageSession } from "./server-session.ts";

/** Diagnostics wait until nobody has typed for so long. */
const QUIET_MS = 150;

const connection = createConnection(ProposedFeatures.all);
const documents = new TextDocuments(TextDocument);
const session = new LanguageSession();
let timer: NodeJS.Timeout | undefined;

connection.onInitialize(
  (): InitializeResult => ({
    serverInfo: { name: "Hindcast assembly language server" },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      hoverProvider: true,
      completionProvider: { triggerCharacters: [".", "%", "\\", ",", "("], resolveProvider: true },
      signatureHelpProvider: { triggerCharacters: [" ", ","] },
      definitionProvider: true,
      referencesProvider: true,
      documentHighlightProvider: true,
      documentSymbolProvider: true,
      foldingRangeProvider: true,
      renameProvider: { prepareProvider: true },
      documentFormattingProvider: true,
      codeActionProvider: { codeActionKinds: ["quickfix"] },
    },
  }),
);

documents.onDidChangeContent(({ document }) => {
  session.change(document.uri, document.getText());
  publishSoon();
});
documents.onDidClose(({ document }) => {
  session.close(document.uri);
  publishSoon();
});

connection.onHover((at) => session.hover(at));
connection.onCompletion((at) => session.complete(at));
connection.onCompletionResolve((item) => withDocumentation(item));
connection.onSignatureHelp((at) => session.signature(at));
connection.onDefinition((at) => session.definitions(at));
connection.onReferences((at) => session.references(at, at.context.includeDeclaration));
connection.onDocumentHighlight((at) => session.highlights(at));
connection.onDocumentSymbol((at) => session.symbols(at));
connection.onFoldingRanges((at) => session.folding(at));
connection.onDocumentFormatting((at) => session.format(at, at.options));
connection.onPrepareRename((at) => accepted(session.prepareRename(at)));
connection.onRenameRequest((at) => accepted(session.rename(at, at.newName)));
connection.onCodeAction((at) => toCodeActions(at.textDocument.uri, at.context.diagnostics));

documents.listen(connection);
connection.listen();

function accepted<T extends object>(answer: T | { refusal: string }): T | ResponseError<void> {
  return "refusal" in answer ? new ResponseError(ErrorCodes.InvalidRequest, answer.refusal) : answer;
}

function publishSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(publish, QUIET_MS);
}

function publish(): void {
  for (const [uri, diagnostics] of session.diagnostics()) void connection.sendDiagnostics({ uri, diagnostics });
}
