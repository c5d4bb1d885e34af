import * as vscode from "vscode";
import type { ConsoleBody } from "../adapter/custom-protocol.ts";
import { exact } from "./instants.ts";
import { OutputLines } from "./output-lines.ts";
import type { Session, Sessions } from "./session.ts";
import { BoundedText, TerminalText } from "./terminal-text.ts";

/** Output goes to the terminal this often at most: a guest that floods its console must not flood the editor. */
const FLUSH_MS = 40;
/** Characters a flush, at most: about 1.6 million a second, which a terminal draws without falling behind. */
const MOST_PENDING = 64 * 1024;

/** The guest's serial console as a terminal: what it prints, and the keys that are typed to it, which are recorded. */
export class GuestConsole implements vscode.Pseudoterminal {
  readonly session: Session;
  readonly terminal: vscode.Terminal;
  lines = new OutputLines();
  private text = new TerminalText();
  /** Offset that the next byte has, unless some are left out or the machine is restarted. */
  private expectedOffset = 0;
  private readonly pending = new BoundedText(MOST_PENDING);
  private readonly written = new vscode.EventEmitter<string>();
  readonly onDidWrite = this.written.event;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private opened = false;
  private over = false;
  private keysRefused = false;

  constructor(session: Session) {
    this.session = session;
    this.terminal = vscode.window.createTerminal({
      name: session.title,
      pty: this,
      iconPath: new vscode.ThemeIcon("chip"),
      // A guest does not come back when the window is loaded again.
      isTransient: true,
    });
  }

  /** VS Code calls this when the terminal is there to write to; what comes earlier waits. */
  open(): void {
    this.opened = true;
    this.flush();
  }

  close(): void {
    this.opened = false;
    this.over = true;
    clearTimeout(this.timer);
  }

  handleInput(data: string): void {
    if (this.over) return;
    this.session.request("hindcast/input", { text: data }).then(undefined, (error: unknown) => {
      // Once is enough: the next keys would meet the same.
      if (!this.keysRefused) this.notice(error instanceof Error ? error.message : String(error));
      this.keysRefused = true;
    });
  }

  receive({ base64, offset, skipped }: ConsoleBody): void {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    if (offset < this.expectedOffset) this.restart();
    this.expectedOffset = offset + bytes.length;
    this.lines.append(bytes, offset);
    if (skipped !== undefined && skipped > 0) this.add(omission(skipped));
    this.add(this.text.write(bytes));
  }

  /** Output counts from reset again: lines of the run before lead nowhere now. */
  private restart(): void {
    this.lines = new OutputLines();
    this.text = new TerminalText();
    this.keysRefused = false;
    this.notice("The machine was restarted.");
  }

  /** The session is over; what was printed stays to be read. */
  end(): void {
    this.notice("The session has ended.");
    this.over = true;
  }

  private notice(sentence: string): void {
    this.add(`\x1b[0m\r\n\x1b[2m${sentence}\x1b[0m\r\n`);
  }

  private add(text: string): void {
    if (text === "") return;
    this.pending.add(text);
    if (this.opened) this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.pending.empty) return;
    const { text, dropped } = this.pending.take();
    this.written.fire(dropped > 0 ? omission(dropped) + text : text);
  }
}

function omission(characters: number): string {
  return `\x1b[0m\r\n\x1b[2m… ${exact(characters)} characters are not shown; the recording has them …\x1b[0m\r\n`;
}

/** One console a session; shows it when the settings say so. */
export class GuestConsoles implements vscode.Disposable {
  private readonly consoles = new Map<Session, GuestConsole>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(sessions: Sessions) {
    this.subscriptions = [
      sessions.onStarted((session) => this.begin(session)),
      sessions.onEnded((session) => this.consoles.get(session)?.end()),
      sessions.onConsole(({ session, body }) => this.receive(session, body)),
      vscode.window.onDidCloseTerminal((terminal) => this.forget(terminal)),
    ];
  }

  of(session: Session | undefined): GuestConsole | undefined {
    return session === undefined ? undefined : this.consoles.get(session);
  }

  at(terminal: vscode.Terminal): GuestConsole | undefined {
    return [...this.consoles.values()].find((console) => console.terminal === terminal);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const { terminal } of this.consoles.values()) terminal.dispose();
  }

  private begin(session: Session): void {
    if (session.debugSession.configuration.console === "internalConsole") return;
    // The console of an earlier run of the same program gives way: ten runs must not leave ten terminals.
    for (const [other, { terminal }] of this.consoles) {
      if (other !== session && other.title === session.title && other.ended) terminal.dispose();
    }
    const console = new GuestConsole(session);
    this.consoles.set(session, console);
    if (revealSetting() === "onStart") console.terminal.show(true);
  }

  private receive(session: Session, body: ConsoleBody): void {
    const console = this.consoles.get(session);
    if (console === undefined) return;
    const first = console.lines.all().length === 0;
    console.receive(body);
    if (first && revealSetting() === "onOutput") console.terminal.show(true);
  }

  private forget(terminal: vscode.Terminal): void {
    for (const [session, console] of this.consoles) if (console.terminal === terminal) this.consoles.delete(session);
  }
}

function revealSetting(): "onOutput" | "onStart" | "never" {
  return vscode.workspace.getConfiguration("hindcast.console").get("reveal", "onOutput");
}
