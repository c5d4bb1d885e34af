/** How far a primary is ahead: members with clocks of their own, and frames that take their time. */
import assert from "node:assert/strict";
import test from "node:test";
import { type DrivenReplica, MemberDriver } from "../../src/host/lockstep-member.ts";
import { LocalArbiter } from "../../src/lockstep/arbiter.ts";
import type { Channel } from "../../src/lockstep/channel.ts";
import { MACHINE_DEVICES, MachineReplica } from "../../src/lockstep/machine-replica.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import { pageCountOf } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { program, SMALL } from "../machine/guests.ts";

const COMPUTING = "_start: li t0, 0\n1: addi t0, t0, 1\n j 1b\n";
const STEPS_PER_MS = 20_000;
/** What a turn costs that finds nothing to do. */
const LOOK_MS = 0.05;
/** Until they know how long their turns are, and how far away the other one is. */
const SETTLE_MS = 40;
const RUN_MS = 60;

/** Runs a pair whose frames take so long each way: how long the primary has waited, and how far it was ahead at most. */
function runPair(wayMs: number) {
  const clocks = [0, 0];
  const onTheWay: { readonly frame: Uint8Array; readonly dueMs: number }[][] = [[], []];
  const channel = (own: number): Channel => ({
    send: (frame) => void onTheWay[1 - own].push({ frame: frame.slice(), dueMs: clocks[own] + wayMs }),
    receive: () => (onTheWay[own][0]?.dueMs <= clocks[own] ? onTheWay[own].shift()!.frame : undefined),
  });
  const arbiter = new LocalArbiter({ term: 1, primary: "A", secondary: "B" });
  const drivers = ["A", "B"].map((member, own) => {
    const machine = new Machine(SMALL, "interpreter");
    machine.load(program(COMPUTING));
    const replica: DrivenReplica = new MachineReplica(machine);
    const run = replica.run.bind(replica);
    replica.run = (until) => {
      const before = replica.instant;
      const stop = run(until);
      clocks[own] += (replica.instant - before) / STEPS_PER_MS;
      return stop;
    };
    return new MemberDriver({
      ...{ member, replica, arbiter, pageCount: pageCountOf(machine.configuration), channel: channel(own) },
      start: own === 0 ? { role: "primary", partner: "B" } : { role: "secondary" },
      ...{ sink: new CountingSink(MACHINE_DEVICES, () => {}), inputs: new InputQueue() },
      nowMs: () => clocks[own],
    });
  });
  const primary = drivers[0].member.primary!;
  let aheadSteps = 0;
  let settledMs = 0;
  while (Math.min(...clocks) < SETTLE_MS + RUN_MS) {
    const own = clocks[0] <= clocks[1] ? 0 : 1;
    if (!drivers[own].turn()) clocks[own] += LOOK_MS;
    if (clocks[own] < SETTLE_MS) settledMs = primary.statistics.waitedMs;
    else aheadSteps = Math.max(aheadSteps, primary.lagSteps);
  }
  return { waitedMs: primary.statistics.waitedMs - settledMs, aheadMs: aheadSteps / STEPS_PER_MS };
}

test("a primary whose partner is near is some turns ahead, and does not wait for it all the time", () => {
  const { waitedMs, aheadMs } = runPair(0.01);
  assert.ok(aheadMs < 2.5, `${aheadMs} ms ahead`);
  assert.ok(waitedMs < RUN_MS / 4, `${waitedMs} ms waited`);
});

test("what is on its way to a partner that is far is no reason to wait", () => {
  const { waitedMs, aheadMs } = runPair(4);
  assert.ok(aheadMs > 4 && aheadMs < 16, `${aheadMs} ms ahead`);
  assert.ok(waitedMs < RUN_MS / 3, `${waitedMs} ms waited`);
});
