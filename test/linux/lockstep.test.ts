import assert from "node:assert/strict";
import test from "node:test";
import { boot } from "./boot.ts";

type Report = Record<"resynchronisations" | "takeOvers" | "joined", number>;

const START = ["--start-time", "1700000000"];

test("Debian boots on a pair, through resynchronisations and the death of a machine, and says what one machine says", async () => {
  const alone = await boot("run", START);
  assert.match(alone.console, /reboot: Power down/);
  // Its kernel log has the time in it, to the microsecond: machines whose clocks differ say different things now and then.
  const differing = await boot("lockstep", [...START, "--diverge", "time,memory,entropy"]);
  assert.equal(differing.console, alone.console);
  assert.ok((differing.answer.lockstep as Report).resynchronisations > 0);
  // Whose clock is another would say other things as a survivor.
  const faults = ["--fault", "flip-memory@300000000", "--fault", "kill:primary@600000000"];
  const survived = await boot("lockstep", [...START, "--diverge", "memory", ...faults]);
  assert.equal(survived.console, alone.console);
  const { takeOvers, joined } = survived.answer.lockstep as Report;
  assert.deepEqual([takeOvers, joined], [1, 1]);
});
