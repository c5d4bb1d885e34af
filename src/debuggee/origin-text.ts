import type { Decoded } from "../isa/instruction.ts";
import type { OriginOperand, OriginPlace, OriginStep } from "./origin-protocol.ts";

/** What a step did, in one line. */
export function stepSentence(
  how: OriginStep["how"],
  place: OriginPlace,
  operands: readonly OriginOperand[],
  { imm }: Decoded,
): string {
  const name = nameOf(place);
  const values = operands.filter(({ role }) => role === "value").map((operand) => nameOf(operand.place));
  switch (how) {
    case "copy":
      return `${name} was copied from ${values[0]}`;
    case "load":
      return `${name} was loaded from ${values[0]}`;
    case "store":
      return `${name} was stored from ${values[0]}`;
    case "exchange":
      return `${name} took over ${values[0]} in an exchange`;
    case "offset":
      return `${name} is ${values[0]} ${imm < 0 ? "-" : "+"} ${Math.abs(imm)}`;
    case "computed":
      return `${name} was computed of ${values.join(" and ")}`;
    case "constant":
      return `${name} was set to a constant`;
  }
}

function nameOf({ name, length }: OriginPlace): string {
  return length === undefined ? name : `${name} (${length} ${length === 1 ? "byte" : "bytes"})`;
}
