import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOffset } from "../../src/base/brand.ts";
import { AddressTranslation, type TranslationState } from "../../src/cpu/address-translation.ts";
import * as layout from "../../src/memory/layout.ts";
import { invalidTag } from "../../src/memory/translation-code.ts";
import {
  entryOf,
  halves,
  KERNEL_PAGE,
  place,
  pmp,
  RAM_BASE,
  ROOT,
  smallMemory,
  U,
  UNPROTECTED,
} from "./page-tables.ts";

const SV39_HIGH = 8 << 28;
const [SUM, MXR, MPRV] = [1 << 18, 1 << 19, 1 << 17];
const [ADUE, PBMTE] = [1 << 29, 1 << 30];
const VA = 0x12_3456_7000n;
const PAGE = BigInt(RAM_BASE) + 0x8_0000n;

function state(changes: Partial<TranslationState> = {}): TranslationState {
  return {
    ...{ privilege: 1, status: 0, satpHigh: SV39_HIGH, satpLow: ROOT / 4096, environmentHigh: 0 },
    ...{ hasNapot: true, pmp: UNPROTECTED },
    ...changes,
  };
}

class Subject {
  readonly memory = smallMemory();
  updated: number[] = [];
  remapped = 0;
  readonly translation = new AddressTranslation(
    this.memory,
    () => ({
      flushTags: (table) => this.#flush(table, [layout.ENTRY.readTag, layout.ENTRY.writeTag, layout.ENTRY.executeTag]),
      flushWriteTags: (table) => this.#flush(table, [layout.ENTRY.writeTag]),
      hash: () => 0n,
      findBits: (_: number, end: number) => end,
    }),
    { updated: (entry) => this.updated.push(entry), remapped: () => this.remapped++ },
  );

  /** Address of the table that is in force for a state. */
  table(changes: Partial<TranslationState> = {}): number {
    this.translation.select(state(changes));
    return this.memory.view.getInt32(layout.TRANSLATION_BASE, true);
  }

  executes(address: bigint): boolean {
    return this.translation.executes(address);
  }

  execute(address: bigint): boolean {
    return this.translation.fillExecute(address, (ramPage) => ramPage + 1);
  }

  #flush(table: number, tags: readonly number[]): void {
    for (let index = 0; index < layout.TRANSLATION_ENTRIES; index++) {
      const entry = table + index * layout.TRANSLATION_ENTRY_BYTES;
      for (const tag of tags) this.memory.view.setBigUint64(entry + tag, invalidTag(index), true);
    }
  }
}

test("whatever an access depends on makes a context of its own, and nothing else does", () => {
  const subject = new Subject();
  const supervisor = subject.table();
  const others: Partial<TranslationState>[] = [
    { privilege: 0 },
    { status: SUM },
    { status: MXR },
    { environmentHigh: ADUE },
    { environmentHigh: PBMTE },
    { satpLow: ROOT / 4096 + 1 },
    { satpHigh: 9 << 28 },
    { satpHigh: 0 },
    { pmp: pmp([]) },
    { privilege: 3 },
    { privilege: 3, status: MPRV | (1 << 11) },
    { privilege: 3, status: MPRV },
  ];
  const tables = others.map((changes) => subject.table(changes));
  assert.equal(new Set([supervisor, ...tables]).size, 1 + others.length);
  // Interrupt enables, MPP without MPRV, an ASID: no address means anything else by them.
  for (const same of [{ status: 0x1800 | 0xaa }, { satpHigh: SV39_HIGH | (0x1234 << 12) }]) {
    assert.equal(subject.table(same), supervisor);
  }
  // Machine mode does not translate, whatever satp holds.
  assert.equal(subject.table({ privilege: 3, satpHigh: 0 }), subject.table({ privilege: 3 }));
});

test("generated code is told when nobody need be asked", () => {
  const subject = new Subject();
  const isTranslated = (changes: Partial<TranslationState>): boolean => {
    subject.table(changes);
    return subject.memory.view.getInt32(layout.DATA_IS_TRANSLATED, true) !== 0;
  };
  const locked = pmp([{ configuration: 0x98, address: 0n }]);
  assert.equal(isTranslated({}), true);
  assert.equal(isTranslated({ satpHigh: 0 }), true, "below machine mode the PMP decides");
  assert.equal(isTranslated({ privilege: 3 }), false);
  assert.equal(isTranslated({ privilege: 3, pmp: locked }), true);
  assert.equal(isTranslated({ privilege: 3, status: MPRV }), true);
});

test("an access is located, or is the fault of its kind", () => {
  const subject = new Subject();
  place(subject.memory, 3, VA, 0, entryOf(PAGE, KERNEL_PAGE));
  subject.table();
  const { translation } = subject;
  for (const access of ["read", "write", "execute"] as const) {
    assert.equal(translation.locate(VA + 8n, 8, access), Number(PAGE) + 8);
  }
  const other = VA + 4096n;
  assert.deepEqual(translation.locate(other, 1, "read"), { cause: 13, tval: other });
  assert.deepEqual(translation.locate(other, 1, "write"), { cause: 15, tval: other });
  assert.deepEqual(translation.locate(other, 1, "execute"), { cause: 12, tval: other });
  // The tables and the first half of the page may be accessed, no more.
  const half = pmp([
    { configuration: 0x0f, address: (PAGE + 2048n) >> 2n },
    { configuration: 0x18, address: (1n << 54n) - 1n },
  ]);
  subject.table({ pmp: half });
  assert.equal(translation.locate(VA + 2040n, 8, "write"), Number(PAGE) + 2040);
  for (const [access, cause] of [
    ["read", 5],
    ["write", 7],
    ["execute", 1],
  ] as const) {
    const address = VA + 2044n;
    assert.deepEqual(translation.locate(address, 8, access), { cause, tval: address });
  }
  assert.equal(translation.placeForCode(...halves(VA), 0), -1, "no tag where only a part of the page is allowed");
  assert.equal(subject.execute(VA), false);
});

test("a page that was executed is no more when its entry changes, in whatever context, and somebody hears of it", () => {
  const subject = new Subject();
  const leaf = place(subject.memory, 3, VA, 0, entryOf(PAGE, KERNEL_PAGE));
  const neighbour = place(subject.memory, 3, VA + 4096n, 0, entryOf(PAGE, KERNEL_PAGE));
  for (const status of [0, SUM]) {
    subject.table({ status });
    assert.equal(subject.execute(VA), true);
    assert.equal(subject.execute(VA + 4096n), true);
  }
  const decoded = (Number(PAGE) - RAM_BASE) / 4096 + 1;
  assert.deepEqual(subject.translation.executedAt(VA), [decoded, decoded]);
  subject.translation.overwritten(frameOffset(leaf + 4), 4);
  assert.equal(subject.remapped, 1);
  for (const status of [0, SUM]) {
    subject.table({ status });
    assert.deepEqual([subject.executes(VA + 16n), subject.executes(VA + 4096n)], [false, true]);
  }
  assert.deepEqual(subject.translation.executedAt(VA), []);
  // What is on the same page but led nowhere is nobody's business.
  subject.translation.overwritten(frameOffset(neighbour + 8), 8);
  assert.equal(subject.executes(VA + 4096n), true);
});

test("an entry on the way changes: everything is looked up anew", () => {
  const subject = new Subject();
  place(subject.memory, 3, VA, 0, entryOf(PAGE, KERNEL_PAGE));
  subject.table();
  subject.execute(VA);
  subject.translation.overwritten(frameOffset(ROOT - RAM_BASE + Number((VA >> 30n) & 0x1ffn) * 8), 8);
  assert.equal(subject.executes(VA), false);
});

test("A and D that the hart sets are told once", () => {
  const subject = new Subject();
  const leaf = place(subject.memory, 3, VA, 0, entryOf(PAGE, KERNEL_PAGE & 0x3f));
  subject.table({ environmentHigh: ADUE });
  const { translation } = subject;
  assert.equal(translation.placeForCode(...halves(VA), 0), Number(PAGE) - RAM_BASE);
  assert.deepEqual(subject.updated, [leaf]);
  assert.equal(translation.placeForCode(...halves(VA), 1), Number(PAGE) - RAM_BASE);
  assert.equal(translation.placeForCode(...halves(VA), 1), Number(PAGE) - RAM_BASE);
  assert.deepEqual(subject.updated, [leaf, leaf]);
});

test("user pages by supervisor mode, with SUM and without, do not share what is cached", () => {
  const subject = new Subject();
  place(subject.memory, 3, VA, 0, entryOf(PAGE, KERNEL_PAGE | U));
  subject.table({ status: SUM });
  assert.equal(subject.translation.placeForCode(...halves(VA), 1), Number(PAGE) - RAM_BASE);
  subject.table();
  assert.equal(subject.translation.placeForCode(...halves(VA), 1), -1);
});

test("a guest that plays through all settings of its PMP has no table of an old one", () => {
  const subject = new Subject();
  place(subject.memory, 3, VA, 0, entryOf(PAGE, KERNEL_PAGE));
  for (let number = 0; number < 600; number++) {
    const open = number % 2 === 0;
    const setting = pmp([
      { configuration: open ? 0x1f : 0x18, address: (PAGE >> 2n) | 0x1ffn },
      { configuration: 0x18, address: BigInt(number * 2) },
      { configuration: 0x1f, address: (1n << 54n) - 1n },
    ]);
    subject.table({ pmp: setting });
    assert.equal(subject.execute(VA), open, `setting ${number}`);
    assert.equal(subject.executes(VA), open, `setting ${number}`);
  }
});
