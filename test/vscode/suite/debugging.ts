import assert from "node:assert/strict";
import * as vscode from "vscode";
import { breakpoint, eventually, file, lineOf, open } from "./files.ts";
import { type Case, limited } from "./runner.ts";
import { evaluate, instant, request, start, startOpenFile, topFrame, type Watcher } from "./session.ts";

/** Milliseconds that a pause may take, with two busy cores beside it. */
const PAUSE_MS = 2000;

export function debuggingCases(watcher: Watcher): readonly Case[] {
  return [
    {
      name: "F5 on an open .s without launch.json runs it to the trap",
      run: async () => {
        await open("overrun.s");
        const session = await startOpenFile();
        assert.equal(session.configuration.program, file("overrun.s").fsPath);
        const stop = await watcher.stop();
        assert.equal(stop.reason, "exception");
        assert.equal((await topFrame(session)).line, await lineOf("overrun.s", "# the trap"));
        const { description } = await session.customRequest("exceptionInfo", { threadId: 1 });
        assert.match(description, /Load access fault/);
        await watcher.console("filling the block\nblock filled\n");
      },
    },
    {
      name: "an ELF in a binary editor is debugged like a source, with its lines",
      run: async () => {
        await open("overrun.elf");
        const session = await startOpenFile();
        assert.equal(session.configuration.program, file("overrun.elf").fsPath);
        assert.equal((await watcher.stop()).reason, "exception");
        assert.equal((await topFrame(session)).line, await lineOf("overrun.s", "# the trap"));
      },
    },
    {
      name: "restarting runs the guest from reset again",
      run: async () => {
        const session = await start({ program: file("overrun.s").fsPath });
        await watcher.stop();
        const end = await instant(session);
        await watcher.console("block filled\n");
        watcher.forget();
        await session.customRequest("restart", { arguments: undefined });
        assert.equal((await watcher.stop()).reason, "exception");
        assert.equal(await instant(session), end);
        await watcher.console("filling the block\nblock filled\n");
      },
    },
    {
      name: "the teaching kernel runs from its walkthrough's button, with its sources and breakpoints in them",
      run: async () => {
        const file = "guest/kernel/process.c";
        await vscode.commands.executeCommand("hindcast.debugKernel");
        await watcher.console("exit ends.");
        const { document } = vscode.window.activeTextEditor!;
        assert.ok(document.uri.path.endsWith(file), document.uri.path);
        const line = document
          .getText()
          .split("\n")
          .findIndex((text) => text.includes("hart->current = NULL;"));
        const location = new vscode.Location(document.uri, new vscode.Position(line, 0));
        vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location)]);
        const session = vscode.debug.activeDebugSession!;
        await session.customRequest("hindcast/input", { text: "ps\n" });
        const { reason, threadId } = await watcher.stop();
        assert.equal(reason, "breakpoint");
        const top = await topFrame(session, threadId);
        assert.ok(top.path?.endsWith(file), top.path);
        assert.deepEqual([top.line, top.name.split("+")[0]], [line + 1, "schedule"]);
      },
    },
    {
      name: "F5 on something else says so and starts nothing",
      run: async () => {
        await open("notes.txt");
        const started = await vscode.debug.startDebugging(undefined, { type: "hindcast", request: "", name: "" });
        assert.equal(started, false);
        assert.equal(vscode.debug.activeDebugSession, undefined);
      },
    },
    {
      name: "a syntax error in the guest ends the launch with a sentence that names the line",
      run: async () => {
        await open("wrong.s");
        const outcome = vscode.debug.startDebugging(undefined, {
          type: "hindcast",
          request: "launch",
          name: "wrong",
          program: file("wrong.s").fsPath,
        });
        // VS Code resolves or rejects, depending on how far the launch came: either way no session is left.
        await limited(
          Promise.resolve(outcome).catch(() => false),
          30_000,
          "The refusal",
        );
        await eventually(
          () => vscode.debug.activeDebugSession === undefined,
          (gone) => gone,
          "The session of a guest that does not assemble should end",
        );
        await eventually(
          () => vscode.window.terminals.map(({ name }) => name),
          (names) => !names.includes("wrong.s"),
          "No terminal should be left of a guest that never ran",
        );
      },
    },
    {
      name: "breakpoints set in the editor stop, stepping goes by line, forwards and backwards",
      run: async () => {
        const culprit = await lineOf("overrun.s", "# the culprit");
        vscode.debug.addBreakpoints([breakpoint("overrun.s", culprit)]);
        const session = await start({ program: file("overrun.s").fsPath });
        assert.equal((await watcher.stop()).reason, "breakpoint");
        assert.deepEqual([(await topFrame(session)).line, await evaluate(session, "a0")], [culprit, 0x0]);
        await session.customRequest("continue", { threadId: 1 });
        assert.equal((await watcher.stop()).reason, "breakpoint");
        assert.equal(await evaluate(session, "a0"), 0x1);
        await session.customRequest("next", { threadId: 1 });
        await watcher.stop();
        assert.equal((await topFrame(session)).line, culprit + 1);
        await session.customRequest("stepBack", { threadId: 1 });
        await watcher.stop();
        assert.equal((await topFrame(session)).line, culprit);
        await session.customRequest("reverseContinue", { threadId: 1 });
        assert.equal((await watcher.stop()).reason, "breakpoint");
        assert.equal(await evaluate(session, "a0"), 0x0);
      },
    },
    {
      name: "the buttons Reverse Step Into and Reverse Step Out step backwards into and out of a routine",
      run: async () => {
        const after = await lineOf("overrun.s", "addi    s0, s0, 1");
        vscode.debug.addBreakpoints([breakpoint("overrun.s", after)]);
        const session = await start({ program: file("overrun.s").fsPath });
        await watcher.stop();
        await vscode.commands.executeCommand("hindcast.reverseStepInto");
        await watcher.stop();
        assert.match((await topFrame(session)).name, /^store/);
        await vscode.commands.executeCommand("hindcast.reverseStepOut");
        await watcher.stop();
        const { line } = await topFrame(session);
        assert.equal(line, await lineOf("overrun.s", "call    store"));
      },
    },
    {
      name: "keys reach the guest through its terminal and are recorded",
      run: async () => {
        const session = await start({ program: file("echo.s").fsPath });
        const terminal = await eventually(
          () => vscode.window.terminals.find(({ name }) => name === "echo.s"),
          (found) => found !== undefined,
          "The guest's terminal should appear",
        );
        await watcher.console("type: ");
        terminal!.sendText("hey\r", false);
        await watcher.console("<hey>\n");
        terminal!.sendText("q", false);
        const stop = await watcher.stop();
        assert.match(`${stop.description} ${stop.text}`, /7/);
        const { marks } = await request(session, "hindcast/timeline", { most: 1000 });
        assert.ok(
          marks.some(({ kind }) => kind === "event"),
          JSON.stringify(marks),
        );
        assert.ok(
          marks.some(({ kind }) => kind === "output"),
          JSON.stringify(marks),
        );
      },
    },
    {
      name: "the guest's terminal, once closed, comes back with what was printed",
      run: async () => {
        await start({ program: file("echo.s").fsPath });
        await watcher.console("type: ");
        const ours = () => vscode.window.terminals.find(({ name }) => name === "echo.s");
        const first = await eventually(ours, (found) => found !== undefined, "The guest's terminal should appear");
        first!.dispose();
        await eventually(ours, (found) => found === undefined, "The terminal should close");
        await vscode.commands.executeCommand("hindcast.showConsole");
        const second = await eventually(ours, (found) => found !== undefined, "A new terminal should appear");
        second!.sendText("again\r", false);
        await watcher.console("<again>");
      },
    },
    {
      name: "a guest that floods its console can be paused at once, and travelled in",
      run: async () => {
        const session = await start({ program: file("flood.s").fsPath });
        await watcher.console("00001000");
        const asked = Date.now();
        await session.customRequest("pause", { threadId: 1 });
        assert.equal((await watcher.stop()).reason, "pause");
        assert.ok(Date.now() - asked < PAUSE_MS, `pausing took ${Date.now() - asked} ms`);
        const end = await instant(session);
        assert.ok(end > 100_000, String(end));
        await request(session, "hindcast/seek", { instant: 1000 });
        await watcher.stop();
        assert.equal(await instant(session), 1000);
      },
    },
  ];
}
