import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";
import type { EngineChoice, MachineConfiguration } from "../../src/machine/configuration.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import type { CheckOutcome } from "../../src/replay/check.ts";
import { Excursions } from "../../src/replay/excursion.ts";
import { Guest } from "../machine/guests.ts";

const HEADER = readFileSync(new URL("../../guest/include/hindcast.h", import.meta.url), "utf8");

/** A guest in assembly that may use the macros of hindcast.h. */
export function checkedProgram(source: string): Program {
  const { program, errors } = assemble(`#include "hindcast.h"\n${source}`, {
    file: "guest.S",
    include: () => ({ name: "hindcast.h", text: HEADER }),
  });
  assert.deepEqual(errors, []);
  return program!;
}

/** Goes through a guest's run with checks on; the machine is one that has only this past. */
export function runChecks(
  source: string | Program,
  options: {
    engine?: EngineChoice;
    configuration?: Partial<MachineConfiguration>;
    mostSteps?: number;
    until?: number;
  } = {},
): { guest: Guest; outcomes: CheckOutcome[]; excursions: Excursions } {
  const program = typeof source === "string" ? checkedProgram(source) : source;
  const guest = new Guest(program, options.engine, options.configuration);
  const excursions = new Excursions(guest.machine, options.mostSteps);
  guest.machine.setStops({ ...NO_STOPS, replayHints: true });
  const outcomes: CheckOutcome[] = [];
  for (let departing = false; ; departing = true) {
    const stop = guest.run(options.until, departing);
    if (stop.kind !== "breakpoint") break;
    const outcome = excursions.compiledHere();
    if (outcome !== undefined) outcomes.push(outcome);
  }
  return { guest, outcomes, excursions };
}
