import { assert } from "../base/assert.ts";
import { type Encoding, type Field, parseEncoding } from "../isa/encoding.ts";
import { type Operand, parseOperands } from "../isa/operands.ts";
import { COMPRESSED, findInstruction, INSTRUCTIONS } from "../isa/table.ts";
import { PSEUDO_INSTRUCTIONS, type PseudoInstruction } from "./pseudo.ts";

/** An operand that a form wants; beyond the table's there is the address of a label. */
export type FormOperand = Operand | { readonly kind: "symbol" };

/** One way to write a mnemonic: which operands it takes and what becomes of them. */
export interface Form {
  readonly mnemonic: string;
  readonly syntax: string;
  readonly operands: readonly FormOperand[];
  /** The field of an encoding that a value given for `name` ends up in, for its range. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Values of fields whose operands have been left out. */
  readonly usual: Readonly<Record<string, number>>;
  readonly meaning: Meaning;
  /** Taken only when `.option arch` chose this extension; another form serves without it. */
  readonly needs?: string;
}

export type Meaning =
  | { readonly kind: "instruction"; readonly mnemonic: string; readonly encoding: Encoding }
  | { readonly kind: "compressed"; readonly mnemonic: string; readonly encoding: Encoding }
  | { readonly kind: "expansion"; readonly steps: readonly Step[]; readonly compressAs: string | undefined }
  /** Computed by pseudo-expansion.ts. */
  | { readonly kind: "computed" };

/** One instruction of an expansion: where each of its fields comes from. */
export interface Step {
  readonly mnemonic: string;
  readonly encoding: Encoding;
  /** Field of the encoding <- value given for this name in the pseudo-instruction, or a constant. */
  readonly sources: readonly { readonly field: string; readonly from: string | number }[];
}

/** All forms by mnemonic, built on first use. */
let table: Map<string, Form[]> | undefined;

export function formsOf(mnemonic: string): readonly Form[] {
  table ??= buildTable();
  return table.get(mnemonic) ?? [];
}

/** Every mnemonic that the assembler knows, ordering suffixes left out. */
export function knownMnemonics(): Iterable<string> {
  table ??= buildTable();
  return table.keys();
}

function buildTable(): Map<string, Form[]> {
  const forms = new Map<string, Form[]>();
  const add = (form: Form): void => {
    const list = forms.get(form.mnemonic);
    if (list === undefined) forms.set(form.mnemonic, [form]);
    else list.push(form);
  };
  const pseudo = new Set(PSEUDO_INSTRUCTIONS.map(({ mnemonic, syntax }) => `${mnemonic} ${syntax}`));
  for (const { mnemonic, syntax, extension, encoding: text } of INSTRUCTIONS) {
    const meaning = { kind: "instruction", mnemonic, encoding: parseEncoding(text) } as const;
    const form = makeForm(mnemonic, syntax, meaning);
    // `sext.b` and its like are one instruction with Zbb, and two of the base without.
    add(pseudo.has(`${mnemonic} ${syntax}`) ? { ...form, needs: extension.toLowerCase() } : form);
    const last = parseOperands(syntax).at(-1);
    if (last?.kind === "rounding-mode") {
      add(makeForm(mnemonic, syntax.replace(/, rm\S*$/, ""), meaning, { [last.field]: last.usual }));
    }
  }
  for (const { mnemonic, syntax, encoding: text } of COMPRESSED) {
    add(makeForm(mnemonic, syntax, { kind: "compressed", mnemonic, encoding: parseEncoding(text) }));
    if (mnemonic === "c.nop") {
      // GNU as also takes the hint form with a value.
      add(makeForm(mnemonic, "imm", { kind: "compressed", mnemonic, encoding: parseEncoding(text) }));
    }
  }
  for (const entry of PSEUDO_INSTRUCTIONS) add(makePseudo(entry));
  return forms;
}

function makeForm(
  mnemonic: string,
  syntax: string,
  meaning: Meaning & { encoding: Encoding },
  usual: Form["usual"] = {},
): Form {
  const fields = new Map(meaning.encoding.fields.map((field) => [field.name, field]));
  return { mnemonic, syntax, operands: parseOperands(syntax), fields, usual, meaning };
}

function makePseudo(entry: PseudoInstruction): Form {
  const operands = entry.syntax === "" ? [] : entry.syntax.split(", ").map(parseFormOperand);
  const fields = new Map<string, Field>();
  let meaning: Meaning = { kind: "computed" };
  if (!entry.computed) {
    const steps = entry.expansion.split("; ").map(parseStep);
    for (const step of steps) {
      for (const { field: name, from } of step.sources) {
        const field = step.encoding.fields.find((candidate) => candidate.name === name)!;
        if (typeof from === "string" && !fields.has(from)) fields.set(from, field);
      }
    }
    meaning = { kind: "expansion", steps, compressAs: entry.compressAs };
  }
  return { mnemonic: entry.mnemonic, syntax: entry.syntax, operands, fields, usual: {}, meaning, needs: entry.needs };
}

function parseFormOperand(text: string): FormOperand {
  return text === "symbol" ? { kind: "symbol" } : parseOperands(text)[0];
}

/** `addi rd, rs1, 0` over the operands of the pseudo-instruction, matched with the syntax of `addi` itself. */
function parseStep(text: string): Step {
  const [mnemonic] = text.split(" ", 1);
  const entry = findInstruction(mnemonic);
  assert(entry !== undefined, `the expansion "${text}" names no instruction`);
  const given = splitOperands(text.slice(mnemonic.length).trim());
  const wanted = splitOperands(entry.syntax);
  assert(given.length === wanted.length, `the expansion "${text}" has the wrong number of operands`);
  const sources = wanted.map((name, index) => {
    const field = parseOperands(name)[0];
    assert("field" in field, `operand ${name} of ${mnemonic}`);
    return { field: field.field as string, from: parseSource(given[index]) };
  });
  return { mnemonic, encoding: parseEncoding(entry.encoding), sources };
}

function splitOperands(text: string): string[] {
  return text === ""
    ? []
    : text
        .replace(/\)/g, "")
        .split(/\s*[,(]\s*/)
        .filter((part) => part !== "");
}

function parseSource(text: string): string | number {
  const operand = parseOperands(text)[0];
  if (operand.kind === "fixed-register") return operand.register;
  if (operand.kind === "fixed-immediate" || operand.kind === "fixed-fence-set") return operand.value;
  if (operand.kind === "fixed-csr") return operand.number;
  assert("field" in operand, `cannot read the operand "${text}" of an expansion`);
  return operand.field;
}
