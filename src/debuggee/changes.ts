import type { Instant } from "../base/brand.ts";
import type { Edit } from "../machine/inlet.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { TimelineLike } from "../replay/timeline-interface.ts";
import { Edits } from "./edits.ts";
import { errors } from "./errors.ts";
import type { Value } from "./expression.ts";
import type { FrameFinder } from "./frames.ts";
import type { DebuggeeEvent } from "./protocol.ts";

/** Bytes that one edit may write: it becomes one event of the recording. */
const MOST_WRITTEN_BYTES = 1 << 20;

export interface ChangingParts {
  readonly timeline: TimelineLike;
  readonly machine: MachineLike;
  readonly frames: FrameFinder;
  /** Begins a branch where the machine stands. Undefined: the past cannot be changed. */
  readonly branch: (() => void) | undefined;
  /** What was known of instants from `since` on is void. */
  readonly changed: (since: Instant) => void;
  readonly emit: (event: DebuggeeEvent) => void;
}

/** What the user changes. What has happened stays as it was: an edit of the past is one of a branch that begins there. */
export class Changes {
  readonly #parts: ChangingParts;
  readonly #edits: Edits;

  constructor(parts: ChangingParts) {
    this.#parts = parts;
    this.#edits = new Edits(parts.machine);
  }

  /** Puts `source` where `target` is, which `text` names. */
  assign(target: Value, source: Value, text: string, hart: number, level: number): void {
    const { place } = target;
    if (place === undefined) throw errors.notAssignable(text);
    if (level > 0 && place.kind !== "memory") throw errors.editCaller();
    this.#edit(this.#edits.assign({ ...target, place }, source, hart));
    this.#invalidated(place.kind === "memory" ? { address: place.address, length: place.size } : undefined);
  }

  writeMemory(address: bigint, bytes: Uint8Array, space: number | "physical"): number {
    if (!(bytes.length >= 1 && bytes.length <= MOST_WRITTEN_BYTES))
      throw errors.length(bytes.length, MOST_WRITTEN_BYTES);
    const start = BigInt.asUintN(64, address);
    this.#edit(this.#edits.memory(start, bytes, space));
    this.#invalidated({ address: start, length: bytes.length });
    return bytes.length;
  }

  /** Returns from a hart's current function at once, with `result` in a0. */
  forceReturn(hart: number, result: bigint | undefined): void {
    const [, caller] = this.#parts.frames.unwind(hart);
    this.#edit(this.#edits.returnTo(caller, hart, result));
    this.#invalidated(undefined);
  }

  #edit(edits: readonly Edit[]): void {
    const { timeline, branch, changed } = this.#parts;
    const { live, now, end } = timeline;
    if (!live || now !== end) {
      if (branch === undefined) throw live ? errors.editPast(now, end) : errors.editFinished();
      branch();
    }
    for (const edit of edits) timeline.edit(edit);
    changed(now);
  }

  #invalidated(memory: { readonly address: bigint; readonly length: number } | undefined): void {
    this.#parts.emit(memory === undefined ? { type: "invalidated" } : { type: "invalidated", memory });
    this.#parts.emit({ type: "timelineChanged" });
  }
}
