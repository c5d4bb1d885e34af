import { MalformedBytes } from "../base/byte-cursor.ts";
import type { PairLogFilter, PairLogRow } from "../debuggee/lockstep-protocol.ts";
import type { InnerDivergence, OutputDivergence } from "../lockstep/divergence.ts";
import { CONSOLE, MACHINE_DEVICES, NETWORK } from "../lockstep/machine-replica.ts";
import type { PairHeader } from "../replay/recording-message.ts";
import type { RecordingReader } from "../replay/recording-reader.ts";
import { PairLogReader, type StoredSight } from "./pair-log-codec.ts";
import { PairLogFacts } from "./pair-log-facts.ts";
import { RowColumns } from "./pair-log-rows.ts";

export const PAIR_LOG_KINDS = [
  ...([
    "input",
    "output",
    "digest",
    "acknowledge",
    "release",
    "divergence",
    "inner-divergence",
    "agree-again",
  ] as const),
  ...(["resynchronise", "resynchronised", "take-over", "join", "paired", "fault", "held", "end"] as const),
] as const;
export type PairLogKind = (typeof PAIR_LOG_KINDS)[number];
export type PairOutputState = "pending" | "matched" | "released" | "mismatched" | "resynchronised" | "lost";

export interface PairLogEntry extends PairLogRow {
  readonly kind: PairLogKind;
  readonly state?: PairOutputState;
}

export interface PairSummary {
  readonly entries: number;
  readonly counts: Readonly<Record<PairLogKind, number>>;
  readonly outputsMatched: number;
  readonly outputsReleased: number;
  readonly latencyMs: { readonly median: number | undefined; readonly p99: number | undefined };
  readonly lagStepsMax: number;
  /** They differed inside when the recording ended. */
  readonly inner: InnerDivergence | undefined;
  readonly innerDivergences: number;
  readonly digests: { readonly equal: number; readonly different: number };
  readonly resynchronisations: number;
  readonly takeOvers: number;
  readonly joined: number;
  readonly held: number;
  /** Oldest first. */
  readonly divergences: readonly (OutputDivergence & { readonly primary: PairPlace; readonly secondary: PairPlace })[];
}

export interface PairPlace {
  readonly member: string;
  readonly stretch: number;
}

export interface PairLog {
  readonly count: number;
  readonly summary: PairSummary;
  /** `from` counts the rows that the filter lets pass. */
  entries(from: number, count: number, filter?: PairLogFilter): readonly PairLogEntry[];
  countOf(filter: PairLogFilter): number;
}

/** A recording of a member, as the log needs it. */
export interface LoggedStretch {
  readonly header: PairHeader;
  /** The instants that it goes from and to. */
  readonly first: number;
  readonly last: number;
  readonly reader: Pick<RecordingReader, "outputs" | "frames" | "events" | "lockstep">;
}

/** Decoded messages that are kept. */
const MOST_DECODED = 16;

/**
 * The log of a pair out of its recordings. Of each row only its place is in memory: what it says is decoded, from the
 * recordings' messages, when somebody looks at it.
 */
export class RecordedPairLog implements PairLog {
  readonly #stretches: readonly LoggedStretch[];
  readonly summary: PairSummary;
  readonly #facts: PairLogFacts;
  readonly #rows: RowColumns;
  readonly #decoded = new Map<string, StoredSight[]>();
  #filtered: { readonly key: string; readonly rows: Uint32Array } | undefined;

  constructor(stretches: readonly LoggedStretch[]) {
    this.#stretches = stretches;
    this.#facts = new PairLogFacts(stretches);
    this.#rows = this.#order();
    const counts = Object.fromEntries(PAIR_LOG_KINDS.map((kind) => [kind, 0])) as Record<PairLogKind, number>;
    for (let row = 0; row < this.count; row++) counts[this.#kindOf(row)]++;
    this.summary = this.#facts.summary(counts, this.count);
  }

  get count(): number {
    return this.#rows.length;
  }

  entries(from: number, count: number, filter?: PairLogFilter): readonly PairLogEntry[] {
    const first = Math.max(0, from);
    if (filter === undefined || isEmpty(filter)) {
      const length = Math.max(0, Math.min(count, this.count - first));
      return Array.from({ length }, (_, index) => this.#entry(first + index));
    }
    return [...this.#rowsOf(filter).subarray(first, first + Math.max(0, count))].map((row) => this.#entry(row));
  }

  countOf(filter: PairLogFilter): number {
    return isEmpty(filter) ? this.count : this.#rowsOf(filter).length;
  }

  #rowsOf(filter: PairLogFilter): Uint32Array {
    const key = JSON.stringify(filter);
    if (this.#filtered?.key === key) return this.#filtered.rows;
    const { kinds, ...rest } = filter;
    const rows: number[] = [];
    for (let row = 0; row < this.count; row++) {
      const isKind = kinds === undefined || kinds.includes(this.#kindOf(row));
      if (isKind && (isEmpty(rest) || passes(this.#entry(row), rest))) rows.push(row);
    }
    this.#filtered = { key, rows: Uint32Array.from(rows) };
    return this.#filtered.rows;
  }

  /** By host time; what a secondary saw of an entry comes behind that entry. */
  #order(): RowColumns {
    const parts = this.#stretches.map(({ reader }, stretch) => {
      const rows = new RowColumns(stretch);
      let lastMs = 0;
      for (let message = 0; message < reader.lockstep.length; message++) {
        this.#sights(stretch, message).forEach((sight, index) => {
          const kind = this.#facts.add(stretch, sight);
          if (kind === undefined) return;
          const behindMs = "through" in sight ? this.#facts.timeOf(sight.through) : 0;
          lastMs = Math.max(lastMs, sight.timeMs, behindMs);
          rows.push(message, index, PAIR_LOG_KINDS.indexOf(kind), lastMs);
        });
      }
      return rows;
    });
    this.#facts.settle();
    return RowColumns.merge(parts);
  }

  /** What one message tells. One that cannot be read tells nothing. */
  #sights(stretch: number, message: number): StoredSight[] {
    const key = `${stretch} ${message}`;
    const known = this.#decoded.get(key);
    if (known !== undefined) return known;
    const sights: StoredSight[] = [];
    try {
      const reader = new PairLogReader(this.#stretches[stretch].reader.lockstep[message].bytes);
      for (let sight = reader.next(); sight !== undefined; sight = reader.next()) sights.push(sight);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
    this.#decoded.set(key, sights);
    if (this.#decoded.size > MOST_DECODED) this.#decoded.delete(this.#decoded.keys().next().value!);
    return sights;
  }

  #kindOf(row: number): PairLogKind {
    return PAIR_LOG_KINDS[this.#rows.kindAt(row)];
  }

  #entry(row: number): PairLogEntry {
    const { stretch: at, message, index } = this.#rows.at(row);
    const sight = this.#sights(at, message)[index];
    const { header, reader } = this.#stretches[at];
    const said = (device: number) => header.said[device] ?? 0;
    const isPrimary = this.#facts.isPrimary(at, sight.timeMs);
    const own = isPrimary ? { primaryInstant: sight.instant } : { secondaryInstant: sight.instant };
    const common = {
      ...{ kind: this.#kindOf(row), member: header.member, stretch: header.stretch, timeMs: sight.timeMs },
      at: "at" in sight ? sight.at : sight.instant,
    };
    switch (sight.kind) {
      case "input": {
        const { sequence, at: primaryInstant } = sight;
        const bytes = inputBytes(reader, primaryInstant, sight.event, sight.size);
        const secondaryInstant = this.#facts.takenAt(sequence);
        return {
          ...{ ...common, sequence, primaryInstant, ...optional({ secondaryInstant, bytes, number: sight.number }) },
          ...optional({ text: inputText(sight.event, sight.size) }),
          device: sight.event === "network-input" ? NETWORK : CONSOLE,
        };
      }
      case "output": {
        const { sequence, device, number, at: primaryInstant } = sight;
        const offset = number - said(device);
        const bytes =
          device === CONSOLE
            ? reader.outputs.bytes(offset, sight.size)
            : device === NETWORK
              ? reader.frames.at(offset)
              : undefined;
        return {
          ...{ ...common, sequence, primaryInstant, device, number },
          ...optional({ bytes, secondaryInstant: this.#facts.saidAt(at, device, number) }),
          ...this.#facts.outcome(at, sight, unitsOf(device, sight.size)),
        };
      }
      case "digest": {
        const equal = this.#facts.comparison(sight.sequence);
        const state = equal === undefined ? {} : { state: equal ? ("matched" as const) : ("mismatched" as const) };
        return { ...common, sequence: sight.sequence, primaryInstant: sight.at, ...state, text: sight.digest };
      }
      case "acknowledge":
        return { ...common, ...own, sequence: sight.through, lagSteps: sight.lagSteps };
      case "release":
        return { ...common, ...own, device: sight.device, number: sight.number, latencyMs: sight.latencyMs };
      case "held":
        return { ...common, ...own, text: sight.held ? "held" : "goes on" };
      case "inner-divergence": {
        const { noticedAt, lastAgreement, how } = sight.inner;
        const text = `${how}; last agreement at instant ${lastAgreement.toLocaleString("en-US")}`;
        return { ...common, ...own, sequence: sight.through, primaryInstant: noticedAt, text };
      }
      case "divergence": {
        const { primaryInstant, secondaryInstant, device, number } = this.#facts.placed(
          ...([sight.divergence, at, sight.timeMs] as const),
        );
        const text = describeDivergence(sight.divergence);
        return {
          ...{ ...common, sequence: sight.through, primaryInstant, secondaryInstant, device, number, text },
          at: isPrimary ? primaryInstant : secondaryInstant,
        };
      }
      case "agree-again":
      case "take-over":
      case "fenced":
        return { ...common, ...own, sequence: sight.through };
      case "fault":
        return { ...common, ...own, text: sight.text };
      default:
        return { ...common, ...own };
    }
  }
}

export function unitsOf(device: number, bytes: number): number {
  return MACHINE_DEVICES[device] === "stream" ? bytes : 1;
}

export function describeDivergence({ what, expected, got }: OutputDivergence): string {
  return `${what}: ${expected} and ${got}`;
}

/** An input that has no bytes, in words. */
function inputText(kind: string, size: number): string | undefined {
  if (kind === "idle-jump") return `${size} ticks`;
  if (kind === "page-not-ready") return `page not ready: token ${size}`;
  return kind === "page-ready" ? `page ready: token ${size}` : undefined;
}

/** The input of this kind and size at an instant. */
function inputBytes(
  { events }: LoggedStretch["reader"],
  instant: number,
  kind: string,
  size: number,
): Uint8Array | undefined {
  const { others } = events;
  let [low, high] = [0, others.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (others[middle].instant < instant) low = middle + 1;
    else high = middle;
  }
  for (; others[low]?.instant === instant; low++) {
    const event = others[low];
    const bytes =
      event.kind === "console-input" ? event.bytes : event.kind === "network-input" ? event.frame : undefined;
    if (event.kind === kind && bytes?.length === size) return bytes;
  }
  return undefined;
}

function isEmpty(filter: PairLogFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

function passes(entry: PairLogEntry, { states, member, instants, text }: PairLogFilter): boolean {
  if (member !== undefined && entry.member !== member) return false;
  if (states !== undefined && !states.includes(entry.state ?? "")) return false;
  if (instants !== undefined) {
    const at = entry.primaryInstant;
    if (at === undefined || at < instants.from || at >= instants.to) return false;
  }
  if (text === undefined) return true;
  const said = entry.bytes === undefined ? "" : new TextDecoder("latin1").decode(entry.bytes);
  return `${said}\n${entry.text ?? ""}`.toLowerCase().includes(text.toLowerCase());
}

function optional<Values extends object>(values: Values): { [Key in keyof Values]?: NonNullable<Values[Key]> } {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [Key in keyof Values]?: NonNullable<Values[Key]> };
}
