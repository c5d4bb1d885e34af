import { assert } from "../base/assert.ts";
import { findCsr } from "./csrs.ts";
import { findRegister } from "./registers.ts";

/**
 * The operands of a `syntax` or `expansion` line, in order. The fixed kinds stand in expansions. `field` is the name of the encoding's field that holds the
 * operand (`parseEncoding`).
 */
export type Operand =
  | { readonly kind: "register"; readonly field: string; readonly prime: boolean }
  /** A floating-point register; a syntax line names it `frd`, `frs1`, `frs2'`. */
  | { readonly kind: "float-register"; readonly field: string; readonly prime: boolean }
  /** Last and optional: `usual` is the mode when it is left out (`rm` has 7, dynamic; `rm=rne` has 0). */
  | { readonly kind: "rounding-mode"; readonly field: "rm"; readonly usual: number }
  /** A register that the encoding implies: the `sp` of `c.lwsp`. */
  | { readonly kind: "fixed-register"; readonly register: number }
  /** A number. With `shift` the operand is the field's value shifted right: the 20 bits of `lui`. */
  | { readonly kind: "immediate"; readonly field: string; readonly shift: number; readonly text: string }
  /** A number in an expansion: the 0 of `jalr zero, 0(rs1)`. */
  | { readonly kind: "fixed-immediate"; readonly value: number }
  /** An address; the field `imm` holds its distance from the instruction, in bytes. */
  | { readonly kind: "target"; readonly field: "imm" }
  | { readonly kind: "csr"; readonly field: "csr" }
  | { readonly kind: "fixed-csr"; readonly number: number }
  /** The `iorw` set of a fence. */
  | { readonly kind: "fence-set"; readonly field: "pred" | "succ" }
  | { readonly kind: "fixed-fence-set"; readonly value: number }
  /** `imm(rs1)`, or `(rs1)` when the instruction has no offset. */
  | { readonly kind: "memory"; readonly offset: Operand | undefined; readonly base: Operand };

const parsed = new Map<string, readonly Operand[]>();

const FENCE_LETTERS = "wroi";

/** The four bits of a fence set such as `rw`; undefined when the text is none. */
export function parseFenceSet(text: string): number | undefined {
  if (!/^i?o?r?w?$/.test(text) || text === "") return undefined;
  return [...text].reduce((value, letter) => value | (1 << FENCE_LETTERS.indexOf(letter)), 0);
}

/** `iorw` for 15; `0` for the empty set, which a hint uses. */
export function fenceSetText(value: number): string {
  const letters = [..."iorw"].filter((letter) => (value >> FENCE_LETTERS.indexOf(letter)) & 1);
  return letters.length === 0 ? "0" : letters.join("");
}

/** Rounding modes by number, as operands. 5 and 6 are reserved. */
const ROUNDING_MODES: readonly (string | undefined)[] = [
  "rne",
  "rtz",
  "rdn",
  "rup",
  "rmm",
  undefined,
  undefined,
  "dyn",
];

/** Number of a rounding mode such as `rtz`; undefined when the text is none. */
export function parseRoundingMode(text: string): number | undefined {
  const mode = ROUNDING_MODES.indexOf(text);
  return mode < 0 ? undefined : mode;
}

/** `rtz` for 1. */
export function roundingModeText(mode: number): string {
  const text = ROUNDING_MODES[mode];
  assert(text !== undefined, `rounding mode ${mode} is reserved`);
  return text;
}

/** Every rounding mode that can be written. */
export function roundingModeNames(): string[] {
  return ROUNDING_MODES.filter((name) => name !== undefined);
}

/** Parses a line of the table, once; a line that cannot be read is a broken invariant. */
export function parseOperands(syntax: string): readonly Operand[] {
  let operands = parsed.get(syntax);
  if (operands === undefined) {
    operands = syntax === "" ? [] : syntax.split(/\s*,\s*/).map(parseOperand);
    parsed.set(syntax, operands);
  }
  return operands;
}

function parseOperand(text: string): Operand {
  const memory = /^([^()]*)\(([^()]+)\)$/.exec(text);
  if (memory !== null) {
    const [, offset, base] = memory;
    return { kind: "memory", offset: offset === "" ? undefined : parseOperand(offset), base: parseOperand(base) };
  }
  if (/^-?\d+$/.test(text)) return { kind: "fixed-immediate", value: Number(text) };
  const register = findRegister(text);
  if (register !== undefined) return { kind: "fixed-register", register: register.number };
  if (/^r[ds]\d?'?$/.test(text)) return { kind: "register", field: text.replace("'", ""), prime: text.endsWith("'") };
  if (/^fr[ds]\d?'?$/.test(text)) {
    return { kind: "float-register", field: text.slice(1).replace("'", ""), prime: text.endsWith("'") };
  }
  const mode = /^rm(?:=(\w+))?$/.exec(text);
  if (mode !== null) {
    const usual = parseRoundingMode(mode[1] ?? "dyn");
    assert(usual !== undefined, `no rounding mode ${mode[1]}`);
    return { kind: "rounding-mode", field: "rm", usual };
  }
  if (text === "target") return { kind: "target", field: "imm" };
  if (text === "csr") return { kind: "csr", field: "csr" };
  if (text === "pred" || text === "succ") return { kind: "fence-set", field: text };
  const csr = findCsr(text);
  if (csr !== undefined) return { kind: "fixed-csr", number: csr.number };
  const fenceSet = parseFenceSet(text);
  if (fenceSet !== undefined) return { kind: "fixed-fence-set", value: fenceSet };
  const immediate = /^(imm|uimm|nzimm|nzuimm|shamt)(?:\[\d+:(\d+)\])?$/.exec(text);
  assert(immediate !== null, `cannot read the operand "${text}"`);
  return { kind: "immediate", field: immediate[1], shift: Number(immediate[2] ?? 0), text };
}

/** The operands with `imm(rs1)` as two. */
export function flattenOperands(operands: readonly Operand[]): Operand[] {
  return operands.flatMap((operand) =>
    operand.kind === "memory" ? [...(operand.offset ? [operand.offset] : []), operand.base] : [operand],
  );
}
