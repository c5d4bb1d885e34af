import { isPageEvent, type MachineEvent } from "../machine/inlet.ts";
import type { EventLog } from "./event-log.ts";

/** Events of a log from `first` to `end`, exclusive. */
interface Part {
  readonly log: EventLog;
  readonly first: number;
  readonly end: number;
}

/**
 * What came from outside after the instant at which a branch left its run, to be given to the branch as well: at the
 * same instants, or earlier where the guest waits for it. Edits are not among them, nor what was told of pages that were not ready:
 * somebody did that for a state that the branch does not have.
 */
export class FurtherInputs {
  readonly #parts: readonly Part[];
  #part = 0;
  #index: number;

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.#index = parts[0]?.first ?? 0;
  }

  /** What a run had after so many events, and what `rest` of a run before it still has to come. */
  static of(log: EventLog, after: number, rest?: FurtherInputs): FurtherInputs {
    return new FurtherInputs([
      { log, first: after, end: log.length },
      ...(rest === undefined ? [] : rest.#remaining()),
    ]);
  }

  static none(): FurtherInputs {
    return new FurtherInputs([]);
  }

  /** The next one; undefined when there are no more. */
  get next(): MachineEvent | undefined {
    for (; this.#part < this.#parts.length; this.#enter(this.#part + 1)) {
      const { log, end } = this.#parts[this.#part];
      for (; this.#index < end; this.#index++) {
        const event = log.at(this.#index);
        if (event.kind !== "edit" && !isPageEvent(event)) return event;
      }
    }
    return undefined;
  }

  /** The next one was given. */
  advance(): void {
    this.#index++;
  }

  #enter(part: number): void {
    this.#part = part;
    this.#index = this.#parts[part]?.first ?? 0;
  }

  #remaining(): Part[] {
    return this.#parts.slice(this.#part).map((part, index) => (index === 0 ? { ...part, first: this.#index } : part));
  }
}
