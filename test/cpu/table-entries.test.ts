import assert from "node:assert/strict";
import { test } from "node:test";
import { TableEntries } from "../../src/cpu/table-entries.ts";
import { TranslationTables } from "../../src/cpu/translation-tables.ts";
import * as layout from "../../src/memory/layout.ts";
import { context, smallMemory } from "./page-tables.ts";

const PAGE = 3;
const LEAF = PAGE * 4096 + 0x128;

class Subject {
  readonly memory = smallMemory();
  flushes = { all: 0, writes: 0 };
  readonly tables = new TranslationTables(this.memory, () => ({
    flushTags: () => this.flushes.all++,
    flushWriteTags: () => this.flushes.writes++,
    hash: () => 0n,
  }));
  readonly entries = new TableEntries(this.memory, this.tables);

  constructor() {
    this.select(0);
  }

  select(space: number): void {
    this.tables.select(space, 0, () => ({ data: context(), fetch: context() }));
    this.flushes = { all: 0, writes: 0 };
  }

  /** Fills an entry of the table in force with a translation that comes from a leaf. */
  translate(entry: number, leaf: number): void {
    this.memory.view.setBigUint64(this.#tag(this.tables.current.index, entry), BigInt(entry) << 12n, true);
    this.entries.leaf(leaf, entry);
  }

  holds(table: number, entry: number): boolean {
    return this.memory.view.getBigUint64(this.#tag(table, entry), true) === BigInt(entry) << 12n;
  }

  get isFlagged(): boolean {
    return (this.memory.flags[PAGE] & layout.PAGE_FLAG.table) !== 0;
  }

  #tag(table: number, entry: number): number {
    return this.tables.all[table].address + entry * layout.TRANSLATION_ENTRY_BYTES + layout.ENTRY.writeTag;
  }
}

test("a store to a leaf drops the translations that came from it, in every table, and nothing else", () => {
  const subject = new Subject();
  subject.translate(10, LEAF);
  subject.translate(11, LEAF + 8);
  subject.select(1);
  subject.translate(10, LEAF);
  subject.translate(12, LEAF - 8);
  for (const [offset, size] of [
    [LEAF - 16, 8],
    [LEAF + 16, 8],
    [LEAF - 9, 1],
    [0, 8],
  ]) {
    subject.entries.overwritten(offset, size);
  }
  assert.deepEqual([subject.holds(0, 10), subject.holds(1, 10)], [true, true]);
  subject.entries.overwritten(LEAF + 7, 1);
  assert.deepEqual([subject.holds(0, 10), subject.holds(1, 10)], [false, false]);
  assert.deepEqual([subject.holds(0, 11), subject.holds(1, 12)], [true, true]);
  assert.equal(subject.flushes.all, 0);
});

test("a store that straddles two entries drops what came from both", () => {
  const subject = new Subject();
  subject.translate(10, LEAF);
  subject.translate(11, LEAF + 8);
  subject.translate(12, LEAF + 16);
  subject.entries.overwritten(LEAF + 4, 8);
  assert.deepEqual(
    [10, 11, 12].map((entry) => subject.holds(0, entry)),
    [false, false, true],
  );
});

test("a large write, and one that begins and ends between entries, finds them all", () => {
  const subject = new Subject();
  const leaves = [0, 8, 0x78, 0x128, 0xff8];
  leaves.forEach((within, entry) => {
    subject.translate(entry, PAGE * 4096 + within);
  });
  subject.translate(20, (PAGE + 1) * 4096);
  subject.entries.overwritten(PAGE * 4096 + 3, 4096 - 3);
  assert.deepEqual(
    leaves.map((_, entry) => subject.holds(0, entry)),
    leaves.map(() => false),
  );
  assert.equal(subject.holds(0, 20), true);
  assert.equal(subject.isFlagged, false);
});

test("a store to an entry that leads on voids every translation", () => {
  const subject = new Subject();
  subject.entries.branch(LEAF);
  subject.entries.overwritten(LEAF, 8);
  assert.equal(subject.flushes.all, 1);
  // Once: what came from it afterwards has been noted anew, or has not come.
  subject.entries.overwritten(LEAF, 8);
  assert.equal(subject.flushes.all, 1);
});

test("a leaf of very many pages is not listed: a store to it voids every translation", () => {
  const subject = new Subject();
  for (let entry = 0; entry < 64; entry++) subject.translate(entry, LEAF);
  // The same translation again is no other one.
  subject.translate(5, LEAF);
  subject.entries.overwritten(LEAF, 8);
  assert.equal(subject.flushes.all, 0);
  for (let entry = 0; entry < 65; entry++) subject.translate(entry, LEAF);
  subject.entries.overwritten(LEAF, 8);
  assert.equal(subject.flushes.all, 1);
});

test("an entry that was a leaf and leads on now is known as such", () => {
  const subject = new Subject();
  subject.translate(10, LEAF);
  subject.entries.overwritten(LEAF, 8);
  subject.entries.branch(LEAF);
  subject.entries.overwritten(LEAF, 8);
  assert.equal(subject.flushes.all, 1);
});

test("a page is flagged while it has entries, and stores to it are made to look", () => {
  const subject = new Subject();
  subject.translate(10, LEAF);
  assert.equal(subject.isFlagged, true);
  assert.equal(subject.flushes.writes, 1, "a store that had its tag must come by");
  subject.translate(11, LEAF + 8);
  assert.equal(subject.flushes.writes, 1);
  subject.entries.overwritten(LEAF, 8);
  assert.equal(subject.isFlagged, true);
  subject.entries.overwritten(LEAF + 8, 8);
  assert.equal(subject.isFlagged, false);
});
