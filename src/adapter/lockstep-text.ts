import type { PairDivergence, PairSide, PairSituation, PairStretch, Stopped } from "../debuggee/protocol.ts";
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

/** At the end of a stretch, behind which another one of the same machine goes on. */
export function tookOverHere(member: string, { first, last }: PairStretch, direction: "forward" | "backward"): string {
  const [before, behind, boundary] = direction === "forward" ? ["ends", "goes on", first] : ["begins", "ended", last];
  return (
    `Machine ${member} took over the other one's state: this stretch of its recording ${before} here, ` +
    `and it ${behind} in another one at its instant ${formatInstant(boundary)}. Go on to get there.`
  );
}

/** The same where another machine joined in the place of one that was gone. */
export function joinedHere(
  member: string,
  neighbour: PairStretch & { readonly member: string },
  direction: "forward" | "backward",
): string {
  const { member: other, first, last } = neighbour;
  return direction === "forward"
    ? `Machine ${member} came no farther. Machine ${other} joined in its place at instant ${formatInstant(first)}. Go on to get there.`
    : `Machine ${member} joined here, in the place of machine ${other}, which came to instant ${formatInstant(last)}. Go on to get there.`;
}

/** Who went and who came between two situations, as sentences. */
export function changesOf(before: PairSituation, now: PairSituation): string[] {
  const roleIn = ({ members }: PairSituation, of: string) => members.find(({ name }) => name === of)?.role;
  return now.members.flatMap(({ name, role, side }) => {
    const was = roleIn(before, name);
    if (was === undefined) {
      const replaced = now.members.findLast((each) => each.side === side && each.name !== name);
      return [
        `Machine ${name} has joined${replaced === undefined ? "" : `, in the place of machine ${replaced.name}`}.`,
      ];
    }
    if (role === "primary" && was === "secondary") return [`Machine ${name} has taken over.`];
    return role === "gone" && was !== "gone" ? [`Machine ${name} is gone.`] : [];
  });
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
  return `Lockstep divergence: ${place}${said} is ${leftText} in machine ${left.member} and ${rightText} in machine ${right.member}, at ${instants}.`;
}
