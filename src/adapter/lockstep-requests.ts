import type { Call } from "./call.ts";
import { comparison } from "./compare-machines.ts";
import type * as Custom from "./custom-lockstep.ts";
import { answeringAtRest, type Handler, on } from "./handler.ts";
import type { Paired } from "./lifecycle.ts";
import { findingBody, logRowBody, type PlaceOf, placeBody, stateBody } from "./lockstep.ts";
import { noPair } from "./pair.ts";
import type { Parts } from "./parts.ts";
import { formatInstant } from "./references.ts";

const ROWS_LIMIT = 1000;

/** What is asked of two machines; in a session that has one it is refused. */
export function lockstep(parts: Parts): Record<string, Handler> {
  const { lifecycle } = parts;
  const atRest = answeringAtRest(parts);
  const paired = (): Paired => {
    const { paired: found } = lifecycle.run;
    if (found === undefined) throw noPair();
    return found;
  };
  return {
    "hindcast/lockstep/state": on({}, async () => {
      const { pair, seat } = paired();
      await pair.refresh();
      return stateBody(pair, seat);
    }),
    "hindcast/lockstep/log": on<Custom.PairLogArguments>({ from: "integer", count: "integer" }, (args) =>
      log(paired(), args),
    ),
    "hindcast/lockstep/findDivergence": atRest<Custom.FindDivergenceArguments>(
      { "divergence?": "integer", "seek?": "boolean" },
      (args, call) => findDivergence(parts, paired(), args, call),
    ),
    "hindcast/lockstep/compare": atRest<Custom.CompareMachinesArguments>(
      { "hart?": "integer", "address?": "string", "length?": "integer" },
      (args) => comparison(paired(), { ...args, hart: parts.stacks.hartOrCurrent(args.hart) }),
    ),
    "hindcast/lockstep/correspond": atRest<Custom.CorrespondArguments>(
      { "instant?": "integer", "seek?": "boolean" },
      (args, call) => correspond(parts, paired(), args, call),
    ),
    "hindcast/lockstep/go": atRest<Partial<Custom.PairPlaceBody>>(
      { "left?": PLACE, "right?": PLACE },
      ({ left, right }, call) => {
        const { pair, seat } = paired();
        if (left !== undefined) pair.checkPlace(pair.seats.left, left);
        if (right !== undefined) pair.checkPlace(pair.seats.right, right);
        parts.move(call, () => pair.goBoth(seat, { left, right }), "other", "announced");
      },
    ),
  };
}

const PLACE = { member: "string", stretch: "integer", instant: "integer" } as const;

async function log({ pair }: Paired, { from, count, filter }: Custom.PairLogArguments): Promise<Custom.PairLogBody> {
  const first = Math.max(from, 0);
  const { rows, total } = await pair.source.log(first, Math.min(Math.max(count, 0), ROWS_LIMIT), filter ?? {});
  return { rows: rows.map((row, index) => logRowBody(pair, row, first + index)), total };
}

async function correspond(
  parts: Parts,
  { pair, seat }: Paired,
  { instant, seek }: Custom.CorrespondArguments,
  call: Call,
): Promise<Custom.CorrespondenceBody> {
  const other = pair.other(seat);
  const from = { ...other.position, instant: instant ?? other.position.instant };
  const { place, how } = await pair.corresponding(other, from.instant);
  if (seek !== false) parts.move(call, () => pair.goTo(seat, place), "other", "announced");
  const [left, right] = seat.side === "left" ? [place, from] : [from, place];
  const text = `Machine ${other.member}'s instant ${formatInstant(from.instant)} is machine ${seat.member}'s ${formatInstant(place.instant)}`;
  return { place: placeBody(left, right), how, text: `${text}${HOW[how]}.` };
}

const HOW = {
  aligned: "",
  outputs: ", by what both have said before",
  end: ": it has not said as much, and ends there",
};

/** Holds the two stretches against each other that the divergence is in, or that the sessions look at. */
async function findDivergence(
  parts: Parts,
  { pair, seat }: Paired,
  { divergence: index, seek }: Custom.FindDivergenceArguments,
  call: Call,
): Promise<Custom.DivergenceFindingBody> {
  const { divergences } = pair.situation;
  const divergence = index === undefined ? (pair.divergenceAt(seat) ?? divergences[0]) : divergences[index];
  const { left, right } = divergence ?? { left: pair.seats.left.position, right: pair.seats.right.position };
  const body = await parts.searchElsewhere(call, "Finding the divergence", (onProgress) => {
    const { finding, cancel } = pair.source.findDivergence(left, right, onProgress);
    call.onCancel(cancel);
    const placeOf: PlaceOf = (leftInstant, rightInstant) =>
      placeBody({ ...left, instant: leftInstant }, { ...right, instant: rightInstant });
    return finding.then((found) => findingBody(found, placeOf));
  });
  for (const { text, place } of body.lines) parts.sayWithLink(text, place?.[seat.side].instant);
  const target = (body.divergent ?? body.inside)?.place;
  if (target !== undefined && seek !== false) {
    parts.move(call, () => pair.goBoth(seat, target), "other", "announced");
  }
  return body;
}
