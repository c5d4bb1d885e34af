import assert from "node:assert/strict";
import test from "node:test";
import type { Instant, PhysicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { Origin, OriginPlace, OriginStep } from "../../src/debuggee/origin-protocol.ts";
import { registersOf } from "../../src/isa/effects.ts";
import { abiName } from "../../src/isa/registers.ts";
import { FULL_ISA } from "../../src/machine/configuration.ts";
import type { Edit, MachineEvent } from "../../src/machine/inlet.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { Guest, program, symbol } from "../machine/guests.ts";
import { type GuestShape, randomGuest } from "../machine/random-guest.ts";
import { DATA_PAGES } from "../machine/random-guest-frame.ts";
import { finish } from "./harness.ts";
import { CSRS, Ledger } from "./origin-ledger.ts";

/** HINDCAST_SEED=123 repeats one seed. */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 1);
const COUNT = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 400 : 6;
const STEPS = NIGHTLY ? 8000 : 2500;
const QUESTIONS = NIGHTLY ? 60 : 30;
const MEMORY_BYTES = 128 * 1024;
const FLOAT_NAME = /^f/;

/** The same run for the ledger and for the timeline: its events are made beforehand. */
function randomEvents(prng: Prng, harts: number, data: number): MachineEvent[] {
  return Array.from({ length: 6 }, () => prng.below(STEPS))
    .sort((a, b) => a - b)
    .map((instant): MachineEvent => {
      const hart = prng.below(harts);
      const value = BigInt(prng.next32());
      const edits: Edit[] = [
        { target: "register", hart, register: 1 + prng.below(31), value },
        { target: "float-register", hart, register: prng.below(32), value },
        { target: "csr", hart, csr: 0x340, value },
        {
          target: "memory",
          address: (data + prng.below(DATA_PAGES * 4096 - 8)) as PhysicalAddress,
          bytes: Uint8Array.from({ length: 1 + prng.below(8) }, () => prng.below(256)),
        },
      ];
      return { kind: "edit", instant: instant as Instant, edit: prng.pick(edits) };
    });
}

interface Checked {
  readonly ends: Map<string, number>;
  steps: number;
  leaps: number;
}

function check(seed: number, checked: Checked): void {
  const prng = new Prng(seed);
  const shape: GuestShape = {
    harts: prng.pick([1, 1, 2, 4]),
    mode: prng.pick(["machine", "supervisor", "user"]),
  };
  const guest = program(`.equ RAM_END, ${RAM_BASE + MEMORY_BYTES}\n${randomGuest(prng, shape)}`);
  const board = { memoryBytes: MEMORY_BYTES, isa: FULL_ISA, harts: shape.harts, modes: "msu" } as const;
  const data = Number(symbol(guest, "data"));
  const events = randomEvents(prng, shape.harts, data);
  const ledger = new Ledger(guest, board, events, STEPS);

  const { machine } = new Guest(guest, prng.pick(["auto", "translator", "interpreter", "oracle"]), board);
  const timeline = Timeline.record(machine, undefined, { spacingSteps: 500, nearSteps: 64, sliceSteps: 300 });
  const emit = () => {};
  const debuggee = new Debuggee({ timeline, history: timeline.history, programs: [guest], emit });
  for (const event of events) {
    if (event.kind !== "edit" || event.instant > ledger.end) continue;
    if (event.instant > timeline.now) finish(timeline.forward({ stops: NO_STOPS, limit: event.instant }));
    timeline.edit(event.edit);
  }
  finish(timeline.forward({ stops: NO_STOPS, limit: ledger.end as Instant }));
  assert.equal(timeline.now, ledger.end);
  for (let count = 0; count < QUESTIONS; count++) {
    const at = 1 + prng.below(ledger.end);
    const hart = prng.below(shape.harts);
    const size = prng.pick([1, 2, 4, 8]);
    const place = prng.pick([
      () => abiName(1 + prng.below(31)),
      () => abiName(10 + prng.below(6)),
      () => `f${prng.below(32)}`,
      () => "mscratch",
      () => `phys:0x${(data + prng.below(DATA_PAGES * 4096 - size)).toString(16)}`,
    ])();
    const length = place.startsWith("phys:") ? { length: size } : {};
    const origin = finish(debuggee.origin(place, hart, { at, ...length, depth: prng.below(6), most: 40 }));
    agree(ledger, origin, checked, `${place} of hart ${hart} at ${at}`);
  }
}

const FLOATS = ["ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1"];
FLOATS.push(...["fa0", "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7"]);
FLOATS.push(...["fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"]);
const INTEGERS = Array.from({ length: 32 }, (_, number) => abiName(number));

/** What the ledger calls the bytes, or the register, of a place. */
function keysOf({ kind, name, physical, length }: OriginPlace, hart: number): string[] {
  if (kind === "csr") return [`c${CSRS[name === "mscratch" ? 0 : 1]} ${hart}`];
  if (kind === "memory") return Array.from({ length: length ?? 0 }, (_, byte) => `m${Number(physical) + byte}`);
  return [FLOAT_NAME.test(name) ? `f${FLOATS.indexOf(name)} ${hart}` : `x${INTEGERS.indexOf(name)} ${hart}`];
}

function agree(ledger: Ledger, { place, instant, hart, steps, end }: Origin, checked: Checked, what: string): void {
  let [at, on, current] = [instant, hart, place];
  let known = end.kind !== "computed";
  for (const [index, step] of steps.entries()) {
    const where = `${what}, step ${index}: ${step.text} at ${step.instant}`;
    const { omitted } = steps[index - 1] ?? {};
    if (omitted === undefined) {
      const entry = ledger.lastOf(keysOf(current, on), at);
      assert.deepEqual(entry, { instant: step.instant, by: "step" }, `who wrote ${current.name} last; ${where}`);
    } else {
      leapAgrees(ledger, steps[index - 1], step, on, where);
      checked.leaps++;
    }
    operandsAgree(ledger, step, where);
    for (const { origin } of step.operands) {
      if (origin !== undefined) agree(ledger, origin, checked, `${where}, operand ${origin.place.name}`);
    }
    checked.steps++;
    [at, on] = [step.omitted?.since ?? step.instant, step.hart];
    known = step.follows === undefined;
    if (step.follows !== undefined) current = step.operands[step.follows].place;
  }
  checked.ends.set(end.kind, (checked.ends.get(end.kind) ?? 0) + 1);
  if (known || ["limit", "device", "input", "csr", "trap"].includes(end.kind)) return;
  const last = current.name === "zero" ? undefined : ledger.lastOf(keysOf(current, on), at);
  if (end.kind === "edit") assert.deepEqual(last, { instant: end.instant, by: "edit" }, `${what}: ${end.sentence}`);
  else assert.equal(last, undefined, `${what}: ${end.sentence}`);
}

/** What was left out is as it is said to be. */
function leapAgrees(
  ledger: Ledger,
  before: OriginStep,
  { place, instant }: OriginStep,
  hart: number,
  where: string,
): void {
  const keys = keysOf(place, hart);
  assert.ok(ledger.between(keys, instant, instant + 1).length > 0, `it wrote ${place.name}; ${where}`);
  const { why, steps } = before.omitted ?? assert.fail();
  if (why === "calls" || steps > 1) return;
  for (const entry of ledger.between(keys, instant + 1, before.instant)) {
    assert.equal(
      ledger.steps[entry.instant]?.pc,
      before.pc,
      `another wrote ${place.name} at ${entry.instant}; ${where}`,
    );
  }
}

/** Its operands are the registers that the instruction reads, by another reading of the table. */
function operandsAgree(ledger: Ledger, step: OriginStep, where: string): void {
  const taken = ledger.steps[step.instant];
  assert.ok(taken?.decoded !== undefined, where);
  assert.deepEqual([taken.hart, taken.pc], [step.hart, step.pc], where);
  const { decoded } = taken;
  const reads = registersOf(decoded).reads.map(abiName);
  const integers = step.operands.flatMap(({ place }) =>
    place.kind === "register" && INTEGERS.includes(place.name) ? [place.name] : [],
  );
  for (const name of integers) assert.ok(reads.includes(name), `${name} is not read; ${where}`);
  const readsOthers = /^(amo|sc\.|csrr|jalr)/.test(decoded.instruction.mnemonic);
  if (!readsOthers) assert.deepEqual([...new Set(integers)].sort(), [...reads].sort(), where);
}

test("chains of random guests, in all modes and on several harts, agree with a book of every write", () => {
  const checked: Checked = { ends: new Map(), steps: 0, leaps: 0 };
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    try {
      check(seed, checked);
    } catch (error) {
      throw new Error(`HINDCAST_SEED=${seed}${NIGHTLY ? " HINDCAST_NIGHTLY=1" : ""}`, { cause: error });
    }
  }
  if (COUNT === 1) return;
  assert.ok(checked.steps > 300, `${checked.steps} steps`);
  for (const kind of ["constant", "computed", "edit", "image", "reset"]) assert.ok(checked.ends.has(kind), kind);
});
