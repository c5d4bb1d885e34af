import { effectsOf } from "../isa/effects.ts";
import type { Decoded } from "../isa/instruction.ts";

/**
 * Where an instruction goes on: behind itself; there or at pc + imm; at pc + imm; at an address in a register; or it is a
 * system instruction, which may go on anywhere. That targets which do not come from a register are pc + imm holds
 * for all instructions; test/cpu/control-flow.test.ts proves it over the table.
 */
export type ControlFlow = "next" | "branch" | "jump" | "indirect" | "system";

export function controlFlow({ instruction }: Pick<Decoded, "instruction">): ControlFlow {
  const { jump, system, readsRs1 } = effectsOf(instruction);
  if (system !== undefined) return "system";
  if (jump === "maybe") return "branch";
  if (jump === "never") return "next";
  return readsRs1 ? "indirect" : "jump";
}
