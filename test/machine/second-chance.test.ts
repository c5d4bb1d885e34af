import assert from "node:assert/strict";
import { test } from "node:test";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { SecondChance } from "../../src/machine/second-chance.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";

const FRAMES = 8;

/** Pages 10, 11, ... in all frames, of which none has been used since it came. */
function full(isKept: (page: number) => boolean = () => false) {
  const memory = new PhysicalMemory(RAM_BASE, 64 * 4096, FRAMES);
  const chance = new SecondChance(memory, isKept);
  for (let page = 10; page < 10 + FRAMES; page++) memory.map(page, chance.take());
  memory.touched.fill(0);
  const next = (instant: number) => {
    const { frames, cleared } = chance.victims(instant);
    assert.equal(frames.length, 1);
    const page = memory.pageOf(frames[0]);
    memory.unmap(frames[0]);
    chance.freed(frames[0]);
    memory.map(page, chance.take());
    memory.touched[frames[0]] = 0;
    return { page, cleared };
  };
  return { memory, chance, next };
}

test("a page that was used goes when the hand comes by a second time, and tags are flushed before", () => {
  const { memory, next } = full();
  memory.touched[memory.frameOf(10)] = 1;
  assert.deepEqual(next(1), { page: 11, cleared: true });
  assert.deepEqual(next(2), { page: 12, cleared: false });
});

test("where all were used, the first one goes", () => {
  const { memory, next } = full();
  memory.touched.fill(1);
  assert.deepEqual(next(1), { page: 10, cleared: true });
});

test("a page that is kept never goes", () => {
  const { next } = full((page) => page < 17);
  assert.deepEqual([next(1).page, next(2).page], [17, 17]);
});

test("what came at an instant stays for as long as more is needed at it", () => {
  const { memory, chance } = full();
  const seen = new Set<number>();
  for (let turn = 0; turn < FRAMES / 2; turn++) {
    const [frame] = chance.victims(1).frames;
    seen.add(memory.pageOf(frame));
    memory.unmap(frame);
    chance.freed(frame);
    memory.map(30 + turn, chance.take());
    memory.touched.fill(0);
  }
  assert.equal(seen.size, FRAMES / 2);
  assert.ok([...seen].every((page) => page < 30));
});

test("bytes of a page are where its frame is, and its watches come with it", () => {
  const { memory, chance } = full();
  memory.setWatchedRanges([
    { first: BigInt(RAM_BASE + 40 * 4096), last: BigInt(RAM_BASE + 40 * 4096 + 7), access: "write" },
  ]);
  const [frame] = chance.victims(1).frames;
  memory.unmap(frame);
  memory.map(40, frame);
  const place = memory.place(40 * 4096 + 5);
  assert.equal(place, frame * 4096 + 5);
  assert.equal(memory.addressOf(place), RAM_BASE + 40 * 4096 + 5);
  assert.notEqual(memory.flags[frame], 0);
  assert.deepEqual([memory.isHere(40), memory.isHere(10), memory.absentCount], [true, false, 64 - FRAMES]);
});

test("a page that is spared goes later than others, and some time", () => {
  const { memory, chance, next } = full();
  chance.spare(10);
  chance.spare(11);
  const gone = (page: number) => {
    for (let turn = 1; turn < 1000; turn++) if (next(turn).page === page) return turn;
    return assert.fail(`page ${page} never goes`);
  };
  // One of so many that are spared for sixteen rounds of the seven or six others.
  const turn = gone(10);
  assert.ok(turn > 16 * (FRAMES - 2) && turn < 18 * FRAMES, `in turn ${turn}`);
  assert.ok(memory.isHere(11) === false || gone(11) < FRAMES * 2);
});

test("where all were used or are spared, one goes nevertheless", () => {
  const { memory, chance, next } = full((page) => page > 11);
  chance.spare(10);
  chance.spare(11);
  memory.touched.fill(1);
  assert.ok([10, 11].includes(next(1).page));
});
