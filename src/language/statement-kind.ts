import { knownMnemonics } from "../assembler/forms.ts";
import type { Statement, Token } from "../assembler/source.ts";
import { splitOrdering } from "../isa/table.ts";

let mnemonics: ReadonlySet<string> | undefined;

/** Whether the assembler has an instruction or pseudo-instruction of this name, ordering suffixes included. */
export function isMnemonic(name: string): boolean {
  mnemonics ??= new Set(knownMnemonics());
  return mnemonics.has(splitOrdering(name.toLowerCase()).mnemonic);
}

/** The directive that a statement begins with, in lower case with its dot; undefined when it is something else. */
export function directiveOf(statement: Statement): string | undefined {
  const name = statement.name;
  if (name === undefined || statement.assignment !== undefined || !name.text.startsWith(".")) return undefined;
  return name.text.toLowerCase();
}

/** A line of the C preprocessor, with its word: `define`, `ifdef`, … */
export function preprocessorWord(statement: Statement): string | undefined {
  return statement.name?.text === "#" ? statement.operands[0]?.text : undefined;
}

/** What opens, continues and closes a part of the source: for folding, macro scopes and indentation. */
export type BlockRole = {
  readonly family: "macro" | "repeat" | "if" | "#if";
  readonly role: "open" | "middle" | "close";
};

export function blockRole(statement: Statement): BlockRole | undefined {
  const word = preprocessorWord(statement);
  if (word !== undefined) {
    if (/^if(n?def)?$/.test(word)) return { family: "#if", role: "open" };
    if (word === "else" || word === "elif") return { family: "#if", role: "middle" };
    return word === "endif" ? { family: "#if", role: "close" } : undefined;
  }
  const directive = directiveOf(statement);
  switch (directive) {
    case undefined:
      return undefined;
    case ".macro":
      return { family: "macro", role: "open" };
    case ".endm":
    case ".endmacro":
      return { family: "macro", role: "close" };
    case ".rept":
    case ".irp":
    case ".irpc":
      return { family: "repeat", role: "open" };
    case ".endr":
      return { family: "repeat", role: "close" };
    case ".else":
    case ".elseif":
      return { family: "if", role: "middle" };
    case ".endif":
      return { family: "if", role: "close" };
    default:
      return directive.startsWith(".if") ? { family: "if", role: "open" } : undefined;
  }
}

/** Operand tokens of directives that are no symbols: names of sections, options, files and the like. */
const WORDS_ONLY = new Set([
  ".section",
  ".pushsection",
  ".option",
  ".attribute",
  ".file",
  ".loc",
  ".ident",
  ".ifc",
  ".ifnc",
  ".ifb",
  ".ifnb",
  ".ifeqs",
  ".ifnes",
  ".include",
  ".incbin",
  ".error",
  ".warning",
  ".print",
]);

/** The operand tokens of a directive that may name symbols. */
export function symbolOperands(directive: string, operands: readonly Token[]): readonly Token[] {
  if (WORDS_ONLY.has(directive) || directive.startsWith(".cfi_")) return [];
  // `.type name, @function`
  if (directive === ".type") return operands.slice(0, 1);
  return operands;
}

/** Directives whose first operand becomes defined by them. */
export const DEFINING_DIRECTIVES: ReadonlySet<string> = new Set([
  ".set",
  ".equ",
  ".equiv",
  ".eqv",
  ".comm",
  ".lcomm",
  ".common",
]);
