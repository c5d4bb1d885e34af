/** A debug session as a case drives it: through VS Code's own API and through the adapter's requests. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { CustomRequests } from "../../../src/adapter/custom-protocol.ts";
import { limited } from "./runner.ts";

const PATIENCE_MS = 30_000;
const TYPE = "hindcast";

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly command?: string;
  readonly body?: Record<string, unknown>;
}

export interface Stop {
  readonly reason: string;
  readonly threadId: number;
  readonly text?: string;
  readonly description?: string;
}

/** What adapters say, from before a session starts: nothing that comes early is missed. */
export class Watcher implements vscode.Disposable {
  private readonly stops: Stop[] = [];
  private readonly consoleBytes: number[] = [];
  private wake: () => void = () => {};
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      vscode.debug.registerDebugAdapterTrackerFactory(TYPE, {
        createDebugAdapterTracker: () => ({ onDidSendMessage: (message: Message) => this.note(message) }),
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  forget(): void {
    this.stops.length = 0;
    this.consoleBytes.length = 0;
  }

  /** The next stop that no one has asked for yet. */
  async stop(): Promise<Stop> {
    await this.until(() => this.stops.length > 0, "The machine did not stop");
    return this.stops.shift()!;
  }

  /** Waits until the guest's console has shown `text`. */
  async console(text: string): Promise<void> {
    await this.until(() => this.consoleText().includes(text), `The guest did not print "${text}"`);
  }

  consoleText(): string {
    return new TextDecoder().decode(Uint8Array.from(this.consoleBytes));
  }

  private note(message: Message): void {
    if (message.type !== "event") return;
    if (message.event === "stopped") this.stops.push(message.body as unknown as Stop);
    if (message.event === "hindcast/console") {
      this.consoleBytes.push(...Buffer.from(String(message.body?.base64), "base64"));
    }
    this.wake();
  }

  private async until(condition: () => boolean, complaint: string): Promise<void> {
    const wait = async () => {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    };
    await limited(wait(), PATIENCE_MS, complaint);
  }
}

/** Starts a session and hands it out as soon as VS Code knows it. */
export async function start(configuration: Partial<vscode.DebugConfiguration>): Promise<vscode.DebugSession> {
  const started = new Promise<vscode.DebugSession>((resolve) => {
    const subscription = vscode.debug.onDidStartDebugSession((session) => {
      subscription.dispose();
      resolve(session);
    });
  });
  const folder = vscode.workspace.workspaceFolders?.[0];
  const whole = { type: TYPE, request: "launch", name: "test", ...configuration };
  assert.ok(await vscode.debug.startDebugging(folder, whole), "The session did not start.");
  return limited(started, PATIENCE_MS, "The session's start");
}

/** Like F5 without a launch.json. */
export async function startOpenFile(): Promise<vscode.DebugSession> {
  return start({ type: TYPE, request: "", name: "" });
}

export async function end(): Promise<void> {
  const { activeDebugSession } = vscode.debug;
  if (activeDebugSession === undefined) return;
  const ended = new Promise<void>((resolve) => {
    const subscription = vscode.debug.onDidTerminateDebugSession(() => {
      subscription.dispose();
      resolve();
    });
  });
  await vscode.debug.stopDebugging();
  await limited(ended, PATIENCE_MS, "The session's end");
}

export function request<Name extends keyof CustomRequests>(
  session: vscode.DebugSession,
  name: Name,
  args: CustomRequests[Name]["arguments"],
): Thenable<CustomRequests[Name]["body"]> {
  return session.customRequest(name, args);
}

/** Line (from 1) and function of the top frame. */
export async function topFrame(
  session: vscode.DebugSession,
  threadId = 1,
): Promise<{ line: number; name: string; path?: string }> {
  const { stackFrames } = await session.customRequest("stackTrace", { threadId, startFrame: 0, levels: 1 });
  const { line, name, source } = stackFrames[0];
  return { line, name, path: source?.path };
}

/** An expression's value as a number; it is shown in hexadecimal and decimal, or with a symbol. */
export async function evaluate(session: vscode.DebugSession, expression: string): Promise<number> {
  const { stackFrames } = await session.customRequest("stackTrace", { threadId: 1, startFrame: 0, levels: 1 });
  const { result } = await session.customRequest("evaluate", {
    expression,
    frameId: stackFrames[0].id,
    context: "watch",
  });
  return Number.parseInt(result, 16);
}

export async function instant(session: vscode.DebugSession): Promise<number> {
  return (await request(session, "hindcast/timeline", { most: 1 })).now;
}
