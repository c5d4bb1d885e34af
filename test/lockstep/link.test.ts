import assert from "node:assert/strict";
import test from "node:test";
import { MalformedBytes } from "../../src/base/byte-cursor.ts";
import { Prng } from "../../src/base/prng.ts";
import { localChannel } from "../../src/lockstep/channel.ts";
import { FaultyChannel } from "../../src/lockstep/fault.ts";
import { Link } from "../../src/lockstep/link.ts";
import { decodeMessage, encodeMessage, type Message } from "../../src/lockstep/message.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { channelSuite } from "./channel-suite.ts";
import { SimulatedChannel } from "./world.ts";

const SHAPE = { devices: 3, pageCount: 64 };
const DIGEST = "0123456789abcdef0123456789abcdef";

const MESSAGES: readonly Message[] = [
  { kind: "hello", member: "Ä", role: "joiner", ...SHAPE },
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
  { kind: "acknowledge", snapshot: 1, received: 2, consumed: 3, at: 4, matched: [5, 6, 7] },
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

test("a peer that speaks something else is refused with a sentence, and nothing of it is heard any more", () => {
  const { left, right, inject } = connected();
  inject(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
  left.send({ kind: "paired", term: 1 }, 1);
  assert.deepEqual(right.receive(1), []);
  assert.equal(right.refusal, "The other member does not keep the protocol: a frame of something else.");
});

test("a peer whose board is another, or who speaks of what there is not, is refused", () => {
  const wrong: readonly [Message, RegExp][] = [
    [{ kind: "hello", member: "A", role: "primary", devices: 3, pageCount: 65 }, /its machine is another board/],
    [{ kind: "released", counts: [1, 2] }, /it counts 2 devices/],
    [{ kind: "want", id: 1, pages: [64] }, /there is no page 64/],
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
