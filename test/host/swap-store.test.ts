import assert from "node:assert/strict";
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Prng } from "../../src/base/prng.ts";
import { SEGMENT_BYTES } from "../../src/host/swap-log.ts";
import { type SwapOptions, SwapStore } from "../../src/host/swap-store.ts";
import type { PageSource } from "../../src/machine/machine-interface.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const WAIT_MS = 20;
/** Much smaller than what is put away, so that most goes to the file. */
const MEMORY_BYTES = 2 * SEGMENT_BYTES;

const folder = mkdtempSync(join(tmpdir(), "swap-test-"));
const stores: SwapStore[] = [];
after(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
});

function storeWith(options: Partial<SwapOptions> = {}): SwapStore {
  const store = new SwapStore({ memoryBytes: MEMORY_BYTES, file: folder, ...options });
  stores.push(store);
  return store;
}

/** The content with a number: half of it repeats itself, or none. */
function contents(number: number, isRandom = false): Uint8Array {
  const prng = new Prng(number + 1);
  const page = new Uint8Array(PAGE_BYTES);
  page.fill(number & 0xff);
  const random = isRandom ? PAGE_BYTES : PAGE_BYTES / 4;
  const words = new Uint32Array(page.buffer, 0, random / 4);
  for (let at = 0; at < words.length; at++) words[at] = prng.next32();
  return page;
}

/** As a machine does: asks, and looks again and again. */
function fetched(store: SwapStore, source: PageSource): Uint8Array {
  for (;;) {
    const bytes = source.read(0);
    if (bytes !== undefined) return bytes;
    if (source.failure != null) throw source.failure;
    source.request!(0);
    store.wait(WAIT_MS);
    store.poll();
  }
}

/** Lets everything that was ordered come to its end. */
function settle(store: SwapStore): void {
  while (store.isBusy) {
    store.wait(WAIT_MS);
    store.poll();
  }
}

function putMany(store: SwapStore, count: number, isRandom = false, from = 0): PageSource[] {
  return Array.from({ length: count }, (_, at) => store.put(contents(from + at, isRandom)));
}

for (const isRandom of [false, true]) {
  test(`pages ${isRandom ? "that cannot be packed " : ""}come back from wherever they went`, () => {
    const store = storeWith();
    const pages = putMany(store, 2000, isRandom);
    settle(store);
    const { compressed, file } = store.bytes;
    assert.ok(compressed > 0 && compressed <= MEMORY_BYTES + SEGMENT_BYTES, `${compressed} bytes in memory`);
    assert.ok(file > 0, "nothing went to the file");
    if (!isRandom) assert.ok(file < 2000 * (PAGE_BYTES / 2), "what repeats itself was not packed");
    const works = new Set(pages.map(({ work }) => work));
    assert.deepEqual([...works].sort(), ["decompression", "page-in"]);
    const prng = new Prng(7);
    for (let round = 0; round < 300; round++) {
      const number = prng.below(2000);
      const bytes = round % 3 === 0 ? pages[number].readNow!(0) : fetched(store, pages[number]);
      assert.deepEqual(bytes, contents(number, isRandom));
    }
    assert.deepEqual(readdirSync(folder), [], "the file has a name");
  });
}

test("what was just put away is at hand, and its bytes are the caller's own", () => {
  const store = storeWith();
  const bytes = contents(1);
  const page = store.put(bytes);
  bytes.fill(0);
  const read = page.read(0);
  assert.deepEqual(read, contents(1));
  read!.fill(0);
  assert.deepEqual(page.readNow!(0), contents(1));
});

test("a slow store gives nothing before its time, and then all that was asked for", () => {
  const latencyMs = 30;
  const store = storeWith({ latencyMs });
  const pages = putMany(store, 500);
  // The thread is up, and what it has to do by itself is done.
  settle(store);
  const asked = performance.now();
  const some = [pages[0], pages[250], pages[499]];
  for (const page of some) {
    assert.equal(page.read(0), undefined);
    page.request!(0);
  }
  const missing = new Set(some);
  while (missing.size > 0) {
    for (const page of missing) if (page.read(0) !== undefined) missing.delete(page);
    store.wait(WAIT_MS);
    store.poll();
    if (performance.now() - asked > 10_000) assert.fail("they never came");
  }
  assert.ok(performance.now() - asked >= latencyMs, "they came before their time");
  assert.deepEqual(pages[0].readNow!(0), contents(0), "who cannot wait need not");
});

test("an hour of thrashing: what nobody refers to any more is given back, in memory and in the file", async () => {
  const store = storeWith({ collectGarbage });
  const guestPages = 600;
  const now: PageSource[] = putMany(store, guestPages);
  const numbers = now.map((_, at) => at);
  const prng = new Prng(3);
  let fileAfterFirst = 0;
  const rounds = 30;
  for (let round = 0; round < rounds; round++) {
    for (let change = 0; change < guestPages; change++) {
      const page = prng.below(guestPages);
      numbers[page] = round * guestPages + change;
      now[page] = store.put(contents(numbers[page], change % 4 === 0));
    }
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 1));
    settle(store);
    if (round === 4) fileAfterFirst = store.reserved.file;
  }
  assert.ok(store.pages <= 2 * guestPages, `${store.pages} pages are kept of ${guestPages}`);
  assert.ok(fileAfterFirst > 0, "nothing went to the file");
  assert.ok(
    store.reserved.file <= 2 * fileAfterFirst,
    `the file grew from ${fileAfterFirst} to ${store.reserved.file}`,
  );
  for (let page = 0; page < guestPages; page += 7) {
    const expected = [false, true].map((isRandom) => contents(numbers[page], isRandom));
    const got = now[page].readNow!(0);
    assert.ok(
      expected.some((one) => Buffer.from(one).equals(got)),
      `page ${page} has other contents`,
    );
  }
});

test("a full disk: nothing is lost, everything stays in memory, and one sentence says so", {
  skip: !existsSync("/dev/full"),
}, () => {
  const full = openSync("/dev/full", constants.O_RDWR);
  const store = storeWith({ file: full });
  const pages = putMany(store, 2000, true);
  settle(store);
  assert.match(store.warning ?? "", /no space is left on the device/);
  assert.equal(store.bytes.file, 0);
  for (let at = 0; at < pages.length; at += 17) assert.deepEqual(fetched(store, pages[at]), contents(at, true));
  closeSync(full);
  stores.splice(stores.indexOf(store), 1);
});

test("no folder for the file: the same", () => {
  const store = storeWith({ file: join(folder, "missing") });
  const pages = putMany(store, 1000, true);
  settle(store);
  assert.match(store.warning ?? "", /no such file or folder/);
  for (let at = 0; at < pages.length; at += 17) assert.deepEqual(fetched(store, pages[at]), contents(at, true));
});

test("a thread that dies in the midst: the machine's own goes on in its place", async () => {
  const store = storeWith({ latencyMs: 60_000 });
  const pages = putMany(store, 1500, true);
  settle(store);
  pages[0].request!(0);
  pages[1499].request!(0);
  pages.push(...putMany(store, 100, true, 1500));
  await store.killThread();
  pages.push(...putMany(store, 100, true, 1600));
  for (let at = 0; at < pages.length; at += 13) assert.deepEqual(fetched(store, pages[at]), contents(at, true));
});

test("two stores at once know nothing of each other", () => {
  const [one, other] = [storeWith(), storeWith()];
  const ofOne: PageSource[] = [];
  const ofOther: PageSource[] = [];
  for (let at = 0; at < 1000; at++) {
    ofOne.push(one.put(contents(at)));
    ofOther.push(other.put(contents(at + 5000)));
  }
  for (let at = 0; at < 1000; at += 23) {
    assert.deepEqual(fetched(one, ofOne[at]), contents(at));
    assert.deepEqual(fetched(other, ofOther[at]), contents(at + 5000));
  }
});
