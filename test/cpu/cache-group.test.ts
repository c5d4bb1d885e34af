import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOffset } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { FEW_TABLES, FORGOTTEN_AFTER } from "../../src/cpu/cache-group.ts";
import { Pmp } from "../../src/cpu/pmp.ts";
import { PAGE_FLAG, TRANSLATION_TABLES } from "../../src/memory/layout.ts";
import { entryTo, OPEN, RAM_BASE, RWAD, satp, TranslationStage, USER } from "./translation-stage.ts";

const TABLE = 1;
const LARGE = 512;

/** A space of Sv39 rooted in page `root`, which leads by page `root + 1` to a last table in page `root + 2`. */
function space(stage: TranslationStage, root: number, pages: readonly number[], flags = RWAD): void {
  stage.store(root * 4096, entryTo(root + 1, TABLE));
  stage.store((root + 1) * 4096, entryTo(root + 2, TABLE));
  for (const [index, page] of pages.entries()) stage.store((root + 2) * 4096 + index * 8, entryTo(page, flags));
}

function counts(stage: TranslationStage) {
  return stage.translation.report();
}

test("the walk in full finds the table, and generated code the other pages in it", () => {
  const stage = new TranslationStage();
  space(stage, 1, [100, 101, 102, 103]);
  stage.select(satp(1));
  for (const index of [0, 1, 2, 3]) {
    assert.equal(stage.probe(BigInt(index * 4096 + 7), "read"), (100 + index) * 4096 + 7);
    assert.equal(stage.probe(BigInt(index * 4096 + 8), "write"), (100 + index) * 4096 + 8);
  }
  const { fills, walks, elements, contexts, switches } = counts(stage);
  // One read by a walk; three reads and four stores without.
  assert.deepEqual(
    { fills, walks, elements, contexts, switches },
    { fills: 7, walks: 1, elements: 1, contexts: 1, switches: 1 },
  );
});

test("a store to an entry drops what came from it, in every address space that shares it, and nothing else", () => {
  const stage = new TranslationStage();
  const roots = Array.from({ length: 40 }, (_, index) => 20 + index * 2);
  // All lead to one table of the kernel's, in pages 2 and 3; each has a page of its own beside.
  space(stage, 1, [200, 201]);
  for (const root of roots) {
    stage.store(root * 4096, entryTo(2, TABLE));
    stage.select(satp(root));
    assert.equal(stage.probe(0n, "read"), 200 * 4096);
    assert.equal(stage.probe(4096n, "read"), 201 * 4096);
  }
  assert.equal(counts(stage).elements, 40);
  stage.store(3 * 4096, entryTo(300, RWAD));
  assert.deepEqual(stage.faults(), []);
  const { droppedTranslations, voidedContexts, flushes } = counts(stage);
  assert.deepEqual(
    { droppedTranslations, voidedContexts, flushes },
    { droppedTranslations: 40, voidedContexts: 0, flushes: 0 },
  );
  const { walks } = counts(stage);
  for (const root of roots) {
    stage.select(satp(root));
    assert.equal(stage.probe(0n, "read"), 300 * 4096);
    assert.equal(stage.probe(4096n, "read"), 201 * 4096);
  }
  assert.equal(counts(stage).walks, walks, "generated code finds the new page");
  assert.equal(counts(stage).hits, 40);
});

test("an entry above the last level takes the contexts with it that walked by it, and no others", () => {
  const stage = new TranslationStage();
  space(stage, 1, [100]);
  space(stage, 11, [110]);
  for (const root of [1, 11]) {
    stage.select(satp(root));
    stage.probe(0n, "read");
  }
  stage.store(1 * 4096, 0n);
  assert.equal(counts(stage).voidedContexts, 1);
  const { walks, fills } = counts(stage);
  stage.select(satp(11));
  assert.equal(stage.probe(0n, "read"), 110 * 4096);
  assert.deepEqual([counts(stage).walks, counts(stage).fills], [walks, fills], "still cached");
  stage.select(satp(1));
  assert.equal(stage.probe(0n, "read"), -1);
});

test("large pages: neighbours without a walk, dropped with their entry", () => {
  const stage = new TranslationStage();
  stage.store(4096, entryTo(2, TABLE));
  stage.store(2 * 4096, entryTo(LARGE, RWAD));
  stage.select(satp(1));
  for (let index = 0; index < 100; index++) {
    assert.equal(stage.probe(BigInt(index * 4096), "write"), (LARGE + index) * 4096);
  }
  assert.deepEqual([counts(stage).walks, counts(stage).fills], [1, 99]);
  stage.store(2 * 4096, entryTo(2 * LARGE, RWAD));
  assert.equal(counts(stage).droppedTranslations, 100);
  assert.equal(stage.probe(5n * 4096n, "write"), (2 * LARGE + 5) * 4096);
});

test("more contexts than there are tables: the least recently used makes room", () => {
  const stage = new TranslationStage();
  const spaces = Array.from({ length: TRANSLATION_TABLES + 100 }, (_, index) => index);
  space(stage, 1, [100]);
  for (const index of spaces) {
    // Roots that share everything below them.
    const root = 700 + index;
    stage.store(root * 4096, entryTo(2, TABLE));
    stage.select(satp(root));
    assert.equal(stage.probe(0n, "read"), 100 * 4096);
  }
  const { contexts, elements, evictions, misses } = counts(stage);
  assert.deepEqual(
    { contexts, elements, evictions, misses },
    { contexts: TRANSLATION_TABLES, elements: TRANSLATION_TABLES, evictions: 100, misses: spaces.length },
  );
  stage.store(3 * 4096, entryTo(101, RWAD));
  assert.equal(counts(stage).droppedTranslations, TRANSLATION_TABLES);
  // The root of an evicted one belongs to nobody: the context that has its table now stays.
  stage.store(700 * 4096, 0n);
  assert.equal(counts(stage).voidedContexts, 0);
});

test("contexts that were last used long ago make room before the pool grows, those of a guest's turns do not", () => {
  const stage = new TranslationStage();
  space(stage, 1, [100]);
  const enter = (root: number) => {
    stage.store(root * 4096, entryTo(2, TABLE));
    stage.select(satp(root));
    assert.equal(stage.probe(0n, "read"), 100 * 4096);
  };
  const roots = Array.from({ length: 2 * FEW_TABLES }, (_, index) => 700 + index);
  for (let turn = 0; turn < 3; turn++) for (const root of roots) enter(root);
  assert.deepEqual([counts(stage).contexts, counts(stage).evictions], [roots.length, 0]);
  // Two of them go on by themselves.
  for (let change = 0; change <= FORGOTTEN_AFTER; change++) stage.select(satp(700 + (change & 1)));
  for (let index = 0; index < 10; index++) enter(1000 + index);
  assert.deepEqual([counts(stage).contexts, counts(stage).evictions], [roots.length, 10]);
  const { misses } = counts(stage);
  enter(700);
  enter(701);
  assert.equal(counts(stage).misses, misses, "what is used stays");
});

test("switched off, satp and fences drop everything", () => {
  for (const [choice, dropped] of [
    ["on", 0],
    ["off", 2],
  ] as const) {
    const stage = new TranslationStage(choice);
    space(stage, 1, [100]);
    stage.select(satp(1));
    stage.probe(0n, "read");
    stage.translation.changed("satp");
    stage.select(satp(1));
    stage.translation.changed("fence");
    assert.equal(counts(stage).flushes, dropped);
    assert.equal(counts(stage).fences, 1);
    stage.probe(0n, "read");
    assert.equal(counts(stage).walks, choice === "on" ? 1 : 2);
  }
});

test("protection leaves its largest open part to generated code", () => {
  const part = (configurations: number[], addresses: bigint[]) => {
    const fill = Array(16 - configurations.length);
    const { first, bytes } = new Pmp([...configurations, ...fill.fill(0)], [...addresses, ...fill.fill(0n)]).openPart(
      RAM_BASE,
      0x10_0000,
      1,
    );
    return [first - RAM_BASE, bytes];
  };
  const at = (offset: number) => BigInt(RAM_BASE + offset) >> 2n;
  assert.deepEqual(part([], []), [0, 0]);
  assert.deepEqual(part([0x1f], [(1n << 54n) - 1n]), [0, 0x10_0000]);
  // Firmware's bytes are kept from the others; read-only pages; an edge within a page.
  assert.deepEqual(part([0, 0x08, 0x1f], [at(0), at(0x8000), (1n << 54n) - 1n]), [0x8000, 0xf_8000]);
  assert.deepEqual(part([0, 0x08, 0x0f], [at(0), at(0x8004), at(0x9_0000)]), [0x9000, 0x8_7000]);
  assert.deepEqual(part([0x09, 0x0f], [at(0x4_0000), at(0x20_0000)]), [0x4_0000, 0xc_0000]);
  assert.deepEqual(part([0x0f, 0x0f], [at(0x4_0800), at(0x20_0000)]), [0x4_1000, 0xb_f000]);
});

/** Page tables lie in the first pages: four for each level above the last, the roots of Sv57 first, then eight last ones. */
const TABLES = 24;
const ENTRY_INDICES = [0, 1, 2, 8, 511];
const ROOTS = { 8: 8, 9: 4, 10: 0 } as const;

/** Mostly what makes sense in a table of its level; leaves lead anywhere, into tables too. */
function randomEntry(prng: Prng, table: number): bigint {
  const flags = RWAD & ~(prng.below(6) === 0 ? prng.below(256) & ~TABLE : 0);
  const user = prng.below(2) * USER;
  switch (prng.below(16)) {
    case 0:
      return 0n;
    case 1:
      return prng.next64();
    case 2:
      // Svnapot and Svpbmt.
      return entryTo((prng.below(100) << 4) | 8, flags | user) | prng.pick([1n << 63n, 1n << 61n]);
    case 3:
      return entryTo(prng.below(TABLES), TABLE);
    case 4:
    case 5:
      return entryTo(prng.pick([0, LARGE, 2 * LARGE, 3 * LARGE]), flags | user);
    default:
      if (table >= 16) return entryTo(prng.pick([prng.below(TABLES), 100 + prng.below(50)]), flags | user);
      return entryTo((table & ~3) + 4 + prng.below(table >= 12 ? 8 : 4), TABLE);
  }
}

function randomAddress(prng: Prng): bigint {
  let page = 0n;
  for (let level = 0; level < 5; level++) {
    // Mostly the low half, whose upper bits are alike in every scheme.
    const index = level > 2 ? prng.pick([0, 0, 0, 1]) : prng.pick(ENTRY_INDICES.slice(0, level === 2 ? 3 : 5));
    page |= BigInt(index) << BigInt(9 * level);
  }
  const address = (page << 12n) | BigInt(prng.below(4096));
  return prng.below(8) === 0 ? BigInt.asUintN(64, BigInt.asIntN(39, address)) : BigInt.asUintN(57, address);
}

const PROTECTIONS = [
  OPEN,
  OPEN,
  // Some tables, and half a page behind them, are machine mode's own.
  new Pmp(
    [0, 0x08, 0x1f, ...Array(13).fill(0)],
    [
      BigInt(RAM_BASE + 20 * 4096) >> 2n,
      BigInt(RAM_BASE + 110 * 4096 + 2048) >> 2n,
      (1n << 54n) - 1n,
      ...Array(13).fill(0n),
    ],
  ),
];

const SEEDS = process.env.HINDCAST_NIGHTLY === undefined ? 6 : 200;

test("whatever happens to page tables, contexts and caches, a cached translation is what a walk gives", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const prng = new Prng(seed);
    const stage = new TranslationStage(prng.pick(["on", "on", "off"]));
    for (let table = 0; table < TABLES; table++) {
      for (const index of ENTRY_INDICES) stage.store(table * 4096 + index * 8, randomEntry(prng, table));
    }
    stage.select(satp(ROOTS[8]));
    let mapped = 0;
    for (let step = 0; step < 4000; step++) {
      mapped += randomStep(prng, stage, `seed ${seed}, step ${step}`) ? 1 : 0;
      if (step % 400 === 0) assert.deepEqual(stage.faults(), [], `seed ${seed}, step ${step}`);
    }
    assert.ok(mapped > 100, `seed ${seed}: ${mapped} accesses were mapped`);
    const { fills } = counts(stage);
    assert.ok(fills > 10, `seed ${seed}: generated code found ${fills} translations`);
  }
});

/** True when an access was made that is mapped. */
function randomStep(prng: Prng, stage: TranslationStage, what: string): boolean {
  const { translation, memory } = stage;
  switch (prng.below(40)) {
    case 0: {
      const mode = prng.pick([8, 8, 9, 10] as const);
      // SUM, MXR, MPRV with MPP.
      const status = (prng.below(4) << 18) | (prng.pick([0, 0, 1]) << 17) | (prng.below(2) << 11);
      stage.select({
        ...{ ...satp(ROOTS[mode] + prng.below(4), mode), privilege: prng.pick([0, 1, 1, 3]), status },
        ...{ environmentHigh: prng.below(4) << 29, pmp: prng.pick(PROTECTIONS) },
      });
      return false;
    }
    case 1: {
      // A table is repaired.
      const table = prng.below(TABLES);
      for (const index of ENTRY_INDICES) stage.store(table * 4096 + index * 8, randomEntry(prng, table));
      return false;
    }
    case 2: {
      const table = prng.below(TABLES);
      stage.store(table * 4096 + prng.pick(ENTRY_INDICES) * 8, randomEntry(prng, table));
      return false;
    }
    case 3: {
      if (prng.below(4) > 0) return false;
      // A device writes bytes, across entries too.
      const offset = prng.below(TABLES) * 4096 + prng.pick([0, 4, 12]);
      const size = prng.pick([1, 9, 64]);
      for (let byte = 0; byte < size; byte++) memory.write(frameOffset(offset + byte), 1, BigInt(prng.below(4)));
      translation.overwritten(frameOffset(offset), size);
      return false;
    }
    case 4:
      if (prng.below(8) === 0) translation.group.beginInterval();
      if (prng.below(30) === 0) translation.group.flushAll();
      if (prng.below(4) === 0) translation.changed(prng.pick(["fence", "satp"]));
      return false;
    case 5:
    case 6: {
      const pc = randomAddress(prng);
      const expected = stage.walk(pc, "execute", translation.group.current.fetch);
      // For the test a decoded page is named by its page of RAM.
      const filled = translation.fillExecute(pc, (ramPage) => ramPage);
      assert.equal(filled, expected >= 0, what);
      return filled;
    }
    default: {
      const [va, access] = [randomAddress(prng), prng.pick(["read", "write"] as const)];
      const { data } = translation.group.current;
      const expected = stage.walk(va, access, data);
      const found = stage.probe(va, access);
      const isTable = expected >= 0 && (memory.flags[expected >>> 12] & PAGE_FLAG.table) !== 0;
      assert.equal(found, access === "write" && isTable ? -1 : expected, `${what}: ${access} of ${va.toString(16)}`);
      return found >= 0;
    }
  }
}
