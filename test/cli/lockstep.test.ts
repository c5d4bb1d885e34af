import assert from "node:assert/strict";
import test from "node:test";
import { hindcast, hindcastJson } from "./command.ts";
import { ENDLESS, HELLO, SEVEN, TRAP } from "./guests.ts";

interface Report {
  readonly members: readonly string[];
  readonly outputsReleased: number;
  readonly resynchronisations: number;
  readonly takeOvers: number;
  readonly joined: number;
  readonly divergences: readonly { readonly what: string }[];
  readonly innerDivergences: number;
}

async function lockstep(...args: string[]) {
  const { json, ...rest } = await hindcastJson("lockstep", ...args);
  return { json, report: json.lockstep as Report, ...rest };
}

test("a pair says what one machine says, once, and ends as it ends", async () => {
  const { before, exitCode, report } = await lockstep(HELLO());
  assert.equal(before, "hello, world\n");
  assert.equal(exitCode, 0);
  assert.deepEqual(report.members, ["A", "B"]);
  assert.equal(report.innerDivergences, 0);
  assert.equal((await lockstep(SEVEN())).exitCode, 7);
  const trapped = await lockstep(TRAP());
  assert.equal(trapped.json.reason, "trap");
  assert.equal(trapped.exitCode, 1);
});

test("the machines may differ inside", async () => {
  const { before, report } = await lockstep(HELLO(), "--diverge", "time,memory,harts,entropy");
  assert.equal(before, "hello, world\n");
  assert.equal(report.resynchronisations, 0);
  const wrong = await hindcast("lockstep", HELLO(), "--diverge", "weather");
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /Write some of harts, time, entropy, memory/);
});

test("a killed primary is survived, and the report says so", async () => {
  const { before, report, exitCode } = await lockstep(HELLO(), "--fault", "kill:primary@20");
  assert.equal(before, "hello, world\n");
  assert.equal(exitCode, 0);
  assert.equal(report.takeOvers, 1);
  const { stderr } = await hindcast("lockstep", HELLO(), "--fault", "kill:primary@20");
  assert.match(stderr, /The secondary took over 1 time\./);
  const both = await hindcastJson("lockstep", HELLO(), "--fault", "kill:primary@20", "--fault", "kill@20");
  assert.equal(both.exitCode, 1);
  assert.equal(both.json.reason, "nobody-left");
});

test("a fault that there is not is told with those that there are", async () => {
  const { exitCode, stderr } = await hindcast("lockstep", HELLO(), "--fault", "meteor@7");
  assert.equal(exitCode, 2);
  assert.match(stderr, /Write KIND@INSTANT or KIND:primary@INSTANT, KIND one of flip-register, /);
});

test("two programs are compared", async () => {
  const { exitCode, json, stderr } = await lockstep(HELLO(), "--second", SEVEN());
  assert.equal(exitCode, 1);
  assert.equal(json.reason, "difference");
  assert.match(stderr, /The two programs differ: /);
  assert.equal((await lockstep(HELLO(), "--second", HELLO())).exitCode, 0);
});

test("--limit ends a pair, and faults come out of a seed", async () => {
  const { json } = await lockstep(ENDLESS(), "--limit", "100000", "--fault-seed", "3");
  assert.equal(json.reason, "limit");
  assert.equal(json.instant, 100_000);
});
