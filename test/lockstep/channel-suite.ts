import assert from "node:assert/strict";
import test from "node:test";
import type { Channel } from "../../src/lockstep/channel.ts";
import { Link } from "../../src/lockstep/link.ts";
import type { Message } from "../../src/lockstep/message.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";

/** Two ends of a channel; `settle` waits until what was sent has arrived. */
export interface ChannelPair {
  readonly ends: readonly [Channel, Channel];
  settle(): Promise<void>;
  close(): Promise<void>;
}

const SHAPE = { devices: 3, pageCount: 64 };

/** What every kind of channel must do for the protocol. */
export function channelSuite(name: string, open: () => Promise<ChannelPair>): void {
  test(`${name}: frames come as they were sent, both ways`, async () => {
    const { ends, settle, close } = await open();
    const frames = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(70_000).fill(7)];
    for (const frame of frames) ends[0].send(frame.slice());
    ends[1].send(Uint8Array.of(9));
    await settle();
    for (const frame of frames) assert.deepEqual(ends[1].receive(), frame);
    assert.equal(ends[1].receive(), undefined);
    assert.deepEqual(ends[0].receive(), Uint8Array.of(9));
    await close();
  });

  test(`${name}: messages of the protocol cross it`, async () => {
    const { ends, settle, close } = await open();
    const [left, right] = ends.map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
    const messages: Message[] = [
      { kind: "hello", member: "A", role: "primary", isTold: true, ...SHAPE },
      { kind: "released", counts: [1, 2, 3] },
      { kind: "pages", id: 1, pages: [{ page: 3, bytes: new Uint8Array(4096).fill(5) }] },
      // More than one frame holds.
      { kind: "pages", id: 1, pages: [{ page: 4, bytes: new Uint8Array(1_500_000).map((_, at) => at) }] },
    ];
    for (const message of messages) left.send(message, 1);
    left.flush(1);
    await settle();
    assert.deepEqual(right.receive(1), messages);
    right.flush(2, true);
    await settle();
    assert.deepEqual(left.receive(2), []);
    assert.equal(left.silenceMs(2), 0);
    await close();
  });

  test(`${name}: a long log, states and pages come whole and in order`, async () => {
    const { ends, settle, close } = await open();
    const [left, right] = ends.map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
    const messages = longMessages();
    for (const message of messages) left.send(message, 1);
    await settle();
    // Bytes may be in a buffer of any class.
    assert.deepEqual(structuredClone(right.receive(1)), messages);
    await close();
  });

  test(`${name}: who speaks something else is refused with a sentence, and not heard any more`, async () => {
    const { ends, settle, close } = await open();
    const [left, right] = ends.map((end) => new Link(end, SHAPE, LOCKSTEP_OPTIONS, 0));
    ends[0].send(new TextEncoder().encode("GET / HTTP/1.1"));
    await settle();
    assert.deepEqual(right.receive(1), []);
    assert.equal(right.refusal, "The other member does not keep the protocol: a frame of something else.");
    left.send({ kind: "released", counts: [1, 2, 3] }, 2);
    await settle();
    assert.deepEqual(right.receive(2), []);
    await close();
  });
}

/** What a primary says that is long: a log that is behind, a machine's state, pages. */
function longMessages(): Message[] {
  const run = { device: 0, number: 0, instant: 5, lastInstant: 9, bytes: new Uint8Array(400_000).fill(0x61) };
  const head = { kind: "snapshot", id: 1, purpose: "resynchronise", sequence: 1, instant: 9 } as const;
  const pages = Array.from({ length: 64 }, (_, page) => ({ page, bytes: new Uint8Array(4096).fill(page + 1) }));
  return [
    { kind: "log", entries: [{ kind: "output", sequence: 1, run }] },
    {
      ...{ ...head, counts: [400_000, 0, 0], inputs: 0, digest: "0".repeat(32) },
      state: new Uint8Array(300_000).fill(3),
    },
    {
      ...{ kind: "page-hashes", id: 1, first: 0, present: new Uint8Array(pages.length).fill(1) },
      hashes: BigUint64Array.from(pages, ({ page }) => BigInt(page + 1)),
    },
    { kind: "pages", id: 1, pages },
    { kind: "log", entries: [{ kind: "progress", sequence: 2, instant: 10, rest: "running" }] },
  ];
}
