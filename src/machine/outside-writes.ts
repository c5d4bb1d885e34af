import type { Instant, PhysicalAddress } from "../base/brand.ts";

/** A write to memory that is no instruction's: a device in answer to an event, the user, a walk that sets A or D. */
export interface OutsideWrite {
  /** Of events and edits the instant on arrival at which they came; of a walk the state before the step that needed it. */
  readonly instant: Instant;
  readonly by: "device" | "edit" | "walk";
  readonly address: PhysicalAddress;
  readonly size: number;
}

/** The last of them to some ranges, while a machine runs between `begin` and `end`. */
export class OutsideWrites {
  #ranges: readonly { readonly address: number; readonly length: number }[] = [];
  #last: OutsideWrite | undefined;

  begin(ranges: readonly { readonly address: PhysicalAddress; readonly length: number }[]): void {
    this.#ranges = ranges;
    this.#last = undefined;
  }

  end(): void {
    this.#ranges = [];
  }

  /** Before an instant, or on arrival at it. */
  get last(): OutsideWrite | undefined {
    return this.#last;
  }

  note(by: OutsideWrite["by"], address: number, size: number, instant: Instant): void {
    if (this.#ranges.length === 0) return;
    if (this.#last !== undefined && this.#last.instant > instant) return;
    if (!this.#ranges.some((range) => address < range.address + range.length && range.address < address + size)) return;
    this.#last = { instant, by, address: address as PhysicalAddress, size };
  }
}
