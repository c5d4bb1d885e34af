import type { Program } from "../assembler/program.ts";
import { AssertionFailure } from "../base/assert.ts";
import { causeName } from "../isa/causes.ts";
import type { CacheGroupReport, HartView, MachineLike } from "../machine/machine-interface.ts";
import type { ResidencyReport } from "../machine/residency.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { TravelStop } from "../replay/timeline-interface.ts";
import { type Answer, NEGATIVE, UNUSABLE_INPUT } from "./context.ts";
import { type Place, Places, placeText } from "./places.ts";
import { formatAddress, formatCount, formatSeconds, formatSpeed } from "./quantities.ts";

/** Why a run is over. */
export type Ending =
  | { readonly kind: "stop"; readonly stop: TravelStop }
  | { readonly kind: "interrupted"; readonly exitCode: number }
  /** Nobody reads the guest's console any more. */
  | { readonly kind: "output-closed"; readonly exitCode: number }
  /** The recording cannot be written; the sentence says why. */
  | { readonly kind: "recording-failed"; readonly message: string };

/** What there is to say of a machine whose run is over. */
export interface EndedMachine extends Pick<MachineLike, "cacheGroup"> {
  readonly instant: number;
  readonly harts: readonly Pick<HartView, "pc">[];
}

export interface RunFigures {
  readonly machine: EndedMachine;
  readonly programs: readonly Program[];
  /** Host time that the machine ran. */
  readonly seconds: number;
  /** Where its pages are; absent: the machine keeps all. */
  readonly residency?: ResidencyReport;
}

/** The JSON fields that `run` and `record` share. */
export interface RunAnswer {
  readonly reason: string;
  readonly exitCode: number;
  readonly instant: number;
  readonly seconds: number;
  readonly stepsPerSecond: number;
  readonly trap?: Place & {
    readonly cause: number;
    readonly name: string;
    readonly tval: string;
    readonly hart: number;
  };
  /** What the caches of translations have done. */
  readonly translation?: CacheGroupReport;
  /** Where its pages are, and what it cost that they are not all in the machine. */
  readonly residency?: ResidencyReport;
}

/** Exit codes have eight bits: a failure must not look like success because of that. */
function processExitCode(guestExitCode: number): number {
  return Math.min(guestExitCode, 255);
}

/** The answer, the process's exit code, and the sentence for people (undefined when there is nothing to say). */
export function answerTo(
  ending: Ending,
  figures: RunFigures,
): { answer: Answer & { json: RunAnswer }; sentence: string | undefined } {
  const { instant } = figures.machine;
  const stepsPerSecond = figures.seconds > 0 ? Math.round(instant / figures.seconds) : 0;
  const seconds = Number(figures.seconds.toFixed(6));
  const { reason, exitCode, shownExitCode, sentence, trap } = explain(ending, figures);
  const { cacheGroup } = figures.machine;
  const translation = cacheGroup === undefined ? {} : { translation: cacheGroup };
  const shown = { reason, exitCode: shownExitCode ?? exitCode, instant, seconds, stepsPerSecond };
  const { residency } = figures;
  const json: RunAnswer = { ...shown, ...trap, ...translation, ...(residency && { residency }) };
  const speed = `${formatSeconds(figures.seconds)}, ${formatSpeed(stepsPerSecond)}`;
  const where = `at instant ${formatCount(instant)} (${speed})`;
  return { answer: { exitCode, json }, sentence: sentence?.replace("WHERE", where) };
}

interface Explanation {
  readonly reason: string;
  readonly exitCode: number;
  /** The guest's own code, where the process cannot give it whole. */
  readonly shownExitCode?: number;
  readonly sentence: string;
  readonly trap?: Pick<RunAnswer, "trap">;
}

function explain(ending: Ending, figures: RunFigures): Explanation {
  switch (ending.kind) {
    case "interrupted":
      return { reason: "interrupted", exitCode: ending.exitCode, sentence: "Interrupted WHERE." };
    case "output-closed":
      return { reason: "output-closed", exitCode: ending.exitCode, sentence: "Nobody reads the output: ended WHERE." };
    case "recording-failed":
      return { reason: "recording-failed", exitCode: UNUSABLE_INPUT, sentence: `${ending.message} Ended WHERE.` };
    case "stop":
      return explainStop(ending.stop, figures);
  }
}

function explainStop(stop: TravelStop, figures: RunFigures): Explanation {
  switch (stop.kind) {
    case "finished":
      if (stop.reset) return { reason: "reset", exitCode: 0, sentence: "The guest asked for a reset WHERE." };
      return {
        reason: "exit",
        exitCode: processExitCode(stop.exitCode),
        shownExitCode: stop.exitCode,
        sentence: `The guest ended with exit code ${stop.exitCode} WHERE.`,
      };
    case "unhandled-trap":
      return explainTrap(stop, figures);
    case "waiting":
      return {
        reason: "waiting",
        exitCode: NEGATIVE,
        sentence: "The guest waits for an interrupt that nothing will raise: ended WHERE.",
      };
    case "reached":
      return { reason: "limit", exitCode: NEGATIVE, sentence: "The limit of steps was reached WHERE." };
    default:
      throw new AssertionFailure(`a live run without stops came to a "${stop.kind}"`);
  }
}

function explainTrap(stop: MachineStop & { kind: "unhandled-trap" }, figures: RunFigures): Explanation {
  const { pc } = figures.machine.harts[stop.hart];
  const place = new Places(figures.programs).at(pc);
  const name = causeName(BigInt(stop.cause));
  const tval = formatAddress(stop.tval);
  return {
    reason: "trap",
    exitCode: NEGATIVE,
    sentence: `${name} (mtval ${tval}) at ${placeText(place)}, and no handler to take it: ended WHERE.`,
    trap: { trap: { cause: stop.cause, name, tval, hart: stop.hart, ...place } },
  };
}
