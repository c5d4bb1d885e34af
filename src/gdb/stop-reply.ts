import type { RegisterValues, Stopped } from "../debuggee/protocol.ts";
import { EXCEPTION } from "../isa/causes.ts";
import { wordToHex } from "./packets.ts";
import { PC } from "./registers.ts";
import type { StopPoint, StopPointType } from "./stop-points.ts";

/** The protocol's own numbers of signals (GDB: include/gdb/signals.def). */
const SIGNAL = { interrupt: 2, illegal: 4, trap: 5, abort: 6, bus: 10, segmentation: 11, system: 12 } as const;

const MISALIGNED: ReadonlySet<number> = new Set([
  EXCEPTION.instructionAddressMisaligned,
  EXCEPTION.loadAddressMisaligned,
  EXCEPTION.storeAddressMisaligned,
]);
const ENVIRONMENT_CALLS: ReadonlySet<number> = new Set([
  EXCEPTION.ecallFromUser,
  EXCEPTION.ecallFromSupervisor,
  EXCEPTION.ecallFromMachine,
]);

/** What the client has said that it understands. */
export interface ClientFeatures {
  readonly swbreak: boolean;
  readonly hwbreak: boolean;
}

const STOP_REASON: Readonly<Record<StopPointType, string>> = {
  software: "swbreak",
  hardware: "hwbreak",
  write: "watch",
  read: "rwatch",
  access: "awatch",
};

/** Thread numbers begin with 1: 0 means "any" in the protocol. */
export function threadOf(hart: number): string {
  return (hart + 1).toString(16);
}

const SP = 2;
const FP = 8;

/** Why the machine stands still, and the registers that every client asks for next. */
export function stopReply(
  stopped: Stopped,
  { pc, integers }: RegisterValues,
  point: StopPoint | undefined,
  client: ClientFeatures,
): string {
  const registers = [
    [PC, pc],
    [SP, integers[SP]],
    [FP, integers[FP]],
  ] as const;
  const parts = registers.map(([number, value]) => `${number.toString(16).padStart(2, "0")}:${wordToHex(value)};`);
  return `T${hex2(signalOf(stopped))}${reasonOf(stopped, point, client)}thread:${threadOf(stopped.hart)};${parts.join("")}`;
}

function reasonOf({ reason }: Stopped, point: StopPoint | undefined, client: ClientFeatures): string {
  switch (reason) {
    case "start":
      return "replaylog:begin;";
    case "end":
    case "finished":
    case "waiting":
      // Also where a live machine has ended: one can go back from there, which one could not from an exit.
      return "replaylog:end;";
    default: {
      if (point === undefined) return "";
      const { type, address } = point;
      if (type === "software") return client.swbreak ? "swbreak:;" : "";
      if (type === "hardware") return client.hwbreak ? "hwbreak:;" : "";
      return `${STOP_REASON[type]}:${address.toString(16)};`;
    }
  }
}

function signalOf({ reason, exception, failedChecks }: Stopped): number {
  if (reason === "pause") return SIGNAL.interrupt;
  // As an assertion of the program's own would end.
  if (failedChecks !== undefined) return SIGNAL.abort;
  if (exception === undefined) return SIGNAL.trap;
  const { cause } = exception;
  if (cause === EXCEPTION.illegalInstruction) return SIGNAL.illegal;
  if (cause === EXCEPTION.breakpoint || cause === EXCEPTION.pageNotReady) return SIGNAL.trap;
  if (MISALIGNED.has(cause)) return SIGNAL.bus;
  return ENVIRONMENT_CALLS.has(cause) ? SIGNAL.system : SIGNAL.segmentation;
}

/** The guest has ended for good. Exit codes of more than a byte are cut to the highest, as on the command line. */
export function exitReply(exitCode: number): string {
  return `W${hex2(Math.min(exitCode, 0xff))}`;
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, "0");
}
