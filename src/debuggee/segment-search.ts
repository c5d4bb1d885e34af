import { unreachable } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { errors } from "./errors.ts";
import { parseHitCondition } from "./hit-history.ts";
import { accessFinder } from "./search-accesses.ts";
import { callFinder } from "./search-calls.ts";
import type { Finder, SearchParts } from "./search-finder.ts";
import { hitFinder, placeToHit } from "./search-hits.ts";
import { outputFinder, outputProblem } from "./search-outputs.ts";
import type { Question, SegmentResult, SegmentTask, Settled } from "./search-protocol.ts";
import { seriesFinder, seriesKind, settleSeries } from "./search-series.ts";
import { Tally } from "./search-tally.ts";
import { trapFinder } from "./search-traps.ts";
import { waitFinder } from "./search-waits.ts";

/** Bytes that one question may be about. */
const MOST_BYTES = 1 << 24;

/** Searches pieces of the past. What a piece says depends on the task and the recording alone. */
export class SegmentSearch {
  readonly parts: SearchParts;

  constructor(parts: SearchParts) {
    this.parts = parts;
  }

  /** What the question means where the debuggee stands. Throws a UserError when it means nothing. */
  settle(question: Question): Settled {
    const { inspector } = this.parts;
    switch (question.kind) {
      case "writes":
      case "reads":
      case "accesses": {
        const { address, length, use } = question;
        if (!(length >= 1 && length <= MOST_BYTES)) throw errors.length(length, MOST_BYTES);
        return { ranges: inspector.ranges(address, length, use) };
      }
      case "hits": {
        placeToHit(this.parts, question);
        const { at, hitCondition } = question;
        if (hitCondition !== undefined && parseHitCondition(hitCondition) === undefined) {
          throw errors.placeUnknown(`"${hitCondition}" is no hit condition: write 5, >= 5, < 5 or % 5.`);
        }
        return at.kind === "data" ? { ranges: inspector.ranges(at.address, at.length, at.use) } : {};
      }
      case "series":
        return settleSeries(this.parts, question);
      case "calls":
        placeToHit(this.parts, { at: { kind: "function", name: question.function } });
        return {};
      case "traps":
      case "waits":
      case "outputs":
        return {};
      default:
        return unreachable(question, "question");
    }
  }

  /** Whether the answer is only what was seen now and then. */
  isSampled(question: Question): boolean {
    return question.kind === "series" && seriesKind(question) === "sampled";
  }

  /** `cut`, asked now and then: true ends the search where it is, and the result says how far it came. */
  *search(task: SegmentTask, cut?: () => boolean): Motion<SegmentResult> {
    const { timeline, checks } = this.parts;
    const { from, to } = task;
    const tally = new Tally(task);
    const restored = checks.verified;
    const { question } = task;
    const { finder, ...found } =
      question.kind === "outputs"
        ? yield* outputFinder({ parts: this.parts, task, tally, question })
        : { finder: this.#finder(task, question, tally) };
    const scan = finder && Object.assign(finder, cut !== undefined && { cut });
    const end = (finder?.scanTo ?? to) as Instant;
    const reached = scan === undefined ? end : yield* timeline.scan(scan, from as Instant, end);
    return {
      from,
      to: Math.min(reached, to),
      rows: tally.rows,
      marks: tally.marks,
      listed: tally.listed,
      ...found,
      restored: checks.verified - restored,
      ...finder?.finish?.(reached),
      ...this.#problem(task, tally),
    };
  }

  #problem(task: SegmentTask, tally: Tally): Pick<SegmentResult, "problem"> {
    const { question } = task;
    if (question.kind !== "outputs") return {};
    const problem = outputProblem({ parts: this.parts, task, tally, question });
    return problem === undefined ? {} : { problem };
  }

  #finder(
    task: SegmentTask,
    question: Exclude<Question, { readonly kind: "outputs" }>,
    tally: Tally,
  ): Finder | undefined {
    const given = { parts: this.parts, task, tally };
    switch (question.kind) {
      case "writes":
      case "reads":
      case "accesses":
        return accessFinder({ ...given, question });
      case "hits":
        return hitFinder({ ...given, question });
      case "series":
        return seriesFinder({ ...given, question });
      case "calls":
        return callFinder({ ...given, question });
      case "traps":
        return trapFinder({ ...given, question });
      case "waits":
        return waitFinder({ ...given, question });
      default:
        return unreachable(question, "question");
    }
  }
}
