import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  type CodeAction,
  type CompletionItem,
  createProtocolConnection,
  type DocumentSymbol,
  type Hover,
  type InitializeResult,
  type Location,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver/node";

const SERVER = join(import.meta.dirname, "../../src/language/server.ts");
const WAIT_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), "hindcast-language-"));
after(() => rmSync(folder, { recursive: true }));

/** The server as a process, spoken to over its standard streams. */
async function start(context: TestContext) {
  const process_ = spawn(process.execPath, [SERVER, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  // A test that fails leaves no server behind.
  context.after(() => process_.kill());
  const connection = createProtocolConnection(
    new StreamMessageReader(process_.stdout),
    new StreamMessageWriter(process_.stdin),
  );
  const published = new Map<string, PublishDiagnosticsParams>();
  let arrived = (): void => {};
  connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
    published.set(params.uri, params);
    arrived();
  });
  connection.listen();
  const initialized: InitializeResult = await connection.sendRequest("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
  });
  await connection.sendNotification("initialized", {});
  return {
    connection,
    initialized,
    /** Waits until the diagnostics of a document are so many. */
    async diagnostics(uri: string, count: number) {
      const deadline = AbortSignal.timeout(WAIT_MS);
      while (published.get(uri)?.diagnostics.length !== count) {
        await new Promise<void>((resolve, reject) => {
          arrived = resolve;
          deadline.onabort = () => reject(new Error(`no ${count} diagnostics of ${uri}`));
        });
      }
      return published.get(uri)!.diagnostics;
    },
    open: (uri: string, text: string) =>
      connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId: "riscv-assembly", version: 1, text },
      }),
    async stop() {
      await connection.sendRequest("shutdown");
      await connection.sendNotification("exit");
      const [code] = await once(process_, "exit");
      connection.dispose();
      return code;
    },
  };
}

test("an editor's session with the server process", async (context) => {
  const server = await start(context);
  const { connection } = server;
  const ask = <T>(method: string, params: object): Promise<T> => connection.sendRequest(method, params);
  assert.ok(server.initialized.capabilities.hoverProvider);

  const uri = pathToFileURL(join(folder, "main.s")).href;
  const textDocument = { uri };
  await server.open(uri, "_start:\n    li a0, 5\n    seqzz a0, a0\n    j _start\n");
  const [mistake] = await server.diagnostics(uri, 1);
  assert.match(String(mistake.message), /^Unknown instruction `seqzz`/);
  assert.deepEqual(mistake.range, { start: { line: 2, character: 4 }, end: { line: 2, character: 9 } });

  const actions = await ask<CodeAction[]>("textDocument/codeAction", {
    textDocument,
    range: mistake.range,
    context: { diagnostics: [mistake] },
  });
  assert.equal(actions[0].title, "Change to seqz");
  await connection.sendNotification("textDocument/didChange", {
    textDocument: { uri, version: 2 },
    contentChanges: [{ range: mistake.range, text: actions[0].edit!.changes![uri][0].newText }],
  });
  await server.diagnostics(uri, 0);

  const at = (line: number, character: number) => ({ textDocument, position: { line, character } });
  const hover = await ask<Hover>("textDocument/hover", at(2, 5));
  assert.match((hover.contents as { value: string }).value, /\*\*seqz\*\* rd, rs1[\s\S]*a0 <- a0 <u 1/);
  const items = await ask<CompletionItem[]>("textDocument/completion", at(3, 6));
  assert.ok(items.some(({ label }) => label === "_start"));
  const resolved = await ask<CompletionItem>("completionItem/resolve", { label: "lw", data: "mnemonic" });
  assert.match((resolved.documentation as { value: string }).value, /Load 32 bits/);
  assert.deepEqual(await ask<Location[]>("textDocument/definition", at(3, 7)), [
    { uri, range: { start: { line: 0, character: 0 }, end: { line: 0, character: 6 } } },
  ]);
  const symbols = await ask<DocumentSymbol[]>("textDocument/documentSymbol", { textDocument });
  assert.deepEqual(
    symbols.map(({ name }) => name),
    ["_start"],
  );
  const renamed = await ask<WorkspaceEdit>("textDocument/rename", { ...at(0, 1), newName: "reset" });
  assert.equal(renamed.changes![uri].length, 2);
  await assert.rejects(ask("textDocument/prepareRename", at(1, 8)), /a0 belongs to the language/);
  const edits = await ask<TextEdit[]>("textDocument/formatting", {
    textDocument,
    options: { tabSize: 8, insertSpaces: true },
  });
  assert.equal(edits[0].newText, "        li a0, 5");

  assert.equal(await server.stop(), 0);
});

test("included files: names, edits that are not saved, and mistakes shown where they are", async (context) => {
  const server = await start(context);
  const library = join(folder, "library.s");
  writeFileSync(library, "helper:\n    li a0, SIZE\n    ret\n");
  const main = join(folder, "program.s");
  writeFileSync(main, '.equ SIZE, 4\n_start:\n    call helper\n.include "library.s"\n');
  const [libraryUri, mainUri] = [library, main].map((path) => pathToFileURL(path).href);

  // Alone, the library has an undefined symbol; but the program beside it includes it.
  await server.open(libraryUri, "helper:\n    li a0, SIZE\n    ret\n");
  await server.diagnostics(libraryUri, 0);
  const position = { line: 1, character: 13 };
  const definition = await server.connection.sendRequest<Location[]>("textDocument/definition", {
    textDocument: { uri: libraryUri },
    position,
  });
  assert.deepEqual(
    definition.map(({ uri }) => uri),
    [mainUri],
  );

  await server.open(mainUri, '.equ SIZE, 4\n_start:\n    call helper\n.include "library.s"\n');
  await server.connection.sendNotification("textDocument/didChange", {
    textDocument: { uri: libraryUri, version: 2 },
    contentChanges: [{ text: "helper:\n    li a0, SIZE\n    rett\n" }],
  });
  const [mistake] = await server.diagnostics(libraryUri, 1);
  assert.equal(mistake.range.start.line, 2);
  await server.connection.sendNotification("textDocument/didClose", { textDocument: { uri: libraryUri } });
  // What is on the disk has no mistake.
  await server.diagnostics(libraryUri, 0);
  assert.equal(await server.stop(), 0);
});
