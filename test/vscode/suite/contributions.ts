import assert from "node:assert/strict";
import * as vscode from "vscode";
import { open } from "./files.ts";
import type { Case } from "./runner.ts";

const EXTENSION = "hindcast.hindcast";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { command: string; icon?: unknown }[];
    readonly walkthroughs: readonly { steps: readonly { media: Record<string, string>; description: string }[] }[];
    readonly menus: Record<
      string,
      readonly ({ command: string; submenu?: never } | { command?: never; submenu: string })[]
    >;
    readonly submenus: readonly { id: string }[];
  };
}

/** Those of VS Code that we have entries in; the list of breakpoints has none for extensions. */
const MENUS = [
  "commandPalette",
  "debug/callstack/context",
  "debug/toolBar",
  "debug/variables/context",
  "debug/watch/context",
  "editor/context",
  "editor/lineNumber/context",
  "editor/title/run",
  "explorer/context",
  "terminal/context",
  "view/title",
  "webview/context",
];

function manifest(): Manifest {
  return vscode.extensions.getExtension(EXTENSION)?.packageJSON;
}

export function contributionCases(): readonly Case[] {
  return [
    {
      name: "assembly is recognised by its name, and opening it starts the extension",
      run: async () => {
        await open("overrun.s");
        assert.equal(vscode.window.activeTextEditor?.document.languageId, "riscv-assembly");
        const extension = vscode.extensions.getExtension(EXTENSION);
        assert.ok(extension, "The extension is not there.");
        await extension.activate();
      },
    },
    {
      name: "every command that is contributed exists, and every menu names one of them",
      run: async () => {
        const registered = new Set(await vscode.commands.getCommands(true));
        const { commands, menus, submenus } = manifest().contributes;
        for (const { command } of commands) assert.ok(registered.has(command), command);
        const known = new Set(commands.map(({ command }) => command));
        const opened = new Set(submenus.map(({ id }) => id));
        for (const { command, submenu } of Object.values(menus).flat()) {
          assert.ok(command === undefined ? opened.has(submenu) : known.has(command), command ?? submenu);
        }
        // VS Code says nothing of a menu that it does not have.
        for (const menu of Object.keys(menus)) assert.ok(opened.has(menu) || MENUS.includes(menu), menu);
      },
    },
    {
      name: "the walkthrough's pictures are there and its buttons run commands that exist",
      run: async () => {
        const registered = new Set(await vscode.commands.getCommands(true));
        const root = vscode.extensions.getExtension(EXTENSION)!.extensionUri;
        for (const { media, description } of manifest().contributes.walkthroughs.flatMap(({ steps }) => steps)) {
          const { size } = await vscode.workspace.fs.stat(vscode.Uri.joinPath(root, media.svg));
          assert.ok(size > 0 && size < 20_000, `${media.svg} has ${size} bytes`);
          for (const [, command] of description.matchAll(/\(command:([\w.]+)\)/g)) {
            assert.ok(registered.has(command), command);
          }
        }
      },
    },
    {
      name: "the demo opens as a copy of one's own",
      run: async () => {
        await vscode.commands.executeCommand("hindcast.openDemo");
        const { document } = vscode.window.activeTextEditor!;
        assert.match(document.uri.path, /work-queue\.s$/);
        const root = vscode.extensions.getExtension(EXTENSION)!.extensionUri;
        assert.ok(!document.uri.path.startsWith(root.path), document.uri.path);
      },
    },
  ];
}
