import { type FormOperand, formsOf, knownMnemonics } from "../assembler/forms.ts";
import { RELOCATION_FUNCTIONS } from "../assembler/lexer.ts";
import type { Statement, Token } from "../assembler/source.ts";
import { parseLines, splitAtCommas } from "../assembler/statements.ts";
import { CSRS } from "../isa/csrs.ts";
import { roundingModeNames } from "../isa/operands.ts";
import { FLOAT_REGISTERS, REGISTERS, type Register } from "../isa/registers.ts";
import { findCompressed, splitOrdering } from "../isa/table.ts";
import type { Analysis } from "./analysis.ts";
import { directiveNames, findDirective } from "./directives.ts";
import type { Position, Range } from "./model.ts";
import { definitionsOf, type Entity } from "./names.ts";
import { directiveOf, preprocessorWord } from "./statement-kind.ts";

export type CompletionKind = "mnemonic" | "directive" | "register" | "csr" | "symbol" | "macro" | "parameter" | "word";

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** Short, beside the label: operands, what a register is for, a value. */
  readonly detail: string;
  /** What the label replaces. */
  readonly range: Range;
  /** Orders the list: what is meant more often comes first. */
  readonly rank: number;
}

type Choice = Omit<Completion, "range">;

/** What may stand at a position. Empty inside comments and strings. */
export function complete(analysis: Analysis, file: number, position: Position): Completion[] {
  const line = analysis.lines(file)[position.line] ?? "";
  const prefix = line.slice(0, position.character);
  if (inCommentOrString(analysis.lines(file), position, prefix)) return [];
  // A lone `%` or backslash begins a word, too.
  const word = /(?:%[\w]*|\\[\w@]*|[A-Za-z_.$\u0080-\uffff][\w.$\u0080-\uffff]*)?$/.exec(prefix)?.[0] ?? "";
  // Digits in front of letters: `1f` and 0x10 are numbers.
  if (/[\w.$]$/.test(prefix.slice(0, prefix.length - word.length))) return [];
  const range: Range = {
    start: { line: position.line, character: position.character - word.length },
    end: position,
  };
  const before = prefix.slice(0, prefix.length - word.length);
  return choices(analysis, file, position, before, word).map((choice) => ({ ...choice, range }));
}

/** Whether lexing the text in front of the position leaves something that is no token: a comment or an open string. */
function inCommentOrString(lines: readonly string[], position: Position, prefix: string): boolean {
  const text = [...lines.slice(0, position.line), prefix].join("\n");
  const tokens = parseLines(text, { file: 0 }).flatMap((line) => line.tokens);
  const last = tokens.at(-1);
  if (last?.kind === "bad" && /^("|\/\*)/.test(last.text)) return true;
  const end = last !== undefined && last.line === position.line + 1 ? last.column - 1 + last.length : 0;
  return /^\s*(#|\/\/|\/\*)/.test(prefix.slice(end)) && !/\*\/\s*$/.test(prefix);
}

function choices(analysis: Analysis, file: number, position: Position, before: string, word: string): Choice[] {
  if (word.startsWith("\\")) return parameters(analysis, file, position);
  if (word.startsWith("%")) return relocations();
  const statement = statementBefore(before);
  if (statement?.name === undefined) return beginnings(analysis, word);
  if (statement.assignment !== undefined) return symbols(analysis);
  if (preprocessorWord(statement) !== undefined) return defines(analysis);
  const parts = splitAtCommas(statement.operands);
  // A comma at the end opens one more operand, and so do parentheses: `lw a0, 4(`.
  const index = Math.max(0, parts.length - 1);
  const directive = directiveOf(statement);
  if (directive !== undefined) return directiveOperands(analysis, directive, index);
  const open = parts[index] ?? [];
  return instructionOperands(analysis, statement.name.text, index, open);
}

/** The statement that the text in front of a word belongs to; undefined when the word begins one. */
function statementBefore(before: string): Statement | undefined {
  if (/;\s*$/.test(before)) return undefined;
  return parseLines(before, { file: 0 }).at(-1)?.statements.at(-1);
}

function beginnings(analysis: Analysis, word: string): Choice[] {
  const directives = [...directiveNames()].map(
    (name): Choice => ({ label: name, kind: "directive", detail: findDirective(name)?.syntax ?? "", rank: 3 }),
  );
  if (word.startsWith(".")) return directives;
  const mnemonics = [...knownMnemonics()].map(
    (name): Choice => ({
      label: name,
      kind: "mnemonic",
      detail: [...new Set(formsOf(name).map(({ syntax }) => syntax))].join("  |  "),
      // The assembler chooses 16-bit forms by itself: few people write them.
      rank: findCompressed(name) === undefined ? 1 : 4,
    }),
  );
  const macros = named(analysis, "macro").map((entity) => entityChoice(analysis, entity, 0));
  return [...macros, ...mnemonics, ...directives];
}

function instructionOperands(analysis: Analysis, name: string, index: number, open: readonly Token[]): Choice[] {
  const forms = formsOf(splitOrdering(name.toLowerCase()).mnemonic);
  // Nothing is known of the arguments of a macro.
  if (forms.length === 0) return [...registers(0), ...symbols(analysis), ...defines(analysis)];
  const kinds = new Set(forms.flatMap((form) => wantedAt(form.operands[index], open)));
  const result: Choice[] = [];
  if (kinds.has("register")) result.push(...registers(0));
  if (kinds.has("float-register")) result.push(...registers(0, FLOAT_REGISTERS));
  if (kinds.has("rounding-mode")) result.push(...roundingModes());
  if (kinds.has("csr")) result.push(...csrs());
  if (kinds.has("fence-set")) result.push(...fenceSets());
  if (kinds.has("symbol")) result.push(...symbols(analysis));
  if (kinds.has("number")) result.push(...constants(analysis), ...relocations(), ...defines(analysis));
  return unique(result);
}

type Wanted = "register" | "float-register" | "rounding-mode" | "csr" | "fence-set" | "symbol" | "number";

function wantedAt(operand: FormOperand | undefined, open: readonly Token[]): Wanted[] {
  switch (operand?.kind) {
    case "register":
    case "fixed-register":
      return ["register"];
    case "float-register":
    case "rounding-mode":
    case "csr":
      return [operand.kind];
    case "fence-set":
      return ["fence-set"];
    case "target":
    case "symbol":
      return ["symbol"];
    case "immediate":
      return ["number"];
    case "memory":
      return openParenthesis(open) ? ["register"] : ["number"];
    default:
      return [];
  }
}

/** `4(` and not `%lo(`. */
function openParenthesis(tokens: readonly Token[]): boolean {
  const last = tokens.findLastIndex((token) => token.text === "(");
  const closed = tokens.slice(last + 1).some((token) => token.text === ")");
  return last >= 0 && !closed && tokens[last - 1]?.kind !== "relocation";
}

function directiveOperands(analysis: Analysis, directive: string, index: number): Choice[] {
  const words = WORDS[directive];
  if (words !== undefined) {
    const [position, list] = words;
    if (index === position) return list.map((label): Choice => ({ label, kind: "word", detail: "", rank: 0 }));
    return directive === ".type" ? symbols(analysis) : [];
  }
  if (directive === ".purgem") return named(analysis, "macro").map((entity) => entityChoice(analysis, entity, 0));
  if (directive.startsWith(".cfi_")) return registers(0);
  if (NO_NAMES.has(directive)) return [];
  return [...symbols(analysis), ...defines(analysis)];
}

/** Directives with words of their own: at which operand, and which. */
const WORDS: Readonly<Record<string, readonly [number, readonly string[]]>> = {
  ".option": [0, ["rvc", "norvc", "push", "pop", "relax", "norelax", "pic", "nopic"]],
  ".section": [0, [".text", ".data", ".rodata", ".bss", ".text.init", ".sdata", ".sbss"]],
  ".pushsection": [0, [".text", ".data", ".rodata", ".bss", ".text.init", ".sdata", ".sbss"]],
  ".type": [1, ["@function", "@object"]],
};

const NO_NAMES = new Set([".macro", ".endm", ".include", ".incbin", ".ascii", ".asciz", ".string", ".file", ".loc"]);

function registers(rank: number, all: readonly Register[] = REGISTERS): Choice[] {
  return all.flatMap(({ name, abiName, aliases, role }) => [
    { label: abiName, kind: "register" as const, detail: role, rank },
    ...aliases.map((label) => ({ label, kind: "register" as const, detail: role, rank: rank + 1 })),
    { label: name, kind: "register" as const, detail: abiName, rank: rank + 2 },
  ]);
}

function csrs(): Choice[] {
  return CSRS.map(({ name, description, extension }) => ({
    label: name,
    kind: "csr",
    detail: description,
    rank: extension === "Machine" || extension === "Zicntr" ? 0 : 2,
  }));
}

function roundingModes(): Choice[] {
  return roundingModeNames().map((label) => ({ label, kind: "word", detail: "Rounding mode.", rank: 0 }));
}

function fenceSets(): Choice[] {
  return ["rw", "r", "w", "iorw", "io", "i", "o", "ir", "ow"].map((label) => ({
    label,
    kind: "word",
    detail: "",
    rank: label.length > 2 ? 1 : 0,
  }));
}

function relocations(): Choice[] {
  return [...RELOCATION_FUNCTIONS].map((label) => ({ label, kind: "word", detail: "(symbol)", rank: 2 }));
}

function symbols(analysis: Analysis): Choice[] {
  return named(analysis, "symbol").map((entity) => entityChoice(analysis, entity, 0));
}

/** Symbols that stand for numbers; addresses seldom fit an immediate. */
function constants(analysis: Analysis): Choice[] {
  return named(analysis, "symbol")
    .filter((entity) => analysis.valueOf(entity)?.isAddress === false)
    .map((entity) => entityChoice(analysis, entity, 0));
}

function defines(analysis: Analysis): Choice[] {
  return named(analysis, "define").map((entity) => entityChoice(analysis, entity, 1));
}

/** Parameters of the macros around a line. */
function parameters(analysis: Analysis, file: number, position: Position): Choice[] {
  const line = position.line + 1;
  const around = named(analysis, "parameter").filter((entity) => {
    const [definition] = definitionsOf(entity);
    return (
      definition.span.file === file && definition.span.line <= line && line <= scopeEnd(analysis, definition.statement)
    );
  });
  const choices = around.map(({ name }): Choice => ({ label: `\\${name}`, kind: "parameter", detail: "", rank: 0 }));
  const counter: Choice = { label: "\\@", kind: "parameter", detail: "number of this expansion", rank: 1 };
  return unique([...choices, counter]);
}

/** The line on which the macro or repetition that a statement opens ends. */
function scopeEnd(analysis: Analysis, opening: Statement): number {
  const close = directiveOf(opening) === ".macro" ? /^\.endm(acro)?$/ : /^\.endr$/;
  let depth = 0;
  for (const statement of analysis.statements(opening.file)) {
    if (statement.line < opening.line) continue;
    const directive = directiveOf(statement);
    if (directive === directiveOf(opening)) depth++;
    else if (directive !== undefined && close.test(directive) && --depth === 0) return statement.line;
  }
  return Number.POSITIVE_INFINITY;
}

function named(analysis: Analysis, kind: Entity["kind"]): Entity[] {
  return [...analysis.defined(kind)];
}

function entityChoice(analysis: Analysis, entity: Entity, rank: number): Choice {
  const kind = entity.kind === "macro" ? "macro" : "symbol";
  const known = analysis.valueOf(entity);
  const value = known === undefined ? "" : known.isAddress ? `0x${known.value.toString(16)}` : String(known.value);
  return { label: entity.name, kind, detail: value, rank };
}

function unique(choices: readonly Choice[]): Choice[] {
  return [...new Map(choices.toReversed().map((choice) => [choice.label, choice])).values()].toReversed();
}

export interface Signature {
  /** Every way to write the operands: `lw rd, imm(rs1)`. */
  readonly labels: readonly string[];
  /** The one that fits what stands there so far, and the operand that the position is in. */
  readonly active: number;
  readonly operand: number;
}

/** The operands that the instruction at a position takes. */
export function signature(analysis: Analysis, file: number, position: Position): Signature | undefined {
  const lines = analysis.lines(file);
  const prefix = (lines[position.line] ?? "").slice(0, position.character);
  if (inCommentOrString(lines, position, prefix)) return undefined;
  const statement = statementBefore(prefix);
  const name = statement?.name;
  if (statement === undefined || name === undefined || statement.assignment !== undefined) return undefined;
  // The mnemonic is still being written.
  if (name.column - 1 + name.length === position.character) return undefined;
  const forms = formsOf(splitOrdering(name.text.toLowerCase()).mnemonic).filter(({ syntax }) => syntax !== "");
  if (forms.length === 0) return undefined;
  const operand = Math.max(0, splitAtCommas(statement.operands).length - 1);
  const fitting = forms.findIndex(({ operands }) => operands.length > operand);
  return { labels: forms.map(({ syntax }) => `${name.text} ${syntax}`), active: Math.max(0, fitting), operand };
}
