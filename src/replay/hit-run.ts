import type { Instant } from "../base/brand.ts";
import { replayHint } from "../isa/replay-hints.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { MachineStop, StopConditions } from "../machine/stop.ts";
import type { Hit } from "./timeline-interface.ts";

/** The hit that a stop is; undefined when the machine stopped for another reason. */
export function hitOf(stop: MachineStop, machine: MachineLike): Hit | undefined {
  switch (stop.kind) {
    case "breakpoint":
    case "exception":
      return { instant: machine.instant, stop };
    case "watch":
      return { instant: stop.hits[0].instant, stop };
    default:
      return undefined;
  }
}

/**
 * What does not count at the very state where the next run begins: "nothing", the "breakpoint" at it, or its exception
 * as well ("step").
 */
export type Departure = "nothing" | "breakpoint" | "step";

/** Runs from hit to hit: knows which of them was seen already where the machine stands, so that none comes twice. */
export class HitRun {
  readonly #machine: MachineLike;
  readonly #stops: StopConditions;
  readonly #setStops: (stops: StopConditions) => void;
  readonly #slice: (until: Instant, departing: boolean) => MachineStop;
  #departure: Departure;

  /** `slice` runs the machine until an instant at most, or less far; `setStops` gives it its stops. */
  constructor(
    machine: MachineLike,
    stops: StopConditions,
    setStops: (stops: StopConditions) => void,
    slice: (until: Instant, departing: boolean) => MachineStop,
    departure: Departure,
  ) {
    this.#machine = machine;
    this.#stops = stops;
    this.#setStops = setStops;
    this.#slice = slice;
    this.#departure = departure;
  }

  /** Runs until a stop, `until`, or the end of a slice ("reached" as well). */
  next(until: Instant): MachineStop {
    const before = this.#machine.instant;
    const stop = this.#departFrom(until);
    if (this.#machine.instant !== before) this.#departure = "nothing";
    return stop;
  }

  /** The hit was not wanted: `next` goes on from it. */
  passOver(stop: MachineStop): void {
    this.#departure = stop.kind === "breakpoint" ? "breakpoint" : stop.kind === "exception" ? "step" : "nothing";
  }

  /** A HINT raises no exception, so that leaving it is leaving its step. */
  get #isAtHint(): boolean {
    if (this.#stops.replayHints !== true) return false;
    const { harts, currentHart } = this.#machine;
    const bytes = this.#machine.peek(harts[currentHart].pc, 4);
    return bytes.every((byte) => byte !== undefined) && replayHint(littleEndian(bytes)) !== undefined;
  }

  #departFrom(until: Instant): MachineStop {
    const { exceptions, breakpoints } = this.#stops;
    const stepsOverBreakpoint =
      this.#departure === "breakpoint" && exceptions.length > 0 && breakpoints.length > 0 && !this.#isAtHint;
    if (!stepsOverBreakpoint) {
      this.#setStops(this.#stops);
      return this.#slice(
        until,
        this.#departure === "step" || (this.#departure === "breakpoint" && (exceptions.length === 0 || this.#isAtHint)),
      );
    }
    // One step without breakpoints: the instruction at this one may still raise an exception that counts.
    this.#setStops({ ...this.#stops, breakpoints: [] });
    const oneStep = Math.min(until, this.#machine.instant + 1) as Instant;
    return this.#slice(oneStep, false);
  }
}

function littleEndian(bytes: readonly number[]): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
