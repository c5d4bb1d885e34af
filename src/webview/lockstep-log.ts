import { element } from "./elements.ts";
import type { PairLogFilter, PairLogRow } from "./lockstep-messages.ts";
import { PagedRows } from "./paged-rows.ts";
import { exact } from "./scale.ts";
import { VirtualList } from "./virtual-list.ts";

/** What can be chosen to be shown: a name, and the kinds of entries that it stands for. */
export const KIND_GROUPS: Readonly<Record<string, { label: string; kinds: NonNullable<PairLogFilter["kinds"]> }>> = {
  all: { label: "All entries", kinds: [] },
  outputs: { label: "Outputs", kinds: ["output"] },
  inputs: { label: "Inputs", kinds: ["input"] },
  digests: { label: "Digests", kinds: ["digest", "inner-divergence", "agree-again"] },
  differences: {
    label: "Differences and resynchronisations",
    kinds: ["divergence", "inner-divergence", "agree-again", "resynchronise", "resynchronised"],
  },
  members: { label: "Take-overs, joins and faults", kinds: ["take-over", "join", "paired", "fault", "held", "end"] },
};

/** Of outputs: what a chip says, and how it is coloured (`lockstep.css`). */
const STATES: Readonly<Record<string, string>> = {
  pending: "waits to be matched",
  matched: "both have said it",
  released: "both have said it, and it has left",
  mismatched: "the other said something else",
  resynchronised: "taken over with a state, as said by both",
  lost: "said by a machine that died; it never left",
};

const NAMES: Readonly<Record<string, string>> = {
  "inner-divergence": "differs inside",
  "agree-again": "agrees again",
  resynchronise: "resynchronise",
  resynchronised: "resynchronised",
  "take-over": "take-over",
};

export interface LogListener {
  ask(from: number, count: number, filter: PairLogFilter): Promise<{ rows: readonly PairLogRow[]; total: number }>;
  go(row: PairLogRow): void;
  /** How many there are that the filter lets pass. */
  counted(total: number): void;
}

/** The log of a pair: any number of entries, of which those in view are asked for. */
export class LockstepLog {
  readonly #listener: LogListener;
  readonly #list: VirtualList<PairLogRow>;
  #rows: PagedRows<PairLogRow>;
  #filter: PairLogFilter = {};
  #total = 0;
  /** Answers to questions of an earlier filter are dropped. */
  #epoch = 0;

  constructor(at: HTMLElement, listener: LogListener) {
    this.#listener = listener;
    this.#rows = this.#paged();
    this.#list = new VirtualList(at, {
      idPrefix: "entry",
      row: (index) => this.#rows.at(index),
      render: (row) => rendered(row),
      missing: (first, last) => this.#rows.want(first, last, this.#total),
      activated: (row) => listener.go(row),
    });
  }

  get active(): PairLogRow | undefined {
    return this.#list.active < 0 ? undefined : this.#rows.at(this.#list.active);
  }

  focus(): void {
    this.#list.focus();
  }

  filter(filter: PairLogFilter): void {
    this.#filter = filter;
    this.begin();
  }

  /** From the first entry on; what was known is forgotten. */
  begin(): void {
    this.#epoch++;
    this.#rows = this.#paged();
    this.#total = 0;
    this.#list.begin(0);
    this.grown();
  }

  /** The log has grown, or entries in it have another state now. */
  grown(): void {
    void this.#load(Math.max(0, this.#total - (this.#total % PAGE_ROWS)), PAGE_ROWS);
  }

  #paged(): PagedRows<PairLogRow> {
    return new PagedRows((first, count) => void this.#load(first, count));
  }

  async #load(first: number, count: number): Promise<void> {
    const epoch = this.#epoch;
    const rows = this.#rows;
    try {
      const answer = await this.#listener.ask(first, count, this.#filter);
      if (epoch !== this.#epoch) return;
      rows.put(first, answer.rows);
      this.#total = answer.total;
      this.#list.show(answer.total);
      this.#listener.counted(answer.total);
    } catch {
      rows.refused(first);
    }
  }
}

const PAGE_ROWS = 100;

function rendered(row: PairLogRow): HTMLElement {
  const { kind, state, bytes, text, latencyMs, lagSteps } = row;
  const what = NAMES[kind] ?? kind;
  const device = row.device === undefined ? undefined : `${row.device} ${row.number ?? ""}`.trimEnd();
  const isDifference = kind === "divergence" && device !== undefined;
  const instants = [row.primaryInstant, row.secondaryInstant].map((instant) =>
    element("span.instant", {}, instant === undefined ? "" : exact(instant)),
  );
  const facts = [
    latencyMs === undefined ? "" : `${latencyMs.toFixed(latencyMs < 10 ? 1 : 0)} ms`,
    lagSteps === undefined || lagSteps === 0 ? "" : `${exact(lagSteps)} behind`,
  ].filter((fact) => fact !== "");
  const said = bytes === undefined ? "" : `${bytes.text}${bytes.bytes > bytes.hex.length / 2 ? "…" : ""}`;
  return element(
    `div.entry.kind-${kind}`,
    { title: title(row) },
    element("span.sequence", {}, row.sequence === undefined ? "" : exact(row.sequence)),
    ...instants,
    element("span.what", {}, isDifference ? what : (device ?? what)),
    state === undefined ? undefined : element(`span.state.${state}`, { title: STATES[state] }, state),
    said === "" ? undefined : element("code.said", {}, said),
    text === undefined ? undefined : element("span.text", {}, isDifference ? `${device}, ${text}` : text),
    element("span.facts", {}, facts.join(", ")),
  );
}

function title({ kind, timeMs, bytes, text, place, member }: PairLogRow): string {
  return [
    `${NAMES[kind] ?? kind}${member === undefined ? "" : `, machine ${member}`}, ${(timeMs / 1000).toFixed(3)} s after the start`,
    text,
    bytes === undefined ? undefined : `${exact(bytes.bytes)} ${bytes.bytes === 1 ? "byte" : "bytes"}: ${bytes.hex}`,
    place === undefined ? undefined : "A click takes both machines there.",
  ]
    .filter((line) => line !== undefined)
    .join("\n");
}
