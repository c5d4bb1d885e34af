import assert from "node:assert/strict";
import test from "node:test";
import { OutputMatcher, type Span } from "../../src/lockstep/output-matcher.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import { PendingOutputs } from "../../src/lockstep/pending-outputs.ts";
import type { DeviceKind, OutputRun } from "../../src/lockstep/replica.ts";

const DEVICES: readonly DeviceKind[] = ["stream", "datagrams"];

function run(device: number, number: number, text: string, instant = 0, lastInstant = instant): OutputRun {
  return { device, number, instant, lastInstant, bytes: new TextEncoder().encode(text) };
}

function matcher(): { of: OutputMatcher; matches: [Span, Span][] } {
  const matches: [Span, Span][] = [];
  const of = new OutputMatcher(DEVICES, [0, 0], (primary, secondary) => matches.push([primary, secondary]));
  return { of, matches };
}

test("a stream matches however it is cut, and whoever comes first", () => {
  const { of } = matcher();
  of.say(run(0, 0, "he"));
  of.expect(run(0, 0, "hello"));
  of.say(run(0, 2, "llo, "));
  assert.deepEqual(of.matched, [5, 0]);
  of.expect(run(0, 5, ", world"));
  assert.deepEqual(of.matched, [7, 0]);
  assert.equal(of.mismatch, undefined);
});

test("devices match by themselves, in whatever order their outputs come", () => {
  const { of, matches } = matcher();
  of.expect(run(0, 0, "a", 10));
  of.expect(run(1, 0, "frame", 11));
  of.say(run(1, 0, "frame", 31));
  assert.deepEqual(of.matched, [0, 1]);
  assert.equal(of.oldestExpected()?.device, 0);
  of.say(run(0, 0, "a", 32));
  // Where both begin and end alike, both are told.
  assert.deepEqual(
    [matches[0], matches[2]],
    [
      [
        [11, 11],
        [31, 31],
      ],
      [
        [10, 10],
        [32, 32],
      ],
    ],
  );
});

test("of a byte inside of what was said at a stretch it is known between which instants", () => {
  const { of, matches } = matcher();
  of.expect(run(0, 0, "abcd", 10, 40));
  of.say(run(0, 0, "ab", 10, 20));
  of.say(run(0, 2, "cd", 30, 40));
  assert.deepEqual(matches, [
    [
      [10, 10],
      [10, 10],
    ],
    [
      [10, 40],
      [30, 30],
    ],
    [
      [40, 40],
      [40, 40],
    ],
  ]);
});

test("the first byte that differs is told; a datagram is compared as a whole", () => {
  const { of } = matcher();
  of.expect(run(0, 0, "hello", 7));
  of.say(run(0, 0, "help!", 9));
  assert.deepEqual(of.matched, [3, 0]);
  assert.deepEqual(of.mismatch, {
    ...{ device: 0, number: 3, primaryInstant: 7, secondaryInstant: 9, expected: '"lo"', got: '"p!"' },
  });
  const other = matcher();
  other.of.expect(run(1, 0, "frame"));
  other.of.say(run(1, 0, "frames"));
  assert.equal(other.of.mismatch?.number, 0);
});

test("output leaves in the order in which it was said, a stream up to the byte", () => {
  const pending = new PendingOutputs(DEVICES);
  pending.push(run(0, 0, "abc"), 1);
  pending.push(run(1, 0, "frame"), 2);
  pending.push(run(0, 3, "def"), 3);
  const text = (limit: readonly number[]) =>
    pending.take(limit).map(({ run: { bytes } }) => new TextDecoder().decode(bytes));
  assert.deepEqual(text([2, 1]), ["ab"]);
  assert.deepEqual(text([6, 0]), ["c"], "what was said behind the frame waits for it");
  assert.equal(pending.bytes, 8);
  assert.deepEqual(text([6, 1]), ["frame", "def"]);
  assert.equal(pending.bytes, 0);
});

test("what has left is told apart from what has not", () => {
  const pending = new PendingOutputs(DEVICES);
  pending.push(run(0, 0, "abcd"), 0);
  pending.push(run(1, 0, "x"), 0);
  pending.drop([2, 0]);
  assert.deepEqual(
    pending.below([3, 0]).map(({ number, bytes }) => [number, new TextDecoder().decode(bytes)]),
    [[2, "c"]],
  );
  pending.drop([4, 0]);
  assert.equal(pending.length, 1);
});

test("the sink drops what it has, takes the rest, and does not pass over a gap", () => {
  const taken: string[] = [];
  const sink = new CountingSink(DEVICES, ({ bytes }) => taken.push(new TextDecoder().decode(bytes)));
  sink.offer([run(0, 0, "abc")]);
  sink.offer([run(0, 0, "abcde"), run(0, 1, "bcd")]);
  sink.offer([run(1, 0, "x")]);
  sink.offer([run(1, 0, "x")]);
  assert.deepEqual(taken, ["abc", "de", "x"]);
  assert.throws(() => sink.offer([run(0, 7, "z")]), /output 7 of device 0 came before 5/);
});

test("inputs are kept until nobody asks for them any more", () => {
  const queue = new InputQueue();
  for (let ticks = 0; ticks < 3; ticks++) queue.push({ kind: "idle-jump", ticks });
  assert.deepEqual(queue.at(1), { kind: "idle-jump", ticks: 1 });
  queue.forget(2);
  assert.equal(queue.at(1), undefined);
  assert.deepEqual(queue.at(2), { kind: "idle-jump", ticks: 2 });
  assert.equal(queue.at(3), undefined);
});
