import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { anything, apply, type Driven, type Operation } from "./operations.ts";
import type { FuzzTarget, Subject } from "./subjects.ts";

const ROUNDS = 80;
/** One access may do a bounded amount of work: this is far beyond it, on a computer that is busy, too. */
const MOST_MS = 5_000;
/** State that grows with what the guest does, apart from input that waits (which is as much as was sent). */
const MOST_STATE_CHARACTERS = 50_000;

/**
 * Does what a seed says to a device. Invariants: nothing throws, nothing takes long, values fit into their accesses, what is
 * saved can be restored and is then saved alike, and a twin that was made from what was saved does the same from there on.
 * Throws with what was done last when one is broken.
 */
export function fuzzDevice(target: FuzzTarget, seed: number): void {
  const prng = new Prng(seed);
  const subject = target.make();
  let twin: Subject | undefined;
  const done: Operation[] = [];
  const driven: Driven = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const operation of anything(prng, target, subject.device.sizeBytes, driven)) {
        done.push(operation);
        const start = performance.now();
        const result = apply(subject, operation);
        assert.ok(performance.now() - start < MOST_MS, "an access that takes for ever");
        if (twin !== undefined) assert.equal(apply(twin, operation), result, "the twin answers otherwise");
        check(subject, twin);
      }
      if (prng.below(10) > 0) continue;
      if (twin !== undefined) assertAlike(subject, twin);
      twin = twinOf(target, subject);
    }
  } catch (error) {
    const last = done.slice(-12).map(describe).join("\n  ");
    throw new Error(`${target.name}, seed ${seed}: ${(error as Error).message}\n  ${last}`, { cause: error });
  }
}

function check(subject: Subject, twin: Subject | undefined): void {
  const deadline = subject.device.nextDeadline();
  assert.ok(deadline === undefined || deadline >= 0n, "a deadline below zero");
  const line = subject.interrupt?.();
  if (twin === undefined) return;
  assert.equal(twin.device.nextDeadline(), deadline, "the twin's deadline is another");
  assert.equal(twin.interrupt?.(), line, "the twin's interrupt line is another");
}

/** A second device out of what the first one saves, with a copy of all that is around it. */
function twinOf(target: FuzzTarget, subject: Subject): Subject {
  const text = JSON.stringify(subject.device.save());
  assert.ok(text.length < MOST_STATE_CHARACTERS, "a state without bound");
  subject.device.restore(JSON.parse(text));
  assert.equal(JSON.stringify(subject.device.save()), text, "restored into itself it is another");
  const twin = target.make();
  twin.clock.ticks = subject.clock.ticks;
  twin.memory.bytes.set(subject.memory.bytes);
  twin.outside.splice(0, twin.outside.length, ...subject.outside);
  twin.device.restore(JSON.parse(text));
  assert.equal(JSON.stringify(twin.device.save()), text, "restored into another it is another");
  return twin;
}

function assertAlike(subject: Subject, twin: Subject): void {
  assert.equal(
    JSON.stringify(twin.device.save()),
    JSON.stringify(subject.device.save()),
    "the twin's state is another",
  );
  assert.equal(Buffer.compare(twin.memory.bytes, subject.memory.bytes), 0, "the twin's memory is another");
  assert.deepEqual(twin.outside, subject.outside, "the twin has said something else");
}

function describe(operation: Operation): string {
  return JSON.stringify(operation, (_key, value) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value));
}
