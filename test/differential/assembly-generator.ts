import { type Form, type FormOperand, formsOf, knownMnemonics } from "../../src/assembler/forms.ts";
import type { Prng } from "../../src/base/prng.ts";
import { CSRS } from "../../src/isa/csrs.ts";
import { type Field, fieldRange } from "../../src/isa/encoding.ts";
import { roundingModeNames } from "../../src/isa/operands.ts";
import { FLOAT_REGISTERS, REGISTERS } from "../../src/isa/registers.ts";

/** GNU `as` 2.40 takes no rounding mode for conversions that are exact; later ones do. */
function isKnownToGas({ operands }: Form): boolean {
  return !operands.some((operand) => operand.kind === "rounding-mode" && operand.usual === 0);
}

/** Random assembly source: statements that are valid, and statements around the edge of what is. */
export class AssemblyGenerator {
  readonly #prng: Prng;
  readonly #mnemonics: readonly string[];
  /** Labels that exist somewhere in the program. */
  readonly #labels: readonly string[];

  constructor(prng: Prng, labels: readonly string[]) {
    this.#prng = prng;
    this.#labels = labels;
    this.#mnemonics = [...knownMnemonics()].filter((mnemonic) => !NEWER.test(mnemonic));
  }

  /** An instruction with operands in range. */
  instruction(): string {
    const mnemonic = this.#prng.pick(this.#mnemonics);
    const form = this.#prng.pick(formsOf(mnemonic).filter(isKnownToGas));
    return this.#write(form, (field) => this.#inRange(field));
  }

  /** The same, with numbers at the edges of the ranges and beyond. */
  edgeInstruction(): string {
    const mnemonic = this.#prng.pick(this.#mnemonics);
    const form = this.#prng.pick(formsOf(mnemonic).filter(isKnownToGas));
    return this.#write(form, (field) => this.#atEdge(field));
  }

  #write(form: Form, number: (field: Field) => bigint): string {
    const operands = form.operands.map((operand) => this.#operand(form, operand, number));
    return `${form.mnemonic}${this.#ordering(form.mnemonic)} ${operands.join(", ")}`;
  }

  /** .aq and .rl, which GNU `as` has for all atomic instructions. */
  #ordering(mnemonic: string): string {
    if (!/^(amo|lr\.|sc\.)/.test(mnemonic)) return "";
    return this.#prng.pick(["", ".aq", ".rl", ".aqrl"]);
  }

  #operand(form: Form, operand: FormOperand, number: (field: Field) => bigint): string {
    const prng = this.#prng;
    switch (operand.kind) {
      case "register":
        return this.#register(operand.prime);
      case "float-register": {
        const register = FLOAT_REGISTERS[operand.prime ? 8 + prng.below(8) : prng.below(32)];
        return prng.below(6) === 0 ? register.name : register.abiName;
      }
      case "rounding-mode":
        return prng.pick(roundingModeNames());
      case "fixed-register":
        return REGISTERS[operand.register].abiName;
      case "immediate": {
        if (form.mnemonic === "li") return this.#spell(this.#constant());
        const field = form.fields.get(operand.field)!;
        const value = number(field);
        return this.#spell(operand.shift === 0 ? value : shiftedText(value, operand.shift));
      }
      case "fixed-immediate":
      case "fixed-fence-set":
        return String(operand.value);
      case "fixed-csr":
        return String(operand.number);
      case "target":
      case "symbol":
        return prng.pick(this.#labels);
      case "csr":
        return prng.below(4) === 0 ? `0x${prng.below(4096).toString(16)}` : prng.pick(NAMED_CSRS);
      case "fence-set":
        return prng.pick(["r", "w", "rw", "i", "o", "io", "ir", "iow", "iorw", "orw"]);
      case "memory": {
        const offset = operand.offset === undefined ? "" : this.#operand(form, operand.offset, number);
        return `${prng.below(8) === 0 && offset === "0" ? "" : offset}(${this.#operand(form, operand.base, number)})`;
      }
    }
  }

  #register(prime: boolean): string {
    const prng = this.#prng;
    // Mostly few registers, so that the compressed forms with equal operands come up.
    const number = prime
      ? 8 + prng.below(8)
      : prng.pick([0, 1, 2, 5, 8, 9, 10, 10, 10, 11, 11, 15, 31, prng.below(32)]);
    const register = REGISTERS[number];
    return prng.below(6) === 0 ? register.name : register.abiName;
  }

  #inRange(field: Field): bigint {
    const prng = this.#prng;
    const { min, max, step } = fieldRange(field);
    for (;;) {
      const near = [min, max, 0, step, -step, 31, 32, -32, -33, 4, 8, 16, 64, 124, 128, 248, 252, 256, 496, 504, 512];
      const span = Math.floor((max - min) / step) + 1;
      const value = prng.below(2) === 0 ? prng.pick(near) : min + step * prng.below(Math.min(span, 2 ** 32));
      if (value >= min && value <= max && value % step === 0 && !field.excluded.includes(value)) return BigInt(value);
    }
  }

  #atEdge(field: Field): bigint {
    const { min, max, step } = fieldRange(field);
    const value = this.#prng.pick([
      min,
      max,
      min - step,
      max + step,
      min - 1,
      max + 1,
      0,
      1,
      -1,
      step,
      step + 1,
      2 * max,
    ]);
    return BigInt(value);
  }

  /** Constants of all sizes, the ones with many zeros or ones among them. */
  #constant(): bigint {
    const prng = this.#prng;
    const bits = BigInt(1 + prng.below(64));
    const shift = BigInt(prng.below(64));
    const random = prng.next64() & ((1n << bits) - 1n);
    const value = prng.pick([random, random << shift, (1n << shift) - 1n, 1n << shift, (1n << shift) + random]);
    return BigInt.asIntN(64, prng.below(2) === 0 ? value : -value);
  }

  #spell(value: bigint): string {
    const hex = `${value < 0n ? "-" : ""}0x${(value < 0n ? -value : value).toString(16)}`;
    switch (this.#prng.below(4)) {
      case 0:
        return hex;
      case 1:
        return `${value - 3n}+3`;
      default:
        return String(value);
    }
  }
}

/** GNU `as` 2.40 is older than Zicond and Zihintntl. */
const NEWER = /^(czero|(c\.)?ntl)\./;

/** GNU `as` 2.40 knows these names at the privileged version that it assumes. */
const NAMED_CSRS = CSRS.map(({ name }) => name).filter((name) =>
  /^(m(status|isa|ie|tvec|scratch|epc|cause|tval|ip|hartid|cycle|instret)|cycle|time|instret|satp|pmpaddr\d+)$/.test(
    name,
  ),
);

/** The 20 bits of lui and the 6 of c.lui are written as a number without sign. */
function shiftedText(value: bigint, shift: number): bigint {
  return BigInt.asUintN(20, value >> BigInt(shift));
}
