import assert from "node:assert/strict";
import test from "node:test";
import { LockstepPair } from "../../src/host/lockstep-pair.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import { program, SMALL } from "../machine/guests.ts";

test("everybody who asks for a report gets one, also while the pair is ended", async () => {
  const image = program("_start: j _start\n");
  const machine = { configuration: SMALL, image, disks: [] };
  const bell = new Bell();
  const pair = new LockstepPair({
    ...{ primary: machine, secondary: machine, limit: 1_000 },
    ...{ onConsole: () => {}, onFrame: () => {}, onChange: () => bell.ring() },
  });
  const asked = [pair.report(), pair.report()];
  while (pair.end === undefined) await bell.rest();
  asked.push(pair.report());
  const closed = pair.close();
  asked.push(pair.report());
  for (const report of await Promise.all(asked)) assert.ok(report.members.length <= 2);
  await closed;
  assert.equal((await pair.report()).resynchronisations, 0);
});
