/** From the guest's bytes to what a terminal wants. No VS Code in here. */

/**
 * Bytes of a UTF-8 stream, in pieces, as text with a carriage return before every line feed that has none: a serial
 * console in a terminal emulator does this as well (`onlcr`), and guests rely on it.
 */
export class TerminalText {
  private readonly decoder = new TextDecoder();
  private afterReturn = false;

  write(bytes: Uint8Array): string {
    const text = this.decoder.decode(bytes, { stream: true });
    const first = this.afterReturn && text.startsWith("\n") ? "\n" : "";
    if (text !== "") this.afterReturn = text.endsWith("\r");
    return first + text.slice(first.length).replaceAll(/(?<!\r)\n/g, "\r\n");
  }
}

/** Text that waits for the next flush, bounded: of a flood, the newest is kept. */
export class BoundedText {
  private readonly most: number;
  private pieces: string[] = [];
  private length = 0;
  private dropped = 0;

  /** @param most characters kept at most */
  constructor(most: number) {
    this.most = most;
  }

  get empty(): boolean {
    return this.length === 0;
  }

  add(text: string): void {
    this.pieces.push(text);
    this.length += text.length;
    while (this.length > this.most) {
      const excess = this.length - this.most;
      const oldest = this.pieces[0];
      const cut = Math.min(excess, oldest.length);
      if (cut === oldest.length) this.pieces.shift();
      else this.pieces[0] = oldest.slice(cut);
      this.length -= cut;
      this.dropped += cut;
    }
  }

  /** Takes everything out. `dropped` counts the characters that were pushed out since the last time. */
  take(): { readonly text: string; readonly dropped: number } {
    const taken = { text: this.pieces.join(""), dropped: this.dropped };
    this.pieces = [];
    this.length = 0;
    this.dropped = 0;
    return taken;
  }
}
