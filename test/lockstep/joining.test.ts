import assert from "node:assert/strict";
import test from "node:test";
import { LocalArbiter } from "../../src/lockstep/arbiter.ts";
import { localChannel } from "../../src/lockstep/channel.ts";
import { Link } from "../../src/lockstep/link.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import { Primary } from "../../src/lockstep/primary.ts";
import { ToyMachine } from "./toy-machine.ts";

test("who joins may be silent while it takes over a state; one that is gone is given up", () => {
  const options = LOCKSTEP_OPTIONS;
  const replica = new ToyMachine({ seed: 7, length: 400, polls: true }, 0, false);
  const [there, here] = localChannel();
  const shape = { devices: replica.devices.length, pageCount: replica.snapshot().pageCount };
  const primary = new Primary(
    {
      ...{ member: "A", replica, sink: new CountingSink(replica.devices, () => {}), inputs: new InputQueue() },
      ...{ arbiter: new LocalArbiter({ term: 1, primary: "A", secondary: undefined }), options },
    },
    { term: 1, nextInput: 0, sequence: 0 },
  );
  assert.ok(primary.accept(new Link(there, shape, options, 0), 0));
  const joiner = new Link(here, shape, options, 0);
  joiner.sayHello("B", "joiner", 0);
  for (const [completes, phase] of [
    [0, "copying"],
    [1, "joining"],
  ] as const) {
    const nowMs = completes * (options.progressMs - 100);
    if (completes > 0) joiner.send({ kind: "complete", id: completes }, nowMs);
    primary.turn(nowMs, 0);
    assert.equal(primary.phase, phase);
    // Far longer than a partner may be silent.
    primary.turn(nowMs + options.progressMs - 100, 0);
    assert.equal(primary.phase, phase);
  }
  primary.turn(2 * options.progressMs - 100, 0);
  assert.equal(primary.phase, "alone");
});
