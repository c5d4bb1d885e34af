import { UserError } from "../base/errors.ts";
import type { AddressUse, Stopped } from "../debuggee/protocol.ts";
import { branchBody } from "./branches.ts";
import type { Breakpoints } from "./breakpoints.ts";
import type {
  AccessBody,
  InputArguments,
  InstantOfOutputBody,
  LastReadBody,
  LastWriteArguments,
  LastWriteBody,
  TimelineArguments,
  TimelineBody,
} from "./custom-protocol.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import type { Motion } from "./motions.ts";
import {
  addressUse,
  formatInstant,
  fromBase64,
  fromReference,
  Handles,
  isReference,
  toReference,
} from "./references.ts";
import type { FrameKey } from "./stack.ts";

const DEFAULT_MARKS = 1000;
/** More marks than pixels on any screen. */
const MARKS_LIMIT = 20_000;

/** Questions about time, in the form of the custom requests. */
export async function timeline(debuggee: Debuggee, { from, to, most }: TimelineArguments): Promise<TimelineBody> {
  const summary = await debuggee.timeline({
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    most: Math.min(Math.max(most ?? DEFAULT_MARKS, 0), MARKS_LIMIT),
  });
  const { branch, ...rest } = summary;
  return { ...rest, ...(branch !== undefined && { branch: branchBody(branch) }), marks: [...summary.marks] };
}

/** A way to an instant. Throws before anything moves when the recording does not hold it. */
export async function motionTo(debuggee: Debuggee, instant: number): Promise<Motion> {
  const { first, end } = await debuggee.timeline({ most: 0 });
  if (instant < first || instant > end) {
    throw errors.noInstant(formatInstant(instant), formatInstant(first), formatInstant(end));
  }
  return (moving) => moving.seek(instant);
}

export async function instantOfOutput(debuggee: Debuggee, offset: number): Promise<InstantOfOutputBody> {
  const instant = await debuggee.instantOfOutput(offset);
  return instant === undefined ? {} : { instant };
}

/** @param frame where the address is evaluated when it is an expression. */
export async function lastWrite(
  debuggee: Debuggee,
  question: LastWriteArguments,
  frame: FrameKey,
): Promise<LastWriteBody & { address: bigint; length: number }> {
  const { access: write, ...place } = await lastAccess(debuggee, "lastWrite", question, frame);
  return write === undefined ? place : { ...place, write };
}

export async function lastRead(
  debuggee: Debuggee,
  question: LastWriteArguments,
  frame: FrameKey,
): Promise<LastReadBody> {
  const { access: read } = await lastAccess(debuggee, "lastRead", question, frame);
  return read === undefined ? {} : { read };
}

async function lastAccess(
  debuggee: Debuggee,
  method: "lastWrite" | "lastRead",
  { address, length, before }: LastWriteArguments,
  frame: FrameKey,
): Promise<{ access?: AccessBody; address: bigint; length: number }> {
  const place = await placeOf(debuggee, address, frame);
  const size = length ?? place.size ?? 1;
  const found = await debuggee[method](place.address, size, before, place.use ?? { hart: frame.hart });
  if (found === undefined) return { address: place.address, length: size };
  const { instant, pc, symbol, source, by } = found;
  const access = {
    ...{ instant, pc: toReference(pc), symbol },
    ...(source === undefined ? {} : { source }),
    ...(by === undefined ? {} : { by }),
  };
  return { access, address: place.address, length: size };
}

/** What an expression means where an address is wanted: the place that it names, or else its value. */
export async function placeOf(
  debuggee: Debuggee,
  text: string,
  { hart, level }: FrameKey,
): Promise<{ address: bigint; size?: number | undefined; use?: AddressUse | undefined }> {
  if (isReference(text)) return { address: fromReference(text), use: addressUse(text) };
  const { memoryAddress, size, bits, physical } = await debuggee.evaluate(text, hart, level, "look");
  if (memoryAddress !== undefined) return { address: memoryAddress, size, use: physical ? "physical" : undefined };
  if (bits === undefined) throw errors.noAddress(text);
  return { address: bits };
}

export function inputBytes({ text, base64 }: InputArguments): Uint8Array {
  if ((text === undefined) === (base64 === undefined)) {
    throw new UserError("bad-request", "hindcast/input needs either “text” or “base64”.");
  }
  return text === undefined ? fromBase64(base64!) : new TextEncoder().encode(text);
}

/** A way to a line, in time: nothing is skipped or executed out of order, as a jump of the pc would. */
interface Target {
  readonly path: string;
  readonly line: number;
  readonly direction: "forward" | "backward";
}

/**
 * DAP's goto, for a machine that can travel: going to a line means going to the instant when it runs next, or when it
 * last ran. Setting the pc, and so skipping code, is what `setVariable` on pc is for.
 */
export class GotoTargets {
  readonly #breakpoints: Breakpoints;
  readonly #targets = new Handles<Target>();

  constructor(breakpoints: Breakpoints) {
    this.#breakpoints = breakpoints;
  }

  /** The targets for a line, which is one with code; the ids hold until the machine moves. */
  targets(path: string, line: number): { id: number; label: string }[] {
    return [
      { id: this.#targets.create({ path, line, direction: "forward" }), label: `forward: when line ${line} runs next` },
      { id: this.#targets.create({ path, line, direction: "backward" }), label: `back: when line ${line} last ran` },
    ];
  }

  motion(id: number): Motion {
    const target = this.#targets.get(id);
    if (target === undefined) throw errors.staleTarget();
    const { path, line, direction } = target;
    return (debuggee) =>
      this.#breakpoints.withTemporary(debuggee, path, line, async (temporary) => {
        const stopped = direction === "forward" ? await debuggee.resume() : await debuggee.reverseContinue();
        return withoutTemporary(stopped, temporary, line);
      });
  }

  forget(): void {
    this.#targets.clear();
  }
}

/** Stopping where one wanted to go is no breakpoint hit; stopping at a breakpoint on the way is. */
function withoutTemporary(stopped: Stopped, temporary: number, line: number): Stopped {
  if (!stopped.breakpoints.includes(temporary)) return stopped;
  const breakpoints = stopped.breakpoints.filter((id) => id !== temporary);
  if (breakpoints.length > 0) return { ...stopped, breakpoints };
  return { ...stopped, reason: "goto", breakpoints, description: `At line ${line}` };
}
