import assert from "node:assert/strict";
import type { Instant, PhysicalAddress } from "../../src/base/brand.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { Inlet, MachineEvent } from "../../src/machine/inlet.ts";
import { LATENT_WORK } from "../../src/machine/latent-work.ts";
import type { Machine } from "../../src/machine/machine.ts";
import type { MachineStop, PageNotice } from "../../src/machine/stop.ts";
import { MEMORY_BYTES, pageOf } from "./kernel-machine.ts";

/** What a host does wrong, on purpose. */
export type Mistake = "ready-dropped" | "other-contents" | "late-in-log" | "not-in-log";

export interface Behaviour {
  /** Of a hundred pages so many are withdrawn, each time. */
  readonly share: number;
  /** Steps between two times, about. */
  readonly interval: number;
  /** Of a hundred times that a page has come so many are followed by the next time within some hundred steps. */
  readonly haste: number;
  /** Steps until a page comes, about. */
  readonly latency: number;
  /** Of a hundred notices that would be possible so many are said. */
  readonly told: number;
  /** Of a hundred completions so many are said twice, and of unknown tokens. */
  readonly doubled: number;
  /** Of a hundred tokens of `mayLose` so many are never completed. */
  readonly lost: number;
  readonly mistake?: Mistake | undefined;
}

/** Whom a page is awaited for: "sums.5". */
export interface Loss {
  mayLose(running: string): boolean;
  lost(running: string): void;
}

interface Arrival {
  readonly at: number;
  readonly page?: number;
  readonly token?: number;
}

export interface Taken {
  readonly instant: number;
  readonly events: number;
  readonly digest: string;
}

const RUNNING = { offset: 80, bytes: 32 } as const;
const STEPS_PER_TICK = 100;
const RAM_PAGES = MEMORY_BYTES / 4096;

/** A host that takes pages away from its machine and gives them back, at random. Its time is in steps, and goes on while the guest waits. */
export class Host {
  readonly machine: Machine;
  /** What a recording would hold. */
  readonly log: MachineEvent[] = [];
  readonly digests: Taken[] = [];
  readonly counts = { notices: 0, waits: 0, withdrawn: 0, kernelNotices: 0 };
  console = "";
  readonly #prng: Prng;
  readonly #behaviour: Behaviour;
  readonly #loss: Loss;
  /** What a page holds that is not here, and what of it is at hand. */
  readonly #hidden = new Map<number, Uint8Array>();
  readonly #atHand = new Map<number, Uint8Array>();
  readonly #inFlight = new Map<number, number>();
  #arrivals: Arrival[] = [];
  #notices: Extract<MachineEvent, { kind: "page-not-ready" }>[] = [];
  #queue: MachineEvent[] = [];
  #closedAt = -1;
  #skipped = 0;
  #withdrawAt: number;

  constructor(machine: Machine, prng: Prng, behaviour: Behaviour, loss: Loss) {
    this.machine = machine;
    this.#prng = prng;
    this.#behaviour = behaviour;
    this.#loss = loss;
    this.#withdrawAt = this.#random(behaviour.interval);
    const inlet: Inlet = { take: (instant) => this.#take(instant), horizon: (instant) => this.#horizon(instant) };
    machine.inlet = inlet;
    machine.outlet = {
      consoleOutput: (_, byte) => {
        this.console += String.fromCharCode(byte);
      },
    };
  }

  type(text: string): void {
    this.#queue.push({ kind: "console-input", instant: 0 as Instant, bytes: new TextEncoder().encode(text) });
  }

  /** In steps. */
  get now(): number {
    return this.machine.instant + this.#skipped;
  }

  /** Runs for so many steps at most. Undefined: the guest goes on. "stuck": nothing can wake it, unless somebody types. */
  run(steps: number): MachineStop | "stuck" | undefined {
    const { machine } = this;
    const until = Math.min(machine.instant + steps, Math.max(machine.instant + 1, this.#withdrawAt));
    const stop = machine.run(until as Instant, { departing: false });
    this.#closedAt = machine.instant;
    switch (stop.kind) {
      case "reached":
        if (machine.instant >= this.#withdrawAt) this.#withdraw();
        return undefined;
      case "absent":
        this.#absent(stop.page, stop.notice);
        return undefined;
      case "waiting":
        return this.#waiting(stop.ticks);
      default:
        return stop;
    }
  }

  #waiting(ticks: number | undefined): "stuck" | undefined {
    if (this.#queue.length > 0) return undefined;
    const next = this.#nextArrival();
    if (ticks !== undefined && (next === undefined || this.now + ticks * STEPS_PER_TICK < next)) {
      this.#skipped += ticks * STEPS_PER_TICK;
      this.#queue.push({ kind: "idle-jump", instant: 0 as Instant, ticks });
      return undefined;
    }
    if (next === undefined) return "stuck";
    this.#skipped += Math.max(0, next - this.now);
    this.#arrive();
    return undefined;
  }

  #absent(page: number, notice: PageNotice | undefined): void {
    assert.ok(this.#hidden.has(page), `page ${page} is not absent`);
    const at = this.#inFlight.get(page) ?? this.now + this.#random(this.#behaviour.latency);
    if (!this.#inFlight.has(page)) {
      this.#inFlight.set(page, at);
      this.#arrivals.push({ at, page });
    }
    if (notice === undefined || this.#prng.below(100) >= this.#behaviour.told) {
      this.counts.waits++;
      this.#skipped += Math.max(0, at - this.now);
      this.#arrive();
      return;
    }
    this.counts.notices++;
    if (this.machine.harts[notice.hart].privilege !== 0) this.counts.kernelNotices++;
    this.#notices.push({
      ...{ kind: "page-not-ready", instant: this.machine.instant, hart: notice.hart, address: notice.address },
      ...{ token: notice.token, page, work: this.#prng.pick([...LATENT_WORK]) },
    });
    const { token } = notice;
    const running = this.running(notice.hart);
    if (this.#loss.mayLose(running) && this.#prng.below(100) < this.#behaviour.lost) return this.#loss.lost(running);
    if (this.#behaviour.mistake === "ready-dropped" && this.#prng.below(10) === 0) return;
    this.#arrivals.push({ at, token });
    if (this.#prng.below(100) >= this.#behaviour.doubled) return;
    this.#arrivals.push({ at: at + this.#random(this.#behaviour.latency), token });
    this.#arrivals.push({ at: this.now + this.#random(1000), token: 1 + this.#prng.below(1000) * 1_000_003 });
  }

  /** Who runs on a hart, as its kernel says. */
  running(hart: number): string {
    const area = this.machine.asyncPages.area(hart);
    if (area === undefined) return "";
    const bytes = this.machine.peekPhysical((area + RUNNING.offset) as PhysicalAddress, RUNNING.bytes);
    const text = String.fromCharCode(...bytes.map((byte) => byte ?? 0));
    return text.slice(0, text.indexOf("\0"));
  }

  /** What is due now comes: pages before the word of them. */
  #arrive(): void {
    const now = this.now;
    const due = this.#arrivals.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    this.#arrivals = this.#arrivals.filter(({ at }) => at > now);
    for (const { page } of due) if (page !== undefined) this.#bring(page);
    if (due.length > 0 && this.#prng.below(100) < this.#behaviour.haste) {
      this.#withdrawAt = Math.min(this.#withdrawAt, this.machine.instant + 1 + this.#random(100));
    }
    for (const { token } of due) {
      if (token !== undefined) this.#queue.push({ kind: "page-ready", instant: 0 as Instant, token });
    }
  }

  #bring(page: number): void {
    this.#inFlight.delete(page);
    const bytes = this.#hidden.get(page);
    if (bytes === undefined) return;
    this.#hidden.delete(page);
    if (this.#behaviour.mistake === "other-contents" && this.#prng.below(10) === 0) {
      const wrong = bytes.slice();
      wrong[this.#prng.below(wrong.length)] ^= 4;
      this.#atHand.set(page, wrong);
    } else this.#atHand.set(page, bytes);
    // Else the machine finds it when it needs it.
    if (this.#prng.below(2) === 0) this.machine.absentPages.bring(page);
  }

  #nextArrival(): number | undefined {
    return this.#arrivals.length === 0 ? undefined : Math.min(...this.#arrivals.map(({ at }) => at));
  }

  /** Some of the pages that are here are not any more: the state is the same. */
  #withdraw(): void {
    const { machine } = this;
    this.#withdrawAt = machine.instant + 1 + this.#random(this.#behaviour.interval);
    const checkpoint = machine.checkpoint();
    const { instant, state } = checkpoint;
    this.digests.push({ instant, events: this.log.length, digest: machine.digest(checkpoint) });
    const hashes = new Map<number, bigint>();
    // The interface's areas are never put away.
    const kept = new Set([...machine.harts.keys()].map((hart) => pageOf(machine.asyncPages.area(hart) ?? 0)));
    for (const { page, version } of checkpoint.pages.changedSince(undefined)) {
      if (version === undefined || page >= RAM_PAGES) continue;
      const isGone = this.#hidden.has(page);
      if (!isGone && (kept.has(page) || this.#prng.below(100) >= this.#behaviour.share)) continue;
      if (!isGone) this.#hidden.set(page, version.bytes);
      this.#atHand.delete(page);
      hashes.set(page, version.hash);
    }
    this.counts.withdrawn += hashes.size;
    const source = { read: (page: number) => this.#atHand.get(page) };
    const parts = { instant, state, pages: [], absent: { hashes, source } };
    machine.restore(machine.importCheckpoint(parts, checkpoint));
    this.#closedAt = instant;
  }

  #take(instant: Instant): MachineEvent | undefined {
    const notice = this.#notices.shift();
    if (notice !== undefined) return this.#logged({ ...notice, instant });
    const isWaiting = this.machine.harts.every(({ waiting }) => waiting);
    if (this.#closedAt === instant && !isWaiting) return undefined;
    this.#arrive();
    const event = this.#queue.shift();
    if (event === undefined) {
      this.#closedAt = instant;
      return undefined;
    }
    return this.#logged({ ...event, instant });
  }

  #logged(event: MachineEvent): MachineEvent {
    const { mistake } = this.#behaviour;
    const isWrong = event.kind === "page-not-ready" && this.#prng.below(10) === 0;
    if (mistake === "not-in-log" && isWrong) return event;
    const instant = (mistake === "late-in-log" && isWrong ? event.instant + 1 : event.instant) as Instant;
    this.log.push({ ...event, instant });
    return event;
  }

  #horizon(instant: number): number {
    if (this.#queue.length > 0 || this.#notices.length > 0) return instant + 1;
    const next = this.#nextArrival();
    return next === undefined ? Number.POSITIVE_INFINITY : Math.max(instant + 1, next - this.#skipped);
  }

  /** From nothing to four times as much, small ones as often as large ones. */
  #random(about: number): number {
    return Math.floor(about * 4 ** (1 - this.#prng.below(8)) * (this.#prng.below(1000) / 250));
  }
}
