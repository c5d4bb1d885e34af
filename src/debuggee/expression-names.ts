import { CSRS } from "../isa/csrs.ts";
import { FLOAT_REGISTERS, REGISTERS } from "../isa/registers.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { SPECIAL_NAMES } from "./expression.ts";
import { FUNCTION_NAMES } from "./expression-parser.ts";
import type { ProgramMap } from "./program-map.ts";
import type { ExpressionName } from "./protocol.ts";

/** Harts with floating point have it. */
const FCSR = 0x003;

/** Names that begin with `prefix` and that expressions understand, registers first. */
export function expressionNames(prefix: string, most: number, machine: MachineLike, map: ProgramMap): ExpressionName[] {
  const found: ExpressionName[] = [];
  const seen = new Set<string>();
  const offer = (name: string, kind: ExpressionName["kind"]) => {
    if (found.length >= most || !name.startsWith(prefix) || seen.has(name)) return;
    seen.add(name);
    found.push({ name, kind });
  };
  for (const { abiName, name, aliases } of REGISTERS)
    for (const each of [abiName, name, ...aliases]) offer(each, "register");
  for (const name of SPECIAL_NAMES) offer(name, "variable");
  for (const name of FUNCTION_NAMES) offer(name, "variable");
  const [hart] = machine.harts;
  if (hart.csr(FCSR) !== undefined) for (const { abiName } of FLOAT_REGISTERS) offer(abiName, "register");
  for (const { name, number, fields } of CSRS) {
    if (hart.csr(number) === undefined) continue;
    offer(name, "csr");
    // Fields would drown the rest until their register has been named.
    if (prefix.startsWith(`${name}.`)) for (const field of fields) offer(`${name}.${field.name}`, "csr");
  }
  for (const { name, kind } of map.symbols.all) offer(name, kind === "absolute" ? "label" : kind);
  return found;
}
