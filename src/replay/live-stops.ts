import { NO_STOPS, type StopConditions } from "../machine/stop.ts";

/** Stop conditions without what is for replay only; the same object for the same conditions. */
export class LiveStops {
  #from: StopConditions | undefined;
  #stops: StopConditions = NO_STOPS;

  of(stops: StopConditions): StopConditions {
    if (stops.replayHints !== true) return stops;
    if (this.#from !== stops) {
      this.#from = stops;
      this.#stops = { ...stops, replayHints: false };
    }
    return this.#stops;
  }
}
