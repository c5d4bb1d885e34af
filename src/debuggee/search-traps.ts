import { causeName, EXCEPTION_CAUSES, INTERRUPT_BIT } from "../isa/causes.ts";
import { COST, type Finder, type FinderTask, placeOf } from "./search-finder.ts";
import { hex } from "./value-format.ts";

const ALL_CAUSES = EXCEPTION_CAUSES.map(({ code }) => code);

/** Exceptions that are about to be taken, and interrupts that have just been. */
export function trapFinder({ parts, question, tally }: FinderTask<"traps">): Finder {
  const { causes, interrupts = causes === undefined } = question;
  return {
    stops: { breakpoints: [], watches: [], exceptions: causes ?? ALL_CAUSES, interrupts },
    visit: ({ instant, stop }) => {
      if (stop.kind !== "exception" && stop.kind !== "interrupt") return COST.hit;
      const isListed = tally.count(instant);
      if (isListed) {
        const isInterrupt = stop.kind === "interrupt";
        const pc = isInterrupt ? stop.pc : parts.machine.harts[stop.hart].pc;
        const value = isInterrupt || stop.tval === 0n ? "" : `, ${hex(stop.tval)}`;
        const text = `${causeName(BigInt(stop.cause) | (isInterrupt ? INTERRUPT_BIT : 0n))}${value}`;
        tally.listed.push({ ...placeOf(parts, instant, stop.hart, pc), text, number: stop.cause });
      }
      return tally.isOver ? "end" : isListed ? COST.row : COST.hit;
    },
  };
}
