import { styleText } from "node:util";
import { AssertionFailure } from "../base/assert.ts";

/** How often a progress line may be redrawn; more only flickers. */
const REDRAW_INTERVAL_MS = 100;

type Style = Parameters<typeof styleText>[0];

/**
 * How Hindcast speaks in a terminal. Everything of ours goes to stderr, so that stdout is the guest's alone; with
 * `--json` one object follows as the last line of stdout. Colours and progress appear only where someone looks
 * (`NO_COLOR` and `FORCE_COLOR` are heeded).
 */
export class Voice {
  readonly quiet: boolean;
  /** Says whether the guest has left a line open on the terminal that we are about to write to. */
  readonly #isLineOpen: () => boolean;
  #progressShown = false;
  #progressDrawnMs = 0;

  constructor(options: { quiet: boolean; isLineOpen?: () => boolean }) {
    this.quiet = options.quiet;
    this.#isLineOpen = options.isLineOpen ?? (() => false);
  }

  /** A line that a user may skip: what happens, what happened. */
  say(text: string): void {
    if (!this.quiet) this.line(text);
  }

  warn(text: string): void {
    this.line(`${this.style("yellow", "warning:")} ${text}`);
  }

  fail(text: string): void {
    this.line(`${this.style("red", "hindcast:")} ${text}`);
  }

  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stderr });
  }

  /** Redraws the progress line; `fraction` is 0..1, or undefined when the extent is unknown. Nothing off a terminal. */
  progress(what: string, fraction: number | undefined): void {
    if (this.quiet || !process.stderr.isTTY) return;
    const now = performance.now();
    if (now - this.#progressDrawnMs < REDRAW_INTERVAL_MS) return;
    this.#progressDrawnMs = now;
    const bar =
      fraction === undefined ? "" : `${progressBar(fraction)} ${String(Math.floor(fraction * 100)).padStart(3)} % `;
    const width = process.stderr.columns ?? 80;
    process.stderr.write(`\r\x1b[K${bar}${what}`.slice(0, width + 4));
    this.#progressShown = true;
  }

  /** Takes the progress line away. */
  clearProgress(): void {
    if (!this.#progressShown) return;
    process.stderr.write("\r\x1b[K");
    this.#progressShown = false;
    this.#progressDrawnMs = 0;
  }

  /** A line as it is. */
  line(text: string): void {
    this.clearProgress();
    const separator = process.stderr.isTTY && this.#isLineOpen() ? "\n" : "";
    process.stderr.write(`${separator}${text}\n`);
  }
}

function progressBar(fraction: number): string {
  const width = 24;
  const done = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `[${"#".repeat(done)}${".".repeat(width - done)}]`;
}

/** What `--json` prints: one line. Addresses and register values are hexadecimal strings, since JSON's numbers end at 2^53. */
export function toJsonLine(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return `0x${part.toString(16)}`;
    if (part instanceof Uint8Array) throw new AssertionFailure("bytes in a JSON answer: encode them first");
    return part;
  });
}
