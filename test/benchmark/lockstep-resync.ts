import { MachineReplica } from "../../src/lockstep/machine-replica.ts";
import { Primary } from "../../src/lockstep/primary.ts";

/** What the resynchronisations of a run took, in milliseconds. */
export interface ResyncTimes {
  /** The primary stands still: its checkpoint. Hashes and pages of it are sent while it runs. */
  readonly pauses: readonly number[];
  /** From the pause's beginning until the secondary runs again, and until all pages are there. */
  readonly untilRun: readonly number[];
  readonly untilWhole: readonly number[];
}

/** Listens to the members of pairs in this thread while `run` runs. Where both are on one thread, the other's work is in the times. */
export function timeResyncs(run: () => void): ResyncTimes {
  const pauses: number[] = [];
  const untilRun: number[] = [];
  const untilWhole: number[] = [];
  let began: number | undefined;
  let adopted: MachineReplica | undefined;
  let hasRun = false;
  const { adopt, run: go, provide, snapshot } = MachineReplica.prototype;
  const { turn } = Primary.prototype;
  let inTurn = false;
  const whole = (replica: MachineReplica) => {
    if (replica !== adopted || began === undefined || !replica.isWhole) return;
    untilWhole.push(performance.now() - began);
    if (!hasRun) untilRun.push(performance.now() - began);
    adopted = undefined;
    began = undefined;
  };
  Primary.prototype.turn = function timed(nowMs, budget) {
    inTurn = true;
    const moved = turn.call(this, nowMs, budget);
    inTurn = false;
    return moved;
  };
  MachineReplica.prototype.snapshot = function timed() {
    if (!inTurn) return snapshot.call(this);
    began = performance.now();
    const made = snapshot.call(this);
    pauses.push(performance.now() - began);
    return made;
  };
  MachineReplica.prototype.adopt = function timed(state, counts, absent) {
    const isRight = adopt.call(this, state, counts, absent);
    adopted = this;
    hasRun = false;
    whole(this);
    return isRight;
  };
  MachineReplica.prototype.provide = function timed(page, bytes) {
    const isRight = provide.call(this, page, bytes);
    whole(this);
    return isRight;
  };
  MachineReplica.prototype.run = function timed(until) {
    const before = this.instant;
    const stop = go.call(this, until);
    if (this === adopted && began !== undefined && !hasRun && this.instant > before) {
      hasRun = true;
      untilRun.push(performance.now() - began);
    }
    return stop;
  };
  try {
    run();
  } finally {
    Object.assign(MachineReplica.prototype, { adopt, run: go, provide, snapshot });
    Object.assign(Primary.prototype, { turn });
  }
  return { pauses, untilRun, untilWhole };
}
