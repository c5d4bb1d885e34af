import { GROUPS } from "../isa/extensions.ts";
import { isaNames } from "../isa/instruction-set.ts";
import { type Handler, misuse, parts, wordOf } from "./directive-operands.ts";
import type { Session } from "./session.ts";
import type { Statement } from "./source.ts";

/** The number of the attribute `arch` in the ELF psABI. */
const ATTRIBUTE_ARCH = "5";

/**
 * `.option arch, +zba` or a whole ISA string. Every instruction of the table is taken at any time; what the architecture
 * decides is whether there are compressed instructions, and which instructions `zext.w` and the like become.
 */
export function optionArch(session: Session, statement: Statement): void {
  const [, ...texts] = parts(statement);
  for (const part of texts) choose(session, statement, wordOf(part) ?? "");
}

/** `.attribute arch, "rv64imac"`, which compilers write; other attributes tell the linker things. */
export const attribute: Handler = (session, statement) => {
  const [name, value] = parts(statement);
  const tag = wordOf(name);
  if (tag === "arch" || tag === ATTRIBUTE_ARCH) choose(session, statement, wordOf(value) ?? "");
};

function choose(session: Session, statement: Statement, text: string): void {
  const change = /^([+-])(\w+)$/.exec(text);
  const extensions = new Set(change === null ? [] : session.state.extensions);
  const names = change === null ? isaNames(text) : [change[2].toLowerCase()];
  if (names === undefined) {
    const message = /^rv32/i.test(text)
      ? "the machine has 64-bit registers: rv32 code cannot run"
      : `\`${text}\` is no architecture`;
    return misuse(session, statement, message);
  }
  for (const name of names.flatMap((each) => [each, ...(GROUPS.get(each) ?? [])])) {
    if (change?.[1] === "-") extensions.delete(name);
    else extensions.add(name);
  }
  const affectsCompression = change === null || names.includes("c");
  const compress = affectsCompression ? extensions.has("c") : session.state.compress;
  session.state = { compress, extensions };
}
