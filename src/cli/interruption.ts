import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Asks a command to end in good order. The first signal (or a Ctrl-C in raw mode) asks; the second ends the process at
 * once, whatever hangs.
 */
export class Interruption {
  #exitCode: number | undefined;
  readonly #onAsked: () => void;
  readonly #onSignal = (signal: NodeJS.Signals) => {
    const exitCode = 128 + constants.signals[signal];
    if (this.#exitCode !== undefined) process.exit(exitCode);
    this.ask(exitCode);
  };

  constructor(onAsked: () => void) {
    this.#onAsked = onAsked;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Set once somebody asked: the shell's code for it, 128 plus the signal. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  get asked(): boolean {
    return this.#exitCode !== undefined;
  }

  ask(exitCode: number): void {
    this.#exitCode ??= exitCode;
    this.#onAsked();
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}

/** What a shell shows for a program that was ended by Ctrl-C, or by a reader that went away. */
export const INTERRUPTED_EXIT_CODE = 128 + constants.signals.SIGINT;
export const BROKEN_PIPE_EXIT_CODE = 128 + (constants.signals.SIGPIPE ?? 13);
