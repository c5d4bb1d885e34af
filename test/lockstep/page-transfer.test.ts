import assert from "node:assert/strict";
import test from "node:test";
import type { Message } from "../../src/lockstep/message.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { PageTransfer } from "../../src/lockstep/page-transfer.ts";
import type { AbsentHashes, Replica, Snapshot } from "../../src/lockstep/replica.ts";

const PAGES = 200;
const HEADER = {
  ...{ kind: "snapshot", id: 1, purpose: "resynchronise", sequence: 5, instant: 9, counts: [0, 0, 0], inputs: 0 },
  ...{ digest: "0".repeat(32), state: new Uint8Array(3) },
} as const satisfies Message;

/** What a replica that has nothing, and perhaps says so, is to wait for when these hashes have come. */
function adoptedWith(present: Uint8Array, isEmpty: Snapshot["isEmpty"]): AbsentHashes | undefined {
  let absent: AbsentHashes | undefined;
  const replica = {
    toleratesAbsentPages: true,
    adopt: (_state: unknown, _counts: unknown, given: AbsentHashes | undefined) => {
      absent = given;
      return true;
    },
  } as unknown as Replica;
  const base = { pageCount: PAGES, hashOf: () => undefined, ...(isEmpty && { isEmpty }) } as unknown as Snapshot;
  const transfer = new PageTransfer(HEADER, replica, LOCKSTEP_OPTIONS, base);
  for (const first of [0, PAGES / 2]) {
    const part = present.slice(first, first + PAGES / 2);
    const hashes = new BigUint64Array(part.length).map((_, index) => BigInt(first + index));
    transfer.takeHashes({ kind: "page-hashes", id: 1, first, present: part, hashes });
  }
  assert.ok(transfer.adopted);
  return absent;
}

test("a joiner that has no pages waits for the same ones, whether they are looked at one by one or not", () => {
  for (const step of [1, 2, 3, 50, PAGES]) {
    const present = new Uint8Array(PAGES).map((_, page) => (page % step === 0 ? 1 : 0));
    const [slow, half, fast] = [undefined, (first: number) => first > 0, () => true].map((isEmpty) =>
      adoptedWith(present, isEmpty),
    );
    assert.deepEqual([...slow!.marks], [...present]);
    assert.equal(slow!.count, Math.ceil(PAGES / step));
    assert.deepEqual(half, slow);
    assert.deepEqual(fast, slow);
  }
});

test("a peer's marks that are no marks do not become states of pages", () => {
  const present = new Uint8Array(PAGES).fill(1);
  present[7] = 3;
  const absent = adoptedWith(present, () => true)!;
  assert.deepEqual([absent.marks[7], absent.count], [1, PAGES]);
});
