import * as vscode from "vscode";
import type { BranchBody } from "../adapter/custom-protocol.ts";
import { exact } from "./instants.ts";
import type { Session, Sessions } from "./session.ts";

const COMPARISON_SCHEME = "hindcast-comparison";
const FIRST_THREAD = 1;
/** Set while a branch is looked at: menus go by it. */
const IN_BRANCH = "hindcast.inBranch";
/** What a comparison calls an instant. */
const INSTANT = /\binstant (\d[\d,]*)/g;

/** What-if branches in the editor: their commands, the sign in the status bar, and comparisons to read. */
export class Branches implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly comparisons = new Comparisons();
  private readonly subscriptions: vscode.Disposable[];
  /** Branches that began by a command of ours need no explanation; an edit's does, once a session. */
  private readonly explained = new WeakSet<Session>();

  constructor(sessions: Sessions) {
    // Left of the instant: it says whose instant it is.
    this.item = vscode.window.createStatusBarItem("hindcast.branch", vscode.StatusBarAlignment.Left, 61);
    this.item.name = "Hindcast: What-If Branch";
    this.item.command = "hindcast.switchBranch";
    this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
    this.subscriptions = [
      this.item,
      sessions.onActivated((session) => this.show(session)),
      sessions.onBranch(({ session }) => {
        if (session === sessions.active) this.show(session);
        if (session.branch !== undefined) this.explain(session, session.branch);
      }),
      vscode.workspace.registerTextDocumentContentProvider(COMPARISON_SCHEME, this.comparisons),
      vscode.languages.registerDocumentLinkProvider({ scheme: COMPARISON_SCHEME }, this.comparisons),
    ];
    this.show(sessions.active);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  get commands(): Readonly<Record<string, (session: Session, argument: unknown) => unknown>> {
    return {
      "hindcast.startBranch": (session) => this.start(session, true),
      "hindcast.startBranchWithoutInput": (session) => this.start(session, false),
      "hindcast.compareBranch": (session) => this.compare(session),
      "hindcast.discardBranch": (session) => discard(session),
      "hindcast.keepBranch": (session) => keep(session),
      "hindcast.saveBranch": (session) => save(session),
      "hindcast.switchBranch": (session) => this.choose(session),
      "hindcast.returnToRecording": (session) => session.request("hindcast/switchBranch", { id: 0 }),
      "hindcast.forceReturn": (session) => forceReturn(session),
      "hindcast.travelToCompared": (session, instant) => session.travel(Number(instant)),
    };
  }

  private show(session: Session | undefined): void {
    const branch = session?.branch;
    void vscode.commands.executeCommand("setContext", IN_BRANCH, branch !== undefined);
    if (branch === undefined) {
      this.item.hide();
      return;
    }
    this.item.text = `$(git-branch) ${branch.label}`;
    this.item.tooltip =
      `${branch.label}: a what-if run of its own. The recording stays as it is, and nothing of the branch reaches the outside. ` +
      "Click to go to another branch, or back to the recording.";
    this.item.show();
  }

  private explain(session: Session, branch: BranchBody): void {
    if (this.explained.has(session)) return;
    this.explained.add(session);
    const compare = "Compare";
    const away = "Discard";
    const sentence = `${branch.label} has begun: what has happened stays as it was, and the change is made in a run of its own.`;
    void vscode.window.showInformationMessage(sentence, compare, away).then((choice) => {
      if (session.ended || session.branch?.id !== branch.id) return;
      if (choice === compare) return vscode.commands.executeCommand("hindcast.compareBranch");
      if (choice === away) return vscode.commands.executeCommand("hindcast.discardBranch");
    });
  }

  private async start(session: Session, inputs: boolean): Promise<void> {
    this.explained.add(session);
    await session.request("hindcast/startBranch", { inputs });
  }

  private async compare(session: Session): Promise<void> {
    const branch = session.branch ?? (await choose(session, "Compare which branch with the recording?"));
    if (branch === undefined) return;
    const { lines } = await session.request("hindcast/compareBranch", { id: branch.id });
    const uri = this.comparisons.set(branch, lines);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), {
      preview: true,
      preserveFocus: true,
      viewColumn: vscode.ViewColumn.Beside,
    });
  }

  private async choose(session: Session): Promise<void> {
    const { current, branches } = await session.request("hindcast/branches", {});
    const recording = { label: "$(record) The recording", id: 0, description: "", detail: "" };
    const items = [recording, ...branches.map(itemOf)].map((item) => ({
      ...item,
      description: item.id === current ? `${item.description} (here)`.trim() : item.description,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: "Go to a branch, or back to the recording",
      matchOnDescription: true,
    });
    if (chosen !== undefined && chosen.id !== current)
      await session.request("hindcast/switchBranch", { id: chosen.id });
  }
}

function itemOf(branch: BranchBody) {
  const edits = branch.edits === 1 ? "1 edit" : `${branch.edits} edits`;
  const inputs = branch.inputs ? "" : ", without the recording's input";
  return {
    id: branch.id,
    label: `$(git-branch) ${branch.label}`,
    description: `up to ${exact(branch.end)}`,
    detail: `${edits}${inputs}`,
  };
}

async function choose(session: Session, title: string): Promise<BranchBody | undefined> {
  const { branches } = await session.request("hindcast/branches", {});
  if (branches.length === 0) {
    void vscode.window.showInformationMessage("There are no branches: change something in the past, or start one.");
    return undefined;
  }
  const chosen = await vscode.window.showQuickPick(branches.map(itemOf), { title });
  return branches.find(({ id }) => id === chosen?.id);
}

async function discard(session: Session): Promise<void> {
  const branch = session.branch ?? (await choose(session, "Discard which branch?"));
  if (branch === undefined) return;
  const away = "Discard";
  if (branch.name !== undefined) {
    const sentence = `Discard ${branch.label}? It cannot be had back.`;
    if ((await vscode.window.showWarningMessage(sentence, { modal: true }, away)) !== away) return;
  }
  await session.request("hindcast/discardBranch", { id: branch.id });
}

async function keep(session: Session): Promise<void> {
  const branch = session.branch ?? (await choose(session, "Keep which branch?"));
  if (branch === undefined) return;
  const name = await vscode.window.showInputBox({
    title: `Keep ${branch.label}`,
    prompt: "Under this name it stays until it is discarded, or the session ends.",
    value: branch.name ?? "",
    validateInput: (text) => (text.trim() === "" ? "A branch that is kept needs a name." : undefined),
  });
  if (name !== undefined) await session.request("hindcast/keepBranch", { id: branch.id, name });
}

async function save(session: Session): Promise<void> {
  const branch = session.branch ?? (await choose(session, "Save which branch as a recording?"));
  if (branch === undefined) return;
  const uri = await vscode.window.showSaveDialog({
    title: `Save ${branch.label} as a recording`,
    filters: { "Hindcast recordings": ["hindcast"] },
  });
  if (uri === undefined) return;
  await session.request("hindcast/saveBranch", { id: branch.id, path: uri.fsPath });
  void vscode.window.showInformationMessage(`${branch.label} is saved as ${uri.fsPath}.`);
}

async function forceReturn(session: Session): Promise<void> {
  const value = await vscode.window.showInputBox({
    title: "Return from the function now",
    prompt: "What it returns (an expression for a0); empty leaves a0 as it is.",
  });
  if (value === undefined) return;
  const item = vscode.debug.activeStackItem;
  const threadId = item?.session.id === session.debugSession.id ? item.threadId : FIRST_THREAD;
  await session.request("hindcast/forceReturn", { threadId, ...(value.trim() !== "" && { value }) });
}

/** Comparisons as documents that nobody is asked to save; instants in them lead there. */
class Comparisons implements vscode.TextDocumentContentProvider, vscode.DocumentLinkProvider {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  set(branch: BranchBody, lines: readonly string[]): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: COMPARISON_SCHEME, path: `/${branch.label} and the recording` });
    this.texts.set(uri.path, `${branch.label}, compared with the recording\n\n${lines.join("\n")}\n`);
    this.changed.fire(uri);
    return uri;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    return [...document.getText().matchAll(INSTANT)].map((match) => {
      const range = new vscode.Range(
        document.positionAt(match.index),
        document.positionAt(match.index + match[0].length),
      );
      const instant = Number(match[1].replaceAll(",", ""));
      const target = vscode.Uri.parse(
        `command:hindcast.travelToCompared?${encodeURIComponent(JSON.stringify([instant]))}`,
      );
      const link = new vscode.DocumentLink(range, target);
      link.tooltip = "Go there";
      return link;
    });
  }
}
