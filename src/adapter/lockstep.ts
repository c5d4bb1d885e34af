import type {
  DivergenceFinding,
  DivergenceLink,
  Divergent,
  DivergentPlace,
  PairDivergence,
  PairLogRow,
  PairMember,
  PairPosition,
  ValueInBoth,
} from "../debuggee/protocol.ts";
import type * as Custom from "./custom-lockstep.ts";
import { DEVICES, divergenceSentence } from "./lockstep-text.ts";
import type { Pair } from "./pair.ts";
import { formatInstant, toReference } from "./references.ts";
import type { Seat } from "./seat.ts";

/** Of what was said or came in, as much as a row of a list can show. */
const SHOWN_BYTES = 64;

/** The pair, in the form of the custom requests. */
export function stateBody(pair: Pair, seat: Seat): Custom.PairStateBody {
  const { id, live, members, missing, inner, counts, latencyMs, lagStepsMax, divergences } = pair.situation;
  return {
    ...{
      id,
      live,
      member: seat.member,
      missing: [...missing],
      counts: { ...counts },
      latencyMs: { ...latencyMs },
      lagStepsMax,
    },
    ...(inner !== undefined && { inner: { ...inner } }),
    members: members.map((member) => memberBody(pair, member)),
    divergences: divergences.map(divergenceBody),
  };
}

function memberBody(pair: Pair, { name, role, stretches }: PairMember): Custom.PairMemberBody {
  const seat = Object.values(pair.seats).find(({ member }) => member === name);
  const isAtRest = seat?.session?.moving === false;
  return {
    ...{ name, role, title: `Machine ${name} (${role})` },
    ...(seat !== undefined && { stretch: seat.stretch }),
    ...(seat !== undefined && isAtRest && { instant: seat.position.instant }),
    stretches: stretches.map(({ start, ...stretch }) => ({
      ...stretch,
      ...(start !== undefined && { start: { ...start } }),
    })),
  };
}

function divergenceBody(divergence: PairDivergence): Custom.OutputDivergenceBody {
  const { what, device, number, left, right, leftText, rightText, lastAgreement } = divergence;
  return {
    ...{ what, device: DEVICES[device] ?? "output", number, lastAgreement },
    ...{ place: placeBody(left, right), expected: leftText, got: rightText },
    text: divergenceSentence(divergence),
  };
}

export function placeBody(left: PairPosition, right: PairPosition): Custom.PairPlaceBody {
  return { left: { ...left }, right: { ...right } };
}

export function logRowBody(
  pair: Pair,
  { device, bytes, at, ...row }: PairLogRow,
  index: number,
): Custom.PairLogRowBody {
  const { member, stretch } = row;
  const side = pair.situation.members.find(({ name }) => name === member)?.side;
  return {
    ...(row as Omit<Custom.PairLogRowBody, "row" | "device" | "bytes">),
    row: index,
    ...(side !== undefined &&
      at !== undefined && { place: { [side]: { member: member!, stretch: stretch!, instant: at } } }),
    ...(device !== undefined && { device: DEVICES[device] ?? "output" }),
    ...(bytes !== undefined && { bytes: bytesBody(bytes) }),
  };
}

function bytesBody(bytes: Uint8Array): NonNullable<Custom.PairLogRowBody["bytes"]> {
  const shown = [...bytes.subarray(0, SHOWN_BYTES)];
  return {
    text: shown.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join(""),
    hex: shown.map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
    bytes: bytes.length,
  };
}

// ---- the divergence that was found

/** Instants of the two stretches that were held against each other. */
export type PlaceOf = (left: number, right: number) => Custom.PairPlaceBody;

export function findingBody(finding: DivergenceFinding, placeOf: PlaceOf): Custom.DivergenceFindingBody {
  const { kind, level, lastAgreement, divergent, inside, output, chain, notes } = finding;
  return {
    kind,
    ...(level !== undefined && { level }),
    lastAgreement: placeOf(lastAgreement.left, lastAgreement.right),
    ...(divergent !== undefined && { divergent: divergentBody(divergent, placeOf) }),
    ...(inside !== undefined && { inside: divergentBody(inside, placeOf) }),
    ...(output !== undefined && {
      output: {
        place: placeOf(output.left, output.right),
        device: DEVICES[output.device] ?? "output",
        number: output.number,
        left: said(output.leftText, output.leftBytes),
        right: said(output.rightText, output.rightBytes),
      },
    }),
    chain: chain.map((link) => linkBody(link, placeOf)),
    notes: [...notes],
    lines: findingLines(finding, placeOf),
  };
}

function said(text: string | undefined, bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "nothing";
  return text === undefined ? JSON.stringify(bytesBody(bytes).text) : JSON.stringify(text);
}

function divergentBody(
  { left, right, cause, why, differences, more }: Divergent,
  placeOf: PlaceOf,
): Custom.DivergentBody {
  return {
    place: placeOf(left.instant, right.instant),
    ...{ left: instructionBody(left), right: instructionBody(right), cause, why, more },
    differences: differences.map(valueBody),
  };
}

function instructionBody({ hart, pc, symbol, text, source }: DivergentPlace): Custom.DivergentInstructionBody {
  return { hart, pc: toReference(pc), symbol, text, ...(source !== undefined && { source: { ...source } }) };
}

function valueBody({ what, name, hart, address, left, right }: ValueInBoth): Custom.DifferenceBody {
  return {
    ...{ what, name },
    ...(hart !== undefined && { hart }),
    ...(address !== undefined && { address: toReference(BigInt(address)) }),
    ...(left !== undefined && { left: valueText(left) }),
    ...(right !== undefined && { right: valueText(right) }),
  };
}

export function valueText(value: bigint | number | string): string {
  return typeof value === "bigint" ? toReference(value) : String(value);
}

function linkBody({ kind, left, right, value, sentence }: DivergenceLink, placeOf: PlaceOf): Custom.DivergenceLinkBody {
  return {
    ...{ kind, sentence },
    ...(left !== undefined && right !== undefined && { place: placeOf(left.instant, right.instant) }),
    ...(left !== undefined && { left: instructionBody(left) }),
    ...(right !== undefined && { right: instructionBody(right) }),
    ...(value !== undefined && { value: valueBody(value) }),
  };
}

/** What the debug console shows of a finding. */
function findingLines(finding: DivergenceFinding, placeOf: PlaceOf): Custom.FindingLineBody[] {
  const { divergent, inside, output, chain, notes, lastAgreement } = finding;
  const at = ({ left, right }: { left: { instant: number }; right: { instant: number } }) =>
    placeOf(left.instant, right.instant);
  const { left, right } = placeOf(lastAgreement.left, lastAgreement.right);
  const [here, there] = [left, right].map(({ member }) => `machine ${member}`);
  const lines: Custom.FindingLineBody[] = [];
  if (divergent !== undefined) {
    lines.push({ text: `The two part at ${placeText(divergent.left)}: ${divergent.why}`, place: at(divergent) });
    for (const difference of divergent.differences.slice(0, SHOWN_DIFFERENCES)) {
      const { name, left, right } = valueBody(difference);
      const text = `  ${name}: ${left ?? "nothing"} in ${here}, ${right ?? "nothing"} in ${there}`;
      // Several harts may have it.
      if (!lines.some((line) => line.text === text)) lines.push({ text });
    }
  }
  for (const { left, right, sentence } of chain.slice(0, SHOWN_LINKS)) {
    const place = left && right && at({ left, right });
    lines.push({ text: `  ${sentence}`, ...(place !== undefined && { place }) });
  }
  if (output !== undefined) {
    const place = placeOf(output.left, output.right);
    const what = `${said(output.leftText, output.leftBytes)} in ${here}, ${said(output.rightText, output.rightBytes)} in ${there}`;
    lines.push({ text: `The output that differs: ${what}, at instants ${instants(output)}`, place });
  }
  if (inside !== undefined) {
    lines.push({ text: `Inside they differ already at ${placeText(inside.left)}: ${inside.why}`, place: at(inside) });
  }
  if (lines.length === 0) {
    lines.push({ text: `The two do not differ: they agree up to instants ${instants(lastAgreement)}` });
  }
  return [...lines, ...notes.map((text) => ({ text }))];
}

const SHOWN_DIFFERENCES = 4;
const SHOWN_LINKS = 6;

function placeText({ instant, symbol, text, source }: DivergentPlace): string {
  const place = source === undefined ? symbol : `${source.path.replace(/^.*[\\/]/, "")}:${source.line}`;
  return `instant ${formatInstant(instant)}, “${text}” (${place})`;
}

function instants({ left, right }: { readonly left: number; readonly right: number }): string {
  return `${formatInstant(left)} and ${formatInstant(right)}`;
}
