import assert from "node:assert/strict";
import test from "node:test";
import type { LogEntry } from "../../src/lockstep/entry.ts";
import { Follower, newFollowerCounters } from "../../src/lockstep/follower.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import type { Happening, Replica, ReplicaInput, ReplicaStop, Snapshot } from "../../src/lockstep/replica.ts";
import { type Program, ToyMachine } from "./toy-machine.ts";

const PROGRAM: Program = { seed: 7, length: 400, polls: true };

/** What a primary writes that runs to `until` in one slice. */
function logOf(primary: Replica, until: number): LogEntry[] {
  for (let number = 0; number < 200; number++) {
    primary.queue({ number, event: { kind: "console-input", bytes: Uint8Array.of(number) } });
  }
  for (let stop = primary.run(until); stop.kind === "waiting" && stop.ticks !== undefined; stop = primary.run(until)) {
    primary.queue({ number: undefined, event: { kind: "idle-jump", ticks: stop.ticks } });
  }
  const place = primary.devices.map(() => 0);
  const entries: LogEntry[] = [];
  for (const happening of primary.drain()) {
    const sequence = entries.length + 1;
    if (happening.kind === "input") entries.push({ ...happening, sequence, place: [...place] });
    else {
      const { run } = happening;
      entries.push({ kind: "output", sequence, run });
      place[run.device] = run.number + (primary.devices[run.device] === "stream" ? run.bytes.length : 1);
    }
  }
  entries.push({ kind: "digest", sequence: entries.length + 1, instant: until, place, digest: primary.digest() });
  entries.push({ kind: "progress", sequence: entries.length + 1, instant: until, rest: "running" });
  return entries;
}

test("a machine that is alike agrees, in however small pieces it follows", () => {
  for (const budget of [1, 3, 100, 10_000]) {
    const secondary = new ToyMachine(PROGRAM, 0, false);
    const counters = newFollowerCounters();
    const start = { sequence: 0, instant: 0, counts: secondary.counts.map(() => 0), inputs: 0 };
    // No slack at all: what is said within a long slice of the primary must not count as late.
    const follower = new Follower(secondary, { ...LOCKSTEP_OPTIONS, slackSteps: 0 }, start, counters);
    const primary = new ToyMachine(PROGRAM, 0, false);
    for (const entry of logOf(primary, 1_500)) follower.feed(entry);
    while (follower.advance(budget));
    assert.equal(follower.divergence, undefined, `${budget} steps at a time`);
    assert.equal(follower.inner, undefined);
    assert.equal(counters.digestsEqual, 1);
    assert.deepEqual(follower.matched, primary.counts);
    assert.ok(primary.counts[0] > 50 && secondary.instant === 1_500);
  }
});

/** Says something when its timer has gone off so often, and else sets the timer again. */
class Ticking implements Replica {
  readonly devices = ["stream"] as const;
  readonly stepsPerTick = 100;
  readonly toleratesAbsentPages = false;
  readonly isWhole = true;
  readonly #saysAfter: number;
  #waitsFor = 0;
  #ticked = 0;
  #queue: ReplicaInput[] = [];
  #happenings: Happening[] = [];
  instant = 0;
  idle = 0;
  counts = [0];

  constructor(saysAfter: number) {
    this.#saysAfter = saysAfter;
  }

  get queued(): number {
    return this.#queue.length;
  }

  run(until: number): ReplicaStop {
    for (;;) {
      const input = this.#queue.shift();
      if (input?.event.kind === "idle-jump") {
        this.#happenings.push({ kind: "input", instant: this.instant, input });
        this.idle += input.event.ticks;
        this.#waitsFor -= input.event.ticks;
      }
      if (this.#waitsFor > 0) return { kind: "waiting", ticks: this.#waitsFor };
      if (this.instant >= until) return { kind: "reached" };
      this.instant++;
      this.#waitsFor = 1_000;
      if (++this.#ticked !== this.#saysAfter) continue;
      const instant = this.instant - 1;
      const run = { device: 0, number: 0, instant, lastInstant: instant, bytes: Uint8Array.of(0x2e) };
      this.#happenings.push({ kind: "output", run });
      this.counts = [1];
    }
  }

  queue(input: ReplicaInput): void {
    this.#queue.push(input);
  }

  drain(): readonly Happening[] {
    return this.#happenings.splice(0);
  }

  withdraw(): readonly ReplicaInput[] {
    return this.#queue.splice(0);
  }

  schedule(): void {}
  restore(): void {}
  adopt(): boolean {
    return true;
  }
  digest = () => "";
  provide = () => true;
  snapshot = (): Snapshot => assert.fail("nobody wants its state");
}

/** Follows a partner that worked for 500 steps and said something where this one waits. */
function waitWherePartnerWorks(saysAfter: number): { readonly follower: Follower; readonly machine: Ticking } {
  const machine = new Ticking(saysAfter);
  const start = { sequence: 0, instant: 0, counts: [0], inputs: 0 };
  const options = { ...LOCKSTEP_OPTIONS, slackTicks: 50_000 };
  const follower = new Follower(machine, options, start, newFollowerCounters());
  const run = { device: 0, number: 0, instant: 500, lastInstant: 500, bytes: Uint8Array.of(0x2e) };
  follower.feed({ kind: "output", sequence: 1, run });
  follower.feed({ kind: "progress", sequence: 2, instant: 501, rest: "waiting" });
  while (follower.advance(100));
  return { follower, machine };
}

test("a machine that waits for its timer where its partner went on has time of its own, as much as it needs", () => {
  const { follower, machine } = waitWherePartnerWorks(5);
  assert.equal(follower.divergence, undefined);
  assert.deepEqual(follower.matched, [1]);
  assert.equal(machine.idle, 4_000);
});

test("one that waits again and again and does not say it is found within a bound of idle time", () => {
  const { follower, machine } = waitWherePartnerWorks(Number.POSITIVE_INFINITY);
  assert.equal(follower.divergence?.what, "missing");
  assert.ok(machine.idle > 50_000 && machine.idle < 53_000, `${machine.idle} ticks`);
});

test("what it says before a partner that waits for its timer is no difference, until the partner has waited long enough", () => {
  const machine = new Ticking(2);
  const start = { sequence: 0, instant: 0, counts: [0], inputs: 0 };
  const follower = new Follower(machine, { ...LOCKSTEP_OPTIONS, slackTicks: 50_000 }, start, newFollowerCounters());
  let sequence = 0;
  const wait = (ticks: number) => {
    const input = { number: undefined, event: { kind: "idle-jump", ticks } } as const;
    follower.feed({ kind: "input", sequence: ++sequence, instant: 2, place: [0], input });
    follower.feed({ kind: "progress", sequence: ++sequence, instant: 2, rest: "idle" });
    while (follower.advance(100));
  };
  // It says it when its own timer goes off; the partner's is another.
  for (let idle = 0; idle <= 51_000; idle += 500) {
    assert.equal(follower.divergence, undefined, `${idle} ticks`);
    wait(500);
  }
  wait(500);
  assert.equal(follower.divergence?.what, "extra");
  assert.equal(machine.counts[0], 1);
});

/** Sleeps from the first notice to the token's `page-ready`, and owes an output that its partner has said by then. */
function sleeping(): Replica {
  const state = { instant: 0, tokens: [] as number[], queue: [] as ReplicaInput[], happenings: [] as Happening[] };
  const take = (input: ReplicaInput) => {
    state.happenings.push({ kind: "input", instant: state.instant, input });
    if (input.event.kind === "page-not-ready") state.tokens.push(input.event.token);
    else if (input.event.kind === "page-ready") state.tokens = [];
  };
  return {
    ...{ devices: ["stream"], stepsPerTick: 10, isWhole: true, queued: 0, counts: [0], toleratesAbsentPages: false },
    get instant() {
      return state.instant;
    },
    get tokens() {
      return state.tokens;
    },
    queue: (input: ReplicaInput) => state.queue.push(input),
    schedule: (_: number, input: ReplicaInput) => state.queue.push(input),
    withdraw: () => state.queue.splice(0),
    drain: () => state.happenings.splice(0),
    digest: () => "another",
    run: (until: number) => {
      for (const input of state.queue.splice(0)) take(input);
      if (state.tokens.length > 0) return { kind: "waiting" };
      state.instant = Math.max(state.instant, until);
      return { kind: "reached" };
    },
  } as unknown as Replica;
}

test("a machine that differs inside, and whose guest sleeps on a page, may still say what it owes", () => {
  const start = { sequence: 0, instant: 0, counts: [0], inputs: 0 };
  const replica = sleeping();
  const follower = new Follower(replica, LOCKSTEP_OPTIONS, start, newFollowerCounters());
  const notice = { kind: "page-not-ready", hart: 0, address: 0n, token: 1, page: 3, work: "remote-fetch" } as const;
  const run = { device: 0, number: 0, instant: 50, lastInstant: 50, bytes: Uint8Array.of(65) };
  const entries: LogEntry[] = [
    { kind: "digest", sequence: 1, instant: 10, place: [0], digest: "one" },
    { kind: "input", sequence: 2, instant: 20, place: [0], input: { number: undefined, event: notice } },
    { kind: "output", sequence: 3, run },
    { kind: "progress", sequence: 4, instant: 60, rest: "running" },
  ];
  for (const entry of entries) follower.feed(entry);
  follower.advance(100);
  assert.equal(follower.inner?.how, "digest");
  assert.equal(follower.divergence, undefined);
  // It would say it when it is awake: that the partner had said it before is no reason to let it sleep.
  assert.deepEqual(replica.tokens, [1]);
  const ready = { number: undefined, event: { kind: "page-ready", token: 1 } } as const;
  follower.feed({ kind: "input", sequence: 5, instant: 60, place: [1], input: ready });
  follower.advance(100);
  assert.deepEqual(replica.tokens, []);
});
