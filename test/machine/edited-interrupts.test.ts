import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import { Guest, ScriptedInlet } from "./guests.ts";

// The storm found it: the user's edit of mstatus let a pending interrupt in, which was then taken at the end of the
// slice, so that a replay with other slices took it at another instant.

const MSTATUS = 0x300;
const EDITED = 40;
const END = 200;

const GUEST = `
_start:
  la   t0, handler
  csrw mtvec, t0
  li   t0, 0x02000000
  li   t1, 1
  sw   t1, 0(t0)
  csrsi mie, 8
1: addi a0, a0, 1
  j    1b
  .balign 4
handler:
  csrr a1, mepc
2: addi a2, a2, 1
  j    2b`;

/** The state at END of a run that is cut at these instants. */
function run(engine: EngineChoice, cuts: readonly number[]): string {
  const guest = new Guest(GUEST, engine);
  const edit = { target: "csr", hart: 0, csr: MSTATUS, value: 8n } as const;
  guest.machine.inlet = new ScriptedInlet([{ kind: "edit", instant: EDITED as Instant, edit }]);
  for (const cut of [...cuts, END]) assert.deepEqual(guest.run(cut), { kind: "reached" });
  const [hart] = guest.machine.harts;
  return `a0 ${hart.register(10)} a1 ${hart.register(11).toString(16)} a2 ${hart.register(12)}`;
}

test("an interrupt that an edit lets in is taken behind the next step, wherever slices end", () => {
  const expected = run(
    "oracle",
    Array.from({ length: END }, (_, instant) => instant),
  );
  for (const engine of ["interpreter", "translator", "oracle"] as const) {
    for (const cuts of [[], [EDITED], [EDITED + 1], [EDITED + 2], [EDITED, EDITED + 50], [10, 100, 150]]) {
      assert.equal(run(engine, cuts), expected, `${engine}, cut at ${cuts}`);
    }
  }
});

test("the same from a checkpoint at the edit", () => {
  const guest = new Guest(GUEST, "interpreter");
  const edit = { target: "csr", hart: 0, csr: MSTATUS, value: 8n } as const;
  guest.machine.inlet = new ScriptedInlet([{ kind: "edit", instant: EDITED as Instant, edit }]);
  guest.run(EDITED);
  const checkpoint = guest.machine.checkpoint();
  guest.run(END);
  const digest = guest.machine.digest();
  guest.machine.restore(checkpoint);
  guest.run(EDITED + 1);
  guest.run(END);
  assert.equal(guest.machine.digest(), digest);
});

test("a waiting hart that is edited goes on while the hart that had its turn waits", () => {
  for (const edit of [
    { target: "csr", hart: 0, csr: MSTATUS, value: 0n },
    { target: "pc", hart: 0, value: 0x8000_0004n },
  ] as const) {
    const guest = new Guest("_start: wfi\n1: addi a1, a1, 1\nj 1b", "interpreter", { harts: 2 });
    assert.equal(guest.run(END).kind, "waiting");
    const { instant, currentHart } = guest.machine;
    assert.equal(currentHart, 1);
    guest.machine.inlet = new ScriptedInlet([{ kind: "edit", instant, edit }]);
    assert.equal(guest.run(END).kind, "reached", edit.target);
    assert.notEqual(guest.register(11), 0n);
  }
});
