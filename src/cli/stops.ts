import { causeName } from "../isa/causes.ts";
import type { MachineStop } from "../machine/stop.ts";
import { formatAddress } from "./quantities.ts";

/** A stop for good, as the end of a sentence: `the guest ended with exit code 0`. */
export function describeStop(stop: MachineStop): string {
  switch (stop.kind) {
    case "finished":
      return stop.reset ? "the guest asked for a reset" : `the guest ended with exit code ${stop.exitCode}`;
    case "unhandled-trap":
      return `${causeName(BigInt(stop.cause))} (mtval ${formatAddress(stop.tval)}) with no handler to take it`;
    case "waiting":
      return "the guest waits for an interrupt that nothing will raise";
    default:
      return `stopped: ${stop.kind}`;
  }
}

/** The same for `--json`. */
export function stopToJson(stop: MachineStop): object {
  switch (stop.kind) {
    case "finished":
      return { reason: stop.reset ? "reset" : "exit", exitCode: stop.exitCode };
    case "unhandled-trap":
      return {
        reason: "trap",
        hart: stop.hart,
        cause: stop.cause,
        name: causeName(BigInt(stop.cause)),
        tval: formatAddress(stop.tval),
      };
    default:
      return { reason: stop.kind };
  }
}
