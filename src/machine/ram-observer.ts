import type { Instant } from "../base/brand.ts";
import type { AddressTranslation } from "../cpu/address-translation.ts";
import type { DecodedPages } from "../cpu/decoded-pages.ts";
import type { Dependents } from "../cpu/dependents.ts";
import type { Turn } from "../cpu/hart.ts";
import type { Reservations } from "../cpu/reservations.ts";
import type { RamObserver } from "./ram-versions.ts";

interface Observing {
  readonly turn: Turn;
  readonly decoded: DecodedPages;
  readonly translation: AddressTranslation;
  readonly dependents: Dependents;
  readonly reservations: Reservations;
  readonly instant: () => Instant;
  readonly isKept: (page: number) => boolean;
}

/** What follows from what happens to pages of RAM as a whole. */
export function observeRam({
  turn,
  decoded,
  translation,
  dependents,
  reservations,
  instant,
  isKept,
}: Observing): RamObserver {
  const { group } = translation;
  return {
    rearm: () => group.beginInterval(),
    withdrawn: () => group.flushAll(),
    overwritten: (place, size) => dependents.overwritten(place, size),
    arrived: (frame) => {
      decoded.replaced(frame);
      reservations.arrived(frame, turn.hart);
    },
    freed: (frame) => translation.withdrawn(frame),
    isKept,
    instant,
  };
}
