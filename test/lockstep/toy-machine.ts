import type { VirtualAddress } from "../../src/base/brand.ts";
import type {
  AbsentHashes,
  Counts,
  DeviceKind,
  ForeignState,
  Happening,
  Replica,
  ReplicaInput,
  ReplicaStop,
  Snapshot,
} from "../../src/lockstep/replica.ts";
import type { PageNotice } from "../../src/machine/stop.ts";

/**
 * Two threads that compute, store, print, send, read and poll, all out of a seed; what a thread says follows from its
 * program and from the inputs that it has consumed, and from nothing else. When it says so, and in which order the two
 * come, follows from `noise`, which machines may differ in: that is a difference inside.
 */
export const DEVICES: readonly DeviceKind[] = ["stream", "datagrams", "stream", "datagrams"];
const END = 3;
const PAGES = 16;
const PAGE_WORDS = 8;
const PAGES_PER_THREAD = 6;
const HIDDEN_PAGES = 12;
const MOST_SLEEP_TICKS = 20;
const STEPS_PER_TICK = 10;

export interface Program {
  readonly seed: number;
  /** Operations of each thread. */
  readonly length: number;
  /** It asks for input and goes on without any: what it says follows from when it asked. */
  readonly polls: boolean;
}

/** A bit of what a thread says next was turned over. */
export interface Flip {
  readonly thread: number;
  readonly at: number;
  readonly mask: number;
}

interface Thread {
  at: number;
  value: number;
  /** Steps until the operation is done. */
  cost: number;
  waiting: boolean;
  /** It sleeps until then; 0: it does not. */
  wakesAt: number;
  /** It sleeps until the page has come that this token stands for; 0: it does not. */
  asleepOn: number;
  inputs: { number: number; byte: number }[];
  /** Which operation consumed which input. */
  consumed: { at: number; number: number; byte: number }[];
}

interface State {
  instant: number;
  /** Time that passed while nobody had anything to do. */
  idle: number;
  noise: number;
  threads: [Thread, Thread];
  ended: boolean;
  /** What the guest was told is not ready. */
  tokens: number[];
  /** What was done to this machine, and to those whose state it has. */
  flips: Flip[];
}

type Said = { readonly device: number; readonly bytes: Uint8Array };

/** What an operation is, and what it does to a thread's value. */
type Operation = "sleep" | "compute" | "store" | "fold" | "print" | "send" | "read" | "poll" | "hide";

const OPERATIONS: readonly Operation[] = [
  ...([
    "compute",
    "compute",
    "store",
    "fold",
    "print",
    "print",
    "print",
    "send",
    "read",
    "poll",
    "hide",
    "sleep",
  ] as const),
];

function operationOf({ seed, polls }: Program, thread: number, at: number): { what: Operation; bits: number } {
  const bits = mix(mix(seed ^ (thread * 0x51ed + 7)) ^ Math.imul(at + 1, 0x9e3779b1));
  const what = OPERATIONS[bits % OPERATIONS.length];
  return { what: what === "poll" && !polls ? "read" : what, bits: bits >>> 8 };
}

function said(thread: number, what: "print" | "send", bits: number, value: number): Said {
  const length = 1 + (bits % (what === "print" ? 5 : 9));
  const bytes = Uint8Array.from({ length }, (_, index) => 0x21 + (mix(value + index) % 0x5d));
  if (thread === 1) return { device: 2, bytes };
  return { device: what === "print" ? 0 : 1, bytes };
}

function newThread(program: Program, thread: number): Thread {
  return {
    at: 0,
    value: mix(program.seed + thread),
    cost: 1,
    waiting: false,
    wakesAt: 0,
    asleepOn: 0,
    inputs: [],
    consumed: [],
  };
}

function lastWords(threads: readonly { value: number }[]): Uint8Array {
  return Uint8Array.from(threads.flatMap(({ value }) => [value & 0xff, (value >>> 8) & 0xff]));
}

/** What one correct machine says, by device, given what it read where and what was done to it. */
export function reference(
  program: Program,
  consumed: readonly Thread["consumed"][],
  flips: readonly Flip[],
): string[][] {
  const heard: string[][] = DEVICES.map(() => []);
  const threads = [0, 1].map((thread) => {
    let value = mix(program.seed + thread);
    const pages = new Map<number, number>();
    const reads = [...consumed[thread]];
    for (let at = 0; at < program.length; at++) {
      for (const flip of flips) if (flip.thread === thread && flip.at === at) value = (value ^ flip.mask) >>> 0;
      const { what, bits } = operationOf(program, thread, at);
      const word = (bits >>> 3) % (PAGES_PER_THREAD * PAGE_WORDS);
      if (what === "compute") value = mix(value + at);
      else if (what === "store") pages.set(word, value);
      else if (what === "fold") value = mix(value ^ (pages.get(word) ?? 0));
      else if (what === "print" || what === "send") {
        const { device, bytes } = said(thread, what, bits, value);
        const kind = DEVICES[device];
        const text = textOf(bytes);
        if (kind === "stream") heard[device].push(...text);
        else heard[device].push(text);
      } else if ((what === "read" || what === "poll") && reads[0]?.at === at) value = mix(value ^ reads.shift()!.byte);
    }
    return { value };
  });
  heard[END].push(textOf(lastWords(threads)));
  return heard;
}

export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export class ToyMachine implements Replica {
  readonly devices = DEVICES;
  readonly stepsPerTick = STEPS_PER_TICK;
  readonly toleratesAbsentPages: boolean;
  readonly #program: Program;
  /** Another machine's noise is made different by it; 0: not at all. */
  readonly #difference: number;
  #state: State;
  #pages: Uint32Array[] = Array.from({ length: PAGES }, () => new Uint32Array(PAGE_WORDS));
  #absent = new Set<number>();
  #withheld = new Set<number>();
  #counts: number[] = DEVICES.map(() => 0);
  #queue: { input: ReplicaInput; place: Counts | undefined }[] = [];
  #scheduled: { instant: number; input: ReplicaInput }[] = [];
  #decidedAt = -1;
  #happenings: Happening[] = [];
  #stuck = false;
  /** Times that it needed a page that had not come. */
  absences = 0;
  #differDue = false;
  readonly #drift: number;

  /** `drift`: how many steps more than its partner it takes for an operation. */
  constructor(program: Program, difference: number, toleratesAbsentPages: boolean, drift = 0) {
    this.#drift = drift;
    this.#program = program;
    this.#difference = difference;
    this.toleratesAbsentPages = toleratesAbsentPages;
    this.#state = {
      ...{ instant: 0, idle: 0, noise: mix(program.seed ^ difference), ended: false, tokens: [], flips: [] },
      threads: [newThread(program, 0), newThread(program, 1)],
    };
  }

  get instant(): number {
    return this.#state.instant;
  }

  get isWhole(): boolean {
    return this.#absent.size === 0;
  }

  get counts(): Counts {
    return this.#counts;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get tokens(): readonly number[] {
    return this.#state.tokens;
  }

  withhold(marks: Uint8Array): boolean {
    this.#withheld = new Set([...marks].flatMap((mark, page) => (mark === 1 ? [page] : [])));
    return true;
  }

  release(page: number): void {
    this.#withheld.delete(page);
  }

  get flips(): readonly Flip[] {
    return this.#state.flips;
  }

  get consumed(): readonly Thread["consumed"][] {
    return this.#state.threads.map(({ consumed }) => consumed);
  }

  run(until: number): ReplicaStop {
    // What it was given is the partner's state to the last bit; from here on it goes its own ways again.
    if (this.#differDue) this.#state.noise = mix(this.#state.noise ^ this.#difference);
    this.#differDue = false;
    const state = this.#state;
    for (;;) {
      this.#settle();
      this.#decidedAt = state.instant;
      if (state.ended) return { kind: "ended" };
      if (state.instant >= until || this.#stuck) return { kind: "reached" };
      const ready = state.threads.filter((thread) => this.#isReady(thread));
      if (ready.length === 0) {
        const ticks = this.waitingTicks;
        return ticks === undefined ? { kind: "waiting" } : { kind: "waiting", ticks };
      }
      const thread = ready[state.noise % ready.length];
      const page = this.#step(thread);
      if (page === undefined) continue;
      if (!this.#withheld.has(page)) this.absences++;
      return { kind: "absent", page, ...this.#notice(thread) };
    }
  }

  /** Half of the programs have never heard that pages may not be ready; the others cannot be told now and then. */
  #notice(thread: Thread): { readonly notice: PageNotice } | undefined {
    const { noise, threads, tokens } = this.#state;
    if (this.#program.seed % 2 === 1 || noise % 4 === 0) return undefined;
    let token = 1;
    while (tokens.includes(token)) token++;
    return { notice: { hart: threads.indexOf(thread), address: 0n as VirtualAddress, token } };
  }

  /** Idle time until somebody wakes who sleeps; undefined: nobody does. */
  get waitingTicks(): number | undefined {
    const { threads } = this.#state;
    const time = this.#time;
    const sleeping = threads.filter(({ wakesAt }) => wakesAt > time).map(({ wakesAt }) => wakesAt - time);
    return sleeping.length === 0 ? undefined : Math.min(...sleeping);
  }

  get #time(): number {
    return Math.floor(this.#state.instant / STEPS_PER_TICK) + this.#state.idle;
  }

  queue(input: ReplicaInput, place?: Counts): void {
    this.#queue.push({ input, place });
  }

  schedule(instant: number, input: ReplicaInput): void {
    this.#scheduled.push({ instant, input });
  }

  withdraw(): readonly ReplicaInput[] {
    const inputs = [...this.#scheduled, ...this.#queue];
    this.#scheduled = [];
    this.#queue = [];
    return inputs.map(({ input }) => input);
  }

  drain(): readonly Happening[] {
    const happenings = this.#happenings;
    this.#happenings = [];
    return happenings;
  }

  digest(): string {
    return this.snapshot().digest;
  }

  snapshot(): Snapshot {
    const state = new TextEncoder().encode(JSON.stringify(this.#state));
    const pages = this.#pages.map((page) => page.slice());
    const hashes = pages.map(hashOf);
    let low = 1;
    let high = 2;
    for (const byte of state) low = mix(low ^ byte);
    for (const hash of hashes) high = mix(high ^ Number((hash ?? 0n) & 0xffff_ffffn));
    return {
      ...{ instant: this.instant, state, pageCount: PAGES },
      hashOf: (page) => hashes[page],
      bytesOf: (page) => (hashes[page] === undefined ? undefined : new Uint8Array(pages[page].buffer.slice(0))),
      digest: (BigInt(low) * 0x1_0000_0001n + (BigInt(high) << 64n)).toString(16).padStart(32, "0").slice(-32),
    };
  }

  restore(snapshot: Snapshot, counts: Counts): void {
    this.#load(snapshot, counts);
    this.#absent.clear();
    for (let page = 0; page < PAGES; page++) this.#setPage(page, snapshot.bytesOf(page));
  }

  adopt({ pages, base, instant, state }: ForeignState, counts: Counts, absent?: AbsentHashes): boolean {
    this.#load({ instant, state }, counts);
    this.#absent = new Set([...(absent?.marks ?? [])].flatMap((mark, page) => (mark === 1 ? [page] : [])));
    this.#differDue = this.#difference !== 0;
    for (let page = 0; page < PAGES; page++) {
      this.#setPage(page, pages.has(page) ? pages.get(page) : base.bytesOf(page));
    }
    return true;
  }

  provide(page: number, bytes: Uint8Array | undefined): boolean {
    this.#absent.delete(page);
    this.#setPage(page, bytes);
    return true;
  }

  /** A fault in what is said. */
  flip(thread: number, mask: number): void {
    const { threads, flips, ended } = this.#state;
    if (ended || threads[thread].at >= this.#program.length) return;
    threads[thread].value = (threads[thread].value ^ mask) >>> 0;
    flips.push({ thread, at: threads[thread].at, mask });
  }

  /** A fault in what is never said. */
  flipHidden(page: number, mask: number): void {
    this.#pages[HIDDEN_PAGES + (page % (PAGES - HIDDEN_PAGES))][0] ^= mask;
  }

  /** It stands still, and nobody knows why. */
  stick(): void {
    this.#stuck = true;
  }

  wake(): void {
    this.#stuck = false;
  }

  #load({ instant, state }: { instant: number; state: Uint8Array }, counts: Counts): void {
    this.#state = JSON.parse(new TextDecoder().decode(state));
    if (this.#state.instant !== instant) throw new Error("a state of another instant");
    this.#counts = [...counts];
    this.#queue = [];
    this.#scheduled = [];
    this.#happenings = [];
    this.#decidedAt = instant;
    this.#withheld.clear();
  }

  #setPage(page: number, bytes: Uint8Array | undefined): void {
    this.#pages[page] = bytes === undefined ? new Uint32Array(PAGE_WORDS) : new Uint32Array(bytes.slice().buffer);
  }

  #isReady(thread: Thread): boolean {
    const { at, waiting, asleepOn, wakesAt } = thread;
    return at < this.#program.length && !waiting && asleepOn === 0 && wakesAt <= this.#time;
  }

  #settle(): void {
    const { instant } = this.#state;
    for (;;) {
      // What comes where the machine stands is for the next instant, unless it waits.
      const waits = this.#state.threads.every((thread) => !this.#isReady(thread));
      const { instant: due, input } = this.#scheduled[0] ?? {};
      const isNotice = due === instant && input?.event.kind === "page-not-ready";
      if (this.#decidedAt === instant && !waits && !isNotice) return;
      if (this.#scheduled[0]?.instant === instant) {
        this.#deliver(this.#scheduled.shift()!.input);
        continue;
      }
      const next = this.#queue[0];
      if (next === undefined) return;
      if (next.place?.some((count, device) => this.#counts[device] < count)) return;
      this.#queue.shift();
      this.#deliver(next.input);
    }
  }

  #deliver(input: ReplicaInput): void {
    const { event, number } = input;
    if (event.kind === "console-input") {
      const thread = this.#state.threads[number! % 2];
      thread.inputs.push({ number: number!, byte: event.bytes[0] });
      thread.waiting = false;
    } else if (event.kind === "idle-jump") this.#state.idle += event.ticks;
    else if (event.kind === "page-not-ready") this.#notReady(event.hart, event.token);
    else if (event.kind === "page-ready") this.#ready(event.token);
    this.#happenings.push({ kind: "input", instant: this.instant, input });
  }

  #notReady(hart: number, token: number): void {
    const { threads, tokens } = this.#state;
    if (tokens.includes(token) || !this.#isReady(threads[hart])) return;
    tokens.push(token);
    threads[hart].asleepOn = token;
  }

  #ready(token: number): void {
    const state = this.#state;
    state.tokens = state.tokens.filter((each) => each !== token);
    for (const thread of state.threads) if (thread.asleepOn === token) thread.asleepOn = 0;
  }

  /** The page that the step needs and that is not there. */
  #step(thread: Thread): number | undefined {
    const state = this.#state;
    if (thread.cost > 1) thread.cost--;
    else {
      const absent = this.#execute(thread);
      if (absent !== undefined) return absent;
    }
    state.noise = mix(state.noise + 1);
    state.instant++;
    return undefined;
  }

  #execute(thread: Thread): number | undefined {
    const state = this.#state;
    const index = state.threads.indexOf(thread);
    const { what, bits } = operationOf(this.#program, index, thread.at);
    const word = (bits >>> 3) % (PAGES_PER_THREAD * PAGE_WORDS);
    const number = index * PAGES_PER_THREAD + Math.floor(word / PAGE_WORDS);
    if ((what === "store" || what === "fold") && this.#lacks(number)) return number;
    const page = this.#pages[number];
    if (what === "compute") thread.value = mix(thread.value + thread.at);
    else if (what === "store") page[word % PAGE_WORDS] = thread.value;
    else if (what === "fold") thread.value = mix(thread.value ^ page[word % PAGE_WORDS]);
    else if (what === "print" || what === "send") this.#say(said(index, what, bits, thread.value));
    else if (what === "read" || what === "poll") {
      const input = thread.inputs.shift();
      if (input !== undefined) {
        thread.value = mix(thread.value ^ input.byte);
        thread.consumed.push({ at: thread.at, ...input });
      } else if (what === "read") {
        thread.waiting = true;
        return undefined;
      }
    } else if (what === "sleep") {
      thread.wakesAt = this.#time + 1 + (bits % MOST_SLEEP_TICKS);
    } else {
      const hidden = HIDDEN_PAGES + (state.noise % (PAGES - HIDDEN_PAGES));
      if (this.#lacks(hidden)) return hidden;
      this.#pages[hidden][1] = state.noise;
    }
    thread.at++;
    thread.cost = 1 + (state.noise % 6) + this.#drift;
    if (state.threads.every(({ at }) => at >= this.#program.length)) {
      state.ended = true;
      this.#say({ device: END, bytes: lastWords(state.threads) });
    }
    return undefined;
  }

  #lacks(page: number): boolean {
    return this.#absent.has(page) || this.#withheld.has(page);
  }

  #say({ device, bytes }: Said): void {
    const number = this.#counts[device];
    const lastInstant = this.instant;
    const isStream = DEVICES[device] === "stream";
    this.#counts[device] += isStream ? bytes.length : 1;
    const last = this.#happenings.at(-1);
    // What a stream says at a stretch is one output, however many operations it took.
    if (isStream && last?.kind === "output" && last.run.device === device) {
      const run = { ...last.run, lastInstant, bytes: Uint8Array.of(...last.run.bytes, ...bytes) };
      this.#happenings[this.#happenings.length - 1] = { kind: "output", run };
      return;
    }
    this.#happenings.push({ kind: "output", run: { device, number, instant: lastInstant, lastInstant, bytes } });
  }
}

function hashOf(page: Uint32Array): bigint | undefined {
  let low = 0x811c9dc5;
  let any = 0;
  for (const word of page) {
    any |= word;
    low = mix(low ^ word);
  }
  return any === 0 ? undefined : BigInt(low) * 0x1_0000_0003n;
}

/** Finalizer of MurmurHash3. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
