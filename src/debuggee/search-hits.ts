import { UserError } from "../base/errors.ts";
import type { HitFilter, StopConditions } from "../machine/stop.ts";
import type { Hit } from "../replay/timeline-interface.ts";
import { type Breakpoint, Breakpoints } from "./breakpoints.ts";
import { errors } from "./errors.ts";
import type { Surroundings } from "./expression.ts";
import type { BreakpointRequest } from "./protocol.ts";
import {
  accessFound,
  accessText,
  COST,
  type Finder,
  type FinderTask,
  placeOf,
  type SearchParts,
  watchesOf,
  watching,
} from "./search-finder.ts";
import type { Row, Settled } from "./search-protocol.ts";

/** A place, with what is to be true there and what is to be said. Throws a UserError when it is none. */
export function placeToHit(
  { map, inspector }: SearchParts,
  { at, condition, logMessage }: Pick<FinderTask<"hits">["question"], "at" | "condition" | "logMessage">,
): Breakpoint<Surroundings> {
  const breakpoints = new Breakpoints(map, inspector);
  // Replay-only breakpoints may call functions of the guest, and so may what acts on the past only.
  const mode = logMessage === undefined || logMessage.trim() === "" ? "check" : "log";
  const isBare = mode === "check" && (condition === undefined || condition.trim() === "");
  // Where data lies has been settled; here it matters only that it is somewhere.
  const where: BreakpointRequest = at.kind === "data" ? { ...at, use: "physical" } : at;
  const asked = { ...(condition !== undefined && { condition }), ...(logMessage !== undefined && { logMessage }) };
  const [state] = breakpoints.set({ kind: at.kind }, [{ id: 0, at: where, ...asked, ...(!isBare && { mode }) }]);
  if (!state.verified) throw errors.placeUnknown(state.message ?? "This place cannot be found.");
  return breakpoints.all[0];
}

/** What to stop at for a place. `skipped` hears of hits that need not be looked at one by one, in order. */
export function stopsAt(
  { inspector }: SearchParts,
  { addresses, spec }: Breakpoint<Surroundings>,
  settled: Settled,
  counter: HitFilter["counter"],
): StopConditions {
  if (spec.at.kind === "data") return watching(watchesOf(settled, spec.at.access));
  const { condition } = spec;
  const isConditional = condition !== undefined && condition.trim() !== "";
  const asked = isConditional ? inspector.machineCondition(condition) : undefined;
  const breakpoints = addresses as StopConditions["breakpoints"];
  if ((isConditional && asked === undefined) || (!isConditional && counter === undefined)) {
    return { breakpoints, watches: [], exceptions: [] };
  }
  const filter = { ...(asked !== undefined && { condition: asked }), ...(counter !== undefined && { counter }) };
  // The machine keeps a function for each list, which knows its address.
  return { breakpoints, filters: new Map(breakpoints.map((at) => [at, [filter]])), watches: [], exceptions: [] };
}

/** Which hart hit, and where. */
export function hitterOf({ stop }: Hit): { readonly hart: number; readonly pc: bigint } | undefined {
  if (stop.kind === "breakpoint") return stop;
  return stop.kind === "watch" ? stop.hits[0] : undefined;
}

/** Hits of a place, with a condition perhaps, and what a log point would have said at them. */
export function hitFinder({ parts, question, task, tally }: FinderTask<"hits">): Finder {
  const { inspector, machine, map } = parts;
  const place = placeToHit(parts, question);
  const watches = question.at.kind === "data" ? watchesOf(task.settled, question.at.access) : [];
  const row = (hit: Hit, hart: number, pc: bigint, problem: string | undefined): Row => {
    const found = placeOf(parts, hit.instant, hart, pc);
    const access = hit.stop.kind === "watch" ? accessFound(machine, hit.stop.hits[0], watches) : undefined;
    const logged = place.log?.(inspector.callingSurroundings(hart));
    const text = logged ?? (access && accessText(parts, access)) ?? lineText(found.source) ?? map.describe(pc);
    return {
      ...found,
      text: [...parts.checks.takeLogs(), text].join("\n"),
      ...(access !== undefined && { access }),
      ...numberIn(logged),
      ...(problem !== undefined && { problem }),
    };
  };
  return {
    stops: stopsAt(parts, place, task.settled, tally.counter),
    visit: (hit) => {
      const hitter = hitterOf(hit);
      if (hitter === undefined) return COST.hit;
      const { hart, pc } = hitter;
      const restored = parts.checks.verified;
      const verdict = holds(place, inspector.callingSurroundings(hart));
      if (verdict !== false) {
        const isListed = tally.count(hit.instant);
        if (isListed) tally.listed.push(row(hit, hart, pc, typeof verdict === "string" ? verdict : undefined));
        if (tally.isOver) return "end";
        if (isListed) return COST.row + (parts.checks.verified - restored) * COST.call;
      }
      parts.checks.takeLogs();
      return COST.hit + (parts.checks.verified - restored) * COST.call;
    },
  };
}

/** A sentence when it cannot be told: passing would hide what the user looks for. */
function holds({ condition }: Breakpoint<Surroundings>, at: Surroundings): boolean | string {
  if (condition === undefined) return true;
  try {
    return condition(at);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function lineText(source: Row["source"]): string | undefined {
  return source && `${source.path.slice(source.path.lastIndexOf("/") + 1)}:${source.line}`;
}

/** A log message that is one number can be plotted. */
function numberIn(text: string | undefined): { readonly number?: number } {
  const match = text === undefined ? null : /^\s*(?:0x[0-9a-f]+ \((-?\d+)\)|(-?\d+(?:\.\d+)?))\s*$/i.exec(text);
  return match === null ? {} : { number: Number(match[1] ?? match[2]) };
}
