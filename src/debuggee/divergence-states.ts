import type { MachineEvent } from "../machine/inlet.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import type { Abouts, Askers } from "./divergence-outputs.ts";
import type { SideBySide, SidePair, StatesDiffer, ValueInBoth } from "./divergence-protocol.ts";
import type { NamedValue, RunLook, RunState } from "./run-probe.ts";

/** Places that are looked at where nothing says that two runs differ at all. */
const SAMPLES = 32;
/** Pages of which words are listed. */
const MOST_PAGES = 64;
const MOST_WORDS = 256;
const MOST_REGISTERS = 1024;
const PAGE_BYTES = 4096;
const WORD_BYTES = 8;
/** Events that are fetched at once. */
const EVENTS_AT_ONCE = 4096;

/** Equal at one instant, and not at the next; `undefined`: they differ where they begin. */
export interface FirstStateDifference {
  readonly equalAt: number | undefined;
  readonly differentAt: number;
}

/** Which instants of both are compared. */
export interface StateBounds {
  readonly from: number;
  readonly to: number;
  /** Where outputs or events say that something differs: looked at first. */
  readonly suspects: readonly number[];
  /** Checkpoints: where a look is cheap. */
  readonly marks: readonly number[];
}

/**
 * The first instant at which two states differ in what a guest can see, at equal instants of both. Between the last place that was
 * looked at and found equal and the first one that was not, it is found by halving; that two runs differ and come together again
 * between two places is not seen.
 */
export async function firstStateDifference(
  askers: Askers,
  { from, to, suspects, marks }: StateBounds,
  tell: (fraction: number) => void,
): Promise<FirstStateDifference | undefined> {
  const areEqual = async (instant: number) => {
    const [left, right] = await lookAtBoth(askers, { left: instant, right: instant });
    return left.digest === right.digest;
  };
  if (!(await areEqual(from))) return { equalAt: undefined, differentAt: from };
  let low = from;
  let high: number | undefined;
  const first = [...suspects, to].filter((at) => at > from && at <= to).sort((a, b) => a - b);
  const rest = samples(marks, from, to);
  for (const [index, at] of [...first, ...rest].entries()) {
    if (!(await areEqual(at))) {
      high = at;
      break;
    }
    // The end comes before the samples.
    low = index === first.length - 1 ? from : at;
    tell(index / (first.length + rest.length));
  }
  if (high === undefined) return undefined;
  const whole = Math.log2(Math.max(2, high - low));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await areEqual(middle)) low = middle;
    else high = middle;
    tell(1 - Math.log2(Math.max(1, high - low)) / whole);
  }
  return { equalAt: low, differentAt: high };
}

function samples(marks: readonly number[], from: number, to: number): number[] {
  const within = marks.filter((mark) => mark > from && mark < to);
  const count = Math.min(SAMPLES, within.length);
  return Array.from({ length: count }, (_, index) => within[Math.floor((index * within.length) / count)]);
}

export async function lookAtBoth(askers: Askers, { left, right }: SidePair<number>): Promise<[RunLook, RunLook]> {
  const [a, b] = await Promise.all([askers.left.look([left]), askers.right.look([right])]);
  return [a[0], b[0]];
}

/** The instant of the first event that is not in both at the same instant. */
export async function firstOtherEvent(askers: Askers, abouts: Abouts): Promise<number | undefined> {
  const most = Math.max(abouts.left.events, abouts.right.events);
  for (let from = 0; from < most; from += EVENTS_AT_ONCE) {
    const [left, right] = await Promise.all([
      askers.left.events(from, EVENTS_AT_ONCE),
      askers.right.events(from, EVENTS_AT_ONCE),
    ]);
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      const [one, other] = [left[index], right[index]];
      if (one !== undefined && other !== undefined && isSameEvent(one, other)) continue;
      return Math.min(one?.instant ?? Number.POSITIVE_INFINITY, other?.instant ?? Number.POSITIVE_INFINITY);
    }
  }
  return undefined;
}

function isSameEvent(left: MachineEvent, right: MachineEvent): boolean {
  return left.instant === right.instant && eventContents(left) === eventContents(right);
}

/** An event without its instant, as text. */
export function eventContents({ instant: _, ...contents }: MachineEvent): string {
  return JSON.stringify(contents, (_key, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value instanceof Uint8Array ? [...value].join() : value,
  );
}

export async function statesAt(askers: Askers, at: SidePair<number>): Promise<SidePair<RunState>> {
  const [left, right] = await Promise.all([askers.left.state(at.left), askers.right.state(at.right)]);
  return { left, right };
}

/** What differs between two states, with the words of the first pages that do. `but`: pages that are passed over. */
export async function differencesOf(
  askers: Askers,
  at: SidePair<number>,
  { memoryBytes }: { readonly memoryBytes: number },
  but: ReadonlySet<number> = new Set(),
): Promise<StatesDiffer> {
  const { left, right } = await statesAt(askers, at);
  const differing = differingPages(left, right).filter((page) => !but.has(page));
  const pages = differing.filter((page) => page * PAGE_BYTES < memoryBytes);
  const listed = pages.slice(0, MOST_PAGES);
  const [ours, theirs] = await Promise.all([
    askers.left.pages(at.left, listed, RAM_BASE),
    askers.right.pages(at.right, listed, RAM_BASE),
  ]);
  const words: ValueInBoth[] = [];
  for (const [index, page] of listed.entries()) {
    for (const each of wordsOf(ours[index], theirs[index], RAM_BASE + page * PAGE_BYTES)) {
      if (words.length < MOST_WORDS) words.push(each);
    }
  }
  return {
    equal: left.look.digest === right.look.digest,
    registers: unequal(left.registers, right.registers).slice(0, MOST_REGISTERS),
    words,
    pages: pages.length,
    pagesListed: listed.length,
    blocks: differing.length - pages.length,
    devices: unequal(left.devices, right.devices),
  };
}

export function differingPages(left: RunState, right: RunState): number[] {
  const pages = new Set([...left.pages.keys(), ...right.pages.keys()]);
  return [...pages].filter((page) => left.pages.get(page) !== right.pages.get(page)).sort((a, b) => a - b);
}

function unequal(left: readonly NamedValue[], right: readonly NamedValue[]): ValueInBoth[] {
  const keyOf = ({ hart, device, name }: NamedValue) => `${hart ?? ""} ${device ?? ""} ${name}`;
  const others = new Map(right.map((value) => [keyOf(value), value.value]));
  return left.flatMap((value) => {
    const other = others.get(keyOf(value));
    if (other === value.value) return [];
    const { hart, device, name } = value;
    const what = device !== undefined ? "device" : name === "pc" ? "pc" : CSR_NAMES.test(name) ? "csr" : "register";
    return [
      {
        ...({
          what,
          name: device === undefined ? name : `${device} ${name}`,
          left: value.value,
          right: other,
        } as const),
        ...(hart !== undefined && { hart }),
      },
    ];
  });
}

/** Everything of a hart that is neither an integer nor a floating-point register. */
const CSR_NAMES = /^(?!(?:zero|ra|sp|gp|tp|[atsf]\d+|f[ats]\d+|privilege)$)/;

function* wordsOf(left: Uint8Array, right: Uint8Array, address: number): Iterable<ValueInBoth> {
  const [a, b] = [left, right].map(
    ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength),
  );
  for (let at = 0; at < PAGE_BYTES; at += WORD_BYTES) {
    const [one, other] = [a.getBigUint64(at, true), b.getBigUint64(at, true)];
    if (one === other) continue;
    yield { what: "memory", name: `0x${(address + at).toString(16)}`, address: address + at, left: one, right: other };
  }
}

/** Two states, side by side. */
export async function compareStates(askers: Askers, abouts: Abouts, at: SidePair<number>): Promise<SideBySide> {
  const differences = await differencesOf(askers, at, abouts.left.configuration);
  const [left, right] = await Promise.all([askers.left.place(at.left), askers.right.place(at.right)]);
  return { left, right, ...differences };
}
