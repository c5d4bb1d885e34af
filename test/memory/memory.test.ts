import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOffset } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import * as layout from "../../src/memory/layout.ts";
import { defineMaintenance, type Maintenance } from "../../src/memory/maintenance-code.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";
import { invalidTag } from "../../src/memory/translation-code.ts";
import { IMPORT_MODULE, ModuleBuilder } from "../../src/wasm/module.ts";

const RAM_BASE = 0x8000_0000;

function maintained(): { memory: PhysicalMemory; maintenance: Maintenance } {
  const memory = new PhysicalMemory(RAM_BASE, 64 * 1024);
  const module = new ModuleBuilder({ name: "memory", minimumPages: memory.layout.wasmPages });
  defineMaintenance(module);
  const compiled = new WebAssembly.Module(module.finish());
  const instance = new WebAssembly.Instance(compiled, { [IMPORT_MODULE]: { memory: memory.memory } });
  return { memory, maintenance: instance.exports as unknown as Maintenance };
}

test("the parts of the memory do not overlap, for small and for the largest RAM", () => {
  for (const bytes of [4096, 64 * 1024, 128 * 1024 * 1024, layout.MAX_RAM_BYTES]) {
    const where = layout.layoutFor(RAM_BASE, bytes);
    const parts: [string, number, number][] = [
      ["hart window", layout.HART_WINDOW, layout.HART_WINDOW_BYTES],
      ["exchange", layout.EXCHANGE, 0x100],
      ["watch table", layout.WATCH_TABLE, 16 + layout.MAX_WATCHES * layout.WATCH_ENTRY_BYTES],
      ["parked harts", layout.HART_PARKING, layout.MAX_PARKED_HARTS * layout.HART_WINDOW_BYTES],
      ["scratch", layout.SCRATCH, layout.SCRATCH_BYTES],
      ["translation", layout.TRANSLATION_POOL, layout.TRANSLATION_TABLES * layout.TRANSLATION_TABLE_BYTES],
      ["decoded pages", layout.DECODED_POOL, layout.DECODED_PAGES * layout.DECODED_PAGE_BYTES],
      ["page flags", where.pageFlags, where.ramPages],
      ["dirty groups", where.dirtyGroups, Math.ceil(where.ramPages / layout.DIRTY_GROUP_PAGES)],
      ["write tags", where.writeTagged, where.ramPages],
      ["decoded pointers", where.decodedPointers, where.ramPages * 4],
      ["code granules", where.codeGranules, where.ramPages * 8],
      ["table entries", where.tableEntries, where.ramPages * layout.TABLE_ENTRY_BYTES],
      ["RAM", where.ram, bytes],
    ];
    parts.forEach(([name, start, size], index) => {
      const [, next] = parts[index + 1] ?? ["end", where.wasmPages * layout.WASM_PAGE_BYTES];
      assert.ok(start + size <= next, `${name} of a machine with ${bytes} bytes`);
    });
    assert.ok(where.wasmPages <= 0x1_0000, "32-bit addresses reach everything");
  }
});

test("reads and writes are little-endian at every alignment, and mark the pages they touch", () => {
  const memory = new PhysicalMemory(RAM_BASE, 64 * 1024);
  const value = 0x1122_3344_5566_7788n;
  for (const offset of [0, 1, 7, 4092, 4095, 64 * 1024 - 8]) {
    for (const size of [1, 2, 4, 8]) {
      memory.flags.fill(0);
      memory.write(frameOffset(offset), size, value);
      assert.equal(
        memory.read(frameOffset(offset), size),
        BigInt.asUintN(size * 8, value),
        `${size} bytes at ${offset}`,
      );
      const dirty = [...memory.flags.keys()].filter((page) => memory.flags[page] === layout.PAGE_FLAG.dirty);
      const pages = new Set([offset >>> 12, (offset + size - 1) >>> 12]);
      assert.deepEqual(dirty, [...pages]);
    }
  }
  assert.equal(memory.ramOffset(BigInt(RAM_BASE), 8), 0);
  assert.equal(memory.ramOffset(BigInt(RAM_BASE + 64 * 1024 - 7), 8), -1);
  assert.equal(memory.ramOffset(BigInt(RAM_BASE - 1), 2), -1);
  assert.equal(memory.ramOffset(0xffff_ffff_ffff_ffffn, 1), -1);
});

test("no address selects an entry and matches its invalid tag", () => {
  for (const index of [0, 1, 2, 4094, 4095]) {
    const tag = invalidTag(index);
    for (const high of [0n, 1n << 62n, 0xffff_ffff_ff00_0000n, 0x8000_0000n]) {
      const va = high | (BigInt(index) << 12n) | 0xff0n;
      assert.ok(BigInt.asUintN(64, va ^ tag) > 4096n, `entry ${index}`);
    }
  }
});

test("flushing makes the tags invalid that it should, and only those", () => {
  const { memory, maintenance } = maintained();
  // The second table, so that one sees that the first is left alone.
  const table = layout.TRANSLATION_POOL + layout.TRANSLATION_TABLE_BYTES;
  const entry = (index: number): number => table + index * layout.TRANSLATION_ENTRY_BYTES;
  const tags = [layout.ENTRY.readTag, layout.ENTRY.writeTag, layout.ENTRY.executeTag];
  const fill = (): void => {
    for (let index = 0; index < layout.TRANSLATION_ENTRIES; index++) {
      for (const tag of tags) memory.view.setBigUint64(entry(index) + tag, 0x1234_5000n, true);
    }
    // Entries 128 to 4031 are said never to have been filled: they are passed over.
    memory.view.setBigUint64(used, (1n << 63n) | 3n, true);
    memory.view.setBigUint64(walk, 0x20_0001n, true);
  };
  const used = table + layout.TABLE_CONTEXT + layout.CONTEXT.used;
  const walk = table + layout.TABLE_WALKS + layout.WALK_ENTRY_BYTES;
  const values = (index: number): bigint[] => tags.map((tag) => memory.view.getBigUint64(entry(index) + tag, true));
  fill();
  maintenance.flushWriteTags(table);
  for (const index of [0, 1, 4095]) {
    assert.deepEqual(values(index), [0x1234_5000n, invalidTag(index), 0x1234_5000n]);
  }
  assert.equal(memory.view.getBigUint64(walk, true), 0x20_0001n);
  maintenance.flushTags(table);
  for (const index of [0, 77, 4095])
    assert.deepEqual(
      values(index),
      tags.map(() => invalidTag(index)),
    );
  assert.deepEqual(values(2000), [0x1234_5000n, 0x1234_5000n, 0x1234_5000n]);
  assert.equal(memory.view.getBigUint64(used, true), 0n);
  assert.equal(memory.view.getBigUint64(walk, true), 0n);
});

test("the hash of known bytes stays what recordings hold", () => {
  const { memory, maintenance } = maintained();
  const hash = (): string => BigInt.asUintN(64, maintenance.hash(memory.layout.ram, 4096)).toString(16);
  assert.equal(hash(), KNOWN_HASHES.zero);
  memory.frames.forEach((_, index) => {
    memory.frames[index] = index & 0xff;
  });
  assert.equal(hash(), KNOWN_HASHES.counting);
});

const KNOWN_HASHES = { zero: "f4d685be5e2f9aaa", counting: "dcfec14cf802d533" };

test("every bit of a page changes its hash, and equal changes in two words do not cancel", () => {
  const { memory, maintenance } = maintained();
  const prng = new Prng(1);
  for (let at = 0; at < 4096; at++) memory.frames[at] = prng.below(256);
  const seen = new Set<bigint>();
  const hash = (): bigint => maintenance.hash(memory.layout.ram, 4096);
  seen.add(hash());
  for (let bit = 0; bit < 4096 * 8; bit++) {
    memory.frames[bit >> 3] ^= 1 << (bit & 7);
    seen.add(hash());
    memory.frames[bit >> 3] ^= 1 << (bit & 7);
  }
  assert.equal(seen.size, 4096 * 8 + 1);
  // Two words of one lane, exchanged, and the same bit flipped in both.
  for (let round = 0; round < 200; round++) {
    const [a, b] = [prng.below(128) * 32, prng.below(128) * 32];
    const before = hash();
    for (const at of [a, b]) memory.frames[at + 7] ^= 0x80;
    if (a !== b) assert.notEqual(hash(), before, `${a} ${b}`);
    for (const at of [a, b]) memory.frames[at + 7] ^= 0x80;
  }
});
