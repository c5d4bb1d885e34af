import { assemble } from "../../src/assembler/assemble.ts";
import { makeCompileThread } from "../../src/host/compile-thread.ts";
import { MachineReplica } from "../../src/lockstep/machine-replica.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { LocalPair } from "../lockstep/local-pair.ts";
import { WORKING } from "./absent-guests.ts";

/** Milliseconds since the primary accepted who joins. */
export interface JoinTimes {
  /** The joiner has executed its first instructions. */
  readonly untilRun: number;
  readonly untilWhole: number;
  /** The longest time in which the primary took no step, until the joiner ran, and from then on until it had all pages. */
  readonly standsBefore: number;
  readonly standsAfter: number;
}

/** The secondary dies when the guest has filled its memory. */
const DIES_AT = 300_000_000;

/** Both machines in one thread: the other's work is in the times. */
export function measureJoin(memoryBytes: number): JoinTimes {
  const program = assemble(WORKING, { file: "guest.s" }).program!;
  const newMachine = () => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes }, "auto", [], "on", makeCompileThread);
    machine.load(program);
    return { machine };
  };
  let began: number | undefined;
  let [untilRun, untilWhole, standsBefore, standsAfter, movedMs] = [0, 0, 0, 0, 0];
  const pair = new LocalPair({
    ...{ primary: newMachine(), secondary: newMachine() },
    newSecondary: () => {
      const joiner = newMachine();
      began = performance.now();
      movedMs = began;
      return joiner;
    },
    faults: [{ kind: "kill", role: "secondary", instant: DIES_AT }],
    onConsole: () => {},
    onFrame: () => {},
    nowMs: () => performance.now(),
  });
  const { run } = MachineReplica.prototype;
  MachineReplica.prototype.run = function timed(until) {
    const before = this.instant;
    const stop = run.call(this, until);
    if (began === undefined || this.instant === before) return stop;
    const now = performance.now();
    if (this.machine === pair.machine) {
      if (untilRun === 0) standsBefore = Math.max(standsBefore, now - movedMs);
      else standsAfter = Math.max(standsAfter, now - movedMs);
      movedMs = now;
    } else if (untilRun === 0) untilRun = now - began;
    else if (this.isWhole) untilWhole = now - began;
    return stop;
  };
  try {
    const motion = pair.forward(Number.MAX_SAFE_INTEGER);
    while (untilWhole === 0) motion.next();
  } finally {
    Object.assign(MachineReplica.prototype, { run });
  }
  return { untilRun, untilWhole, standsBefore, standsAfter };
}
