import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessKind } from "../../src/cpu/pmp.ts";
import { Guest } from "../machine/guests.ts";
import { pmp } from "./page-tables.ts";

const [R, W, X] = [1, 2, 4];
const TOR = 0x08;
const NA4 = 0x10;
const NAPOT = 0x18;
const LOCKED = 0x80;
const [MACHINE, SUPERVISOR, USER] = [3, 1, 0];

const at = (address: number): bigint => BigInt(address) >> 2n;
/** A naturally aligned power of two: the ones at the low end say how large. */
const napot = (address: number, bytes: number): bigint => at(address) | BigInt(bytes / 8 - 1);

test("without entries machine mode may do everything and nobody else anything", () => {
  for (const access of ["read", "write", "execute"] as const) {
    assert.equal(pmp([]).allows(0x8000_0000, 8, access, MACHINE), true);
    assert.equal(pmp([]).allows(0x8000_0000, 8, access, SUPERVISOR), false);
    assert.equal(pmp([]).allows(0x8000_0000, 8, access, USER), false);
  }
});

test("an entry covers what its mode says, to the byte", () => {
  const covers: readonly [string, ReturnType<typeof pmp>, first: number, end: number][] = [
    ["NA4", pmp([{ configuration: NA4 | R, address: at(0x8000_0010) }]), 0x8000_0010, 0x8000_0014],
    ["NAPOT of 8", pmp([{ configuration: NAPOT | R, address: napot(0x8000_0010, 8) }]), 0x8000_0010, 0x8000_0018],
    [
      "NAPOT of 64K",
      pmp([{ configuration: NAPOT | R, address: napot(0x8001_0000, 0x10000) }]),
      0x8001_0000,
      0x8002_0000,
    ],
    [
      "TOR above another entry's address",
      pmp([
        { configuration: 0, address: at(0x8000_0100) },
        { configuration: TOR | R, address: at(0x8000_0204) },
      ]),
      0x8000_0100,
      0x8000_0204,
    ],
    ["TOR of entry 0", pmp([{ configuration: TOR | R, address: at(0x1000) }]), 0, 0x1000],
  ];
  for (const [what, protection, first, end] of covers) {
    const allows = (address: number, size: number): boolean => protection.allows(address, size, "read", USER);
    assert.equal(allows(first, 1), true, what);
    assert.equal(allows(end - 1, 1), true, what);
    assert.equal(allows(end, 1), false, what);
    if (first > 0) assert.equal(allows(first - 1, 1), false, what);
    assert.equal(protection.allows(first, 1, "write", USER), false, what);
    // An access that it covers in part fails, in machine mode too.
    assert.equal(protection.allows(end - 2, 4, "read", MACHINE), false, what);
    if (first > 0) assert.equal(protection.allows(first - 2, 4, "read", MACHINE), false, what);
  }
});

test("NAPOT with all ones, and with all but the highest, covers everything", () => {
  for (const address of [(1n << 54n) - 1n, (1n << 53n) - 1n]) {
    const all = pmp([{ configuration: NAPOT | R | W | X, address }]);
    for (const place of [0, 0x8000_0000, 2 ** 55 - 8]) assert.equal(all.allows(place, 8, "write", USER), true);
  }
});

test("TOR that ends where it begins, or below, covers nothing", () => {
  for (const end of [0x8000_0100, 0x8000_00fc, 0]) {
    const nothing = pmp([
      { configuration: 0, address: at(0x8000_0100) },
      { configuration: TOR | LOCKED, address: at(end) },
    ]);
    assert.equal(nothing.allows(0x8000_0100, 4, "read", MACHINE), true);
    assert.equal(nothing.hasLocked, false);
  }
});

test("the lowest-numbered entry that meets the access decides", () => {
  const all = { configuration: NAPOT | R | W | X, address: (1n << 54n) - 1n };
  const hole = { configuration: NAPOT | R, address: napot(0x8000_1000, 0x1000) };
  const allowed = (entries: Parameters<typeof pmp>[0], access: AccessKind): boolean =>
    pmp(entries).allows(0x8000_1800, 8, access, SUPERVISOR);
  assert.equal(allowed([hole, all], "read"), true);
  assert.equal(allowed([hole, all], "write"), false);
  assert.equal(allowed([all, hole], "write"), true);
  assert.equal(pmp([hole, all]).allows(0x8000_1ffc, 8, "read", SUPERVISOR), false, "half of it is the hole's");
  assert.equal(pmp([hole, all]).allowsPage(0x8000_1000, "read", USER), true);
  assert.equal(pmp([hole, all]).allowsPage(0x8000_1000, "write", USER), false);
  assert.equal(pmp([hole, all]).allowsPage(0x8000_2000, "write", USER), true);
});

test("a locked entry binds machine mode, another does not", () => {
  const entry = { configuration: NAPOT | X, address: napot(0x8000_0000, 0x1000) };
  assert.equal(pmp([entry]).allows(0x8000_0000, 4, "write", MACHINE), true);
  assert.equal(pmp([entry]).hasLocked, false);
  const locked = pmp([{ ...entry, configuration: entry.configuration | LOCKED }]);
  assert.equal(locked.hasLocked, true);
  assert.equal(locked.allows(0x8000_0000, 4, "write", MACHINE), false);
  assert.equal(locked.allows(0x8000_0000, 4, "execute", MACHINE), true);
  assert.equal(locked.allows(0x8000_1000, 4, "write", MACHINE), true, "beside it machine mode is free");
});

test("equal protection has an equal key, different protection another", () => {
  const entry = { configuration: NA4 | R, address: at(0x8000_0000) };
  const off = { configuration: 0, address: 0x1234n };
  assert.equal(pmp([entry]).key, pmp([entry, off]).key);
  assert.notEqual(pmp([entry]).key, pmp([{ ...entry, configuration: NA4 | R | LOCKED }]).key);
  assert.notEqual(pmp([entry]).key, pmp([{ ...entry, address: at(0x8000_0004) }]).key);
});

// The interpreter looked at no entry in machine mode unless one was locked: the oracle, which executes an instruction here
// and there for it, refused what it allowed.
test("an access of machine mode over an edge of an entry is refused by every engine", () => {
  for (const [address, size] of [
    ["word", 4],
    ["word - 4", 4],
    ["page - 4", 4096],
  ] as const) {
    const region = size === 4 ? "srli t2, t2, 2" : "srli t2, t2, 2\n  ori  t2, t2, 0x1ff";
    const source = `
_start:
  la   t0, handler
  csrw mtvec, t0
  la   t2, ${size === 4 ? "word" : "page"}
  ${region}
  csrw pmpaddr0, t2
  li   t3, ${size === 4 ? 0x17 : 0x1f}
  csrw pmpcfg0, t3
  la   t1, ${address}
  li   t4, 20
1: li  a1, 0
  ld   a0, 0(t1)
  addi t4, t4, -1
  bnez t4, 1b
  j    .
  .balign 4
handler:
  csrr a1, mcause
  j    .
  .balign 4096
  .dword 1
word:
  .dword 5
  .balign 4096
page:
  .zero 4096`;
    const causes = (["oracle", "interpreter", "translator"] as const).map((engine) => {
      const guest = new Guest(source, engine);
      guest.run(300);
      return guest.register(11);
    });
    assert.equal(new Set(causes).size, 1, `${address}: ${causes}`);
    if (size === 4) assert.equal(causes[0], 5n, address);
  }
});
