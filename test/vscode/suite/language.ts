import assert from "node:assert/strict";
import * as vscode from "vscode";
import { eventually, file, lineOf, open } from "./files.ts";
import type { Case } from "./runner.ts";

/** Where `text` begins, in the first line that contains `line`. */
async function position(name: string, line: string, text: string): Promise<vscode.Position> {
  const document = await vscode.workspace.openTextDocument(file(name));
  const number = (await lineOf(name, line)) - 1;
  return new vscode.Position(number, document.lineAt(number).text.indexOf(text));
}

export function languageCases(): readonly Case[] {
  return [
    {
      name: "errors are shown as one types, at the operand that is wrong",
      run: async () => {
        await open("wrong.s");
        const found = await eventually(
          () => vscode.languages.getDiagnostics(file("wrong.s")),
          (diagnostics) => diagnostics.length > 0,
          "An error should be shown",
        );
        const wrong = await position("wrong.s", "adddi", "adddi");
        assert.ok(
          found.some(({ range }) => range.start.isEqual(wrong)),
          JSON.stringify(found),
        );
      },
    },
    {
      name: "hovering an instruction explains it",
      run: async () => {
        await open("overrun.s");
        const at = await position("overrun.s", "# the culprit", "sd");
        const hovers = await eventually(
          () => vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", file("overrun.s"), at),
          (answer) => answer.length > 0,
          "There should be a hover",
        );
        const text = hovers
          .flatMap(({ contents }) => contents)
          .map((content) => (typeof content === "string" ? content : content.value))
          .join("\n");
        assert.match(text, /[Ss]tore/);
      },
    },
    {
      name: "a label leads to its definition, and the outline lists it",
      run: async () => {
        await open("overrun.s");
        const at = await position("overrun.s", "call    store", "store");
        const definitions = await eventually(
          () =>
            vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
              "vscode.executeDefinitionProvider",
              file("overrun.s"),
              at,
            ),
          (answer) => answer.length > 0,
          "There should be a definition",
        );
        const [first] = definitions;
        const range = "range" in first ? first.range : first.targetRange;
        assert.equal(range.start.line + 1, await lineOf("overrun.s", "store:"));
        const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
          "vscode.executeDocumentSymbolProvider",
          file("overrun.s"),
        );
        assert.ok(JSON.stringify(symbols).includes('"name":"store"'), JSON.stringify(symbols));
      },
    },
    {
      name: "mnemonics are completed",
      run: async () => {
        await open("overrun.s");
        const at = await position("overrun.s", "# the culprit", "sd");
        const list = await vscode.commands.executeCommand<vscode.CompletionList>(
          "vscode.executeCompletionItemProvider",
          file("overrun.s"),
          at.translate(0, 1),
        );
        const labels = list.items.map(({ label }) => (typeof label === "string" ? label : label.label));
        for (const mnemonic of ["sd", "sw", "slli"]) assert.ok(labels.includes(mnemonic), mnemonic);
      },
    },
  ];
}
