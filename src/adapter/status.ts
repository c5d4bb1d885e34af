import type { DebuggeeEvent } from "../debuggee/protocol.ts";
import { branchBody } from "./branches.ts";
import type { Client } from "./client.ts";
import type { StatusBody } from "./custom-protocol.ts";
import { Throttle } from "./throttle.ts";

const STATUS_INTERVAL_MS = 100;
const TIMELINE_INTERVAL_MS = 500;

/** The adapter's own events, at a rate that a status bar and a view can take. */
export class StatusReports {
  readonly #status: Throttle;
  readonly #timeline: Throttle;
  #last: StatusBody | undefined;

  constructor(client: Client) {
    this.#status = new Throttle(STATUS_INTERVAL_MS, () => client.event("hindcast/status", this.#last));
    this.#timeline = new Throttle(TIMELINE_INTERVAL_MS, () => client.event("hindcast/timelineChanged", {}));
  }

  status({ type: _, branch, ...body }: Extract<DebuggeeEvent, { type: "status" }>): void {
    this.#last = { ...body, ...(branch !== undefined && { branch: branchBody(branch) }) };
    this.#status.request();
  }

  timelineChanged(): void {
    this.#timeline.request();
  }

  flush(): void {
    this.#status.flush();
    this.#timeline.flush();
  }

  dispose(): void {
    this.#status.cancel();
    this.#timeline.cancel();
  }
}
