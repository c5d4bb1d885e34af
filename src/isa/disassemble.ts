import { assert } from "../base/assert.ts";
import { ALIASES, type Alias } from "./aliases.ts";
import { csrName } from "./csrs.ts";
import { decode, expand } from "./decode.ts";
import { effectsOf } from "./effects.ts";
import { extract, parseEncoding } from "./encoding.ts";
import type { CompressedInstruction, Decoded, Instruction } from "./instruction.ts";
import { fenceSetText, flattenOperands, type Operand, parseOperands, roundingModeText } from "./operands.ts";
import { abiName, floatAbiName } from "./registers.ts";
import { ORDERING_SUFFIXES } from "./table.ts";

export interface DisassembleOptions {
  /** Address of the instruction; targets are absolute then, and `.+12` without it. */
  readonly pc?: bigint;
  /** Prefer pseudo-instructions and 32-bit names (`ret`, `li`), as objdump does; else the exact form (`c.jr ra`). */
  readonly aliases?: boolean;
  /** Name of an address, `main+0x10`; shown behind targets. */
  readonly symbolize?: (address: bigint) => string | undefined;
}

/** One instruction as GNU text. `text` is mnemonic and operands with one space between. */
export interface Disassembly {
  readonly mnemonic: string;
  readonly operands: string;
  readonly text: string;
  /** Address that a direct jump or branch goes to, when `pc` was given. */
  readonly target: bigint | undefined;
}

/** What a decoded instruction looks like in assembly language. */
export function disassemble(decoded: Decoded, options: DisassembleOptions = {}): Disassembly {
  if (options.aliases !== false) return withAliases(decoded, options);
  if (decoded.compressed !== undefined) return exactCompressed(decoded, decoded.compressed, options);
  return plain(decoded, options);
}

/** The same for 16 or 32 bits that need not be an instruction: those become data, `.half 0x…` or `.word 0x…`. */
export function disassembleWord(word: number, options: DisassembleOptions = {}): Disassembly {
  const decoded = decode(word);
  if (decoded !== undefined) return disassemble(decoded, options);
  const wide = (word & 3) === 3;
  const bits = wide ? word >>> 0 : word & 0xffff;
  // Zero is what programs meet when they run into empty memory: the manual defines it as illegal and names it so.
  if (bits === 0) return result(options.aliases === false ? "c.unimp" : "unimp", "", undefined);
  return result(wide ? ".word" : ".half", `0x${bits.toString(16).padStart(wide ? 8 : 4, "0")}`, undefined);
}

function result(mnemonic: string, operands: string, target: bigint | undefined): Disassembly {
  return { mnemonic, operands, text: operands === "" ? mnemonic : `${mnemonic} ${operands}`, target };
}

/** Values of the operands by field name, as the syntax lines name them. */
type Values = ReadonlyMap<string, number>;

function render(
  mnemonic: string,
  operands: readonly Operand[],
  values: Values,
  options: DisassembleOptions,
): Disassembly {
  let target: bigint | undefined;
  if (options.pc !== undefined && operands.some((operand) => operand.kind === "target")) {
    target = BigInt.asUintN(64, options.pc + BigInt(operandValue(values, "imm")));
  }
  const shown = operands.filter((operand) => !isUsualRounding(operand, values));
  const texts = shown.map((operand) => operandText(operand, values, target, options));
  return result(mnemonic, texts.join(","), target);
}

function isUsualRounding(operand: Operand, values: Values): boolean {
  return operand.kind === "rounding-mode" && operandValue(values, operand.field) === operand.usual;
}

function operandText(
  operand: Operand,
  values: Values,
  target: bigint | undefined,
  options: DisassembleOptions,
): string {
  switch (operand.kind) {
    case "register":
      return abiName(operandValue(values, operand.field));
    case "float-register":
      return floatAbiName(operandValue(values, operand.field));
    case "rounding-mode":
      return roundingModeText(operandValue(values, operand.field));
    case "fixed-register":
      return abiName(operand.register);
    case "immediate":
      return immediateText(operandValue(values, operand.field), operand);
    case "fixed-immediate":
      return String(operand.value);
    case "target":
      return targetText(operandValue(values, "imm"), target, options);
    case "csr":
      return csrName(operandValue(values, "csr"));
    case "fence-set":
      return fenceSetText(operandValue(values, operand.field));
    case "memory": {
      const offset = operand.offset === undefined ? "" : operandText(operand.offset, values, target, options);
      return `${offset}(${operandText(operand.base, values, target, options)})`;
    }
    case "fixed-csr":
    case "fixed-fence-set":
      assert(false, `the disassembler never shows a ${operand.kind} operand`);
  }
}

/** Shift amounts and upper immediates are hexadecimal, everything else decimal: as objdump prints them. */
function immediateText(value: number, operand: Operand & { kind: "immediate" }): string {
  if (operand.shift > 0) return `0x${((value >> operand.shift) & 0xfffff).toString(16)}`;
  return operand.field === "shamt" ? `0x${value.toString(16)}` : String(value);
}

function targetText(distance: number, target: bigint | undefined, options: DisassembleOptions): string {
  if (target === undefined) return distance < 0 ? `.${distance}` : `.+${distance}`;
  const name = options.symbolize?.(target);
  const address = `0x${target.toString(16)}`;
  return name === undefined ? address : `${address} <${name}>`;
}

function operandValue(values: Values, name: string): number {
  const value = values.get(name);
  assert(value !== undefined, `no value for the operand ${name}`);
  return value;
}

function plain(decoded: Decoded, options: DisassembleOptions): Disassembly {
  const { instruction } = decoded;
  const suffix = ORDERING_SUFFIXES.find(({ aqrl }) => aqrl === decoded.aqrl)?.suffix ?? "";
  const isTso = instruction.mnemonic === "fence" && decoded.imm === FENCE_TSO;
  if (isTso) return result("fence.tso", "", undefined);
  return render(instruction.mnemonic + suffix, parseOperands(instruction.syntax), valuesOf(decoded), options);
}

/** fm = 8, pred = succ = rw: the one fence whose fm bits mean something. */
const FENCE_TSO = 0x833;

function exactCompressed(
  decoded: Decoded,
  compressed: CompressedInstruction,
  options: DisassembleOptions,
): Disassembly {
  const encoding = parseEncoding(compressed.encoding);
  const values = new Map(encoding.fields.map((field) => [field.name, extract(field, decoded.word)]));
  return render(compressed.mnemonic, parseOperands(compressed.syntax), values, options);
}

/** Operand values under every name that the syntax lines use for them. */
function valuesOf(decoded: Decoded): Map<string, number> {
  const { rd, rs1, rs2, rs3, rm, imm } = decoded;
  return new Map([
    ["rs3", rs3],
    ["rm", rm],
    ["rd", rd],
    ["rs1", rs1],
    ["rs2", rs2],
    ["imm", imm],
    ["shamt", imm],
    ["csr", imm],
    ["uimm", rs1],
    ["pred", (imm >> 4) & 15],
    ["succ", imm & 15],
  ]);
}

/** An alias ready to match: which values must be what, and where its own operands come from. */
interface Pattern {
  readonly instruction: Instruction;
  readonly compressedOnly: boolean;
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  readonly fixed: readonly { readonly field: string; readonly value: number }[];
  readonly bindings: readonly { readonly from: string; readonly to: string }[];
}

function withAliases(decoded: Decoded, options: DisassembleOptions): Disassembly {
  const values = valuesOf(decoded);
  const isFence = decoded.instruction.mnemonic === "fence";
  // Reserved fence modes have no name of their own.
  if (isFence && decoded.imm >> 8 !== 0) return plain(decoded, options);
  const nonTemporal = decoded.compressed?.mnemonic === "c.add" && decoded.rd === 0 && NON_TEMPORAL[decoded.rs2];
  if (nonTemporal) return result(nonTemporal, "", undefined);
  // A 16-bit hint that is shown as something else would be taken for real work.
  if (decoded.compressed !== undefined && isHint(decoded)) return exactCompressed(decoded, decoded.compressed, options);
  for (const pattern of PATTERNS.get(decoded.instruction) ?? []) {
    if (pattern.compressedOnly && decoded.compressed === undefined) continue;
    if (!pattern.fixed.every(({ field, value }) => values.get(field) === value)) continue;
    const bound = bind(pattern, values);
    if (bound === undefined) continue;
    return render(pattern.mnemonic, pattern.operands, bound, options);
  }
  return plain(decoded, options);
}

/** Values of the alias's operands; undefined when one operand of it would have two values (`fmv.s` of two sources). */
function bind(pattern: Pattern, values: Values): Map<string, number> | undefined {
  const bound = new Map<string, number>();
  for (const { from, to } of pattern.bindings) {
    const value = operandValue(values, from);
    if ((bound.get(to) ?? value) !== value) return undefined;
    bound.set(to, value);
  }
  return bound;
}

/** A computation whose result goes to x0, other than nop itself. */
function isHint(decoded: Decoded): boolean {
  const effects = effectsOf(decoded.instruction);
  return effects.writesRd && effects.jump === "never" && decoded.rd === 0 && decoded.word !== NARROW_NOP;
}

const NARROW_NOP = 0x0001;

/** The 16-bit forms of the aliases `ntl.…`, by rs2. */
const NON_TEMPORAL: Readonly<Partial<Record<number, string>>> = {
  2: "c.ntl.p1",
  3: "c.ntl.pall",
  4: "c.ntl.s1",
  5: "c.ntl.all",
};

/** In the order of ALIASES for each instruction. */
const PATTERNS = Map.groupBy(ALIASES.map(patternOf), ({ instruction }) => instruction);

function patternOf(alias: Alias): Pattern {
  const { instruction, operands: actuals } = expand(alias.expansion);
  const formal = flattenOperands(parseOperands(instruction.syntax));
  const fixed: Pattern["fixed"][number][] = [];
  const bindings: Pattern["bindings"][number][] = [];
  actuals.forEach((actual, i) => {
    const from = fieldOf(formal[i]);
    const value = fixedValue(actual);
    if (value === undefined) bindings.push({ from, to: fieldOf(actual) });
    else fixed.push({ field: from, value });
  });
  const { mnemonic, compressedOnly } = alias;
  return { instruction, compressedOnly, mnemonic, operands: parseOperands(alias.syntax), fixed, bindings };
}

function fieldOf(operand: Operand): string {
  assert("field" in operand, `a ${operand.kind} operand has no field`);
  return operand.field;
}

function fixedValue(operand: Operand): number | undefined {
  switch (operand.kind) {
    case "fixed-register":
      return operand.register;
    case "fixed-csr":
      return operand.number;
    case "fixed-immediate":
    case "fixed-fence-set":
      return operand.value;
    default:
      return undefined;
  }
}
