import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOffset } from "../../src/base/brand.ts";
import { type AccessContext, isCanonical, PageWalk } from "../../src/cpu/page-walk.ts";
import type { AccessKind } from "../../src/cpu/pmp.ts";
import * as tables from "./page-tables.ts";
import {
  A,
  context,
  D,
  entryOf,
  G,
  halves,
  KERNEL_PAGE,
  place,
  R,
  RAM_BASE,
  smallMemory,
  U,
  V,
  W,
  X,
} from "./page-tables.ts";

const NAPOT = 1n << 63n;
const PAGE = 0x8000_0000n;
const VA = 0x12_3456_7000n;

interface Case {
  readonly what: string;
  /** The leaf, or what stands in its place; on level 0 unless told. */
  readonly entry: bigint;
  readonly level?: number;
  readonly address?: bigint;
  readonly access?: AccessKind;
  readonly context?: Partial<AccessContext>;
  /** A physical address, or the fault. */
  readonly gives: bigint | "page-fault" | "access-fault";
}

function check(cases: readonly Case[]): void {
  for (const { what, entry, level = 0, address = VA, access = "read", context: changes, gives } of cases) {
    const memory = smallMemory();
    const used = context(changes);
    place(memory, used.levels, address, level, entry);
    const walk = new PageWalk(memory, () => {});
    const outcome = walk.walk(...halves(address), access, used);
    if (typeof gives === "string") assert.equal(outcome, gives, what);
    else assert.deepEqual([outcome, BigInt(walk.physical)], ["mapped", gives], what);
  }
}

test("an address is canonical when its upper bits equal the highest translated one", () => {
  for (const [levels, bits] of [
    [3, 39n],
    [4, 48n],
    [5, 57n],
  ] as const) {
    const half = 1n << (bits - 1n);
    for (const [address, canonical] of [
      [0n, true],
      [half - 1n, true],
      [half, false],
      [-half, true],
      [-half - 1n, false],
      [-1n, true],
      [1n << 63n, false],
      [half << 1n, false],
    ] as const) {
      const [low, high] = halves(address);
      assert.equal(isCanonical(high, levels), canonical, `${levels} levels, ${address.toString(16)}`);
      const memory = smallMemory();
      place(memory, levels, address, 0, entryOf(PAGE, KERNEL_PAGE));
      const outcome = new PageWalk(memory, undefined).walk(low, high, "read", context({ levels }));
      assert.equal(outcome, canonical ? "mapped" : "page-fault", `${levels} levels, ${address.toString(16)}`);
    }
  }
});

test("a leaf on any level maps a page of its size; one that is not aligned to it is a page fault", () => {
  const address = -0x1234_5678n;
  for (const levels of [3, 4, 5]) {
    for (let level = 0; level < levels; level++) {
      const size = 4096n * 512n ** BigInt(level);
      const physical = size * 2n;
      const memory = smallMemory();
      place(memory, levels, address, level, entryOf(physical, KERNEL_PAGE));
      const walk = new PageWalk(memory, undefined);
      assert.equal(walk.walk(...halves(address), "write", context({ levels })), "mapped");
      assert.equal(
        BigInt(walk.physical),
        physical + (BigInt.asUintN(64, address) % size),
        `level ${level} of ${levels}`,
      );
      assert.equal(BigInt(walk.pageBytes), size);
      if (level === 0) continue;
      place(memory, levels, address, level, entryOf(physical + size / 2n, KERNEL_PAGE));
      assert.equal(walk.walk(...halves(address), "write", context({ levels })), "page-fault", `${level} of ${levels}`);
    }
  }
});

test("who may do what with a page", () => {
  const leaf = (bits: number): bigint => entryOf(PAGE, V | A | D | bits);
  check([
    { what: "read", entry: leaf(R), gives: PAGE },
    { what: "write a page to read", entry: leaf(R), access: "write", gives: "page-fault" },
    { what: "execute a page to read", entry: leaf(R), access: "execute", gives: "page-fault" },
    { what: "read a page to execute", entry: leaf(X), gives: "page-fault" },
    { what: "read a page to execute, with MXR", entry: leaf(X), context: { mxr: true }, gives: PAGE },
    { what: "MXR does not let write", entry: leaf(X), access: "write", context: { mxr: true }, gives: "page-fault" },
    { what: "user's page from supervisor", entry: leaf(R | U), gives: "page-fault" },
    { what: "user's page from supervisor, with SUM", entry: leaf(R | U), context: { sum: true }, gives: PAGE },
    {
      what: "SUM does not let execute",
      entry: leaf(X | U),
      access: "execute",
      context: { sum: true },
      gives: "page-fault",
    },
    { what: "user's page from user", entry: leaf(R | U), context: { privilege: 0 }, gives: PAGE },
    { what: "supervisor's page from user", entry: leaf(R), context: { privilege: 0, sum: true }, gives: "page-fault" },
    { what: "a global page", entry: leaf(R | G), gives: PAGE },
    { what: "writable but not readable", entry: leaf(W), access: "write", gives: "page-fault" },
    { what: "not valid", entry: leaf(R | W) & ~1n, gives: "page-fault" },
    { what: "a leaf that is none, on the last level", entry: entryOf(PAGE, V), gives: "page-fault" },
  ]);
});

test("entries that lead on may hold nothing but an address, and must lead into memory", () => {
  const pointer = (bits: number, upper = 0n): bigint => entryOf(BigInt(tables.ROOT) + 0x8000n, V | bits, upper);
  for (const bits of [A, D, U])
    check([{ what: `pointer with ${bits}`, entry: pointer(bits), level: 1, gives: "page-fault" }]);
  const outside = entryOf(0x1000n, V);
  check([
    { what: "pointer with N", entry: pointer(0, NAPOT), level: 1, gives: "page-fault" },
    { what: "pointer with PBMT", entry: pointer(0, 1n << 61n), level: 1, gives: "page-fault" },
    { what: "reserved bit 60", entry: entryOf(PAGE, KERNEL_PAGE, 1n << 60n), gives: "page-fault" },
    { what: "reserved bit 54", entry: entryOf(PAGE, KERNEL_PAGE, 1n << 54n), gives: "page-fault" },
    { what: "to no memory", entry: outside, level: 1, gives: "access-fault" },
    {
      what: "to the end of the address space",
      entry: entryOf((1n << 56n) - 4096n, V),
      level: 2,
      gives: "access-fault",
    },
    {
      what: "the PMP forbids the table",
      entry: entryOf(PAGE, KERNEL_PAGE),
      gives: "access-fault",
      context: { pmp: tables.pmp([]) },
    },
  ]);
});

test("Svnapot: sixteen entries are one page of 64 KiB, in one size only and on the last level", () => {
  const base = 0x8004_0000n;
  const napot = (low: bigint): bigint => entryOf(base | (low << 12n), KERNEL_PAGE, NAPOT);
  for (const within of [0n, 1n, 9n, 15n]) {
    const address = (VA & ~0xffffn) | (within << 12n) | 0x123n;
    check([{ what: `page ${within}`, entry: napot(8n), address, gives: base | (within << 12n) | 0x123n }]);
  }
  for (const low of [0n, 1n, 4n, 7n, 9n, 15n]) check([{ what: `size ${low}`, entry: napot(low), gives: "page-fault" }]);
  check([
    { what: "on a large page", entry: entryOf(base, KERNEL_PAGE, NAPOT), level: 1, gives: "page-fault" },
    { what: "without the extension", entry: napot(8n), context: { hasNapot: false }, gives: "page-fault" },
  ]);
});

test("Svpbmt: three memory types, which change nothing here; the fourth, and any while it is off, is a page fault", () => {
  for (const type of [1n, 2n]) {
    const entry = entryOf(PAGE, KERNEL_PAGE, type << 61n);
    check([
      { what: `type ${type}`, entry, gives: PAGE },
      { what: `type ${type}, off`, entry, context: { hasPbmt: false }, gives: "page-fault" },
    ]);
  }
  check([{ what: "type 3", entry: entryOf(PAGE, KERNEL_PAGE, 3n << 61n), gives: "page-fault" }]);
});

test("A and D: without Svadu an access that needs them is a page fault, with it they are set, once and told", () => {
  for (const [bits, access, wanted] of [
    [0, "read", A],
    [0, "execute", A],
    [0, "write", A | D],
    [A, "read", A],
    [A, "write", A | D],
    [D, "read", A | D],
    [A | D, "write", A | D],
  ] as const) {
    const memory = smallMemory();
    const leaf = entryOf(PAGE, V | R | W | X | bits);
    const offset = place(memory, 3, VA, 0, leaf);
    const set: number[] = [];
    const walk = new PageWalk(memory, (entry) => set.push(entry));
    const needed = wanted !== bits;
    const what = `${access}, ${bits}`;
    assert.equal(walk.walk(...halves(VA), access, context()), needed ? "page-fault" : "mapped", what);
    assert.equal(memory.read(frameOffset(offset), 8), leaf, what);
    const updating = context({ updatesAccessed: true });
    // Somebody who only looks leaves no trace.
    assert.equal(new PageWalk(memory, undefined).walk(...halves(VA), access, updating), "mapped", what);
    assert.equal(memory.read(frameOffset(offset), 8), leaf, what);
    memory.flags.fill(0);
    assert.equal(walk.walk(...halves(VA), access, updating), "mapped", what);
    assert.equal(walk.walk(...halves(VA), access, updating), "mapped", what);
    assert.equal(memory.read(frameOffset(offset), 8), leaf | BigInt(wanted), what);
    assert.deepEqual(set, needed ? [offset] : [], what);
    assert.equal(memory.flags[offset >>> 12] !== 0, needed, `${what}: the page of the entry is dirty`);
  }
});

test("the PMP must let the hart write the entry that gets A or D", () => {
  const memory = smallMemory();
  const offset = place(memory, 3, VA, 0, entryOf(PAGE, V | R | W));
  const readOnly = tables.pmp([
    { configuration: 0x19, address: BigInt(RAM_BASE + offset) >> 2n },
    { configuration: 0x1f, address: (1n << 54n) - 1n },
  ]);
  const walk = new PageWalk(memory, () => assert.fail("nothing is set"));
  const updating = context({ updatesAccessed: true, pmp: readOnly });
  assert.equal(walk.walk(...halves(VA), "read", updating), "access-fault");
  // A page without permission is a page fault before the entry is thought of.
  assert.equal(walk.walk(...halves(VA), "execute", updating), "page-fault");
});

test("without levels an address is its own translation", () => {
  const walk = new PageWalk(smallMemory(), undefined);
  assert.equal(walk.walk(-1, -1, "read", context({ levels: 0 })), "mapped");
  assert.equal(walk.walk(0x8000_1234 | 0, 0, "read", context({ levels: 0 })), "mapped");
  assert.equal(walk.physical, 0x8000_1234);
});
