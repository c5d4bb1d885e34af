import { sameBytes } from "../base/same-bytes.ts";
import { describeBytes, type OutputDivergence } from "./divergence.ts";
import { type Counts, type DeviceKind, type OutputRun, unitsOf } from "./replica.ts";

/** A pair of outputs of the same device and number. */
export type Mismatch = Omit<OutputDivergence, "what" | "lastAgreement">;

/** Two instants between which something was said; of the bytes inside a run only those of its first and last are known. */
export type Span = readonly [number, number];
/** Called when both have said the same output. */
export type OnMatch = (primary: Span, secondary: Span) => void;

/**
 * Holds what the secondary says against what the log says: the same event is the one of the same device and number, wherever
 * it stands among those of other devices.
 */
export class OutputMatcher {
  readonly #devices: readonly DeviceKind[];
  /** What the log has and the secondary has not said, and the other way round, by device. */
  readonly #expected: OutputRun[][];
  readonly #said: OutputRun[][];
  readonly #matched: number[];
  #mismatch: Mismatch | undefined;
  readonly #onMatch: OnMatch;

  constructor(devices: readonly DeviceKind[], start: Counts, onMatch: OnMatch) {
    this.#devices = devices;
    this.#expected = devices.map(() => []);
    this.#said = devices.map(() => []);
    this.#matched = [...start];
    this.#onMatch = onMatch;
  }

  /** Up to here both have said the same. */
  get matched(): Counts {
    return this.#matched;
  }

  get mismatch(): Mismatch | undefined {
    return this.#mismatch;
  }

  expect(run: OutputRun): void {
    this.#expected[run.device].push(run);
    this.#compare(run.device);
  }

  say(run: OutputRun): void {
    this.#said[run.device].push(run);
    this.#compare(run.device);
  }

  /** The output of the log that has waited longest for the secondary to say it. */
  oldestExpected(): OutputRun | undefined {
    return oldest(this.#expected);
  }

  /** The output of the secondary that has waited longest for the log to have it. */
  oldestSaid(): OutputRun | undefined {
    return oldest(this.#said);
  }

  expects(device: number): boolean {
    return this.#expected[device].length > 0;
  }

  #compare(device: number): void {
    const [expected, said] = [this.#expected[device], this.#said[device]];
    const kind = this.#devices[device];
    while (expected.length > 0 && said.length > 0 && this.#mismatch === undefined) {
      const [ours, theirs] = [said[0], expected[0]];
      const at = this.#matched[device];
      const theirUnits = unitsOf(theirs, kind);
      const ourUnits = unitsOf(ours, kind);
      const end = Math.min(theirs.number + theirUnits, ours.number + ourUnits);
      const same = kind === "stream" ? sameStream(theirs, ours, at, end) : sameDatagram(theirs, ours);
      if (same < end) {
        const part = (run: OutputRun) =>
          describeBytes(kind === "stream" ? run.bytes.subarray(same - run.number) : run.bytes);
        this.#matched[device] = Math.max(at, same);
        const instants = { primaryInstant: theirs.instant, secondaryInstant: ours.instant };
        this.#mismatch = { device, number: same, ...instants, expected: part(theirs), got: part(ours) };
        return;
      }
      this.#onMatch(beginning(theirs, at), beginning(ours, at));
      this.#matched[device] = end;
      const [theirsEnd, oursEnd] = [theirs.number + theirUnits <= end, ours.number + ourUnits <= end];
      if (theirsEnd && oursEnd) {
        this.#onMatch([theirs.lastInstant, theirs.lastInstant], [ours.lastInstant, ours.lastInstant]);
      }
      if (theirsEnd) expected.shift();
      if (oursEnd) said.shift();
    }
  }
}

/** When number `at` of a run was said. */
function beginning(run: OutputRun, at: number): Span {
  return [run.instant, run.number === at ? run.instant : run.lastInstant];
}

/** The first number from `from` on in which the two differ; `end` when they do not. */
function sameStream(theirs: OutputRun, ours: OutputRun, from: number, end: number): number {
  for (let number = from; number < end; number++) {
    if (theirs.bytes[number - theirs.number] !== ours.bytes[number - ours.number]) return number;
  }
  return end;
}

function sameDatagram(theirs: OutputRun, ours: OutputRun): number {
  return sameBytes(theirs.bytes, ours.bytes) ? theirs.number + 1 : theirs.number;
}

function oldest(runs: readonly (readonly OutputRun[])[]): OutputRun | undefined {
  let first: OutputRun | undefined;
  for (const [run] of runs) if (run !== undefined && (first === undefined || run.instant < first.instant)) first = run;
  return first;
}
