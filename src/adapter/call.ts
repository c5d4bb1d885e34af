/** One request while it is being handled. */
export class Call {
  /** DAP's `seq`, by which `cancel` names it. */
  readonly id: number;
  /** Resolves when the response is on its way. What must not overtake it, such as `stopped`, waits for that. */
  readonly responded: Promise<void>;
  #resolveResponded!: () => void;
  #afterResponse: (() => void)[] = [];
  #cancel: (() => void) | undefined;
  #cancelled = false;

  constructor(id: number) {
    this.id = id;
    this.responded = new Promise((resolve) => {
      this.#resolveResponded = resolve;
    });
  }

  /** Done as soon as the request has succeeded and been answered. */
  afterResponse(action: () => void): void {
    this.#afterResponse.push(action);
  }

  /** The response has been sent. */
  answered(success: boolean): void {
    if (success) for (const action of this.#afterResponse) action();
    this.#resolveResponded();
  }

  /** Says how to end the request early; without it a cancel has no effect, as DAP allows. */
  onCancel(cancel: () => void): void {
    this.#cancel = cancel;
    if (this.#cancelled) cancel();
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#cancel?.();
  }
}
