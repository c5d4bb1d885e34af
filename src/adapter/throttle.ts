/**
 * Runs an action at once, and then again at most once every `intervalMs`, while it is asked for: the last request is
 * never lost, only delayed.
 */
export class Throttle {
  readonly #action: () => void;
  readonly #intervalMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wanted = false;

  constructor(intervalMs: number, action: () => void) {
    this.#intervalMs = intervalMs;
    this.#action = action;
  }

  request(): void {
    if (this.#timer !== undefined) this.#wanted = true;
    else this.#run();
  }

  /** Does now what was waiting. */
  flush(): void {
    if (this.#wanted) this.#run();
  }

  /** Forgets what was waiting. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wanted = false;
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#wanted = false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#wanted) this.#run();
    }, this.#intervalMs);
    this.#action();
  }
}
