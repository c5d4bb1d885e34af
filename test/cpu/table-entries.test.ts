import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOffset } from "../../src/base/brand.ts";
import { CacheGroup } from "../../src/cpu/cache-group.ts";
import { TableEntries } from "../../src/cpu/table-entries.ts";
import * as layout from "../../src/memory/layout.ts";
import { context, smallMemory } from "./page-tables.ts";

const PAGE = 3;
const LEAF = PAGE * 4096 + 0x128;

class Subject {
  readonly memory = smallMemory();
  flushes = { all: 0, writes: 0 };
  readonly group = new CacheGroup(this.memory, () => ({
    flushTags: () => this.flushes.all++,
    flushWriteTags: () => this.flushes.writes++,
    hash: () => 0n,
    findBits: (_: number, end: number) => end,
  }));
  readonly entries = new TableEntries(this.memory, this.group);

  constructor() {
    this.select(0);
  }

  select(space: number): void {
    this.group.select(space, 0, () => ({ data: context(), fetch: context() }));
    this.flushes = { all: 0, writes: 0 };
  }

  /**
   * Fills an entry of the table in force with a translation that comes from a leaf: of the last level, so that the number of
   * the page ends in the leaf's place in its table; `upper` is the rest of the number.
   */
  translate(upper: number, leaf: number): void {
    this.fill(entryFor(upper, leaf), leaf);
    this.entries.leaf(frameOffset(leaf), 0);
  }

  fill(entry: number, leaf: number): void {
    const { index, address } = this.group.current;
    this.memory.view.setBigUint64(this.#tag(index, entry), BigInt(entry) << 12n, true);
    this.memory.view.setUint32(address + layout.TABLE_SOURCES + entry * 4, leaf + 1, true);
  }

  holds(table: number, upper: number, leaf: number): boolean {
    return this.holdsEntry(table, entryFor(upper, leaf));
  }

  holdsEntry(table: number, entry: number): boolean {
    return this.memory.view.getBigUint64(this.#tag(table, entry), true) === BigInt(entry) << 12n;
  }

  get isFlagged(): boolean {
    return (this.memory.flags[PAGE] & layout.PAGE_FLAG.table) !== 0;
  }

  #tag(table: number, entry: number): number {
    return this.group.valid[table].address + entry * layout.TRANSLATION_ENTRY_BYTES + layout.ENTRY.writeTag;
  }
}

function entryFor(upper: number, leaf: number): number {
  return upper * 512 + ((leaf / 8) % 512);
}

test("a store to a leaf drops the translations that came from it, in every table, and nothing else", () => {
  const subject = new Subject();
  subject.translate(2, LEAF);
  subject.translate(2, LEAF + 8);
  // Another table's leaf at the same place.
  subject.translate(3, LEAF + 4096);
  subject.select(1);
  subject.translate(2, LEAF);
  subject.translate(7, LEAF);
  subject.translate(2, LEAF - 8);
  for (const [offset, size] of [
    [LEAF - 16, 8],
    [LEAF + 16, 8],
    [LEAF - 9, 1],
    [0, 8],
  ]) {
    subject.entries.overwritten(frameOffset(offset), size);
  }
  const held = () => [subject.holds(0, 2, LEAF), subject.holds(1, 2, LEAF), subject.holds(1, 7, LEAF)];
  assert.deepEqual(held(), [true, true, true]);
  subject.entries.overwritten(frameOffset(LEAF + 7), 1);
  assert.deepEqual(held(), [false, false, false]);
  assert.deepEqual([subject.holds(0, 2, LEAF + 8), subject.holds(1, 2, LEAF - 8)], [true, true]);
  assert.equal(subject.holds(0, 3, LEAF + 4096), true);
  assert.equal(subject.flushes.all, 0);
});

test("a store that straddles two entries drops what came from both", () => {
  const subject = new Subject();
  const leaves = [LEAF, LEAF + 8, LEAF + 16];
  for (const leaf of leaves) subject.translate(0, leaf);
  subject.entries.overwritten(frameOffset(LEAF + 4), 8);
  assert.deepEqual(
    leaves.map((leaf) => subject.holds(0, 0, leaf)),
    [false, false, true],
  );
});

test("a large write, and one that begins and ends between entries, finds them all", () => {
  const subject = new Subject();
  const leaves = [0, 8, 0x78, 0x128, 0xff8].map((within) => PAGE * 4096 + within);
  for (const leaf of leaves) subject.translate(1, leaf);
  const next = (PAGE + 1) * 4096 + 0x80;
  subject.translate(2, next);
  subject.entries.overwritten(frameOffset(PAGE * 4096 + 3), 4096 - 3);
  assert.deepEqual(
    leaves.map((leaf) => subject.holds(0, 1, leaf)),
    leaves.map(() => false),
  );
  assert.equal(subject.holds(0, 2, next), true);
  assert.equal(subject.isFlagged, false);
});

test("a store to an entry that leads on voids the contexts that went by it", () => {
  const subject = new Subject();
  subject.entries.branch(frameOffset(LEAF));
  subject.entries.overwritten(frameOffset(LEAF), 8);
  assert.equal(subject.flushes.all, 1);
  // Once: what came from it afterwards has been noted anew, or has not come.
  subject.entries.overwritten(frameOffset(LEAF), 8);
  assert.equal(subject.flushes.all, 1);
  subject.entries.branch(frameOffset(LEAF));
  subject.select(1);
  subject.entries.overwritten(frameOffset(LEAF), 8);
  assert.equal(subject.flushes.all, 0, "the context in force came by another way");
  subject.select(0);
  assert.equal(subject.group.counters.voidedContexts, 2);
});

test("a leaf of a large page: what came from it is found wherever it is", () => {
  const subject = new Subject();
  const entries = Array.from({ length: 512 }, (_, index) => 1024 + index);
  for (const entry of entries) {
    subject.fill(entry, LEAF);
    subject.entries.leaf(frameOffset(LEAF), 1);
  }
  subject.translate(0, LEAF + 8);
  subject.entries.overwritten(frameOffset(LEAF), 8);
  assert.equal(subject.flushes.all, 0);
  assert.equal(
    entries.some((entry) => subject.holdsEntry(0, entry)),
    false,
  );
  assert.equal(subject.holds(0, 0, LEAF + 8), true);
});

test("an entry that was a leaf and leads on now is known as such", () => {
  const subject = new Subject();
  subject.translate(1, LEAF);
  subject.entries.overwritten(frameOffset(LEAF), 8);
  subject.entries.branch(frameOffset(LEAF));
  subject.entries.overwritten(frameOffset(LEAF), 8);
  assert.equal(subject.flushes.all, 1);
});

test("a page is flagged while it has entries, and stores to it are made to look", () => {
  const subject = new Subject();
  subject.memory.writeTagged[PAGE] = 1;
  subject.translate(1, LEAF);
  assert.equal(subject.isFlagged, true);
  assert.equal(subject.flushes.writes, 1, "a store that had its tag must come by");
  subject.translate(1, LEAF + 8);
  assert.equal(subject.flushes.writes, 1);
  subject.entries.overwritten(frameOffset(LEAF), 8);
  assert.equal(subject.isFlagged, true);
  subject.entries.overwritten(frameOffset(LEAF + 8), 8);
  assert.equal(subject.isFlagged, false);
});

test("a page that no table ever had a write tag for is flagged without a flush", () => {
  const subject = new Subject();
  subject.translate(1, LEAF);
  assert.deepEqual([subject.isFlagged, subject.flushes.writes], [true, 0]);
});
