import { parseInstructionSet } from "../isa/instruction-set.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { HartDescription } from "./device-tree.ts";

/** What the device tree says about the harts of a configuration. Throws a UserError for an ISA that no hart has. */
export function describeHart({ isa, modes }: MachineConfiguration): HartDescription {
  const set = parseInstructionSet(isa, modes);
  const scheme = (["sv57", "sv48", "sv39"] as const).find((name) => set.has(name));
  return {
    isaString: set.isaString,
    base: set.base,
    extensions: set.extensions,
    translation: scheme === undefined ? undefined : `riscv,${scheme}`,
  };
}
