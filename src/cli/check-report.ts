import type { RecordedSession } from "../host/recorded-session.ts";
import { type CheckOutcome, problemOf } from "../replay/check.ts";
import { Excursions } from "../replay/excursion.ts";
import type { Context } from "./context.ts";
import { Places, placeText } from "./places.ts";
import { formatCount } from "./quantities.ts";

/** Checks that are kept for `--json`. */
const MOST_KEPT = 1000;
/** Checks of one place that are told: what is broken stays broken, and would bury everything else. */
const MOST_TOLD_OF_PLACE = 10;

/** Runs the checks that a guest has compiled into it as a replay comes to them, and tells what they say. */
export class CheckReport {
  readonly #context: Context;
  readonly #excursions: Excursions;
  readonly #places: Places;
  readonly #kept: object[] = [];
  /** How many checks at a place had something to say. */
  readonly #saying = new Map<bigint, number>();
  #failed = 0;
  #unseen = 0;

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
    const { instant, hart, pc, end, logs, steps } = outcome;
    const place = this.#places.at(pc);
    if (this.#kept.length < MOST_KEPT) {
      this.#kept.push({ instant, hart, ...place, end: end.kind, failed: problem ?? null, logs, steps });
    }
    const number = (this.#saying.get(pc) ?? 0) + 1;
    this.#saying.set(pc, number);
    if (number <= MOST_TOLD_OF_PLACE) this.#tell(outcome, problem);
  }

  /** The closing line. RAM is read as a whole once: what the digests of single checks took on trust. */
  close(): void {
    const { voice } = this.#context;
    this.#unseen = this.#excursions.changedUnseen().length;
    for (const [pc, count] of this.#saying) {
      const more = count - MOST_TOLD_OF_PLACE;
      if (more > 0) voice.line(`${formatCount(more)} more at ${placeText(this.#places.at(pc))}`);
    }
    if (this.#unseen > 0) voice.fail(`${this.#unseen} pages of memory are not as the digests say: a check has leaked.`);
    const { verified } = this.#excursions;
    const checks = `${formatCount(verified)} check${verified === 1 ? "" : "s"}`;
    const proof = verified === 0 ? "" : ", state restored and digest equal after each";
    voice.say(`${checks}${proof}; ${this.#failed === 0 ? "none" : formatCount(this.#failed)} failed.`);
  }

  toJson(): object {
    const counts = { checksRun: this.#excursions.verified, checksFailed: this.#failed, leakedPages: this.#unseen };
    return { checks: this.#kept, ...counts };
  }

  #tell({ instant, hart, pc, logs }: CheckOutcome, problem: string | undefined): void {
    const { voice } = this.#context;
    const where = `instant ${formatCount(instant)}  hart ${hart}  ${placeText(this.#places.at(pc))}`;
    for (const text of logs) voice.line(`${where}: ${text}`);
    if (problem !== undefined) voice.line(`${where}: ${voice.style("red", "check failed:")} ${problem}`);
  }
}
