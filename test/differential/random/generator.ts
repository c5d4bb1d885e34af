import type { Prng } from "../../../src/base/prng.ts";
import * as control from "./control-units.ts";
import * as devices from "./device-units.ts";
import type { Emitter } from "./emitter.ts";
import * as plain from "./plain-units.ts";
import * as system from "./system-units.ts";
import { CaseWriter } from "./writer.ts";

interface Unit {
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  readonly write: (writer: CaseWriter, block: control.Block) => void;
}

const UNITS: readonly Unit[] = [
  { weight: 300, write: plain.arithmetic },
  { weight: 120, write: plain.compressedArithmetic },
  { weight: 170, write: plain.memory },
  { weight: 50, write: plain.constant },
  { weight: 40, write: plain.atomic },
  { weight: 25, write: plain.reservation },
  { weight: 10, write: plain.stackPointer },
  { weight: 60, write: control.condition },
  { weight: 25, write: control.loop },
  { weight: 25, write: control.jump },
  { weight: 15, write: control.detour },
  { weight: 20, write: control.call },
  { weight: 8, write: control.machineReturn },
  { weight: 40, write: system.csr },
  { weight: 45, write: system.trap },
  { weight: 10, write: system.changedCode },
  { weight: 6, write: system.trapVector },
  { weight: 6, write: system.softwareInterrupt },
  { weight: 4, write: system.wait },
  { weight: 4, write: devices.uart },
  { weight: 4, write: devices.clint },
  { weight: 4, write: devices.plic },
  { weight: 2, write: devices.finisher },
];
const TOTAL_WEIGHT = UNITS.reduce((sum, { weight }) => sum + weight, 0);

/** Units nested deeper are plain arithmetic. */
const MAX_DEPTH = 3;

export interface GeneratedCase {
  /** x0 to x31 at the beginning, as 64 bits, signed or unsigned. */
  readonly registers: readonly bigint[];
  /** Address of the last instruction, an ecall to the harness. */
  readonly end: number;
}

/**
 * Writes one random program. It ends for certain: jumps go forward, except for loops over a counter that nothing else
 * writes; and whatever traps is skipped by the harness's handler.
 */
export function generateCase(prng: Prng, emitter: Emitter): GeneratedCase {
  const writer = new CaseWriter(prng, emitter);
  const block = (units: number) => {
    writer.depth++;
    for (let unit = 0; unit < units; unit++) {
      if (writer.depth > MAX_DEPTH) plain.arithmetic(writer);
      else pickUnit(prng).write(writer, block);
    }
    writer.depth--;
  };
  const registers = Array.from({ length: 32 }, () => writer.value());
  block(20 + prng.below(80));
  const end = emitter.here;
  writer.emit("ecall", {});
  return { registers, end };
}

function pickUnit(prng: Prng): Unit {
  let choice = prng.below(TOTAL_WEIGHT);
  for (const unit of UNITS) {
    choice -= unit.weight;
    if (choice < 0) return unit;
  }
  return UNITS[0];
}
