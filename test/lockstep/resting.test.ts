import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MemberDriver } from "../../src/host/lockstep-member.ts";
import { LocalArbiter } from "../../src/lockstep/arbiter.ts";
import { type Channel, localChannel } from "../../src/lockstep/channel.ts";
import { Link } from "../../src/lockstep/link.ts";
import { MACHINE_DEVICES, MachineReplica } from "../../src/lockstep/machine-replica.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import { pageCountOf } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { program, SMALL } from "../machine/guests.ts";

/** Waits for ever, and says nothing. */
const WAITING = "_start: wfi\n j _start\n";
const LOOKED_AT_MS = 300;

test("a member whose partner is gone rests, though it owes that an acknowledgement", async () => {
  const machine = new Machine(SMALL);
  machine.load(program(WAITING));
  const pageCount = pageCountOf(machine.configuration);
  let turns = 0;
  const driver: MemberDriver = new MemberDriver({
    ...{ member: "A", replica: new MachineReplica(machine), pageCount, channel: localChannel()[0] },
    start: { role: "alone", term: 1 },
    arbiter: new LocalArbiter({ term: 1, primary: "A", secondary: undefined }),
    ...{ sink: new CountingSink(MACHINE_DEVICES, () => {}), inputs: new InputQueue() },
    onTurn: () => turns++,
    nowMs: () => performance.now(),
  });
  let isGone = false;
  const [here, there] = localChannel();
  const channel: Channel = {
    ...here,
    get closed() {
      return isGone;
    },
  };
  assert.ok(driver.accept(channel));
  const joiner = new Link(there, { devices: MACHINE_DEVICES.length, pageCount }, LOCKSTEP_OPTIONS, 0);
  joiner.sayHello("B", "joiner", 0);
  // Its state is on its way, and what was said acknowledged with that.
  while (driver.turn());
  joiner.sayHello("B", "joiner", 1);
  isGone = true;
  driver.turn();
  assert.equal(driver.member.primary?.phase, "alone");
  const running = driver.run();
  await sleep(LOOKED_AT_MS);
  driver.stop();
  await running;
  const heartbeats = LOOKED_AT_MS / LOCKSTEP_OPTIONS.heartbeatMs;
  assert.ok(turns <= 3 * heartbeats + 3, `${turns} turns in ${LOOKED_AT_MS} ms`);
});
