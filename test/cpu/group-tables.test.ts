import assert from "node:assert/strict";
import { test } from "node:test";
import { CacheGroup } from "../../src/cpu/cache-group.ts";
import * as layout from "../../src/memory/layout.ts";
import { invalidTag } from "../../src/memory/translation-code.ts";
import { context, smallMemory } from "./page-tables.ts";

type Flush = readonly ["all" | "writes", number];

class Subject {
  readonly memory = smallMemory();
  readonly flushes: Flush[] = [];
  readonly group = new CacheGroup(this.memory, () => ({
    flushTags: (table) => this.flushes.push(["all", table]),
    flushWriteTags: (table) => this.flushes.push(["writes", table]),
    hash: () => 0n,
    findBits: (_: number, end: number) => end,
  }));

  select(space: number, variant = 0): number {
    return this.group.select(space, variant, () => ({ data: context(), fetch: context() })).address;
  }

  /** What was flushed since it was last asked. */
  flushed(): Flush[] {
    return this.flushes.splice(0);
  }
}

test("a context that comes back finds its table again, and nothing is flushed", () => {
  const subject = new Subject();
  const [first, second, variant] = [subject.select(1), subject.select(2), subject.select(1, 7)];
  assert.equal(new Set([first, second, variant]).size, 3);
  assert.deepEqual(
    subject.flushed(),
    [first, second, variant].map((table) => ["all", table]),
  );
  for (const [space, number, table] of [
    [1, 0, first],
    [2, 0, second],
    [1, 7, variant],
  ] as const) {
    assert.equal(subject.select(space, number), table);
    assert.equal(subject.memory.view.getInt32(layout.TRANSLATION_BASE, true), table);
  }
  assert.deepEqual(subject.flushed(), []);
});

test("the table that was used longest ago makes room, and comes back empty", () => {
  const subject = new Subject();
  const places = Array.from({ length: layout.TRANSLATION_TABLES }, (_, space) => subject.select(space));
  assert.equal(new Set(places).size, layout.TRANSLATION_TABLES);
  subject.select(0);
  subject.flushed();
  assert.equal(subject.select(1000), places[1]);
  assert.deepEqual(subject.flushed(), [["all", places[1]]]);
  assert.equal(subject.select(0), places[0]);
  assert.deepEqual(subject.flushed(), []);
  // The one that had to go makes another one go.
  assert.equal(subject.select(1), places[2]);
  assert.deepEqual(subject.flushed(), [["all", places[2]]]);
});

test("what is void is flushed at once in the table in force, in the others when they next are", () => {
  const subject = new Subject();
  const [first, second] = [subject.select(1), subject.select(2)];
  subject.flushed();
  subject.group.flushWrites();
  assert.deepEqual(subject.flushed(), [["writes", second]]);
  subject.select(1);
  assert.deepEqual(subject.flushed(), [["writes", first]]);
  subject.group.flushAll();
  subject.group.flushWrites();
  assert.deepEqual(subject.flushed(), [
    ["all", first],
    ["writes", first],
  ]);
  // The greater flush is not forgotten for the smaller one that follows it.
  subject.select(2);
  assert.deepEqual(subject.flushed(), [["all", second]]);
});

test("forgotten contexts find none of their tables again", () => {
  const subject = new Subject();
  const tables = [subject.select(1), subject.select(2)];
  subject.group.forget();
  subject.flushed();
  subject.select(1);
  assert.equal(subject.flushed().length, 1, "flushed before it is used");
  assert.deepEqual([subject.select(1), subject.select(2)].sort(), tables.sort(), "the tables are used again");
});

test("an entry is dropped in its table and with all its tags, if it comes from there", () => {
  const subject = new Subject();
  const tables = [subject.select(1), subject.select(2)];
  const { readTag, writeTag, executeTag } = layout.ENTRY;
  const tags = (table: number, entry: number): bigint[] =>
    [readTag, writeTag, executeTag].map((tag) =>
      subject.memory.view.getBigUint64(table + entry * layout.TRANSLATION_ENTRY_BYTES + tag, true),
    );
  for (const table of tables) {
    for (const entry of [4, 5, 6]) {
      for (const tag of [readTag, writeTag, executeTag]) {
        const at = table + entry * layout.TRANSLATION_ENTRY_BYTES + tag;
        subject.memory.view.setBigUint64(at, BigInt(entry) << 12n, true);
      }
      subject.memory.view.setUint32(table + layout.TABLE_SOURCES + entry * 4, 0x1231, true);
      subject.memory.view.setUint32(table + layout.EXECUTE_SOURCES + entry * 4, 0x2341, true);
    }
  }
  subject.group.dropIfFrom(1, 5, 0x1239);
  subject.group.dropIfFrom(1, 5, 0x1231);
  const invalid = invalidTag(5);
  assert.deepEqual(tags(tables[1], 5), [invalid, invalid, 5n << 12n], "code comes from elsewhere");
  subject.group.dropIfFrom(1, 5, 0x2341);
  assert.deepEqual(tags(tables[1], 5), [invalid, invalid, invalid]);
  for (const [table, entry] of [
    [0, 4],
    [0, 5],
    [0, 6],
    [1, 4],
    [1, 6],
  ]) {
    const tag = BigInt(entry) << 12n;
    assert.deepEqual(tags(tables[table], entry), [tag, tag, tag], `table ${table}, entry ${entry}`);
  }
});
