import type { RecordedSession } from "../host/recorded-session.ts";
import { type CheckOutcome, problemOf, tellingPc } from "../replay/check.ts";
import { Excursions } from "../replay/excursion.ts";
import type { Context } from "./context.ts";
import { Places, placeText } from "./places.ts";
import { formatCount } from "./quantities.ts";

/** Checks that are kept for `--json`. */
const MOST_KEPT = 1000;
/** Log lines and failures of one place that are told: what is broken stays broken, and would bury everything else. */
const MOST_TOLD_OF_PLACE = 10;

/** Runs the checks that a guest has compiled into it as a replay comes to them, and tells what they say. */
export class CheckReport {
  readonly #context: Context;
  readonly #excursions: Excursions;
  readonly #places: Places;
  readonly #kept: object[] = [];
  readonly #saying = new Map<bigint, Said>();
  #failed = 0;
  #unseen = 0;
  /** Checks that had something to say and are not in `#kept`. */
  #checksDropped = 0;

  constructor(context: Context, { machine, programs }: RecordedSession) {
    this.#context = context;
    this.#excursions = new Excursions(machine);
    this.#places = new Places(programs);
  }

  get failed(): boolean {
    return this.#failed > 0 || this.#unseen > 0;
  }

  /** The replay stands at a HINT. */
  look(): void {
    const outcome = this.#excursions.compiledHere();
    if (outcome === undefined) return;
    const problem = problemOf(outcome.end, (pc) => placeText(this.#places.at(pc)));
    if (problem !== undefined) this.#failed++;
    if (problem === undefined && outcome.logs.length === 0) return;
    const { instant, hart, end, logs, droppedLogs, steps } = outcome;
    const pc = tellingPc(outcome, (at) => this.#places.symbols.nearest(at)?.symbol.name);
    const place = this.#places.at(pc);
    if (this.#kept.length < MOST_KEPT) {
      this.#kept.push({ instant, hart, ...place, end: end.kind, failed: problem ?? null, logs, droppedLogs, steps });
    } else {
      this.#checksDropped++;
    }
    this.#tell(outcome, pc, problem);
  }

  /** The closing line. RAM is read as a whole once: what the digests of single checks took on trust. */
  close(): void {
    const { voice } = this.#context;
    this.#unseen = this.#excursions.changedUnseen().length;
    for (const [pc, { lines, failures, dropped }] of this.#saying) {
      const more = Math.max(0, lines - MOST_TOLD_OF_PLACE) + Math.max(0, failures - MOST_TOLD_OF_PLACE);
      const note = dropped === 0 ? "" : `; ${formatCount(dropped)} of them were not kept: a check logs too much`;
      if (more > 0) voice.line(`${formatCount(more)} more at ${placeText(this.#places.at(pc))}${note}`);
    }
    if (this.#unseen > 0) voice.fail(`${this.#unseen} pages of memory are not as the digests say: a check has leaked.`);
    const { verified } = this.#excursions;
    const checks = `${formatCount(verified)} check${verified === 1 ? "" : "s"}`;
    const proof = verified === 0 ? "" : ", state restored and digest equal after each";
    voice.say(`${checks}${proof}; ${this.#failed === 0 ? "none" : formatCount(this.#failed)} failed.`);
  }

  toJson(): object {
    const counts = { checksRun: this.#excursions.verified, checksFailed: this.#failed, leakedPages: this.#unseen };
    return { checks: this.#kept, checksDropped: this.#checksDropped, ...counts };
  }

  #tell({ instant, hart, logs, droppedLogs }: CheckOutcome, pc: bigint, problem: string | undefined): void {
    const { voice } = this.#context;
    const said = this.#saying.get(pc) ?? { lines: 0, failures: 0, dropped: 0 };
    this.#saying.set(pc, said);
    const where = `instant ${formatCount(instant)}  hart ${hart}  ${placeText(this.#places.at(pc))}`;
    if (!voice.quiet) {
      const room = Math.max(0, MOST_TOLD_OF_PLACE - said.lines);
      for (const text of logs.slice(0, room)) voice.line(`${where}: ${text}`);
      said.lines += logs.length + droppedLogs;
      said.dropped += droppedLogs;
    }
    if (problem === undefined) return;
    if (++said.failures > MOST_TOLD_OF_PLACE) return;
    voice.line(`${where}: ${voice.style("red", "check failed:")} ${problem}`);
  }
}

/** What the checks of one place had to say. */
interface Said {
  lines: number;
  failures: number;
  /** Of the lines, those that no one has kept. */
  dropped: number;
}
