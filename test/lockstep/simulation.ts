import { Prng } from "../../src/base/prng.ts";
import { Link } from "../../src/lockstep/link.ts";
import { Member, type MemberParts } from "../../src/lockstep/member.ts";
import type { LockstepOptions, PlantedMistake } from "../../src/lockstep/options.ts";
import type { InputSource, OutputSink } from "../../src/lockstep/outside.ts";
import { type OutputRun, unitsOf } from "../../src/lockstep/replica.ts";
import { DEVICES, type Program, reference, ToyMachine, textOf } from "./toy-machine.ts";
import { LateSink, SimulatedArbiter, SimulatedChannel } from "./world.ts";

/** Small bounds, so that some hundred steps meet all of them. */
const OPTIONS: LockstepOptions = {
  ...{
    frameBytes: 90,
    heartbeatMs: 5,
    silenceMs: 40,
    retryMs: 9,
    progressMs: 150,
    windowEntries: 60,
    windowBytes: 6000,
  },
  ...{
    lagSteps: 500,
    slackSteps: 150,
    slackTicks: 200,
    digestSteps: 120,
    digestMs: 0,
    pagesInFlight: 3,
    fetches: "told",
    onDivergence: "resynchronise",
  },
};

/** A run that has not come to its end by then hangs. */
const LONGEST_MS = 60_000;
/** Steps of one turn of a member. */
const MOST_BUDGET = 25;
const END = DEVICES.length - 1;

export interface Outcome {
  readonly seed: number;
  /** What was wrong: a sentence. */
  readonly failure: string | undefined;
  /** What happened, by line, with its time. */
  readonly trace: readonly string[];
  /** Faults that were drawn. */
  readonly faults: number;
  /** How often each thing happened, so that a test can see that the simulation meets them. */
  readonly counters: Readonly<Record<string, number>>;
}

interface Inhabitant {
  readonly member: Member;
  readonly machine: ToyMachine;
  dead: boolean;
  frozenUntilMs: number;
  phase: string;
}

type Fault = () => void;

/** Runs one pair, and what becomes of it, out of a seed. */
export function simulate(seed: number, planted?: PlantedMistake, less: Less = {}): Outcome {
  return new Simulation(seed, planted, less).run();
}

/** What a run is spared, to see whether it still fails. */
export interface Less {
  /** Faults that do not happen, by the order in which they were drawn. */
  readonly faults?: ReadonlySet<number>;
  /** Operations of the program, if that is fewer. */
  readonly length?: number;
  /** The channel does nothing but carry. */
  readonly calm?: boolean;
}

/** The same failure with as few faults, as short a program and as calm a channel as can be found by leaving out one at a time. */
export function shrink(seed: number, planted?: PlantedMistake): { readonly outcome: Outcome; readonly less: Less } {
  let less: Less = {};
  let outcome = simulate(seed, planted);
  const attempt = (smaller: Less): boolean => {
    const smallerOutcome = simulate(seed, planted, smaller);
    if (smallerOutcome.failure === undefined) return false;
    less = smaller;
    outcome = smallerOutcome;
    return true;
  };
  attempt({ calm: true });
  for (let length = MOST_OPERATIONS; length > 4; length = Math.floor(length * 0.7)) attempt({ ...less, length });
  for (let again = true; again; ) {
    again = false;
    for (let fault = 0; fault < outcome.faults; fault++) {
      if (less.faults?.has(fault) === true) continue;
      if (attempt({ ...less, faults: new Set([...(less.faults ?? []), fault]) })) again = true;
    }
  }
  return { outcome, less };
}

const MOST_OPERATIONS = 240;

class Simulation {
  readonly #seed: number;
  readonly #random: Prng;
  #program: Program;
  readonly #less: Less;
  readonly #drift: number;
  #drawn = 0;
  readonly #options: LockstepOptions;
  readonly #arbiter: SimulatedArbiter;
  readonly #trace: string[] = [];
  readonly #counters: Record<string, number> = {};
  readonly #inhabitants: Inhabitant[] = [];
  readonly #heard: string[][] = DEVICES.map(() => []);
  readonly #inputs: number[] = [];
  /** Faults that are to come, and when. */
  readonly #faults: { atMs: number; fault: Fault }[] = [];
  readonly #absentPages: boolean;
  readonly #lateSinks: boolean;
  readonly #sinks: LateSink[] = [];
  readonly #difference: number;
  #channel: SimulatedChannel;
  #now = 0;
  #failure: string | undefined;
  #joinAtMs: number | undefined;
  #names = 0;
  #forgotten = 0;
  #lastSpeaker = "";
  #hasFlipped = false;
  /** A machine did nothing for a while, or nothing was heard of it. */
  #wasStuck = false;
  readonly #flipped: { name: string; at: number | undefined; mask: number }[] = [];

  constructor(seed: number, planted: PlantedMistake | undefined, less: Less) {
    this.#less = less;
    this.#seed = seed;
    this.#random = new Prng(seed);
    this.#options = planted === undefined ? OPTIONS : { ...OPTIONS, planted };
    this.#program = {
      seed: this.#random.next32(),
      length: 40 + this.#random.below(200),
      polls: this.#random.below(2) === 0,
    };
    if (less.length !== undefined) {
      this.#program = { ...this.#program, length: Math.min(this.#program.length, less.length) };
    }
    this.#drift = this.#random.below(3) === 0 ? 1 + this.#random.below(2) : 0;
    this.#absentPages = this.#random.below(2) === 0;
    this.#lateSinks = this.#random.below(2) === 0;
    this.#difference = this.#random.below(2) === 0 ? 0 : this.#random.next32();
    this.#arbiter = new SimulatedArbiter(this.#random, () => this.#now, { term: 1, primary: "A", secondary: "B" });
    this.#channel = this.#newChannel();
    this.#begin();
    for (let count = this.#random.below(5); count > 0; count--) {
      this.#faults.push({ atMs: this.#random.below(250), fault: this.#chooseFault() });
    }
    this.#faults.sort((a, b) => a.atMs - b.atMs);
  }

  run(): Outcome {
    while (this.#failure === undefined && this.#now < LONGEST_MS && !this.#isOver() && this.#isAlive()) this.#turn();
    if (this.#failure === undefined) this.#judge();
    const { length } = this.#program;
    if (this.#failure !== undefined) this.#note(`FAILED: ${this.#failure}`);
    const head = `seed ${this.#seed}: ${length} operations a thread, machines ${this.#difference === 0 ? "alike" : "that differ inside"}${this.#drift > 0 ? " and drift apart" : ""}`;
    const trace = [head, ...this.#trace];
    return { seed: this.#seed, failure: this.#failure, trace, counters: this.#counters, faults: this.#drawn };
  }

  #turn(): void {
    this.#now++;
    if (this.#random.below(6) === 0) this.#inputs.push(0x61 + (this.#inputs.length % 26));
    while (this.#faults.length > 0 && this.#faults[0].atMs <= this.#now) this.#faults.shift()!.fault();
    this.#arbiter.turn();
    for (const sink of this.#sinks) sink.turn();
    for (const inhabitant of [...this.#inhabitants]) {
      if (inhabitant.dead || inhabitant.frozenUntilMs > this.#now) continue;
      this.#passTime(inhabitant);
      inhabitant.member.turn(this.#now, 1 + this.#random.below(MOST_BUDGET));
      this.#observe(inhabitant);
    }
    this.#watchVoices();
    this.#watchBounds();
    this.#watchJoining();
  }

  /** A host lets idle time pass for a machine that waits for it: some of it, or all. */
  #passTime({ member, machine }: Inhabitant): void {
    const ticks = machine.waitingTicks;
    if (member.primary?.isWaiting !== true || ticks === undefined || machine.queued > 0) return;
    if (this.#random.below(3) > 0) return;
    member.primary.idle(1 + this.#random.below(ticks));
    this.#count("idle time");
  }

  #observe(inhabitant: Inhabitant): void {
    const { member } = inhabitant;
    const phase =
      member.primary === undefined ? `secondary ${member.secondary!.phase}` : `primary ${member.primary.phase}`;
    if (phase === inhabitant.phase) return;
    inhabitant.phase = phase;
    this.#note(`${member.name} is ${phase}`);
    this.#count(phase);
    const refusal = member.primary?.refusal ?? member.secondary?.refusal;
    if (refusal !== undefined) this.#note(`${member.name}: ${refusal}`);
  }

  /** Two machines that may speak on their own would be two survivors. */
  #watchVoices(): void {
    const alone = this.#inhabitants.filter(
      ({ member, dead }) => !dead && ["alone", "copying", "joining"].includes(member.primary?.phase ?? ""),
    );
    if (alone.length > 1) this.#fail(`${alone.map(({ member }) => member.name).join(" and ")} both survived`);
  }

  /** A primary is never farther ahead than it may be, and no more waits than the window has room for and one slice says. */
  #watchBounds(): void {
    for (const { member, dead } of this.#inhabitants) {
      if (dead || member.primary === undefined) continue;
      const { lagSteps, pending } = member.primary;
      if (lagSteps > OPTIONS.lagSteps) this.#fail(`${member.name} is ${lagSteps} steps ahead`);
      if (pending > OPTIONS.windowEntries + MOST_BUDGET) this.#fail(`${pending} outputs of ${member.name} are pending`);
    }
  }

  /** A survivor gets a new secondary after a while. */
  #watchJoining(): void {
    const alone = this.#inhabitants.find(({ member, dead }) => !dead && member.primary?.phase === "alone");
    if (alone === undefined) {
      this.#joinAtMs = undefined;
      return;
    }
    this.#joinAtMs ??= this.#now + 20 + this.#random.below(200);
    if (this.#now < this.#joinAtMs) return;
    this.#joinAtMs = undefined;
    this.#channel = this.#newChannel();
    const link = this.#link(0);
    if (!alone.member.primary!.accept(link, this.#now)) return;
    const inhabitant = this.#settle(undefined);
    this.#note(`${inhabitant.member.name} joins ${alone.member.name}`);
    this.#count("join");
    if (this.#random.below(3) === 0) {
      this.#faults.push({ atMs: this.#now + this.#random.below(120), fault: this.#chooseFault() });
      this.#faults.sort((a, b) => a.atMs - b.atMs);
    }
  }

  #begin(): void {
    const machine = new ToyMachine(this.#program, 0, this.#absentPages);
    const [parts, inhabitant] = this.#parts(machine);
    const member = Member.primary(parts, this.#link(0), "B", 1, 0);
    this.#inhabitants.push(Object.assign(inhabitant, { member }));
    this.#settle({ sequence: 0, instant: 0, counts: DEVICES.map(() => 0), inputs: 0 });
  }

  /** A new secondary. */
  #settle(start: Parameters<typeof Member.secondary>[2]): Inhabitant {
    const machine = new ToyMachine(this.#program, this.#difference, this.#absentPages, this.#drift);
    const [parts, inhabitant] = this.#parts(machine);
    const member = Member.secondary(parts, this.#link(1), start, this.#now);
    const settled = Object.assign(inhabitant, { member });
    this.#inhabitants.push(settled);
    return settled;
  }

  #parts(machine: ToyMachine): [MemberParts, Inhabitant] {
    const member = String.fromCharCode(0x41 + this.#names++);
    const inhabitant = { machine, dead: false, frozenUntilMs: 0, phase: "" } as unknown as Inhabitant;
    const listens = () => !inhabitant.dead && inhabitant.frozenUntilMs <= this.#now;
    const sink = this.#sink(member, listens);
    const inputs: InputSource = {
      at: (number) => {
        if (number < this.#forgotten) {
          // Who was survived, and does not know it yet, asks for what the survivor has had, and gets nothing.
          if (this.#arbiter.tenure.primary === member)
            this.#fail(`input ${number} is forgotten, and ${member} needs it`);
          return undefined;
        }
        const byte = this.#inputs[number];
        return byte === undefined ? undefined : { kind: "console-input", bytes: Uint8Array.of(byte) };
      },
      forget: (below) => {
        this.#forgotten = Math.max(this.#forgotten, below);
      },
    };
    const arbiter = this.#arbiter.seenBy(listens);
    return [{ member, replica: machine, sink, inputs, arbiter, options: this.#options }, inhabitant];
  }

  #sink(member: string, lives: () => boolean): OutputSink {
    if (!this.#lateSinks) {
      return {
        offer: (runs) => {
          for (const run of runs) this.#hear(member, run);
        },
      };
    }
    const heard = () => this.#heard.map(({ length }) => length);
    const arrive = (run: OutputRun) => {
      this.#count("taken late");
      this.#hear(member, run);
      return heard();
    };
    const sink = new LateSink(this.#random, () => this.#now, lives, arrive, heard());
    this.#sinks.push(sink);
    return sink;
  }

  #link(end: 0 | 1): Link {
    const shape = { devices: DEVICES.length, pageCount: 16 };
    return new Link(this.#channel.end(end), shape, this.#options, this.#now);
  }

  #newChannel(): SimulatedChannel {
    const random = this.#random;
    const calm = random.below(3) === 0 || this.#less.calm === true;
    const mood = calm
      ? { drop: 0, double: 0, delayMs: 1 }
      : { drop: random.below(15), double: random.below(15), delayMs: random.below(8) };
    return new SimulatedChannel(random, () => this.#now, mood);
  }

  /** The outside: takes what is new, and notices when it is told something twice and differently, or with a gap. */
  #hear(speaker: string, run: OutputRun): void {
    const heard = this.#heard[run.device];
    const text = textOf(run.bytes);
    const units = DEVICES[run.device] === "stream" ? [...text] : [text];
    if (run.number > heard.length) {
      this.#fail(`${speaker} lost output ${heard.length} of device ${run.device}: it goes on with ${run.number}`);
    }
    units.forEach((unit, index) => {
      const number = run.number + index;
      if (number === heard.length) {
        heard.push(unit);
        this.#lastSpeaker = speaker;
      } else if (heard[number] !== unit)
        this.#fail(`${speaker} says output ${number} of device ${run.device} differently`);
      else this.#count("offered again");
    });
    if (units.length !== unitsOf(run, DEVICES[run.device])) this.#fail("a run of another length than it says");
  }

  #isOver(): boolean {
    return this.#heard[END].length > 0;
  }

  #isAlive(): boolean {
    return this.#inhabitants.some(
      ({ member, dead }) =>
        !dead &&
        (member.primary !== undefined
          ? member.primary.phase !== "fenced"
          : !["fenced", "joining"].includes(member.secondary!.phase)),
    );
  }

  /** What the outside heard is what one correct machine says that was given, and suffered, what the last speaker was. */
  #judge(): void {
    if (!this.#isOver()) {
      // All died: nothing more can be said about it than that what was said is consistent, which `hear` has seen to.
      if (!this.#isAlive()) this.#count("all died");
      else this.#fail(`no end after ${LONGEST_MS} ms`);
      return;
    }
    const speaker = this.#inhabitants.find(({ member }) => member.name === this.#lastSpeaker)!;
    const { consumed, flips } = speaker.machine;
    const expected = reference(this.#program, consumed, flips);
    expected.forEach((units, device) => {
      const got = this.#heard[device].join("|");
      if (got !== units.join("|")) this.#fail(`device ${device} should have said ${units.join("|")} and said ${got}`);
    });
    for (const { at, mask } of flips) {
      // A machine has the faults of its own and of those whose state it took over, which were there before it.
      const isOwn = this.#flipped.some(
        (flip) => flip.at === at && flip.mask === mask && flip.name <= this.#lastSpeaker,
      );
      if (!isOwn) this.#fail(`${this.#lastSpeaker} suffers from a fault of another machine`);
    }
    consumed.forEach((reads, thread) => {
      reads.forEach(({ number, byte }, index) => {
        if (number !== index * 2 + thread)
          this.#fail(`input ${number} came to thread ${thread} as its number ${index}`);
        if (byte !== this.#inputs[number]) this.#fail(`input ${number} came as another`);
      });
    });
    this.#count("came to the end");
    if (flips.length > 0) this.#count("a fault that was said");
    this.#judgeLikes();
    this.#judgeAgreeing();
    for (const { member, machine } of this.#inhabitants) {
      const { secondary, primary } = member;
      this.#count("pages that were waited for", machine.absences);
      for (const { told, beside } of primary?.fetches.works ?? []) {
        this.#count("pages that a guest was told of", told);
        this.#count("pages that went ahead", beside);
      }
      this.#count("resynchronisations", secondary?.resynchronisations ?? 0);
      this.#count("inner divergences", secondary?.counters.innerDivergences ?? 0);
      this.#count("digests equal", secondary?.counters.digestsEqual ?? 0);
      this.#count("digests different", secondary?.counters.digestsDifferent ?? 0);
      for (const { what } of secondary?.divergences ?? []) this.#count(`divergence: ${what}`);
      for (const { what } of primary?.divergences ?? []) if (what === "no-progress") this.#count(`divergence: ${what}`);
      this.#count("held", primary?.statistics.held ?? 0);
      this.#count("matched", secondary?.counters.outputsMatched ?? 0);
    }
  }

  /** Machines that say the same must not be resynchronised, however they differ inside, and whatever they wait for. */
  #judgeAgreeing(): void {
    // What a program says that polls follows from when it did.
    if (this.#wasStuck || this.#hasFlipped || this.#program.polls) return;
    for (const { member } of this.#inhabitants) {
      const reported = [...(member.secondary?.divergences ?? []), ...(member.primary?.divergences ?? [])];
      // What is only said late, or early, may be farther apart than the slack allows.
      const differences = reported.filter(({ what }) => what === "no-progress" || what === "data");
      if (differences.length > 0)
        this.#fail(`${member.name} has, or is, a partner that agrees: ${JSON.stringify(differences)}`);
    }
    if (this.#difference !== 0) this.#count("differed inside and agreed");
  }

  /** Machines that are alike, and in which no bit flipped, must not be taken for different. */
  #judgeLikes(): void {
    if (this.#difference !== 0 || this.#drift !== 0 || this.#hasFlipped) return;
    for (const { member } of this.#inhabitants) {
      const { secondary } = member;
      const differences = secondary?.divergences.length ?? 0;
      if (differences > 0)
        this.#fail(`${member.name} differs: ${JSON.stringify([secondary?.divergences, secondary?.counters])}`);
      if ((secondary?.counters.innerDivergences ?? 0) > 0)
        this.#fail(
          `${member.name} says that it differs inside: ${JSON.stringify([secondary?.inner, secondary?.counters])}`,
        );
    }
    this.#count("nothing differed");
  }

  #chooseFault(): Fault {
    const random = this.#random;
    const drawn = this.#drawn++;
    const kind = random.below(11);
    const victim = random.below(2);
    const [amount, other] = [random.next32(), random.next32()];
    const named = (name: string, fault: () => boolean | undefined) => () => {
      if (this.#less.faults?.has(drawn) === true) return;
      if (fault() === false) return;
      this.#note(`fault: ${name}`);
      this.#count(`fault: ${name}`);
    };
    if (kind <= 1) return named("a member is killed", () => this.#kill(victim));
    if (kind === 2) return named("a member freezes", () => this.#freeze(victim, 5 + (amount % 200)));
    if (kind <= 4) return named("a bit flips", () => this.#flip(victim, other % 2, 1 << (amount % 32)));
    if (kind === 5) {
      return named("a bit flips inside", () => {
        this.#hasFlipped = true;
        this.#victim(victim)?.machine.flipHidden(other, 1 << (amount % 32));
        return true;
      });
    }
    if (kind === 6) {
      return named("the channel breaks", () => {
        this.#wasStuck = true;
        this.#channel.brokenUntilMs = this.#now + 5 + (amount % 150);
        return true;
      });
    }
    if (kind === 7) {
      return named("garbage", () => {
        this.#channel.inject(
          victim as 0 | 1,
          Uint8Array.from({ length: 1 + (amount % 40) }, (_, at) => mixByte(other + at)),
        );
        return true;
      });
    }
    if (kind === 8) {
      return named("a slow channel", () => {
        this.#channel.mood = { ...this.#channel.mood, delayMs: 10 + (amount % 30) };
        return true;
      });
    }
    if (kind === 9) {
      return named("the machine of a secondary sticks", () => {
        const inhabitant = this.#inhabitants.find(({ dead, member }) => !dead && member.primary === undefined);
        if (inhabitant === undefined) return false;
        inhabitant.machine.stick();
        this.#wasStuck = true;
        const wakes = { atMs: this.#now + 10 + (amount % 700), fault: () => inhabitant.machine.wake() };
        this.#faults.push(wakes);
        this.#faults.sort((a, b) => a.atMs - b.atMs);
        return true;
      });
    }
    return named("frames are lost and doubled", () => {
      this.#channel.mood = { ...this.#channel.mood, drop: 10 + (amount % 30), double: other % 40 };
      return true;
    });
  }

  #victim(index: number): Inhabitant | undefined {
    const living = this.#inhabitants.filter(({ dead }) => !dead);
    return living[index % Math.max(1, living.length)];
  }

  /** Most deaths leave somebody who can go on; some do not. */
  #kill(index: number): boolean {
    const victim = this.#victim(index);
    const isPair = this.#inhabitants.some(({ dead, member }) => !dead && member.primary?.phase === "paired");
    if (victim === undefined || (!isPair && this.#random.below(6) > 0)) return false;
    victim.dead = true;
    this.#note(`${victim.member.name} dies`);
    return true;
  }

  #flip(index: number, thread: number, mask: number): boolean {
    const victim = this.#victim(index);
    if (victim === undefined) return false;
    this.#hasFlipped = true;
    victim.machine.flip(thread, mask);
    this.#flipped.push({ name: victim.member.name, at: victim.machine.flips.at(-1)?.at, mask });
    return true;
  }

  #freeze(index: number, ms: number): boolean {
    const victim = this.#victim(index);
    if (victim === undefined) return false;
    this.#wasStuck = true;
    victim.frozenUntilMs = this.#now + ms;
    this.#note(`${victim.member.name} stands still for ${ms} ms`);
    return true;
  }

  #note(text: string): void {
    this.#trace.push(`${String(this.#now).padStart(6)} ms  ${text}`);
  }

  #count(name: string, amount = 1): void {
    if (amount > 0) this.#counters[name] = (this.#counters[name] ?? 0) + amount;
  }

  #fail(text: string): void {
    this.#failure ??= text;
  }
}

function mixByte(value: number): number {
  return (Math.imul(value, 0x9e3779b1) >>> 24) & 0xff;
}
