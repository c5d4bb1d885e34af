import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOffset } from "../../src/base/brand.ts";
import type { CacheGroup } from "../../src/cpu/cache-group.ts";
import { Hart, NO_RESERVATION } from "../../src/cpu/hart.ts";
import { Reservations } from "../../src/cpu/reservations.ts";
import { PAGE_BYTES, PAGE_FLAG } from "../../src/memory/layout.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";

const RAM_BASE = 0x8000_0000;

function stage() {
  const memory = new PhysicalMemory(RAM_BASE, 64 * 1024);
  const harts = [0, 1, 2].map((id) => new Hart(id, memory));
  for (const hart of harts) hart.clear();
  const group = { flushes: 0, flushWrites: () => void group.flushes++ };
  const reservations = new Reservations(memory, group as unknown as CacheGroup, harts);
  const flagged = () => [...memory.flags.keys()].filter((page) => (memory.flags[page] & PAGE_FLAG.reserved) !== 0);
  const reserve = (id: number, offset: number) => {
    harts[id].reservation = BigInt(RAM_BASE + offset);
  };
  return { harts, group, reservations, flagged, reserve };
}

test("a reservation that is kept costs the write tags once, however many turns pass", () => {
  const { harts, group, reservations, flagged, reserve } = stage();
  reserve(0, 8);
  reserve(1, PAGE_BYTES);
  for (let turn = 1; turn < 100; turn++) reservations.turnOf(harts[turn % 3]);
  assert.deepEqual(flagged(), [0, 1]);
  assert.equal(group.flushes, 2);
});

test("a hart's own stores to the page it has reserved are fast again; another's turn then withholds the tag anew", () => {
  const { harts, group, reservations, flagged, reserve } = stage();
  reserve(0, 8);
  reservations.turnOf(harts[1]);
  reservations.turnOf(harts[0]);
  reservations.stored(harts[0], frameOffset(8), 8);
  assert.deepEqual([flagged(), harts[0].hasReservation], [[], true]);
  reservations.turnOf(harts[1]);
  assert.deepEqual([flagged(), group.flushes], [[0], 2]);
});

test("a store breaks what others reserve, and a page that somebody still reserves keeps its flag", () => {
  const { harts, reservations, flagged, reserve } = stage();
  reserve(0, 8);
  reserve(1, 16);
  reservations.turnOf(harts[2]);
  reservations.stored(harts[2], frameOffset(12), 4);
  assert.deepEqual([harts[0].reservation, harts[1].hasReservation, flagged()], [NO_RESERVATION, true, [0]]);
  reservations.stored(harts[2], frameOffset(16), 1);
  assert.deepEqual([harts[1].hasReservation, flagged()], [false, []]);
});

test("a store across two pages is seen on both", () => {
  const { harts, reservations, flagged, reserve } = stage();
  reserve(0, PAGE_BYTES);
  reservations.turnOf(harts[1]);
  reservations.stored(harts[1], frameOffset(PAGE_BYTES - 4), 8);
  assert.deepEqual([harts[0].hasReservation, flagged()], [false, []]);
});
