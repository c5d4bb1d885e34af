import type { Origin, OriginEnd, OriginOperand, OriginPlace, OriginStep } from "../debuggee/protocol.ts";
import type {
  OriginArguments,
  OriginBody,
  OriginEndBody,
  OriginOperandBody,
  OriginPlaceBody,
  OriginStepBody,
} from "./custom-protocol.ts";
import type { Debuggee } from "./environment.ts";
import { toPhysicalReference, toReference } from "./references.ts";

/** Follows a value back, in the form of the custom request. */
export async function origin(
  debuggee: Debuggee,
  { place, length, instant, depth, most }: OriginArguments,
  hart: number,
): Promise<OriginBody> {
  const found = await debuggee.origin(place, hart, {
    ...(instant === undefined ? {} : { at: instant }),
    ...(length === undefined ? {} : { length }),
    ...(depth === undefined ? {} : { depth }),
    ...(most === undefined ? {} : { most }),
  });
  return originBody(found);
}

/** When and on which hart a place holds what is told of it. */
interface At {
  readonly instant: number;
  readonly hart: number;
}

function originBody({ place, instant, hart, value, steps, end }: Origin): OriginBody {
  const last = steps.at(-1) ?? { instant, hart };
  return {
    place: placeBody(place, { instant, hart }),
    instant,
    hart,
    ...(value === undefined ? {} : { value: toValue(value) }),
    steps: steps.map(stepBody),
    end: endBody(end, last),
  };
}

function stepBody({ source, operands, pc, place, value, ...step }: OriginStep): OriginStepBody {
  return {
    ...step,
    pc: toReference(pc),
    ...(source === undefined ? {} : { source: { ...source } }),
    // Behind the step, what it wrote is there.
    place: placeBody(place, { instant: step.instant + 1, hart: step.hart }),
    value: toValue(value),
    operands: operands.map((operand) => operandBody(operand, step)),
  };
}

function operandBody({ place, value, role, origin: from }: OriginOperand, at: At): OriginOperandBody {
  return {
    place: placeBody(place, at),
    role,
    ...(value === undefined ? {} : { value: toValue(value) }),
    ...(from === undefined ? {} : { origin: originBody(from) }),
  };
}

function endBody({ place, address, ...end }: OriginEnd, at: At): OriginEndBody {
  return {
    ...end,
    ...(address === undefined ? {} : { address: toReference(address) }),
    ...(place === undefined ? {} : { place: placeBody(place, at) }),
  };
}

function placeBody({ kind, name, address, physical, length }: OriginPlace, { instant, hart }: At): OriginPlaceBody {
  const where = physical === undefined ? name : toPhysicalReference(physical);
  return {
    kind,
    name,
    ...(address === undefined ? {} : { address: toReference(address) }),
    ...(physical === undefined ? {} : { physical: toPhysicalReference(physical) }),
    ...(length === undefined ? {} : { length }),
    ask: { place: where, instant, hart, ...(length === undefined ? {} : { length }) },
  };
}

/** Values may be wider than a register. */
function toValue(value: bigint): string {
  return `0x${value.toString(16)}`;
}
