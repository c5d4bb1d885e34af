const CTRL_A = 0x01;
const CTRL_C = 0x03;

/** Shown where an interactive run begins. */
export const TERMINAL_GREETING = "The keyboard is the guest's. Ctrl-C ends the run, Ctrl-A h explains more.";
/** Shown for Ctrl-A h. */
export const TERMINAL_HELP =
  "Ctrl-C or Ctrl-A x ends the run; Ctrl-A c sends a Ctrl-C to the guest, Ctrl-A a a Ctrl-A; Ctrl-A h shows this.";

export interface Typed {
  /** For the guest. */
  readonly bytes: Uint8Array;
  readonly action: "none" | "quit" | "help";
}

/**
 * Tells what is typed at us from what is typed at the guest. The terminal is in raw mode, so Ctrl-C arrives as a byte:
 * it ends the run, as it does off a terminal; QEMU's Ctrl-A prefix reaches what is left.
 */
export class TerminalFilter {
  #prefixed = false;

  filter(typed: Uint8Array): Typed {
    const bytes: number[] = [];
    let action: Typed["action"] = "none";
    for (const byte of typed) {
      if (this.#prefixed) {
        this.#prefixed = false;
        const key = String.fromCharCode(byte).toLowerCase();
        if (key === "x") return { bytes: Uint8Array.from(bytes), action: "quit" };
        if (key === "h" || key === "?") action = "help";
        else if (key === "c") bytes.push(CTRL_C);
        else if (key === "a" || byte === CTRL_A) bytes.push(CTRL_A);
        // Anything else after the prefix is dropped, as QEMU does.
      } else if (byte === CTRL_A) this.#prefixed = true;
      else if (byte === CTRL_C) return { bytes: Uint8Array.from(bytes), action: "quit" };
      else bytes.push(byte);
    }
    return { bytes: Uint8Array.from(bytes), action };
  }
}
