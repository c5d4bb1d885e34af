import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../src/base/brand.ts";
import type { PageTable, PageVersion } from "../../src/machine/machine-interface.ts";
import { CheckpointStore, type SavedState } from "../../src/replay/checkpoint-store.ts";

/** A table of eight pages; each of `versions` is a content. */
function pages(versions: readonly PageVersion[]): PageTable {
  return {
    pageCount: 8,
    get: (page) => versions[page],
    heldSince: (base) => versions.filter((version, page) => version !== base?.get(page)).length,
    *changedSince(base) {
      for (let page = 0; page < 8; page++) {
        if (versions[page] !== base?.get(page)) yield { page, version: versions[page] };
      }
    },
  };
}

const SHARED = Array.from({ length: 8 }, (): PageVersion => ({ bytes: new Uint8Array(4096), hash: 1n }));

function saved(at: number, fresh = 0, events = 0): SavedState {
  const versions = SHARED.map((version, page) => (page < fresh ? { ...version } : version));
  return {
    checkpoint: { instant: instant(at), state: new Uint8Array(100), pages: pages(versions) },
    events,
    outputBytes: 0,
    framesSent: 0,
  };
}

test("the number of checkpoints grows with the logarithm of the run, dense where somebody goes", () => {
  const store = new CheckpointStore(saved(0), 1024, { count: 1000, bytes: 1e9 });
  const spacing = 10_000_000;
  const counts: number[] = [];
  for (let at = spacing; at <= 40_000 * spacing; at += spacing) {
    store.add(saved(at), [at]);
    if ([100, 1000, 10_000, 40_000].includes(at / spacing)) counts.push(store.count);
  }
  assert.ok(counts[3] < 120, `${counts} checkpoints`);
  assert.ok(counts[3] - counts[2] < 30 && counts[2] - counts[1] < 30, `${counts} checkpoints`);
  const end = 40_000 * spacing;
  for (let distance = spacing; distance < end; distance *= 2) {
    const from = end - distance;
    const gap = from - store.atOrBefore(from).checkpoint.instant;
    assert.ok(gap <= Math.max(spacing, distance / 2), `${gap} steps before ${from}`);
  }
});

test("bounds of number and bytes are kept; the initial checkpoint always stays", () => {
  const store = new CheckpointStore(saved(0), 1024, { count: 10, bytes: 200_000 });
  // Beside the initial one, and the one that adds the most.
  const alsoThere = store.bytes + 100 + 8 * 4096;
  for (let at = 1000; at < 200_000; at += 1000) {
    store.add(saved(at, 8), [at]);
    const bytes = store.bytes - alsoThere;
    assert.ok(store.count <= 10 && bytes <= 200_000, `${store.count} with ${bytes} bytes`);
  }
  assert.ok(store.count > 5, "the initial checkpoint does not count");
  assert.equal(store.instants[0], 0);
  assert.equal(store.initial.checkpoint.instant, 0);
});

test("a guest that differs from reset by more than the bound leaves the checkpoints near a place alone", () => {
  const store = new CheckpointStore(saved(0), 1024, { count: 100, bytes: 20_000 });
  const place = 1_000_000_000;
  const large = saved(place - 100_000_000, 8).checkpoint.pages;
  const near = [100_000_000, 65_536, 8192, 1024].map((before) => place - before);
  for (const at of near) {
    const state = saved(at);
    store.add({ ...state, checkpoint: { ...state.checkpoint, pages: large } }, [2 * place, place]);
  }
  assert.deepEqual(store.instants, [0, ...near]);
});

test("pages that checkpoints share are counted once, also after thinning", () => {
  const store = new CheckpointStore(saved(0), 1024, { count: 100, bytes: 1e9 });
  const initial = store.bytes;
  assert.equal(initial, 100 + 8 * 4096);
  store.add(saved(1_000_000), [0, 1_000_000, 2_000_000]);
  assert.equal(store.bytes, initial + 100);
  store.add(saved(2_000_000, 3), [0, 1_000_000, 2_000_000]);
  assert.equal(store.bytes, initial + 200 + 3 * 4096);
  store.dropAfter(1_500_000);
  assert.equal(store.bytes, initial + 100);
});

test("of states at one instant the one with more events taken is kept", () => {
  const store = new CheckpointStore(saved(0), 1024, { count: 100, bytes: 1e9 });
  store.add(saved(5000, 1, 3), [5000]);
  store.add(saved(5000, 2, 4), [5000]);
  store.add(saved(5000, 3, 2), [5000]);
  assert.equal(store.count, 2);
  assert.equal(store.atOrBefore(9000).events, 4);
  assert.equal(store.atOrBefore(4999).checkpoint.instant, 0);
});
