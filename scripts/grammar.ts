/**
 * The TextMate grammar of RISC-V assembly, made from the tables: mnemonics, registers, CSRs, directives and relocation
 * operators are never listed twice. `scripts/generate-grammar.ts` writes it, a test compares.
 */
import { RELOCATION_FUNCTIONS } from "../src/assembler/lexer.ts";
import { PSEUDO_INSTRUCTIONS } from "../src/assembler/pseudo.ts";
import { CSRS } from "../src/isa/csrs.ts";
import { effectsOf } from "../src/isa/effects.ts";
import { FLOAT_REGISTERS, REGISTERS } from "../src/isa/registers.ts";
import { COMPRESSED, findInstruction, INSTRUCTIONS, ORDERING_SUFFIXES } from "../src/isa/table.ts";
import { directiveNames } from "../src/language/directives.ts";

export const GRAMMAR_FILE = "syntaxes/riscv-assembly.tmLanguage.json";

const SCOPE = "riscv-assembly";
const NAME = "[A-Za-z_.$][\\w.$]*";
/** Where a statement may begin: at the start of a line, behind a label, a semicolon or a comment. */
const STATEMENT = "(?:^|(?<=[:;]|\\*/))\\s*";
const NOT_IN_NAME_BEFORE = "(?<![\\w.$\\\\])";
const NOT_IN_NAME_BEHIND = "(?![\\w.$])";
/** A mnemonic is none when it is defined: `add:` and `add = 1`. */
const NOT_DEFINED_HERE = "(?!\\s*[:=])";

interface Rule {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
  readonly beginCaptures?: Readonly<Record<string, { readonly name: string }>>;
  readonly patterns?: readonly Rule[];
}

/** The grammar as the text of its file. */
export function grammarText(): string {
  const grammar = {
    comment: "Generated from src/isa by scripts/generate-grammar.ts; do not edit.",
    name: "RISC-V Assembly",
    scopeName: `source.${SCOPE}`,
    patterns: ["comments", "preprocessor", "statements", "operands"].map((name) => ({ include: `#${name}` })),
    repository: {
      comments: { patterns: comments() },
      preprocessor: { patterns: preprocessor() },
      statements: { patterns: statements() },
      operands: { patterns: operands() },
    },
  };
  return `${JSON.stringify(grammar, undefined, 2)}\n`;
}

function scope(name: string): string {
  return `${name}.${SCOPE}`;
}

function comments(): Rule[] {
  return [
    { name: scope("comment.block"), begin: "/\\*", end: "\\*/" },
    { name: scope("comment.line.double-slash"), match: "//.*$" },
  ];
}

/**
 * In `.S` files a `#` at the start of a line is the C preprocessor's, if one of its words follows at once. With a blank
 * between it is far more often a comment that begins with "if" or "else".
 */
function preprocessor(): Rule[] {
  const words = "include|define|undef|if|ifdef|ifndef|elif|else|endif|error|warning|pragma|line";
  return [
    {
      name: scope("meta.preprocessor"),
      begin: `^\\s*(#(?:${words})\\b)`,
      end: "$",
      beginCaptures: { 1: { name: scope("keyword.control.preprocessor") } },
      patterns: [{ include: "#comments" }, { include: "#operands" }],
    },
    { name: scope("comment.line.number-sign"), match: "#.*$" },
  ];
}

function statements(): Rule[] {
  const directives = alternatives([...directiveNames()].map((name) => name.slice(1)));
  return [
    {
      match: `${STATEMENT}(\\d+)\\s*(:)`,
      captures: { 1: { name: scope("entity.name.label.numeric") }, 2: { name: scope("punctuation.separator.label") } },
    },
    {
      match: `${STATEMENT}(${NAME})\\s*(:)`,
      captures: { 1: { name: scope("entity.name.function.label") }, 2: { name: scope("punctuation.separator.label") } },
    },
    {
      match: `${STATEMENT}(\\.macro)\\s+(${NAME})`,
      captures: {
        1: { name: scope("keyword.other.directive") },
        2: { name: scope("entity.name.function.macro") },
      },
    },
    {
      match: `${STATEMENT}(\\.(?:equ|equiv|eqv|set))\\s+(${NAME})`,
      captures: {
        1: { name: scope("keyword.other.directive") },
        2: { name: scope("variable.other.constant") },
      },
    },
    {
      match: `${STATEMENT}(${NAME})\\s*(==?)(?!=)`,
      captures: { 1: { name: scope("variable.other.constant") }, 2: { name: scope("keyword.operator.assignment") } },
    },
    {
      match: `${STATEMENT}(\\.(?i:${directives}))${NOT_IN_NAME_BEHIND}`,
      captures: { 1: { name: scope("keyword.other.directive") } },
    },
    {
      begin: `${STATEMENT}((?i:${alternatives(mnemonics("csr"))}))${NOT_IN_NAME_BEHIND}${NOT_DEFINED_HERE}`,
      end: "(?=$|;|#|//)",
      beginCaptures: { 1: { name: scope("support.function.mnemonic") } },
      patterns: [{ include: "#comments" }, csrs(), { include: "#operands" }],
    },
    mnemonicRule("control", "keyword.control.mnemonic"),
    mnemonicRule("other", "support.function.mnemonic"),
    // What begins a statement and is none of the above calls a macro, or is a mistake that the language server shows.
    {
      match: `${STATEMENT}([A-Za-z_$][\\w.$]*)`,
      captures: { 1: { name: scope("entity.name.function.macro") } },
    },
  ];
}

function mnemonicRule(kind: MnemonicKind, name: string): Rule {
  return {
    match: `${STATEMENT}((?i:${alternatives(mnemonics(kind))}))${NOT_IN_NAME_BEHIND}${NOT_DEFINED_HERE}`,
    captures: { 1: { name: scope(name) } },
  };
}

function operands(): Rule[] {
  const registers = [...REGISTERS, ...FLOAT_REGISTERS].flatMap(({ name, abiName, aliases }) => [
    name,
    abiName,
    ...aliases,
  ]);
  const relocations = [...RELOCATION_FUNCTIONS].map((name) => name.slice(1));
  return [
    {
      name: scope("variable.language.register"),
      match: `${NOT_IN_NAME_BEFORE}(?:${alternatives(registers)})${NOT_IN_NAME_BEHIND}`,
    },
    { name: scope("support.function.relocation"), match: `%(?:${alternatives(relocations)})(?=\\s*\\()` },
    { name: scope("variable.parameter.macro"), match: "\\\\(?:@|\\(\\)|[A-Za-z_$][\\w$]*)" },
    { name: scope("constant.numeric.hex"), match: `${NOT_IN_NAME_BEFORE}0[xX][0-9A-Fa-f]+${NOT_IN_NAME_BEHIND}` },
    { name: scope("constant.numeric.binary"), match: `${NOT_IN_NAME_BEFORE}0[bB][01]+${NOT_IN_NAME_BEHIND}` },
    { name: scope("constant.other.label.numeric"), match: `${NOT_IN_NAME_BEFORE}\\d+[fb]${NOT_IN_NAME_BEHIND}` },
    {
      name: scope("constant.numeric.float"),
      match: `${NOT_IN_NAME_BEFORE}\\d+(?:\\.\\d+(?:[eE][-+]?\\d+)?|[eE][-+]?\\d+)${NOT_IN_NAME_BEHIND}`,
    },
    { name: scope("constant.numeric.decimal"), match: `${NOT_IN_NAME_BEFORE}\\d+${NOT_IN_NAME_BEHIND}` },
    { name: scope("constant.character"), match: "'(?:\\\\[0-7]{1,3}|\\\\x[0-9A-Fa-f]+|\\\\.|[^\\\\'])'?" },
    {
      name: scope("string.quoted.double"),
      begin: '"',
      end: '"|$',
      patterns: [{ name: scope("constant.character.escape"), match: "\\\\(?:[0-7]{1,3}|[xX][0-9A-Fa-f]+|.)" }],
    },
    { name: scope("keyword.other.type"), match: "[@%](?:function|object|progbits|nobits|note)\\b" },
    { name: scope("keyword.operator"), match: "<<|>>|&&|\\|\\||[=!<>]=|<>|[-+*/%&|^~!<>]" },
    { name: scope("punctuation.separator"), match: "[,;]" },
    { name: scope("variable.other.symbol"), match: `${NOT_IN_NAME_BEFORE}${NAME}` },
  ];
}

function csrs(): Rule {
  return {
    name: scope("variable.language.csr"),
    match: `${NOT_IN_NAME_BEFORE}(?:${alternatives(CSRS.map(({ name }) => name))})${NOT_IN_NAME_BEHIND}`,
  };
}

type MnemonicKind = "control" | "csr" | "other";

/** Every mnemonic of a kind, pseudo-instructions and ordering suffixes included. */
function mnemonics(kind: MnemonicKind): string[] {
  const names = new Set<string>();
  for (const { mnemonic, encoding } of INSTRUCTIONS) {
    if (kindOf(mnemonic) !== kind) continue;
    names.add(mnemonic);
    if (encoding.includes(" aq rl ")) {
      for (const { suffix } of ORDERING_SUFFIXES) names.add(mnemonic + suffix);
    }
  }
  // The last instruction of an expansion says what the whole does: `call` is auipc and jalr.
  for (const { mnemonic, expansion } of [...COMPRESSED, ...PSEUDO_INSTRUCTIONS]) {
    const last = expansion.split(";").at(-1) ?? "";
    const real = last.trim().split(" ")[0];
    const shown = kindOf(mnemonic) === "control" ? mnemonic : real;
    if (findInstruction(mnemonic) === undefined && kindOf(shown) === kind) names.add(mnemonic);
  }
  return [...names];
}

/** Traps count as control: they decide what comes next. */
function kindOf(mnemonic: string): MnemonicKind {
  if (mnemonic.endsWith("unimp")) return "control";
  const instruction = findInstruction(mnemonic);
  if (instruction === undefined) return "other";
  if (instruction.extension === "Zicsr") return "csr";
  const { jump, system } = effectsOf(instruction);
  return jump !== "never" || (system !== undefined && system !== "fence.i") ? "control" : "other";
}

/** A regular expression for any of the words, common beginnings shared so that the editor need not try hundreds. */
function alternatives(words: readonly string[]): string {
  const sorted = [...new Set(words)].sort();
  const byLetter = Map.groupBy(sorted, (word) => word[0]);
  const groups = [...byLetter.values()].map((group) => {
    if (group.length === 1) return escapeDots(group[0]);
    // The longer word first: the expression takes the first that fits.
    const rests = group.map((word) => word.slice(1)).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    return `${escapeDots(group[0][0])}(?:${rests.map(escapeDots).join("|")})`;
  });
  return groups.join("|");
}

function escapeDots(text: string): string {
  return text.replaceAll(".", "\\.");
}
