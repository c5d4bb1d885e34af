import type { LockstepChoice } from "../debuggee/protocol.ts";
import type { LockstepArguments } from "./custom-lockstep.ts";
import { bad, Fields, isSlip } from "./launch-fields.ts";

const NAMES = [
  "second",
  "diverge",
  "divergeSeed",
  "fault",
  "faultSeed",
] as const satisfies readonly (keyof LockstepArguments)[];
const SOURCES = ["harts", "time", "entropy", "memory"] as const;

/**
 * What `lockstep` of a launch configuration asks for. False: one machine, though it be the recording of a pair. Undefined:
 * nothing was said, so that recordings of pairs open as such.
 */
export function lockstepOf(
  raw: Readonly<Record<string, unknown>>,
  resolve: (path: string) => string,
): LockstepChoice | false | undefined {
  const { lockstep, recording, kernel } = raw;
  if (lockstep === undefined || lockstep === null) return undefined;
  if (lockstep === false) return false;
  if (lockstep !== true && (typeof lockstep !== "object" || Array.isArray(lockstep))) {
    throw bad("lockstep", 'must be true, false, or an object such as {"diverge": ["time"]}', lockstep);
  }
  if (recording !== undefined) throw bad("lockstep", "has no meaning for a recording: a pair's opens both machines");
  const given = lockstep === true ? {} : (lockstep as Readonly<Record<string, unknown>>);
  const fields = new Fields(Object.fromEntries(Object.entries(given).map(([name, value]) => [path(name), value])));
  for (const name of Object.keys(given)) refuseUnknown(name);
  const second = fields.text(path("second"));
  if (second !== undefined && kernel !== undefined) {
    throw bad(path("second"), "compares two programs: give “program” instead of “kernel”");
  }
  const choice = {
    second: second === undefined ? undefined : resolve(second),
    diverge: fields.choices(path("diverge"), SOURCES),
    divergeSeed: fields.integer(path("divergeSeed"), 0, Number.MAX_SAFE_INTEGER),
    faults: fields.lines(path("fault")),
    faultSeed: fields.integer(path("faultSeed"), 0, Number.MAX_SAFE_INTEGER),
  };
  return Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined));
}

function path(name: string): string {
  return `lockstep.${name}`;
}

/** Nothing else adds to what is in here: an unknown name is a mistake. */
function refuseUnknown(name: string): void {
  if ((NAMES as readonly string[]).includes(name)) return;
  const meant = NAMES.find((right) => isSlip(name.toLowerCase(), right.toLowerCase()));
  throw bad(
    "lockstep",
    `has no “${name}”${meant === undefined ? `; it has ${NAMES.join(", ")}` : `; did you mean “${meant}”?`}`,
  );
}
