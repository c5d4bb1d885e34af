import * as vscode from "vscode";
import type { ConsoleBody } from "../adapter/custom-protocol.ts";
import { exact } from "./instants.ts";
import { OutputLines } from "./output-lines.ts";
import type { Session, Sessions } from "./session.ts";
import { BoundedText, TerminalText } from "./terminal-text.ts";

/** Output goes to the terminal this often at most: a guest that floods its console must not flood the editor. */
const FLUSH_MS = 50;
/** Characters a flush, at most: about 650,000 a second, which a terminal draws without falling behind. */
const MOST_PENDING = 32 * 1024;

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
  /** The user closed the terminal; the guest runs on. */
  closed = false;
  private over = false;
  private keysRefused = false;

  /** @param earlier what the guest printed into a terminal that was closed */
  constructor(session: Session, earlier?: GuestConsole) {
    this.session = session;
    if (earlier !== undefined) {
      this.lines = earlier.lines;
      this.expectedOffset = earlier.expectedOffset;
      for (const { text } of earlier.lines.all()) this.pending.add(`${text}\r\n`);
    }
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
    this.closed = true;
    clearTimeout(this.timer);
  }

  handleInput(data: string): void {
    if (this.over || this.closed) return;
    this.session.request("hindcast/input", { text: data }).then(undefined, (error: unknown) => {
      // Once is enough: the next keys would meet the same.
      if (!this.keysRefused) this.notice(error instanceof Error ? error.message : String(error));
      this.keysRefused = true;
    });
  }

  get printed(): boolean {
    return this.expectedOffset > 0;
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

  /** The session is over; what was printed stays to be read. A guest that never ran leaves no terminal. */
  end(): void {
    this.over = true;
    if (!this.printed) this.terminal.dispose();
    else this.notice("The session has ended.");
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
      sessions.onEnded((session) => this.end(session)),
      sessions.onConsole(({ session, body }) => this.receive(session, body)),
      vscode.window.onDidCloseTerminal((terminal) => this.forget(terminal)),
    ];
  }

  of(session: Session | undefined): GuestConsole | undefined {
    return session === undefined ? undefined : this.consoles.get(session);
  }

  /** Brings a session's console into view, in a new terminal when its own was closed. */
  show(session: Session): void {
    let console = this.consoles.get(session);
    if (console?.closed) {
      console = new GuestConsole(session, console);
      this.consoles.set(session, console);
    }
    console?.terminal.show();
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
    // Machine B of a pair says the same as machine A, whose console is in view.
    if (revealSetting() === "onStart" && !session.isPartner) console.terminal.show(true);
  }

  private end(session: Session): void {
    const console = this.consoles.get(session);
    console?.end();
    if (console?.closed) this.consoles.delete(session);
  }

  private receive(session: Session, body: ConsoleBody): void {
    const console = this.consoles.get(session);
    if (console === undefined) return;
    const first = !console.printed;
    console.receive(body);
    if (first && revealSetting() === "onOutput" && !session.isPartner) console.terminal.show(true);
  }

  private forget(terminal: vscode.Terminal): void {
    for (const [session, console] of this.consoles) {
      // While the session goes on its lines are kept: the console may be shown again.
      if (console.terminal === terminal && session.ended) this.consoles.delete(session);
    }
  }
}

function revealSetting(): "onOutput" | "onStart" | "never" {
  return vscode.workspace.getConfiguration("hindcast.console").get("reveal", "onOutput");
}
