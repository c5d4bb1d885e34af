import assert from "node:assert/strict";
import test from "node:test";
import { end, file, hindcast, hindcastJson, start } from "./command.ts";
import { ECHO, ENDLESS, HELLO, SEVEN, SLOW_COUNT, TIMER, TRAP, WAITS } from "./guests.ts";

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

for (const [where, ...hosting] of [["threads"], ["processes", "--processes"]]) {
  test(`in ${where}: input reaches both, and how the guest ends is the exit code`, async () => {
    const input = file("input.txt", "abcq");
    const { before, exitCode, report } = await lockstep(ECHO(), "--input", input, ...hosting);
    assert.equal(before, "abcq\n");
    assert.equal(exitCode, 3);
    assert.deepEqual(report.members, ["A", "B"]);
    assert.equal((await lockstep(SEVEN(), ...hosting)).exitCode, 7);
  });

  test(`in ${where}: killed and frozen machines are survived, a new one joins, and nothing is said twice`, async () => {
    const expected = `${"0123456789".repeat(30)}\n`;
    for (const fault of ["kill:primary@30000000", "kill@30000000", "freeze:primary@30000000"]) {
      const { before, exitCode, report, stderr } = await lockstep(
        SLOW_COUNT(),
        "--fault",
        fault,
        "--give-up-after",
        "2",
        ...hosting,
      );
      assert.equal(before, expected, `${fault}: ${stderr}`);
      assert.equal(exitCode, 0, stderr);
      assert.equal(report.takeOvers, fault.includes("primary") ? 1 : 0, fault);
      assert.ok(report.joined >= 1, `${fault}: ${JSON.stringify(report)}`);
    }
  });

  test(`in ${where}: entries that are lost, late or doubled, and a slow channel, change nothing`, async () => {
    const expected = `${"0123456789".repeat(30)}\n`;
    const faults = ["lose-entry", "delay-entry", "double-entry", "slow-channel"].flatMap((kind, index) => [
      ...["--fault", `${kind}@${10_000_000 + index * 10_000_000}`],
    ]);
    const { before, report } = await lockstep(SLOW_COUNT(), ...faults, ...hosting);
    assert.equal(before, expected);
    assert.deepEqual([report.resynchronisations, report.takeOvers], [0, 0]);
  });

  test(`in ${where}: a paced guest's time is the host's`, async () => {
    const { exitCode, json } = await lockstep(TIMER(), "--clock", "paced", ...hosting);
    assert.equal(exitCode, 0);
    assert.ok((json.seconds as number) > 0.29, `${json.seconds}`);
  });

  test(`in ${where}: a guest that nothing will wake is over, and Ctrl+C ends one that goes on for ever`, async () => {
    const { json } = await lockstep(WAITS(), ...hosting);
    assert.equal(json.reason, "waiting");
    const child = start("lockstep", ENDLESS(), "--json", ...hosting);
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { exitCode, stdout } = await end(child);
    assert.equal(exitCode, 130);
    assert.equal(JSON.parse(stdout.slice(stdout.indexOf("{"))).reason, "interrupted");
  });
}

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
