import * as vscode from "vscode";
import { DEBUG_TYPE, type Milestone } from "./names.ts";

/** Notes what the user has seen happen, as context keys that the steps of the walkthrough wait for. */
export class Milestones {
  private readonly seen = new Set<Milestone>();

  reached(milestone: Milestone): void {
    if (this.seen.has(milestone)) return;
    this.seen.add(milestone);
    void vscode.commands.executeCommand("setContext", `hindcast.seen.${milestone}`, true);
  }

  /** Watches what goes to and from adapters. */
  watch(): vscode.Disposable {
    return vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
      createDebugAdapterTracker: () => ({
        onDidSendMessage: (message: { event?: string; body?: { reason?: string } }) => {
          if (message.event === "initialized") this.reached("started");
          if (message.event === "stopped" && message.body?.reason === "exception") this.reached("trap");
        },
        onWillReceiveMessage: ({ command }: { command?: string }) => {
          const backwards = ["stepBack", "reverseContinue", "hindcast/reverseStepIn", "hindcast/reverseStepOut"];
          if (command !== undefined && backwards.includes(command)) this.reached("reverseStep");
          if (command === "hindcast/lastWrite") this.reached("lastWrite");
        },
      }),
    });
  }
}
