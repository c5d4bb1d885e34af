import type { DebuggeeEvent } from "../debuggee/protocol.ts";
import type { Client } from "./client.ts";
import { formatInstant } from "./references.ts";
import { Throttle } from "./throttle.ts";

/** `what` is said instead of the instant. */
type ProgressEvent = Extract<DebuggeeEvent, { type: "progress" }> & { readonly what?: string };

/** Five times a second is smooth enough for a bar. */
const UPDATE_INTERVAL_MS = 200;

/** Shows long motions and searches with a button to cancel them, in clients that have such. */
export class ProgressReports {
  readonly #client: Client;
  readonly #throttle = new Throttle(UPDATE_INTERVAL_MS, () => this.#update());
  #count = 0;
  #current: { readonly id: string; last: ProgressEvent } | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param requestId the request that waits for the end of it, when one does. */
  report(event: ProgressEvent, requestId: number | undefined): void {
    if (!this.#client.supportsProgress) return;
    if (event.done) this.end();
    else if (this.#current === undefined) this.#start(event, requestId);
    else {
      this.#current.last = event;
      this.#throttle.request();
    }
  }

  end(): void {
    if (this.#current === undefined) return;
    this.#throttle.cancel();
    const { id, last } = this.#current;
    this.#current = undefined;
    this.#client.event("progressEnd", { progressId: id, message: message(last) });
  }

  /** True when `progressId` names what goes on. */
  isCurrent(progressId: string): boolean {
    return this.#current?.id === progressId;
  }

  #start(event: ProgressEvent, requestId: number | undefined): void {
    const id = `progress-${++this.#count}`;
    this.#current = { id, last: event };
    this.#client.event("progressStart", {
      progressId: id,
      title: event.title,
      cancellable: true,
      message: message(event),
      ...(requestId === undefined ? {} : { requestId }),
      ...percentage(event),
    });
  }

  #update(): void {
    if (this.#current === undefined) return;
    const { id, last } = this.#current;
    this.#client.event("progressUpdate", { progressId: id, message: message(last), ...percentage(last) });
  }
}

function message({ what, instant }: ProgressEvent): string {
  return what ?? `at instant ${formatInstant(instant)}`;
}

function percentage({ fraction }: ProgressEvent): { percentage?: number } {
  if (fraction === undefined) return {};
  return { percentage: Math.round(100 * Math.min(Math.max(fraction, 0), 1)) };
}
