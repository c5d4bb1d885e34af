import type { InnerDivergence, OutputDivergence } from "../lockstep/divergence.ts";
import { CONSOLE, MACHINE_DEVICES, NETWORK } from "../lockstep/machine-replica.ts";
import { Durations } from "../lockstep/statistics.ts";
import { lowerBound } from "../replay/number-column.ts";
import { FIRST_MEMBER } from "./pair-files.ts";
import type { LoggedStretch, PairLogKind, PairOutputState, PairPlace, PairSummary } from "./pair-log.ts";
import type { StoredSight } from "./pair-log-codec.ts";

type Output = Extract<StoredSight, { kind: "output" }>;

/** Numbers that ascend, each with another that belongs to it. */
class Steps {
  readonly #keys: number[] = [];
  readonly #values: number[] = [];

  /** One that does not ascend tells nothing new. */
  add(key: number, value: number): void {
    if (this.#keys.length > 0 && key <= this.#keys[this.#keys.length - 1]) return;
    this.#keys.push(key);
    this.#values.push(value);
  }

  /** What belongs to the first number that is not smaller. */
  atOrAfter(key: number): number | undefined {
    return this.#values[lowerBound(this.#keys.length, (index) => this.#keys[index] >= key)];
  }

  exactly(key: number): number | undefined {
    const at = lowerBound(this.#keys.length, (index) => this.#keys[index] >= key);
    return this.#keys[at] === key ? this.#values[at] : undefined;
  }

  get last(): number {
    return this.#keys[this.#keys.length - 1] ?? 0;
  }
}

/** What one recording tells of the fate of entries. */
class StretchFacts {
  /** When an entry was written, by its sequence number. */
  readonly written = new Steps();
  /** By device: latencies by the number behind the last that left. */
  readonly released = MACHINE_DEVICES.map(() => new Steps());
  /** By device: when so many had been matched. */
  readonly matched = MACHINE_DEVICES.map(() => new Steps());
  /** The secondary's instants, by the sequence number of the input. */
  readonly taken = new Steps();
  /** Whether a digest was equal, by its sequence number. */
  readonly compared = new Steps();
  /** When a state began its way and when it had arrived. */
  readonly transfers: { beganMs: number; arrivedMs: number }[] = [];
  /** False: somebody joins, and is given a state twice before the two are a pair. */
  isJoined = true;
  /** How far the other one had come, in the primary's instants. */
  otherAt: number | undefined;
  /** From here on the member spoke. */
  speaksMs = Number.POSITIVE_INFINITY;
  /** What others wrote behind this entry never happened. */
  tookOverBehind: number | undefined;
}

/** What the rows of a pair's log say beyond what stands in each: gathered in one pass through all recordings. */
export class PairLogFacts {
  readonly #stretches: readonly LoggedStretch[];
  readonly #facts: readonly StretchFacts[];
  readonly #latency = new Durations();
  readonly #divergences: { sight: Extract<StoredSight, { kind: "divergence" }>; stretch: number }[] = [];
  readonly #members: number;
  #inner: InnerDivergence | undefined;
  #innerMs = -1;
  #lagStepsMax = 0;
  #digestsEqual = 0;
  #digestsDifferent = 0;
  #held = 0;

  constructor(stretches: readonly LoggedStretch[]) {
    this.#stretches = stretches;
    this.#members = new Set(stretches.map(({ header }) => header.member)).size;
    this.#facts = stretches.map(({ header }) => {
      const facts = new StretchFacts();
      if (header.role === "primary") facts.speaksMs = 0;
      return facts;
    });
  }

  /** Takes in what a member saw, in its order. The kind of its row; undefined: it has none. */
  add(stretch: number, sight: StoredSight): PairLogKind | undefined {
    const facts = this.#facts[stretch];
    switch (sight.kind) {
      case "input":
      case "output":
      case "digest":
        facts.written.add(sight.sequence, sight.timeMs);
        if (facts.otherAt !== undefined) this.#lagStepsMax = Math.max(this.#lagStepsMax, sight.instant - facts.otherAt);
        return sight.kind;
      case "acknowledge":
        for (const [device, count] of sight.matched.entries()) facts.matched[device]?.add(count, sight.timeMs);
        facts.otherAt = sight.instant - sight.lagSteps;
        return "acknowledge";
      case "release":
        facts.released[sight.device]?.add(sight.number + sight.units, sight.latencyMs);
        this.#latency.add(sight.latencyMs);
        return "release";
      case "held":
        if (sight.held) this.#held++;
        return "held";
      case "resynchronise":
        facts.transfers.push({ beganMs: sight.timeMs, arrivedMs: Number.POSITIVE_INFINITY });
        if (sight.purpose === "resynchronise") return facts.isJoined ? "resynchronise" : undefined;
        facts.isJoined = false;
        return "join";
      case "resynchronised":
        return this.#arrived(stretch, sight.timeMs);
      case "paired":
        facts.isJoined = true;
        facts.otherAt = undefined;
        return "paired";
      case "taken":
        facts.taken.add(sight.sequence, sight.instant);
        return undefined;
      case "compared":
        facts.compared.add(sight.sequence, sight.equal ? 1 : 0);
        if (sight.equal) this.#digestsEqual++;
        else this.#digestsDifferent++;
        return undefined;
      case "inner-divergence":
        this.#knowInner(sight.timeMs, sight.inner);
        return "inner-divergence";
      case "agree-again":
        this.#knowInner(sight.timeMs, undefined);
        return "agree-again";
      case "divergence": {
        // The secondary finds it; the primary hears of it, and finds for itself that the other does not come on.
        const isHearsay = this.isPrimary(stretch, sight.timeMs) && sight.divergence.what !== "no-progress";
        if (isHearsay && this.#members > 1) return undefined;
        this.#divergences.push({ sight, stretch });
        return "divergence";
      }
      case "take-over":
        facts.speaksMs = Math.min(facts.speaksMs, sight.timeMs);
        facts.tookOverBehind = sight.through;
        return "take-over";
      case "fenced":
        return "end";
      case "fault":
        return "fault";
    }
  }

  /** All has been added. */
  settle(): void {
    this.#divergences.sort((a, b) => a.sight.timeMs - b.sight.timeMs);
  }

  isPrimary(stretch: number, timeMs: number): boolean {
    return timeMs >= this.#facts[stretch].speaksMs;
  }

  /** When the entry of the log was written; 0: nobody knows. */
  timeOf(sequence: number): number {
    for (const { written } of this.#facts) {
      const timeMs = written.exactly(sequence);
      if (timeMs !== undefined) return timeMs;
    }
    return 0;
  }

  /** The secondary's instant at which an input took effect there. */
  takenAt(sequence: number): number | undefined {
    return this.#first((facts) => facts.taken.exactly(sequence));
  }

  /** Whether a digest was equal; undefined: it was not compared. */
  comparison(sequence: number): boolean | undefined {
    const equal = this.#first((facts) => facts.compared.exactly(sequence));
    return equal === undefined ? undefined : equal === 1;
  }

  /** The instant at which the other machine said an output: the one that said it last, if it had to say it twice. */
  saidAt(stretch: number, device: number, number: number): number | undefined {
    const { member } = this.#stretches[stretch].header;
    for (const { header, reader } of [...this.#stretches].reverse()) {
      const offset = number - (header.said[device] ?? 0);
      if (header.member === member || offset < 0) continue;
      if (device === CONSOLE && offset < reader.outputs.length) return reader.outputs.instantOf(offset);
      if (device === NETWORK && offset < reader.frames.length) return reader.frames.instantOf(offset);
    }
    return undefined;
  }

  outcome(stretch: number, output: Output, units: number): { state: PairOutputState; latencyMs?: number } {
    const { device, number, sequence, timeMs } = output;
    const end = number + units;
    const facts = this.#facts[stretch];
    const latencyMs = facts.released[device]?.atOrAfter(end);
    const leaving = latencyMs === undefined ? {} : { latencyMs };
    const isMismatched = this.#divergences.some(
      ({ sight: { divergence } }) =>
        divergence.device === device &&
        divergence.number >= number &&
        divergence.number < end &&
        divergence.what !== "no-progress",
    );
    if (isMismatched) return { state: "mismatched", ...leaving };
    const matchedMs = facts.matched[device]?.atOrAfter(end);
    const arrived = facts.transfers.find(
      ({ beganMs, arrivedMs }) => beganMs >= timeMs && arrivedMs <= (matchedMs ?? 0),
    );
    if (arrived !== undefined && latencyMs !== undefined) return { state: "resynchronised", ...leaving };
    if (latencyMs !== undefined) return { state: "released", latencyMs };
    const isLost = this.#facts.some(
      ({ tookOverBehind }, other) => other !== stretch && tookOverBehind !== undefined && sequence > tookOverBehind,
    );
    if (isLost) return { state: "lost" };
    // A survivor lets it go in the dead one's place.
    const elsewhere = this.#first((one) => one.released[device]?.atOrAfter(end));
    if (elsewhere !== undefined) return { state: "released", latencyMs: elsewhere };
    return { state: matchedMs === undefined ? "pending" : "matched" };
  }

  summary(counts: Readonly<Record<PairLogKind, number>>, entries: number): PairSummary {
    return {
      ...{ entries, counts },
      outputsMatched: this.#most(({ matched }) => matched),
      outputsReleased: this.#most(({ released }) => released),
      latencyMs: { median: this.#latency.quantile(0.5), p99: this.#latency.quantile(0.99) },
      lagStepsMax: this.#lagStepsMax,
      inner: this.#inner,
      innerDivergences: counts["inner-divergence"],
      digests: { equal: this.#digestsEqual, different: this.#digestsDifferent },
      resynchronisations: counts.resynchronise,
      takeOvers: counts["take-over"],
      joined: counts.join,
      held: this.#held,
      divergences: this.#divergences.map(({ sight, stretch }) => this.placed(sight.divergence, stretch, sight.timeMs)),
    };
  }

  /** How far the numbers of all devices have come, in whichever recording they came farthest. */
  #most(numbers: (facts: StretchFacts) => readonly Steps[]): number {
    const last = (device: number) => Math.max(0, ...this.#facts.map((facts) => numbers(facts)[device].last));
    return MACHINE_DEVICES.reduce((sum, _, device) => sum + last(device), 0);
  }

  #arrived(stretch: number, timeMs: number): PairLogKind | undefined {
    // Both tell; the secondary's word counts where it is the only one.
    if (!this.isPrimary(stretch, timeMs) && this.#members > 1) return undefined;
    const transfer = this.#facts[stretch].transfers.at(-1);
    if (transfer !== undefined) transfer.arrivedMs = Math.min(transfer.arrivedMs, timeMs);
    this.#knowInner(timeMs, undefined);
    return this.#facts[stretch].isJoined ? "resynchronised" : undefined;
  }

  /** Recordings are gone through one after the other: the latest news count. */
  #knowInner(timeMs: number, inner: InnerDivergence | undefined): void {
    if (timeMs < this.#innerMs) return;
    this.#innerMs = timeMs;
    this.#inner = inner;
  }

  placed(divergence: OutputDivergence, stretch: number, timeMs: number) {
    const { header } = this.#stretches[stretch];
    const own: PairPlace = { member: header.member, stretch: header.stretch };
    const isPrimary = this.isPrimary(stretch, timeMs);
    const at = isPrimary ? divergence.secondaryInstant : divergence.primaryInstant;
    const other = this.#partner(header.member, header.from?.member, at, isPrimary);
    const [primary, secondary] = isPrimary ? [own, other] : [other, own];
    return { ...this.#exact(divergence, primary, secondary), primary, secondary };
  }

  /** An entry of the log has the instants of its first and its last byte: those of the one that differs the recordings know. */
  #exact(divergence: OutputDivergence, primary: PairPlace, secondary: PairPlace): OutputDivergence {
    const { what, device, number, primaryInstant, secondaryInstant } = divergence;
    if (device !== CONSOLE) return divergence;
    const said = ({ member, stretch }: PairPlace): number | undefined => {
      const found = this.#stretches.find(({ header }) => header.member === member && header.stretch === stretch);
      const offset = number - (found?.header.said[device] ?? 0);
      return found === undefined || offset < 0 ? undefined : found.reader.outputs.instantOf(offset);
    };
    const isSaid = { primary: what === "data" || what === "missing", secondary: what === "data" || what === "extra" };
    return {
      ...divergence,
      primaryInstant: (isSaid.primary ? said(primary) : undefined) ?? primaryInstant,
      secondaryInstant: (isSaid.secondary ? said(secondary) : undefined) ?? secondaryInstant,
    };
  }

  /** The other one's stretch that has the instant. */
  #partner(member: string, partner: string | undefined, instant: number, isPrimary: boolean): PairPlace {
    const name = isPrimary || partner === undefined || partner === member ? undefined : partner;
    const others = this.#stretches.filter(({ header }) =>
      name === undefined ? header.member !== member : header.member === name,
    );
    const found = others.filter(({ first, last }) => first <= instant && instant <= last).at(-1) ?? others.at(-1);
    return { member: found?.header.member ?? name ?? FIRST_MEMBER, stretch: found?.header.stretch ?? 1 };
  }

  #first<Value>(look: (facts: StretchFacts) => Value | undefined): Value | undefined {
    for (const facts of this.#facts) {
      const value = look(facts);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
