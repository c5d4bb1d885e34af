import type { AdapterEnvironment, DebuggeePair, PairEvent } from "../../src/adapter/environment.ts";
import { UserError } from "../../src/base/errors.ts";
import type { DivergenceFinding, DivergentPlace, SideBySide } from "../../src/debuggee/divergence-protocol.ts";
import type {
  PairDivergence,
  PairLogFilter,
  PairMember,
  PairPosition,
  PairSide,
  PairSituation,
  PairStretch,
  StretchName,
} from "../../src/debuggee/lockstep-protocol.ts";
import type { DebuggeeEvent, LaunchOptions } from "../../src/debuggee/protocol.ts";
import { FakeDebuggee, LINES, SOURCE } from "./fake-debuggee.ts";

const place = (member: string, instant: number, stretch = 1): PairPosition => ({ member, stretch, instant });
const stretch = (number: number, start?: PairPosition): PairStretch => ({
  ...{ number, path: `/project/${number}.hindcast`, first: 0, last: LINES },
  said: [0, 0, 0],
  ...(start !== undefined && { start }),
});

export const DIVERGENCES: readonly PairDivergence[] = [
  {
    ...{ what: "data", device: 0, number: 2, left: place("A", 20), right: place("B", 22) },
    ...{ leftText: '"4"', rightText: '"5"', lastAgreement: 9 },
  },
];

/** The recording of a pair whose machines are two fake debuggees. Machine B has a second stretch if wanted. */
export class FakePair implements DebuggeePair {
  readonly opened: (StretchName & { readonly side: PairSide; readonly debuggee: FakeDebuggee })[] = [];
  readonly calls: string[] = [];
  readonly tell: (event: PairEvent) => void;
  readonly options: LaunchOptions;
  divergences = DIVERGENCES;
  stretchesOfB = [stretch(1)];
  joined: PairMember[] = [];
  closed = false;
  /** The search goes on until it is cancelled. */
  endless = false;

  constructor(options: LaunchOptions, tell: (event: PairEvent) => void) {
    this.options = options;
    this.tell = tell;
  }

  debuggee(side: PairSide): FakeDebuggee {
    return this.opened.findLast((opened) => opened.side === side)!.debuggee;
  }

  async open(side: PairSide, { member, stretch }: StretchName, onEvent: (event: DebuggeeEvent) => void) {
    const debuggee = new FakeDebuggee(onEvent);
    this.opened.push({ side, member, stretch, debuggee });
    const result = await debuggee.launch({ recording: "/project/pair.hindcast", stopOnEntry: false });
    return { debuggee, result };
  }

  /** Machine C has joined machine A at an instant; B had come so far. */
  joinedAt(instant: number, last: number, said: readonly number[] = [0, 0, 0]): void {
    this.stretchesOfB = [{ ...stretch(1), last }];
    const own = { ...stretch(1, place("A", instant)), first: instant, said };
    this.joined = [{ name: "C", role: "secondary", side: "right", stretches: [own] }];
  }

  secondStretchOfB(start: PairPosition, said: readonly number[] = [0, 0, 0]): void {
    this.stretchesOfB = [stretch(1), { ...stretch(2, start), said }];
  }

  async situation(): Promise<PairSituation> {
    const counts = { entries: 3, outputsMatched: 2, outputsReleased: 2, innerDivergences: 1, digestsEqual: 4 };
    const more = { digestsDifferent: 1, resynchronisations: 0, takeOvers: 0, joined: 0, held: 0 };
    return {
      ...{ id: "pair", live: false, missing: [], counts: { ...counts, ...more }, latencyMs: {}, lagStepsMax: 5 },
      members: [
        { name: "A", role: "primary", side: "left", stretches: [stretch(1)] },
        { name: "B", role: this.joined.length > 0 ? "gone" : "secondary", side: "right", stretches: this.stretchesOfB },
        ...this.joined,
      ],
      divergences: this.divergences,
    };
  }

  async log(from: number, count: number, filter: PairLogFilter) {
    this.calls.push(`log ${from} ${count} ${JSON.stringify(filter)}`);
    const bytes = new TextEncoder().encode("hi\n");
    return {
      rows: [{ kind: "output", sequence: 7, primaryInstant: 10, timeMs: 1, device: 0, number: 0, bytes }],
      total: 8,
    };
  }

  findDivergence(left: PairPosition, right: PairPosition, onProgress: (what: string, fraction?: number) => void) {
    this.calls.push(`find ${left.instant} ${right.instant}`);
    const { promise, resolve, reject } = Promise.withResolvers<DivergenceFinding>();
    onProgress("comparing digests", 0.5);
    if (!this.endless) resolve(FINDING);
    return { finding: promise, cancel: () => reject(new UserError("cancelled", "The search was cancelled.")) };
  }

  async differences(left: PairPosition, right: PairPosition): Promise<SideBySide> {
    this.calls.push(`differences ${left.instant} ${right.instant}`);
    const words = [{ what: "memory" as const, name: "cell", address: 0x8000_0040, left: 1n, right: 2n }];
    return {
      ...{ equal: false, registers: [], words, pages: 1, pagesListed: 1, blocks: 0, devices: [] },
      ...{ left: divergentPlace(left.instant), right: divergentPlace(right.instant) },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function divergentPlace(instant: number): DivergentPlace {
  const source = { path: SOURCE, line: instant + 1, column: 1 };
  return {
    instant,
    hart: 0,
    pc: 0x8000_0000n + BigInt(4 * instant),
    symbol: "main",
    source,
    code: "main:1",
    text: "csrr a0,time",
  };
}

const FINDING: DivergenceFinding = {
  ...{ kind: "difference", level: "output", lastAgreement: { left: 9, right: 9 } },
  divergent: {
    ...{ left: divergentPlace(14), right: divergentPlace(15), cause: "time", more: 0 },
    differences: [{ what: "register", name: "a0", hart: 0, left: 4n, right: 5n }],
    why: "They read different times.",
  },
  output: {
    ...{ left: 20, right: 22, device: 0, number: 2, leftText: "4", rightText: "5" },
    ...{ leftBytes: Uint8Array.of(0x34), rightBytes: Uint8Array.of(0x35) },
  },
  chain: [],
  shift: { movedOutputs: 0, mostSteps: 0 },
  equalOutputs: 2,
  notes: ["Nothing else was passed over."],
};

/** An environment in which every launch with `lockstep` or a recording is of a pair. */
export function pairEnvironment(pairs: AdapterEnvironment["pairs"], prepare: (pair: FakePair) => void = () => {}) {
  const opened: FakePair[] = [];
  const environment: Partial<AdapterEnvironment> = {
    pairs,
    openPair: async (options, tell) => {
      if (options.lockstep === false || (options.lockstep ?? options.recording) === undefined) return undefined;
      const pair = new FakePair(options, tell);
      prepare(pair);
      opened.push(pair);
      return pair;
    },
    partnerAddress: async () => "/run/partner",
  };
  return { environment, opened };
}
