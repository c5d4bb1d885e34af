import assert from "node:assert/strict";
import * as vscode from "vscode";
import { breakpoint, eventually, file, lineOf, open } from "./files.ts";
import type { Case } from "./runner.ts";
import { end, evaluate, instant, start, startOpenFile, topFrame, type Watcher } from "./session.ts";

export function recordingCases(watcher: Watcher): readonly Case[] {
  return [
    {
      name: "a recording opens in its own editor, and F5 there travels in it without running anything anew",
      run: async () => {
        const recording = file("overrun.hindcast");
        await start({ program: file("overrun.s").fsPath, recordTo: recording.fsPath });
        assert.equal((await watcher.stop()).reason, "exception");
        await end();
        watcher.forget();
        await open("overrun.hindcast");
        const input = await eventually(
          () => vscode.window.tabGroups.activeTabGroup.activeTab?.input,
          (found) => found instanceof vscode.TabInputCustom,
          "The recording's own editor should open",
        );
        assert.equal((input as vscode.TabInputCustom).viewType, "hindcast.recording");

        const culprit = await lineOf("overrun.s", "# the culprit");
        vscode.debug.addBreakpoints([breakpoint("overrun.s", culprit)]);
        const session = await startOpenFile();
        assert.equal(session.configuration.recording, recording.fsPath);
        await watcher.stop();
        await vscode.commands.executeCommand("hindcast.goToEnd");
        await watcher.stop();
        await session.customRequest("reverseContinue", { threadId: 1 });
        await watcher.stop();
        assert.equal((await topFrame(session)).line, culprit);
        assert.equal(await evaluate(session, "a0"), 0x4);
        assert.ok((await instant(session)) > 0);
      },
    },
    {
      name: "a file that only calls itself a recording is refused with a sentence",
      run: async () => {
        const text = new TextEncoder().encode("This is no recording, whatever its name says.\n");
        await vscode.workspace.fs.writeFile(file("torn.hindcast"), text);
        await open("torn.hindcast");
        const refused = await vscode.debug
          .startDebugging(undefined, {
            type: "hindcast",
            request: "launch",
            name: "torn",
            recording: file("torn.hindcast").fsPath,
          })
          .then(
            (started) => !started,
            () => true,
          );
        await eventually(
          () => vscode.debug.activeDebugSession === undefined,
          (gone) => gone,
          `No session should be left (refused: ${refused})`,
        );
      },
    },
  ];
}
