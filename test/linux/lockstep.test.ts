import assert from "node:assert/strict";
import test from "node:test";
import { boot } from "./boot.ts";

const START = ["--start-time", "1700000000"];

test("Debian boots on a pair, through resynchronisations and the death of a machine, and says what one machine says", async () => {
  const alone = await boot("run", START);
  assert.match(alone.console, /reboot: Power down/);
  // Its kernel log has the time in it, to the microsecond: machines whose clocks differ say different things now and then.
  const differing = await boot("lockstep", [...START, "--diverge", "time,memory,entropy"]);
  assert.equal(differing.console, alone.console);
  const { resynchronisations } = differing.answer.lockstep as { resynchronisations: number };
  assert.ok(resynchronisations > 0);
  const faults = ["--fault", "flip-memory@300000000", "--fault", "kill:primary@500000000"];
  const survived = await boot("lockstep", [...START, ...faults]);
  assert.equal(survived.console, alone.console);
  const { takeOvers, joined } = survived.answer.lockstep as { takeOvers: number; joined: number };
  assert.deepEqual([takeOvers, joined], [1, 1]);
});
