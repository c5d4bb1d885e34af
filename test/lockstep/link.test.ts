import assert from "node:assert/strict";
import test from "node:test";
import { MalformedBytes } from "../../src/base/byte-cursor.ts";
import { Prng } from "../../src/base/prng.ts";
import { localChannel } from "../../src/lockstep/channel.ts";
import type { LogEntry } from "../../src/lockstep/entry.ts";
import { FaultyChannel } from "../../src/lockstep/fault.ts";
import { Link } from "../../src/lockstep/link.ts";
import { decodeMessage, encodeMessage, type Message } from "../../src/lockstep/message.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { channelSuite } from "./channel-suite.ts";
import { SimulatedChannel } from "./world.ts";

const SHAPE = { devices: 3, pageCount: 64 };
const DIGEST = "0123456789abcdef0123456789abcdef";

const MESSAGES: readonly Message[] = [
  { kind: "hello", member: "Ä", role: "joiner", isTold: true, ...SHAPE },
  {
    kind: "log",
    entries: [
      {
        ...{ kind: "input", sequence: 1, instant: 2 ** 40, place: [1, 2, 3] },
        input: { number: 0, event: { kind: "console-input", bytes: Uint8Array.of(1, 2) } },
      },
      {
        ...{ kind: "input", sequence: 2, instant: 8, place: [0, 0, 0] },
        input: { number: undefined, event: { kind: "idle-jump", ticks: 77 } },
      },
      {
        ...{ kind: "input", sequence: 3, instant: 9, place: [0, 0, 0] },
        input: { number: 5, event: { kind: "network-input", frame: new Uint8Array(60) } },
      },
      {
        kind: "output",
        sequence: 4,
        run: { device: 2, number: 9, instant: 10, lastInstant: 12, bytes: Uint8Array.of(0) },
      },
      { kind: "digest", sequence: 5, instant: 11, place: [0, 0, 0], digest: DIGEST },
      { kind: "progress", sequence: 6, instant: 12, rest: "held" },
    ],
  },
  { kind: "acknowledge", snapshot: 1, received: 2, consumed: 3, at: 4, matched: [5, 6, 7], turnSteps: 8 },
  {
    kind: "divergence",
    snapshot: 3,
    divergence: {
      ...{ what: "missing", device: 1, number: 2, primaryInstant: 3, secondaryInstant: 4 },
      ...{ expected: "a", got: "b", lastAgreement: 5 },
    },
  },
  {
    ...{ kind: "snapshot", id: 1, purpose: "copy", sequence: 2, instant: 3, counts: [1, 1, 1], inputs: 4 },
    ...{ digest: DIGEST, state: Uint8Array.of(1, 2, 3) },
  },
  {
    ...{ kind: "page-hashes", id: 1, first: 2, present: Uint8Array.of(0, 1, 1, 0) },
    hashes: BigUint64Array.of(0n, 2n ** 64n - 1n, 0n, 0n),
  },
  { kind: "lacking", id: 1, marks: Uint8Array.from({ length: 13 }, (_, page) => (page % 5 === 0 || page > 8 ? 1 : 0)) },
  { kind: "want", id: 1, pages: [0, 63] },
  {
    kind: "pages",
    id: 1,
    pages: [
      { page: 1, bytes: undefined },
      { page: 2, bytes: Uint8Array.of(1) },
    ],
  },
  { kind: "complete", id: 9 },
  { kind: "released", counts: [1, 2, 3] },
  { kind: "paired", term: 2 },
  { kind: "alone", term: 3, holder: "B" },
];

test("every message is read as it was written", () => {
  for (const message of MESSAGES) assert.deepEqual(decodeMessage(encodeMessage(message).slice()), message);
});

/** A log as machines write it, and entries that follow no rule. */
function randomEntries(random: Prng): LogEntry[] {
  const counts = [0, 0, 0];
  const frame = Uint8Array.from({ length: 60 }, () => random.below(256));
  const bytes = () => frame.slice(random.below(3)).map((byte, at) => (at % 20 < 18 ? byte : random.below(256)));
  let [sequence, instant] = [random.below(1000), random.below(2 ** 40)];
  return Array.from({ length: random.below(40) }, (): LogEntry => {
    sequence += random.below(9) === 0 ? 7 : 1;
    instant = Math.max(0, instant + random.below(1000) - (random.below(5) === 0 ? 2000 : 0));
    const place = counts.map((count) => (random.below(9) === 0 ? random.below(2 ** 30) : count));
    switch (random.below(4)) {
      case 0: {
        const device = random.below(3);
        const run = { device, number: counts[device], instant, lastInstant: instant + random.below(2), bytes: bytes() };
        counts[device] += random.below(9) === 0 ? 5 : device === 0 ? run.bytes.length : 1;
        return { kind: "output", sequence, run };
      }
      case 1: {
        const event = random.below(2) === 0 ? "console-input" : "network-input";
        const input = event === "console-input" ? { kind: event, bytes: bytes() } : { kind: event, frame: bytes() };
        return {
          kind: "input",
          sequence,
          instant,
          place,
          input: { number: random.below(5), event: input },
        } as LogEntry;
      }
      case 2:
        return { kind: "digest", sequence, instant, place, digest: DIGEST };
      default:
        return { kind: "progress", sequence, instant, rest: "running" };
    }
  });
}

test("a log is read as it was written, whatever follows what in it", () => {
  const random = new Prng(7);
  for (let count = 0; count < 500; count++) {
    const message: Message = { kind: "log", entries: randomEntries(random) };
    assert.deepEqual(decodeMessage(encodeMessage(message).slice()), message);
  }
});

test("what frames of one connection share goes over the channel once", () => {
  const random = new Prng(3);
  const noise = () => Uint8Array.from({ length: 200 }, () => random.below(256));
  const header = noise();
  const log = (payload: () => Uint8Array): Message => ({
    kind: "log",
    entries: Array.from({ length: 100 }, (_, number) => ({
      ...{ kind: "output", sequence: 5_000_000 + number },
      run: {
        device: 1,
        number: 70_000 + number,
        instant: 10 ** 10 + number * 50,
        lastInstant: 10 ** 10 + number * 50,
        bytes: payload(),
      },
    })),
  });
  // Beside the bytes: what it begins with, instant, device, and how long it is.
  assert.ok(encodeMessage(log(noise)).length < 100 * (200 + 5) + 30);
  assert.ok(
    encodeMessage(log(() => header.map((byte, at) => (at < 100 ? byte : random.below(256))))).length <
      100 * (100 + 8) + 130,
  );
  assert.ok(encodeMessage(log(() => header)).length < 100 * 8 + 230);
});

test("a few bytes that would become a log without an end are refused", () => {
  const bytes = new Uint8Array(2 ** 20);
  const run = { device: 1, instant: 0, lastInstant: 0, bytes };
  const entries = Array.from(
    { length: 70 },
    (_, number) => ({ kind: "output", sequence: number, run: { ...run, number } }) as const,
  );
  assert.throws(() => decodeMessage(encodeMessage({ kind: "log", entries }).slice()), /says more than a machine can/);
});

test("a message that was cut off or changed is refused or is another one, and breaks nothing", () => {
  const random = new Prng(1);
  for (const message of MESSAGES) {
    const bytes = encodeMessage(message).slice();
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeMessage(bytes.subarray(0, length)), MalformedBytes, `${message.kind}, ${length} bytes`);
    }
    for (let count = 0; count < 300; count++) {
      const spoiled = bytes.slice();
      spoiled[random.below(bytes.length)] ^= 1 << random.below(8);
      try {
        decodeMessage(spoiled);
      } catch (error) {
        assert.ok(error instanceof MalformedBytes, String(error));
      }
    }
  }
});

/** Both ends of a link, and what to send on its channel by hand. */
function connected(): { left: Link; right: Link; inject: (frame: Uint8Array) => void } {
  const [first, second] = localChannel();
  const [left, right] = [first, second].map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
  return { left, right, inject: (frame) => first.send(frame) };
}

test("it is known up to which frame everything has arrived", () => {
  const { left, right } = connected();
  assert.deepEqual([left.sent, left.arrived], [0, 0]);
  left.send({ kind: "complete", id: 1 }, 1);
  left.send({ kind: "complete", id: 2 }, 1);
  assert.deepEqual([left.sent, left.arrived], [2, 0]);
  right.receive(1);
  right.flush(1, true);
  left.receive(1);
  assert.deepEqual([left.sent, left.arrived], [2, 2]);
});

test("a peer that speaks something else is refused with a sentence, and nothing of it is heard any more", () => {
  const { left, right, inject } = connected();
  inject(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
  left.send({ kind: "paired", term: 1 }, 1);
  assert.deepEqual(right.receive(1), []);
  assert.equal(right.refusal, "The other member does not keep the protocol: a frame of something else.");
});

test("a peer whose board is another, or who speaks of what there is not, is refused", () => {
  const wrong: readonly [Message, RegExp][] = [
    [
      { kind: "hello", member: "A", role: "primary", devices: 3, pageCount: 65, isTold: true },
      /its machine is another board/,
    ],
    [{ kind: "released", counts: [1, 2] }, /it counts 2 devices/],
    [{ kind: "want", id: 1, pages: [64] }, /there is no page 64/],
    [{ kind: "lacking", id: 1, marks: new Uint8Array(65) }, /it has 65 pages/],
    [
      {
        kind: "log",
        entries: [
          {
            kind: "output",
            sequence: 1,
            run: { device: 3, number: 0, instant: 0, lastInstant: 0, bytes: new Uint8Array(0) },
          },
        ],
      },
      /there is no device 3/,
    ],
  ];
  for (const [message, sentence] of wrong) {
    const { left, right } = connected();
    left.send(message, 1);
    assert.deepEqual(right.receive(1), []);
    assert.match(right.refusal ?? "", sentence);
  }
});

test("messages come in order and each once over a channel that loses, doubles and reorders", () => {
  for (let seed = 0; seed < 20; seed++) {
    let now = 0;
    const channel = new SimulatedChannel(new Prng(seed), () => now, { drop: 30, double: 30, delayMs: 50 });
    const [left, right] = [0, 1].map((end) => new Link(channel.end(end as 0 | 1), SHAPE, LOCKSTEP_OPTIONS, 0));
    const heard: number[] = [];
    for (let term = 1; heard.length < 100; term++) {
      now += 5;
      assert.ok(now < 60_000, "it does not come through");
      if (term <= 100) left.send({ kind: "paired", term }, now);
      for (const message of right.receive(now)) if (message.kind === "paired") heard.push(message.term);
      left.receive(now);
      left.flush(now);
      right.flush(now);
    }
    assert.deepEqual(
      heard,
      heard.map((_, index) => index + 1),
    );
  }
});

test("an acknowledgement goes along with what is said, and by itself when nothing is, or when nothing will be", () => {
  const { retryMs } = LOCKSTEP_OPTIONS;
  const open = () => {
    const ends = localChannel();
    const [left, right] = ends.map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
    left.send({ kind: "paired", term: 1 }, 0);
    right.receive(1);
    right.flush(1);
    left.receive(1);
    assert.equal(left.isIdle, false);
    return { left, right };
  };
  const said = open();
  said.right.send({ kind: "paired", term: 2 }, 2);
  said.left.receive(2);
  assert.equal(said.left.isIdle, true);
  const silent = open();
  const dueMs = silent.right.dueMs!;
  assert.ok(dueMs > 1 && dueMs < retryMs);
  silent.right.flush(dueMs);
  silent.left.receive(dueMs);
  assert.equal(silent.left.isIdle, true);
  assert.equal(silent.right.dueMs, undefined);
  const last = open();
  last.right.flush(1, true);
  last.left.receive(1);
  assert.equal(last.left.isIdle, true);
});

test("the least round trip is known, and forgotten when none has been as short for some time", () => {
  const [left, right] = localChannel().map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
  assert.equal(left.roundTripMs, undefined);
  const trip = (fromMs: number, tookMs: number) => {
    left.send({ kind: "paired", term: 1 }, fromMs);
    right.receive(fromMs);
    right.flush(fromMs, true);
    left.receive(fromMs + tookMs);
  };
  trip(0, 7);
  trip(10, 3);
  trip(20, 5);
  assert.equal(left.roundTripMs, 3);
  for (let at = 1_100; at < 2_000; at += 100) trip(at, 6);
  assert.equal(left.roundTripMs, 3);
  for (let at = 2_200; at < 3_000; at += 100) trip(at, 6);
  assert.equal(left.roundTripMs, 6);
});

test("entries that a fault loses, doubles or delays come all the same", () => {
  const kinds = ["lose-entry", "delay-entry", "double-entry", "slow-channel"] as const;
  for (const [kind, log] of kinds.flatMap((kind) => [[kind, "sent"] as const, [kind, "received"] as const])) {
    const [first, second] = localChannel();
    const faulty = new FaultyChannel(log === "sent" ? first : second, log);
    const ends = log === "sent" ? [faulty, second] : [first, faulty];
    const [left, right] = ends.map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
    faulty.arm(kind);
    const heard: number[] = [];
    for (let now = 1; now < 2_000; now += 10) {
      if (now <= 21) left.send({ kind: "paired", term: now }, now);
      faulty.turn(now);
      for (const message of right.receive(now)) if (message.kind === "paired") heard.push(message.term);
      left.receive(now);
      left.flush(now);
      right.flush(now);
    }
    assert.deepEqual(heard, [1, 11, 21], `${kind}, ${log}`);
  }
});

channelSuite("in one process", async () => ({
  ends: localChannel(),
  settle: async () => {},
  close: async () => {},
}));
