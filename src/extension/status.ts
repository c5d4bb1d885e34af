import * as vscode from "vscode";
import { counted, exact, size, speed } from "./instants.ts";
import type { Session, Sessions } from "./session.ts";

/** To the right of what VS Code itself shows on the left, before what most extensions add. */
const PRIORITY = 60;

/** The status bar while a session goes on: instant, speed, size of the recording, and the proof of replay-only checks. */
export class StatusBar implements vscode.Disposable {
  private readonly instant: vscode.StatusBarItem;
  private readonly figures: vscode.StatusBarItem;
  private readonly checks: vscode.StatusBarItem;
  private readonly subscriptions: vscode.Disposable[];

  constructor(sessions: Sessions) {
    this.instant = vscode.window.createStatusBarItem("hindcast.instant", vscode.StatusBarAlignment.Left, PRIORITY);
    this.instant.name = "Hindcast: Instant";
    this.instant.command = "hindcast.goToInstant";
    this.figures = vscode.window.createStatusBarItem("hindcast.figures", vscode.StatusBarAlignment.Left, PRIORITY - 1);
    this.figures.name = "Hindcast: Speed and Size of the Recording";
    this.figures.command = "hindcast.showTimeline";
    this.checks = vscode.window.createStatusBarItem("hindcast.checks", vscode.StatusBarAlignment.Left, PRIORITY - 2);
    this.checks.name = "Hindcast: Replay-only Checks";
    this.checks.command = "hindcast.showTimeline";
    this.subscriptions = [
      this.instant,
      this.figures,
      this.checks,
      sessions.onActivated(() => this.show(sessions.active)),
      sessions.onStatus(({ session }) => {
        if (session === sessions.active) this.show(session);
      }),
    ];
    this.show(sessions.active);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private show(session: Session | undefined): void {
    const status = session?.status;
    if (session === undefined || status === undefined) {
      this.instant.hide();
      this.figures.hide();
      this.checks.hide();
      return;
    }
    const { instant, end, running, stepsPerSecond, recordingBytes, checks } = status;
    const atEnd = instant === end;
    this.instant.text = `$(history) ${exact(instant)}${atEnd ? "" : ` of ${exact(end)}`}`;
    this.instant.tooltip = atEnd
      ? `Instant ${exact(instant)}, the newest. Click to go to another.`
      : `Instant ${exact(instant)} of ${exact(end)}: the machine stands in the past. Click to go to another instant.`;
    const figures = [running && stepsPerSecond > 0 ? `$(dashboard) ${speed(stepsPerSecond)}` : undefined];
    if (recordingBytes > 0) figures.push(`$(record) ${size(recordingBytes)}`);
    this.figures.text = figures.filter((figure) => figure !== undefined).join(" ");
    this.figures.tooltip = `${session.title}: million steps a second, and the size of the recording. Click for the Timeline.`;
    this.instant.show();
    this.figures.show();
    if (checks === 0) {
      this.checks.hide();
      return;
    }
    this.checks.text = `$(verified) ${counted(checks, "check")}: state restored, digest equal`;
    this.checks.tooltip =
      `${counted(checks, "replay-only check or call", "replay-only checks and calls")} of guest functions ran in this session. ` +
      "After each the machine was put back, and its digest was the one from before: the recording has not noticed.";
    this.checks.show();
  }
}
