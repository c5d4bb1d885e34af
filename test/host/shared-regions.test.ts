import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompilerSetup, MadeRegions, RegionCompiler } from "../../src/cpu/region-compiler.ts";
import type { EncodedOrder } from "../../src/cpu/region-order.ts";
import { SharedRegions } from "../../src/host/shared-regions.ts";
import { guest, loop } from "../cpu/hot-guest.ts";
import { Guest } from "../machine/guests.ts";

const LOOPS = 24;
const SOURCE = guest(`
again:
${Array.from({ length: LOOPS }, (_, index) => loop(12, `addi s3, s3, ${index}\nxor s4, s4, s3\nsd s4, ${8 * index}(s0)`)).join("\n")}
  j    again
`);
/** Orders of one machine that are answered together. */
const TOGETHER = 3;
const STEPS = 1000;

interface Counts {
  ordered: number;
  made: number;
}

/** Regions by way of `regions`, answered when so many wait, as messages to a thread are. */
function compilerOf(regions: SharedRegions, counts: Counts): (setup: CompilerSetup) => RegionCompiler {
  return (setup) => {
    const client = regions.join(setup);
    const waiting: EncodedOrder[] = [];
    let answers: MadeRegions[] = [];
    return {
      isReady: true,
      isGone: false,
      order: (order) => {
        counts.ordered++;
        waiting.push(structuredClone(order));
      },
      collect: () => {
        if (waiting.length >= TOGETHER) {
          const made = regions.make(client, waiting.splice(0), ({ orders }) => {
            counts.made += orders;
          });
          answers = [...answers, ...made];
        }
        return answers.shift();
      },
    };
  };
}

test("what was made for one machine is given to the other, and both do what the interpreter does", () => {
  const regions = new SharedRegions();
  const counts = { ordered: 0, made: 0 };
  const machines = [0, 1].map(() => new Guest(SOURCE, "translator", {}, [], "on", compilerOf(regions, counts)));
  const judge = new Guest(SOURCE, "interpreter");
  for (let turn = 0; turn < 100; turn++) {
    for (const one of [...machines, judge]) one.step(STEPS);
    for (const { machine } of machines) assert.equal(machine.digest(), judge.machine.digest());
  }
  assert.ok(counts.ordered >= 2 * LOOPS, `${counts.ordered} orders`);
  assert.ok(counts.made <= 0.6 * counts.ordered, `${counts.made} of ${counts.ordered} regions were made`);
});

test("machines of another setup are given nothing of each other, nor is one that is alone", () => {
  for (const instructionSets of [["rv64gc", "rv64g"], ["rv64gc"]]) {
    const regions = new SharedRegions();
    const counts = { ordered: 0, made: 0 };
    const machines = instructionSets.map(
      (isa) => new Guest(SOURCE, "translator", { isa }, [], "on", compilerOf(regions, counts)),
    );
    for (let turn = 0; turn < 40; turn++) for (const one of machines) one.step(STEPS);
    assert.ok(counts.made > 0);
    // What waits for others of its batch is not made yet.
    assert.ok(counts.ordered - counts.made < TOGETHER * machines.length, `${counts.made} of ${counts.ordered}`);
  }
});
