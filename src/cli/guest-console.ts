import { readFileSync } from "node:fs";
import { isatty, type ReadStream as TerminalStream } from "node:tty";
import { UserError } from "../base/errors.ts";
import { systemReason, withSystemErrors } from "../host/system-errors.ts";
import { TERMINAL_HELP, TerminalFilter } from "./terminal-input.ts";

/** Bytes gathered before they are handed on: a guest prints one byte at a time, a pipe wants blocks. */
const BLOCK_BYTES = 64 * 1024;
/** Bytes that stdout may be behind before the guest waits for it: a flooded console must not fill our memory. */
const MAX_BEHIND_BYTES = 1 << 20;

const NEWLINE = 0x0a;

/** The guest's console output on our stdout, byte for byte. */
export class GuestOutput {
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #length = 0;
  #lastByte = NEWLINE;
  #closed = false;
  #drained: Promise<void> | undefined;

  constructor() {
    // `hindcast run … | head`: the reader went away. The run ends, quietly.
    process.stdout.on("error", () => {
      this.#closed = true;
    });
  }

  /** Nobody reads stdout any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What was written last, to a terminal, did not end its line. Counts the line as ended. */
  takeOpenLine(): boolean {
    const isOpen = process.stdout.isTTY && this.#lastByte !== NEWLINE;
    this.#lastByte = NEWLINE;
    return isOpen;
  }

  byte(byte: number): void {
    this.#block[this.#length++] = byte;
    if (this.#length === BLOCK_BYTES) this.#hand();
  }

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.byte(byte);
  }

  /** Hands on what was gathered; resolves at once unless the reader is too far behind. */
  async flush(): Promise<void> {
    this.#hand();
    if (process.stdout.writableLength > MAX_BEHIND_BYTES && !this.#closed) await this.#drain();
  }

  /** Everything has left, as far as the operating system says. */
  async end(): Promise<void> {
    this.#hand();
    if (process.stdout.writableLength > 0 && !this.#closed) await this.#drain();
  }

  /** Writes a line of ours to stdout, on a line of its own. */
  async line(text: string): Promise<void> {
    const separator = this.#lastByte === NEWLINE ? "" : "\n";
    this.#hand();
    if (!this.#closed) process.stdout.write(`${separator}${text}\n`);
    this.#lastByte = NEWLINE;
    await this.end();
  }

  #hand(): void {
    if (this.#length === 0) return;
    this.#lastByte = this.#block[this.#length - 1];
    // A copy of what there is: the stream keeps it until it has gone, and mostly it is a few bytes.
    if (!this.#closed) process.stdout.write(this.#block.slice(0, this.#length));
    this.#length = 0;
  }

  #drain(): Promise<void> {
    this.#drained ??= new Promise<void>((resolve) => {
      // An empty write calls back when everything before it has gone, or with an error when it never will.
      process.stdout.write("", () => {
        this.#drained = undefined;
        resolve();
      });
    });
    return this.#drained;
  }
}

export interface GuestInputHandlers {
  bytes(bytes: Uint8Array): void;
  /** Ctrl-C or Ctrl-A x was typed at the terminal. */
  quit(): void;
  help(text: string): void;
  /** Nothing more will come. */
  ended(): void;
  failed(error: UserError): void;
}

/**
 * What is typed at, or fed to, the guest's console. `source` undefined: the terminal when stdin is one, else nothing,
 * because a script's stdin belongs to the script; `-`: stdin whatever it is, as it comes; otherwise a file, which is
 * there whole before the first step, so that such a run repeats itself.
 */
export class GuestInput {
  #terminal: TerminalStream | undefined;
  #ended = false;
  readonly #handlers: GuestInputHandlers;
  readonly #restore = () => this.#terminal?.setRawMode(false);

  constructor(source: string | undefined, handlers: GuestInputHandlers) {
    this.#handlers = handlers;
    const terminal = isatty(0);
    if (source === undefined && !terminal) this.#ended = true;
    else if (source === undefined || (source === "-" && terminal)) this.#openTerminal();
    else if (source === "-") this.#openPipe();
    else this.#readFile(source);
  }

  /** Nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  get interactive(): boolean {
    return this.#terminal !== undefined;
  }

  close(): void {
    this.#restore();
    process.off("exit", this.#restore);
    if (!this.#ended) process.stdin.destroy();
  }

  #readFile(path: string): void {
    const bytes = withSystemErrors("input-unreadable", `read the console input ${path}`, () => readFileSync(path));
    this.#handlers.bytes(Uint8Array.from(bytes));
    this.#ended = true;
  }

  #openTerminal(): void {
    const terminal = process.stdin as TerminalStream;
    const filter = new TerminalFilter();
    this.#terminal = terminal;
    // However we end, the user's terminal is theirs again.
    process.on("exit", this.#restore);
    terminal.setRawMode(true);
    this.#listen((typed) => {
      const { bytes, action } = filter.filter(typed);
      if (bytes.length > 0) this.#handlers.bytes(bytes);
      if (action === "quit") this.#handlers.quit();
      if (action === "help") this.#handlers.help(TERMINAL_HELP);
    });
  }

  #openPipe(): void {
    this.#listen((bytes) => this.#handlers.bytes(bytes));
  }

  #listen(receive: (bytes: Uint8Array) => void): void {
    process.stdin.on("data", (chunk: Buffer) => receive(Uint8Array.from(chunk)));
    process.stdin.on("end", () => {
      this.#ended = true;
      this.#handlers.ended();
    });
    process.stdin.on("error", (error) => {
      this.#ended = true;
      this.#handlers.failed(
        new UserError("input-unreadable", `cannot read the console input: ${systemReason(error)}.`),
      );
    });
  }
}
