import type { MachineConfiguration } from "../machine/configuration.ts";
import type { HartDescription } from "./device-tree.ts";

/** What `g` stands for. */
const GENERAL = ["i", "m", "a", "f", "d", "zicsr", "zifencei"];

/** What the device tree says about the harts of a configuration. */
export function describeHart({ isa, modes }: MachineConfiguration): HartDescription {
  const [first, ...rest] = isa.toLowerCase().split("_");
  const letters = [...first.replace(/^rv64/, "")].flatMap((letter) => (letter === "g" ? GENERAL : [letter]));
  const names = [...new Set([...letters.filter((name) => name.length === 1), ...letters, ...rest])];
  const single = names.filter((name) => name.length === 1);
  const others = names.filter((name) => name.length > 1);
  return {
    isaString: [`rv64${single.join("")}`, ...others].join("_"),
    base: "rv64i",
    extensions: [...single, ...others],
    translation: modes === "msu" ? "riscv,sv57" : undefined,
  };
}
