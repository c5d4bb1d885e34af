import type { Instant } from "../base/brand.ts";
import type { Departing, MachineLike } from "../machine/machine-interface.ts";
import { isOnArrival, type MachineStop, type StopConditions } from "../machine/stop.ts";
import type { Hit } from "./timeline-interface.ts";

/** The hit that a stop is; undefined when the machine stopped for another reason. */
export function hitOf(stop: MachineStop, machine: MachineLike): Hit | undefined {
  switch (stop.kind) {
    case "breakpoint":
    case "exception":
    case "interrupt":
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

const DEPARTING: Readonly<Record<Departure, Departing>> = { nothing: false, breakpoint: "breakpoint", step: true };

/** Runs from hit to hit: knows which of them was seen already where the machine stands, so that none comes twice. */
export class HitRun {
  readonly #machine: MachineLike;
  /** May be changed between two runs. */
  stops: StopConditions;
  readonly #setStops: (stops: StopConditions) => void;
  readonly #slice: (until: Instant, departing: Departing) => MachineStop;
  #departure: Departure;

  /** `slice` runs the machine until an instant at most, or less far; `setStops` gives it its stops. */
  constructor(
    machine: MachineLike,
    stops: StopConditions,
    setStops: (stops: StopConditions) => void,
    slice: (until: Instant, departing: Departing) => MachineStop,
    departure: Departure,
  ) {
    this.#machine = machine;
    this.stops = stops;
    this.#setStops = setStops;
    this.#slice = slice;
    this.#departure = departure;
  }

  /** Runs until a stop, `until`, or the end of a slice ("reached" as well). */
  next(until: Instant): MachineStop {
    const before = this.#machine.instant;
    this.#setStops(this.stops);
    const stop = this.#slice(until, DEPARTING[this.#departure]);
    if (this.#machine.instant !== before) this.#departure = "nothing";
    return stop;
  }

  /** The hit was not wanted: `next` goes on from it. */
  passOver(stop: MachineStop): void {
    this.#departure =
      stop.kind === "breakpoint" ? "breakpoint" : stop.kind === "exception" && !isOnArrival(stop) ? "step" : "nothing";
  }
}
