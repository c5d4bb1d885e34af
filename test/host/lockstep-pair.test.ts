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

test("a sink that finds room for what came later first has taken both", async () => {
  // Two letters, far enough from each other to leave one by one; the second is the last thing that is said but for the end.
  const image = program(`
_start:
  li s0, 0x10000000
  li t1, 'a'
  sb t1, 0(s0)
  li t0, 20000000
1: addi t0, t0, -1
  bnez t0, 1b
  sb t1, 0(s0)
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
2: j 2b
`);
  const machine = { configuration: SMALL, image, disks: [] };
  const bell = new Bell();
  let said = 0;
  let makeRoom = () => {};
  const room = new Promise<void>((resolve) => {
    makeRoom = resolve;
  });
  let isWaiting = false;
  const pair = new LockstepPair({
    ...{ primary: machine, secondary: machine },
    onConsole: (bytes) => {
      said += bytes.length;
    },
    onFrame: () => {},
    onChange: () => bell.ring(),
    drained: async () => {
      // The first letter has to wait; who comes behind finds room at once, and is told of before.
      if (said === 2) return makeRoom();
      isWaiting ||= said === 1;
      if (said === 1) await room;
    },
  });
  const deadline = setTimeout(() => void pair.close(), 10_000);
  while (pair.end === undefined && pair.failure === undefined) await bell.rest(1_000);
  clearTimeout(deadline);
  assert.equal(said, 2);
  assert.ok(isWaiting);
  assert.equal(pair.end, "over");
  await pair.close();
});
