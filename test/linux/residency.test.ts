import assert from "node:assert/strict";
import test from "node:test";
import { boot } from "./boot.ts";

const START = ["--start-time", "1700000000"];

test("Debian, which knows nothing of pages that are not ready, boots with an eighth of its memory, and says what it says with all of it", async () => {
  const whole = await boot("run", START);
  assert.match(whole.console, /reboot: Power down/);
  const part = await boot("run", [...START, "--resident", "32M"]);
  assert.equal(part.console, whole.console);
  assert.equal(part.answer.instant, whole.answer.instant);
  const { putAway, broughtIn, works } = part.answer.residency as {
    putAway: number;
    broughtIn: number;
    works: { told: number; waited: number }[];
  };
  assert.ok(putAway > 1000 && broughtIn > 100, `${putAway} put away, ${broughtIn} brought in`);
  assert.ok(works.every(({ told }) => told === 0));
  assert.ok(works.some(({ waited }) => waited > 0));
});
