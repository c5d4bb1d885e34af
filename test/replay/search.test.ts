import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instant, instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import type { Hit } from "../../src/replay/timeline-interface.ts";
import { CAUSES, FakeMachine, pcOf } from "./fake-machine.ts";
import {
  ALL_STOPS,
  drive,
  eventsOf,
  findAll,
  liveRun,
  reopen,
  SMALL,
  type Story,
  type TracedStep,
  trace,
} from "./support.ts";

interface PlainHit {
  readonly instant: number;
  readonly kind: string;
}

/** Every hit of `stops` in a traced run, in order: before a step its breakpoint, then its exception, then its accesses. */
function allHits(steps: readonly TracedStep[], stops: StopConditions): PlainHit[] {
  const watched = new Set(stops.watches.map((watch) => ALL_STOPS.watches.indexOf(watch)));
  return steps.flatMap(({ instant: at, pc, cause, watches }) => {
    const hits: PlainHit[] = [];
    if (stops.breakpoints.some((address) => address === pc)) hits.push({ instant: at, kind: "breakpoint" });
    if (cause !== undefined && stops.exceptions.includes(cause)) hits.push({ instant: at, kind: "exception" });
    if (watches.some((watch) => watched.has(watch))) hits.push({ instant: at, kind: "watch" });
    return hits;
  });
}

function someStops(prng: Prng): StopConditions {
  const some = <T>(items: readonly T[], share: number) => items.filter(() => prng.below(100) < share);
  const breakpoints = Array.from({ length: 64 }, (_, index) => pcOf(index));
  return {
    breakpoints: some(breakpoints, prng.pick([0, 0, 2, 10])),
    watches: some(ALL_STOPS.watches, prng.pick([0, 20, 60])),
    exceptions: some(CAUSES, prng.pick([0, 40, 100])),
  };
}

/** A condition on hits that both sides can evaluate. */
function someCondition(prng: Prng): (at: number) => boolean {
  const modulus = prng.pick([1, 1, 2, 7, 400]);
  return (at) => (at * 7) % modulus === 0;
}

const plain = (hit: Hit | undefined): PlainHit | undefined => hit && { instant: hit.instant, kind: hit.stop.kind };

const STORIES: readonly Story[] = [
  { seed: 101, guest: { waits: true }, steps: 24_000 },
  { seed: 102, guest: {}, steps: 12_000 },
  { seed: 103, guest: { finishesAt: 15_000, printsEvery: 3 }, steps: 20_000 },
];

for (const story of STORIES) {
  for (const where of ["live", "recording"] as const) {
    test(`story ${story.seed}, ${where}: searches and motions find what going through every step finds`, () => {
      const { timeline: live, recording } = liveRun(story);
      if (where === "recording") live.close();
      const machine = () => new FakeMachine(story.seed, story.guest);
      const timeline = where === "live" ? live : Timeline.open(machine(), reopen(recording.bytes), SMALL);
      const steps = trace(machine(), eventsOf(recording), timeline.end);
      const prng = new Prng(story.seed);
      for (let round = 0; round < 50; round++) {
        checkRound(timeline, steps, prng, `seed ${story.seed}, round ${round}`);
      }
    });
  }
}

function checkRound(timeline: Timeline, steps: readonly TracedStep[], prng: Prng, where: string): void {
  const stops = someStops(prng);
  const condition = someCondition(prng);
  const options = { stops, accept: (hit: Hit) => condition(hit.instant) };
  const hits = allHits(steps, stops).filter((hit) => condition(hit.instant));
  const before = instant(prng.below(timeline.end + 1));
  const { now } = timeline;

  const last = hits.findLast((hit) => hit.instant < before);
  assert.deepEqual(plain(drive(timeline.findLast(options, before))), last, `${where}: findLast before ${before}`);
  assert.equal(timeline.now, now, `${where}: findLast stays`);

  const limit = instant(prng.below(before + 1));
  const lastAbove = hits.findLast((hit) => hit.instant < before && hit.instant >= limit);
  assert.deepEqual(plain(drive(timeline.findLast({ ...options, limit }, before))), lastAbove, `${where}: with limit`);

  const most = prng.pick([1, 10, 1000]);
  const all = hits.filter((hit) => hit.instant >= limit && hit.instant < before).slice(0, most);
  assert.deepEqual(drive(findAll(timeline, options, limit, before, most)).map(plain), all, `${where}: findAll`);
  assert.equal(timeline.now, now, `${where}: findAll stays`);

  drive(timeline.seek(before));
  const backwards = drive(timeline.backward(options));
  assert.equal(backwards.kind, last?.kind ?? "start", `${where}: backward`);
  assert.equal(timeline.now, last?.instant ?? 0, `${where}: backward arrives`);

  // Going forward again leaves the hit it stands at, and comes to the next.
  const from = timeline.now;
  const isNext = (hit: PlainHit) => {
    if (hit.instant !== from) return hit.instant > from;
    if (hit.kind === "breakpoint") return false;
    return hit.kind === "watch" || last?.kind !== "exception";
  };
  const next = hits.find((hit) => isNext(hit));
  const forwards = drive(timeline.forward({ ...options, limit: timeline.end }));
  const atEnd = from < timeline.end && timeline.ended?.kind === "finished" ? "finished" : "reached";
  assert.equal(forwards.kind, next?.kind ?? atEnd, `${where}: forward`);
  if (next !== undefined) {
    const arrival = next.kind === "watch" ? next.instant + 1 : next.instant;
    assert.equal(timeline.now, arrival, `${where}: forward arrives`);
  } else assert.equal(timeline.now, timeline.end, `${where}: forward runs to the end`);
}

test("a breakpoint hit at every step is found at once, whatever came before", () => {
  const story: Story = { seed: 111, guest: {}, steps: 60_000 };
  const { timeline } = liveRun(story, { ...SMALL, spacingSteps: 100_000, travelSpacingSteps: 100_000 });
  const breakpoints = Array.from({ length: 64 }, (_, index) => pcOf(index));
  let looked = 0;
  const accept = () => {
    looked++;
    return true;
  };
  const found = drive(timeline.findLast({ stops: { ...NO_STOPS, breakpoints }, accept }, timeline.end));
  assert.equal(found?.instant, timeline.end - 1);
  assert.ok(looked < 10_000, `${looked} hits were looked at, of ${timeline.end}`);
});

test("reverse-continue from a hit does not find it again; the step just taken counts for a watch", () => {
  const { timeline } = liveRun({ seed: 121, guest: {}, steps: 8000 });
  const stops = { ...NO_STOPS, watches: ALL_STOPS.watches };
  drive(timeline.seek(timeline.first));
  const stop = drive(timeline.forward({ stops }));
  assert.equal(stop.kind, "watch");
  const after = timeline.now;
  drive(timeline.backward({ stops }));
  assert.equal(timeline.now, after - 1);
  assert.equal(drive(timeline.backward({ stops })).kind, "start");
});

test("limits of backward motions", () => {
  const { timeline } = liveRun({ seed: 131, guest: {}, steps: 5000 });
  assert.deepEqual(drive(timeline.backward({ stops: NO_STOPS, limit: instant(3000) })), { kind: "reached" });
  assert.equal(timeline.now, 3000);
  assert.deepEqual(drive(timeline.backward({ stops: NO_STOPS, limit: instant(4000) })), { kind: "reached" });
  assert.equal(timeline.now, 3000);
  assert.deepEqual(drive(timeline.backward({ stops: NO_STOPS })), { kind: "start" });
  assert.deepEqual(drive(timeline.backward({ stops: NO_STOPS })), { kind: "start" });
  assert.equal(timeline.now, 0);
});

test("a motion yields at least once a slice, whatever it does", () => {
  const { timeline } = liveRun({ seed: 141, guest: {}, steps: 30_000 });
  const slice = SMALL.sliceSteps!;
  const reach = (motion: Generator<{ instant: Instant }, unknown>) => {
    let last: number | undefined;
    let most = 0;
    for (const { instant: at } of { [Symbol.iterator]: () => motion }) {
      if (last !== undefined && at > last) most = Math.max(most, at - last);
      last = at;
    }
    return most;
  };
  const stops = { ...NO_STOPS, exceptions: [99] };
  assert.ok(reach(timeline.findLast({ stops }, timeline.end)) <= 2 * slice);
  assert.ok(reach(timeline.seek(instant(13_333))) <= 2 * slice);
  assert.ok(reach(timeline.forward({ stops, limit: timeline.end })) <= 2 * slice);
});
