import { EXCEPTION_CODES } from "../isa/causes.ts";
import { NO_STOPS, type StopConditions } from "../machine/stop.ts";
import { type PageWait, pageWaits } from "../replay/recorded-waits.ts";
import type { Hit } from "../replay/timeline-interface.ts";
import { runningOn } from "./running-process.ts";
import { COST, type Finder, type FinderTask, placeOf } from "./search-finder.ts";
import type { Row, RunMeanwhile } from "./search-protocol.ts";
import { arrivedFrom } from "./trap-context.ts";
import { hex } from "./value-format.ts";

/** A wait that is listed and not over. */
interface OpenWait {
  /** Its number in the list. */
  readonly index: number;
  readonly wait: PageWait;
  readonly who: string;
  /** Steps, by who took them. */
  readonly meanwhile: Map<string, number>;
}

/**
 * Processes that the guest OS put to sleep because the machine did not have a page. The events say which and for how long. Without a
 * finder: none is to be listed.
 */
export function waitFinder(given: FinderTask<"waits">): Finder | undefined {
  const { task, tally, parts } = given;
  const listed: PageWait[] = [];
  for (const wait of pageWaits(parts.history?.events ?? [])) {
    if (wait.from < task.from || wait.from >= task.to || tally.isOver) continue;
    if (tally.count(wait.from)) listed.push(wait);
  }
  return listed.length === 0 ? undefined : new WaitList(given, listed);
}

/** Who it was, and who ran meanwhile: whoever runs is asked for at each trap, since nobody else comes to run without one. */
class WaitList implements Finder {
  stops: StopConditions = NO_STOPS;
  /** Waits end behind the segment, too. */
  readonly scanTo: number;
  readonly #given: FinderTask<"waits">;
  readonly #waits: readonly PageWait[];
  #next = 0;
  #open: OpenWait[] = [];
  /** Steps that each hart had taken when it was looked at last. */
  #steps: readonly bigint[] = [];

  constructor(given: FinderTask<"waits">, waits: readonly PageWait[]) {
    this.#given = given;
    this.#waits = waits;
    const { task, parts } = given;
    this.scanTo = Math.min(parts.timeline.end, task.to + (task.mostStepsToReturn ?? 0));
  }

  begin(): number | "end" {
    return this.look();
  }

  visit({ stop }: Hit): number | "end" {
    if (stop.kind === "exception" || stop.kind === "interrupt") this.#passed();
    return COST.hit;
  }

  nextLook(now: number): number {
    const instants = [this.#waits[this.#next]?.from, ...this.#open.map(({ wait }) => wait.to)];
    const behind = instants.filter((instant): instant is number => instant !== undefined && instant > now);
    return Math.min(...behind);
  }

  look(): number | "end" {
    const { machine } = this.#given.parts;
    this.#passed();
    for (; this.#waits[this.#next]?.from === machine.instant; this.#next++) this.#begin(this.#waits[this.#next]);
    // A page may be there at the very instant at which the guest was told that it is not.
    this.#open = this.#open.filter((open) => {
      if (open.wait.to === undefined || open.wait.to > machine.instant) return true;
      this.#close(open);
      return false;
    });
    this.stops = this.#open.length === 0 ? NO_STOPS : TRAPS;
    return this.#isOver ? "end" : COST.row;
  }

  finish(): object {
    for (const open of this.#open) this.#close(open);
    return {};
  }

  get #isOver(): boolean {
    return this.#next === this.#waits.length && this.#open.length === 0;
  }

  #begin(wait: PageWait): void {
    const { parts, tally } = this.#given;
    const hart = parts.machine.harts[wait.hart];
    const who = runningOn(parts.machine, wait.hart);
    const open = { index: tally.listed.length, wait, who, meanwhile: new Map<string, number>() };
    tally.listed.push({ ...placeOf(parts, wait.from, wait.hart, arrivedFrom(hart)), text: "" });
    this.#open.push(open);
  }

  /** Steps since the last look were taken by whom each hart is now about to leave. */
  #passed(): void {
    const { machine } = this.#given.parts;
    const now = machine.harts.map(({ steps }) => steps ?? 0n);
    machine.harts.forEach(({ id }) => {
      const steps = Number(now[id] - (this.#steps[id] ?? now[id]));
      if (steps <= 0 || this.#open.length === 0) return;
      const who = runningOn(machine, id);
      for (const { meanwhile } of this.#open) meanwhile.set(who, (meanwhile.get(who) ?? 0) + steps);
    });
    this.#steps = now;
  }

  #close({ index, wait, who, meanwhile }: OpenWait): void {
    const { listed } = this.#given.tally;
    const ran = shares(meanwhile);
    const { hart, address, work, from, to } = wait;
    const steps = to === undefined ? undefined : to - from;
    const row: Row = {
      ...listed[index],
      text: waitText(wait, who, ran),
      ...(steps !== undefined && { number: steps }),
      wait: { who, hart, address, work, meanwhile: ran, ...(to !== undefined && { to }) },
    };
    listed[index] = row;
  }
}

const TRAPS: StopConditions = { breakpoints: [], watches: [], exceptions: EXCEPTION_CODES, interrupts: true };
/** Of a list of those who ran. */
const MOST_NAMED = 4;

function shares(meanwhile: ReadonlyMap<string, number>): RunMeanwhile[] {
  return [...meanwhile].map(([who, steps]) => ({ who, steps })).sort((a, b) => b.steps - a.steps);
}

/** `mix.5 waited for 612,331 steps: 0x40012000 (page-in); meanwhile ran mix.3 61 %, mix.4 39 %` */
function waitText({ address, work, from, to }: PageWait, who: string, ran: readonly RunMeanwhile[]): string {
  const length = to === undefined ? "and did not get it" : `for ${(to - from).toLocaleString("en-US")} steps`;
  const all = ran.reduce((sum, { steps }) => sum + steps, 0);
  const named = ran.slice(0, MOST_NAMED).map((each) => `${each.who} ${Math.round((100 * each.steps) / all)} %`);
  const others = ran.length > MOST_NAMED ? `, ${ran.length - MOST_NAMED} others` : "";
  const meanwhile = all === 0 ? "nobody ran meanwhile" : `meanwhile ran ${named.join(", ")}${others}`;
  return `${who} waited ${length}: ${hex(address)} (${work}); ${meanwhile}`;
}
