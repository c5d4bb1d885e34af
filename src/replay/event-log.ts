import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import { NumberColumn } from "./number-column.ts";

/**
 * Every event of a run, in order. All of them are needed to replay, so none is ever dropped: 16 bytes for an idle jump
 * (a paced machine takes many), about a hundred and its bytes for what a user did.
 */
export class EventLog {
  #instants = new NumberColumn();
  /** Ticks of an idle jump, else -1 - index into `#others`. */
  #ticks = new NumberColumn();
  #others: MachineEvent[] = [];

  get length(): number {
    return this.#instants.length;
  }

  /** All but idle jumps: what a user did, and what the network brought. */
  get others(): readonly MachineEvent[] {
    return this.#others;
  }

  /** A log of its own that begins with the first `length` events of this one. */
  upTo(length: number): EventLog {
    const log = new EventLog();
    log.#instants = this.#instants.upTo(length);
    log.#ticks = this.#ticks.upTo(length);
    let last = length - 1;
    while (last >= 0 && this.#ticks.at(last) >= 0) last--;
    log.#others = this.#others.slice(0, last < 0 ? 0 : -this.#ticks.at(last));
    return log;
  }

  push(event: MachineEvent): void {
    const last = this.length - 1;
    assert(last < 0 || event.instant >= this.#instants.at(last), `event at ${event.instant} after a later one`);
    this.#instants.push(event.instant);
    if (event.kind === "idle-jump") {
      assert(event.ticks >= 0, `idle jump by ${event.ticks}`);
      this.#ticks.push(event.ticks);
    } else {
      this.#others.push(event);
      this.#ticks.push(-this.#others.length);
    }
  }

  at(index: number): MachineEvent {
    const ticks = this.#ticks.at(index);
    return ticks < 0 ? this.#others[-ticks - 1] : { kind: "idle-jump", instant: this.instantAt(index), ticks };
  }

  instantAt(index: number): Instant {
    return this.#instants.at(index) as Instant;
  }
}
