/** One request while it is being handled. */
export class Call {
  /** DAP's `seq`, by which `cancel` names it. */
  readonly id: number;
  #afterResponse: (() => void)[] = [];
  #cancel: (() => void) | undefined;
  #cancelled = false;

  constructor(id: number) {
    this.id = id;
  }

  /** Events that must not overtake the response, such as `stopped`. Not done when the request fails. */
  afterResponse(action: () => void): void {
    this.#afterResponse.push(action);
  }

  responded(): void {
    for (const action of this.#afterResponse) action();
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
