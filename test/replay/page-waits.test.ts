import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import type { MachineLike } from "../../src/machine/machine-interface.ts";
import { type PageHost, PageWaits } from "../../src/replay/page-waits.ts";

/** A machine that stands before a page which does not come, and what the host is told of its standing still. */
function waiting() {
  const said: string[] = [];
  const machine = {
    instant: 7,
    run: () => ({ kind: "absent", page: 3 }),
    absentPages: { request: () => "page-in", bring: () => false },
  } as unknown as MachineLike;
  const host: PageHost = {
    tells: false,
    poll: () => {},
    wait: () => {},
    told: () => {},
    ready: () => {},
    stands: (work) => said.push(`stands: ${work}`),
    goesOn: () => said.push("goes on"),
  };
  const inlet = { queueNotReady: () => {}, queueReady: () => {}, pending: false };
  return { waits: new PageWaits(machine, host, inlet, () => 1000), said };
}

test("work of the machine's own while it stands before a page does not hide how long it has stood", () => {
  const { waits, said } = waiting();
  assert.equal(waits.run(100 as Instant, false).kind, "reached");
  waits.during("checkpoint-copy", () => said.push("copies"));
  assert.equal(waits.run(100 as Instant, false).kind, "reached");
  assert.deepEqual(said, [
    ...["stands: page-in", "goes on"],
    ...["stands: checkpoint-copy", "copies", "goes on"],
    ...["stands: page-in"],
  ]);
});
