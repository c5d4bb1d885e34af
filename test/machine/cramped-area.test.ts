import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { Guest, ScriptedInlet } from "./guests.ts";
import { listening } from "./page-guest.ts";
import { PlainStore } from "./page-stores.ts";

/** Registers its area, has written it, then goes round more pages than there are frames left. */
const GUEST = `
_start:
${listening("inside", { last: "sw zero, 0(t1)" })}
inside:
  la   s0, data
  li   s1, 24
  li   s2, 4096
1:
  sd   s1, 0(s0)
  add  s0, s0, s2
  addi s1, s1, -1
  bnez s1, 1b
  j    inside
  .balign 16
handler:
  la   t0, area
  lw   s4, 0(t0)
  sw   zero, 0(t0)
  sret
  .balign 4096
area:
  .zero 2048
  .dword 1
  .zero 2040
data:
  .zero 98304
`;

function told(instant: Instant, token: number): MachineEvent {
  return { kind: "page-not-ready", instant, hart: 0, address: 0x80001000n, token, page: 1, work: "page-in" };
}

test("what the guest is told reaches an area that is in no frame, and that none is free for", () => {
  let inNoFrame = 0;
  for (const extra of Array.from({ length: 60 }, (_, index) => index)) {
    const whole = new Guest(GUEST, "interpreter", { modes: "msu" });
    const store = new PlainStore(new Prng(1), "at once");
    const few = new Guest(whole.program, "interpreter", { modes: "msu" }, [], "on", undefined, { frames: 12, store });
    for (const guest of [whole, few]) {
      guest.run(60);
      const checkpoint = guest.machine.checkpoint();
      // The area is written behind the checkpoint, by the machine: so its frame is given up when that is restored.
      const at = guest.machine.instant;
      guest.machine.inlet = new ScriptedInlet([told(at, 1)]);
      guest.run(at + 200);
      guest.machine.inlet = new ScriptedInlet([]);
      guest.machine.restore(checkpoint);
      guest.run(at + extra * 4);
      const now = guest.machine.instant as Instant;
      guest.machine.inlet = new ScriptedInlet([told(now, 5)]);
      guest.run(now);
      guest.machine.inlet = new ScriptedInlet([]);
    }
    inNoFrame += few.machine.residency!.resident === 12 ? 1 : 0;
    assert.equal(few.machine.digest(), whole.machine.digest(), `told after ${extra * 4} steps`);
    for (const guest of [whole, few]) guest.run(guest.machine.instant + 6);
    assert.equal(few.register(20), whole.register(20), `token read, after ${extra * 4}`);
  }
  assert.ok(inNoFrame > 0, "no frame was free, at times");
});
