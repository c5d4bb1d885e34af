import type { PairDivergence, PairSide, Stopped } from "../debuggee/protocol.ts";
import type { Pair } from "./pair.ts";
import { formatInstant } from "./references.ts";

/** `Machine B (secondary)` */
export function titleOf({ seats, situation }: Pair, side: PairSide): string {
  const { member } = seats[side];
  const role = situation.members.find(({ name }) => name === member)?.role ?? "gone";
  return `Machine ${member} (${role})`;
}

/** A stop at a divergence, however it was come to. */
export function withDivergence(stopped: Stopped, divergence: PairDivergence): Stopped {
  return { ...stopped, reason: "exception", description: divergenceSentence(divergence), divergence };
}

export const DEVICES = ["console", "network", "end"];
const OUTPUTS = ["console byte", "frame", "how the guest ends"];
const END = 2;

/** `Lockstep divergence: console byte 1,234 is "4" in machine A and "5" in machine B` */
export function divergenceSentence(divergence: PairDivergence): string {
  const { device, number, what, leftText, rightText, left, right } = divergence;
  const output = OUTPUTS[device] ?? "output";
  const place = device === END ? output : `${output} ${formatInstant(number)}`;
  const instants = `instants ${formatInstant(left.instant)} and ${formatInstant(right.instant)}`;
  const said = what === "data" ? "" : ` (${what})`;
  return `Lockstep divergence: ${place}${said} is ${leftText} in machine A and ${rightText} in machine B, at ${instants}.`;
}
