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
    poll: () => false,
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

/** A machine whose guest is told of page 3 once and goes on; whether the page is here, and how often that was looked at. */
function told() {
  const state = { isHere: false, hasCome: false, looks: 0, ready: [] as number[] };
  const notice = { hart: 0, address: 0n, token: 1 };
  const stops = [{ kind: "absent", page: 3, notice }];
  const machine = {
    instant: 7,
    run: () => stops.shift() ?? { kind: "reached" },
    absentPages: {
      request: () => "page-in",
      bring: () => {
        state.looks++;
        return state.isHere;
      },
    },
  } as unknown as MachineLike;
  const host: PageHost = {
    tells: true,
    poll: () => {
      const { hasCome } = state;
      state.hasCome = false;
      return hasCome;
    },
    ...{ wait: () => {}, told: () => {}, ready: () => {}, stands: () => {}, goesOn: () => {} },
  };
  const queueReady = (token: number) => void state.ready.push(token);
  const waits = new PageWaits(machine, host, { queueNotReady: () => {}, queueReady, pending: false }, () => 1000);
  const turn = () => assert.equal(waits.run(100 as Instant, false).kind, "reached");
  turn();
  waits.poll();
  return { state, waits, turn };
}

test("a page is looked for when something has come, and not at every look at the host", () => {
  const { state, waits } = told();
  const { looks } = state;
  for (let polls = 0; polls < 10; polls++) waits.poll();
  assert.equal(state.looks, looks);
  [state.isHere, state.hasCome] = [true, true];
  waits.poll();
  assert.deepEqual([state.looks, state.ready], [looks + 1, [1]]);
});

test("a page that somebody else has brought is found with the next turn, though nothing has come", () => {
  const { state, waits, turn } = told();
  state.isHere = true;
  waits.poll();
  assert.deepEqual(state.ready, []);
  turn();
  waits.poll();
  assert.deepEqual(state.ready, [1]);
});

test("what telling needs is waited for, where anybody is told, and the page that was accessed comes meanwhile", () => {
  for (const tells of [true, false]) {
    const stops = [{ kind: "absent", page: 3, needs: 5 }];
    const [requested, brought] = [[] as number[], [] as number[]];
    const machine = {
      ...{ instant: 7, harts: [], run: () => stops.shift() ?? { kind: "reached" } },
      absentPages: {
        request: (page: number) => {
          requested.push(page);
          return "page-in";
        },
        bring: (page: number) => brought.push(page) > 0,
      },
    } as unknown as MachineLike;
    const host: PageHost = {
      ...{
        tells,
        poll: () => true,
        wait: () => {},
        told: () => {},
        ready: () => {},
        stands: () => {},
        goesOn: () => {},
      },
    };
    const inlet = { queueNotReady: () => {}, queueReady: () => {}, pending: false };
    new PageWaits(machine, host, inlet, () => 1000).run(100 as Instant, false);
    assert.deepEqual([requested, brought], tells ? [[3, 5], [5]] : [[3], [3]]);
  }
});
