/**
 * What the guest has printed, line by line, with the place of each line in the console's output, so that a line that
 * somebody clicks leads to the instant that printed it. No VS Code in here.
 */

export interface OutputLine {
  /** What a terminal shows of it: no escape sequences, nothing that a carriage return has overwritten. */
  readonly text: string;
  /** Position of its first byte in the console's output since reset. */
  readonly offset: number;
}

/** Enough for any screen's scrollback; a flood pushes the oldest out. */
const MOST_LINES = 20_000;
/** A guest that never ends its line must not fill our memory. */
const LONGEST_LINE_BYTES = 4096;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** CSI and OSC sequences and the two-character escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes.
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_=>78])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

export class OutputLines {
  private lines: OutputLine[] = [];
  private open: number[] = [];
  private openOffset = 0;
  private readonly decoder = new TextDecoder();

  /** `offset` is the position of the first byte. Bytes that were left out before it end the line that was open. */
  append(bytes: Uint8Array, offset: number): void {
    if (offset !== this.openOffset + this.open.length) {
      this.close(offset);
    }
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte === LINE_FEED) {
        this.close(offset + index + 1);
      } else {
        if (this.open.length === LONGEST_LINE_BYTES) this.close(offset + index);
        this.open.push(byte);
      }
    }
    if (this.lines.length > MOST_LINES * 1.25) this.lines = this.lines.slice(-MOST_LINES);
  }

  /** Oldest first; the line that is still being printed comes last. */
  all(): readonly OutputLine[] {
    const open = this.visible();
    return open === undefined ? this.lines : [...this.lines, open];
  }

  /** Lines that look like this on the screen, oldest first. */
  matching(text: string): OutputLine[] {
    const wanted = text.trimEnd();
    return wanted === "" ? [] : this.all().filter((line) => line.text === wanted);
  }

  private close(nextOffset: number): void {
    const line = this.visible();
    if (line !== undefined) this.lines.push(line);
    this.open = [];
    this.openOffset = nextOffset;
  }

  /** The open line as a terminal shows it; undefined when there is nothing to see of it. */
  private visible(): OutputLine | undefined {
    let end = this.open.length;
    while (end > 0 && this.open[end - 1] === CARRIAGE_RETURN) end--;
    const start = this.open.lastIndexOf(CARRIAGE_RETURN, end - 1) + 1;
    const text = this.decoder
      .decode(Uint8Array.from(this.open.slice(start, end)))
      .replace(ESCAPES, "")
      .replace(CONTROLS, "")
      .trimEnd();
    return text === "" ? undefined : { text, offset: this.openOffset + start };
  }
}
