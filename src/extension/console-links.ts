import * as vscode from "vscode";
import type { GuestConsole, GuestConsoles } from "./console.ts";
import { reporting } from "./failures.ts";
import type { OutputLine } from "./output-lines.ts";

/** More lines than this are too many to choose from; the newest are offered. */
const MOST_CHOICES = 2000;

interface LineLink extends vscode.TerminalLink {
  readonly console: GuestConsole;
  readonly lines: readonly OutputLine[];
}

/** Every line in a guest's console is a link to the instant that printed it. */
export class ConsoleLinks implements vscode.TerminalLinkProvider<LineLink> {
  private readonly consoles: GuestConsoles;

  constructor(consoles: GuestConsoles) {
    this.consoles = consoles;
  }

  provideTerminalLinks({ terminal, line }: vscode.TerminalLinkContext): LineLink[] {
    const console = this.consoles.at(terminal);
    if (console === undefined || console.session.ended) return [];
    const lines = console.lines.matching(line);
    if (lines.length === 0) return [];
    const startIndex = line.length - line.trimStart().length;
    const length = line.trim().length;
    const tooltip =
      lines.length === 1
        ? "Go to the instant that printed this"
        : `Go to one of the ${lines.length} instants that printed this`;
    return [{ startIndex, length, tooltip, console, lines }];
  }

  handleTerminalLink({ console, lines }: LineLink): Thenable<void> | undefined {
    if (lines.length > 1) return chooseLine(console, lines);
    return travelTo(console, lines[0]);
  }
}

/** Lets the user choose among lines of output, newest first, and goes to the instant that printed it. */
export async function chooseLine(console: GuestConsole, lines = console.lines.all()): Promise<void> {
  if (lines.length === 0) {
    void vscode.window.showInformationMessage("The guest has not printed anything yet.");
    return;
  }
  const items = lines.map((line, index) => ({ label: line.text, description: `line ${index + 1}`, line }));
  const choice = await vscode.window.showQuickPick(items.slice(-MOST_CHOICES).reverse(), {
    title: "Go to the instant that printed…",
    placeHolder: "A line of the guest's output, newest first",
  });
  if (choice !== undefined) await travelTo(console, choice.line);
}

async function travelTo({ session }: GuestConsole, line: OutputLine): Promise<void> {
  await reporting(async () => {
    session.noteReturn();
    const { instant } = await session.request("hindcast/instantOfOutput", { offset: line.offset, seek: true });
    if (instant === undefined) {
      void vscode.window.showInformationMessage("The recording no longer holds the instant that printed this line.");
    }
  });
}
