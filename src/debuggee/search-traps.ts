import { causeName, EXCEPTION_CODES, INTERRUPT_BIT } from "../isa/causes.ts";
import { isOnArrival } from "../machine/stop.ts";
import { COST, type Finder, type FinderTask, placeOf } from "./search-finder.ts";
import { arrivedFrom } from "./trap-context.ts";
import { hex } from "./value-format.ts";

/** Exceptions that are about to be taken, interrupts that have just been, and the trap at which the run ended. */
export function trapFinder({ parts, question, task, tally }: FinderTask<"traps">): Finder {
  const { causes = EXCEPTION_CODES, interrupts = question.causes === undefined } = question;
  const { timeline, machine } = parts;
  return {
    stops: { breakpoints: [], watches: [], exceptions: causes, interrupts },
    visit: ({ instant, stop }) => {
      if (stop.kind !== "exception" && stop.kind !== "interrupt") return COST.hit;
      const isInterrupt = stop.kind === "interrupt";
      // An interrupt belongs to the step before it: who begins at its instant does not see it.
      const isArrival = isOnArrival(stop);
      const isListed = tally.count(instant, isArrival ? instant - 1 : instant);
      if (isListed) {
        const hart = machine.harts[stop.hart];
        const pc = isInterrupt ? stop.pc : isArrival ? arrivedFrom(hart) : hart.pc;
        const value = isInterrupt || stop.tval === 0n ? "" : `, ${hex(stop.tval)}`;
        const text = `${causeName(BigInt(stop.cause) | (isInterrupt ? INTERRUPT_BIT : 0n))}${value}`;
        tally.listed.push({ ...placeOf(parts, instant, stop.hart, pc), text, number: stop.cause });
      }
      return tally.isOver ? "end" : isListed ? COST.row : COST.hit;
    },
    nextLook: (now) => (now < task.to ? task.to : Number.POSITIVE_INFINITY),
    look: () => {
      const { ended } = timeline;
      if (ended?.kind !== "unhandled-trap" || machine.instant !== timeline.end) return COST.hit;
      if (!causes.includes(ended.cause) || !tally.count(machine.instant)) return COST.hit;
      const { hart, cause, tval } = ended;
      const text = `${causeName(BigInt(cause))}, ${hex(tval)}: nobody could handle it, and the run ended`;
      tally.listed.push({ ...placeOf(parts, machine.instant, hart, machine.harts[hart].pc), text, number: cause });
      return COST.row;
    },
  };
}
