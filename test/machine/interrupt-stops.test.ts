import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { type EngineChoice, FULL_ISA } from "../../src/machine/configuration.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";
import { Guest, program } from "./guests.ts";
import { type GuestShape, randomGuest } from "./random-guest.ts";

const STEPS = 6000;
const MEMORY_BYTES = 128 * 1024;
const [MCAUSE, MEPC, SCAUSE, SEPC] = [0x342, 0x341, 0x142, 0x141];

type Taken = readonly [instant: number, hart: number, cause: number, pc: bigint];

function guestOf(seed: number, engine: EngineChoice): Guest {
  const prng = new Prng(seed);
  const shape: GuestShape = { harts: prng.pick([1, 2, 3]), mode: prng.pick(["machine", "supervisor", "user"]) };
  const source = `.equ RAM_END, ${RAM_BASE + MEMORY_BYTES}\n${randomGuest(prng, shape)}`;
  const modes = shape.mode === "machine" ? "m" : "msu";
  return new Guest(program(source), engine, { memoryBytes: MEMORY_BYTES, isa: FULL_ISA, harts: shape.harts, modes });
}

/** Runs with stops, in slices of any length, and goes on from each. */
function interruptsOf(guest: Guest, stops: StopConditions, prng: Prng): { taken: Taken[]; digest: string } {
  const { machine } = guest;
  const taken: Taken[] = [];
  machine.setStops(stops);
  let departing: boolean | "breakpoint" = false;
  while (machine.instant < STEPS) {
    const until = Math.min(STEPS, machine.instant + 1 + prng.below(400));
    const stop = machine.run(until as Instant, { departing });
    departing = stop.kind === "exception" ? true : stop.kind === "breakpoint" ? "breakpoint" : false;
    if (stop.kind === "interrupt") {
      const { hart, cause, pc } = stop;
      taken.push([machine.instant, hart, cause, pc]);
      const view = machine.harts[hart];
      const isMachine = view.privilege === 3;
      assert.equal(view.csr(isMachine ? MCAUSE : SCAUSE), (1n << 63n) | BigInt(cause));
      assert.equal(view.csr(isMachine ? MEPC : SEPC), pc);
      assert.equal(machine.currentHart, hart);
    }
    if (stop.kind === "waiting" || stop.kind === "unhandled-trap" || stop.kind === "finished") break;
  }
  return { taken, digest: machine.digest() };
}

test("every engine stops at the same interrupts, whatever else it stops for, and its state is the same", () => {
  let seen = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const plain = guestOf(seed, "interpreter");
    plain.machine.run(STEPS as Instant, { departing: true });
    const digest = plain.machine.digest();
    const stops = { ...NO_STOPS, interrupts: true };
    const expected = interruptsOf(guestOf(seed, "oracle"), stops, new Prng(1));
    seen += expected.taken.length;
    const ram = { address: RAM_BASE, length: MEMORY_BYTES, access: "write" } as const;
    const many = { ...stops, exceptions: [2, 3, 5, 7, 8, 9, 11, 13, 15], watches: [ram] as never };
    for (const engine of ["oracle", "interpreter", "translator"] as const) {
      for (const each of [stops, many]) {
        const found = interruptsOf(guestOf(seed, engine), each, new Prng(seed));
        assert.deepEqual(found.taken, expected.taken, `seed ${seed}, ${engine}`);
        assert.equal(found.digest, digest, `seed ${seed}, ${engine}`);
      }
    }
  }
  assert.ok(seen > 20, `${seen} interrupts`);
});
