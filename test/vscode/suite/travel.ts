import assert from "node:assert/strict";
import * as vscode from "vscode";
import { file, lineOf } from "./files.ts";
import type { Case } from "./runner.ts";
import { evaluate, instant, request, start, topFrame, type Watcher } from "./session.ts";

/** A session that has run into the trap of overrun.s. */
async function trapped(watcher: Watcher): Promise<vscode.DebugSession> {
  const session = await start({ program: file("overrun.s").fsPath });
  assert.equal((await watcher.stop()).reason, "exception");
  return session;
}

export function travelCases(watcher: Watcher): readonly Case[] {
  return [
    {
      name: "Find Last Write on a variable goes back to the store that is to blame, and Go Back returns",
      run: async () => {
        const session = await trapped(watcher);
        const end = await instant(session);
        // What VS Code hands over from the menu of a variable or of a watch expression. The command ends when its
        // notification is dismissed, which nobody does here.
        void vscode.commands.executeCommand("hindcast.findLastWrite", {
          variable: { name: "pointer", evaluateName: "pointer" },
        });
        await watcher.stop();
        assert.equal((await topFrame(session)).line, await lineOf("overrun.s", "# the culprit"));
        assert.equal(await evaluate(session, "a0"), 0x4);
        await vscode.commands.executeCommand("hindcast.goBack");
        await watcher.stop();
        assert.equal(await instant(session), end);
      },
    },
    {
      name: "a data breakpoint and Reverse find the same store",
      run: async () => {
        const session = await trapped(watcher);
        const info = await session.customRequest("dataBreakpointInfo", { name: "*pointer" });
        assert.ok(info.dataId, info.description);
        await session.customRequest("setDataBreakpoints", {
          breakpoints: [{ dataId: info.dataId, accessType: "write" }],
        });
        await session.customRequest("reverseContinue", { threadId: 1 });
        assert.equal((await watcher.stop()).reason, "data breakpoint");
        assert.equal((await topFrame(session)).line, await lineOf("overrun.s", "# the culprit"));
      },
    },
    {
      name: "Go to the Start and Go to the Newest Instant, and the same state again",
      run: async () => {
        const session = await trapped(watcher);
        const [end, pc] = [await instant(session), await evaluate(session, "pc")];
        await vscode.commands.executeCommand("hindcast.goToStart");
        await watcher.stop();
        assert.equal(await instant(session), 0);
        await vscode.commands.executeCommand("hindcast.goToEnd");
        await watcher.stop();
        assert.deepEqual([await instant(session), await evaluate(session, "pc")], [end, pc]);
      },
    },
    {
      name: "a line of output leads to the store that printed it",
      run: async () => {
        const session = await trapped(watcher);
        const offset = "filling the block\n".length;
        const { instant: printed } = await request(session, "hindcast/instantOfOutput", { offset, seek: true });
        await watcher.stop();
        assert.equal(await instant(session), printed);
        assert.equal(await evaluate(session, "t1"), 0x62, "the b of the second line");
        assert.equal((await topFrame(session)).line, await lineOf("overrun.s", "sb      t1"));
      },
    },
    {
      name: "bookmarks and the trap are marks of the timeline",
      run: async () => {
        const session = await trapped(watcher);
        await request(session, "hindcast/seek", { instant: 100 });
        await watcher.stop();
        await request(session, "hindcast/bookmark", { name: "here" });
        const { marks, total, end } = await request(session, "hindcast/timeline", { most: 1000 });
        assert.equal(total, marks.length);
        const bookmark = marks.find(({ kind }) => kind === "bookmark");
        assert.deepEqual([bookmark?.instant, bookmark?.label], [100, "here"]);
        assert.ok(
          marks.some(({ kind, instant }) => kind === "trap" && instant === end),
          JSON.stringify(marks),
        );
        assert.ok(marks.every((mark, index) => index === 0 || marks[index - 1].instant <= mark.instant));
      },
    },
  ];
}
