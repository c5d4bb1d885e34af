import type {
  FloatOperation,
  FloatRelation,
  FloatSemantics,
  FloatSize,
  IntegerFormat,
  SignRule,
} from "../isa/float-semantics.ts";
import { type Decoded, DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import { BOX, FORMATS, LAST_ROUNDING_MODE } from "./float-format.ts";
import * as exact from "./float-oracle.ts";
import type { FloatResult } from "./float-rounding.ts";
import type { Hart, Turn } from "./hart.ts";

/** Floating point in the oracle's reading: registers, mode and flags here, the arithmetic in float-oracle.ts. */
export class OracleFloat implements FloatSemantics<bigint> {
  readonly #turn: Turn;
  readonly #decoded: () => Decoded;
  readonly #illegal: () => never;

  /** `illegal` ends the instruction with an illegal-instruction exception. */
  constructor(turn: Turn, decoded: () => Decoded, illegal: () => never) {
    this.#turn = turn;
    this.#decoded = decoded;
    this.#illegal = illegal;
  }

  get #hart(): Hart {
    return this.#turn.hart;
  }

  require(): void {
    if (this.#hart.floatIsOff) this.#illegal();
  }
  get mode(): bigint {
    const { rm } = this.#decoded();
    const mode = rm === DYNAMIC_ROUNDING ? this.#hart.fcsr >> 5 : rm;
    if (mode > LAST_ROUNDING_MODE) this.#illegal();
    return BigInt(mode);
  }
  rs1(size: FloatSize): bigint {
    return this.#operand(this.#decoded().rs1, size);
  }
  rs2(size: FloatSize): bigint {
    return this.#operand(this.#decoded().rs2, size);
  }
  rs3(size: FloatSize): bigint {
    return this.#operand(this.#decoded().rs3, size);
  }
  writeRd(size: FloatSize, value: bigint): void {
    this.#hart.setFloatRegister(this.#decoded().rd, size === "single" ? BOX | value : value);
    this.#hart.markFloatDirty();
  }

  arithmetic(operation: FloatOperation, size: FloatSize, a: bigint, b: bigint, mode: bigint): bigint {
    return this.#raise(exact.arithmetic(operation, FORMATS[size], a, b, Number(mode)));
  }
  squareRoot(size: FloatSize, a: bigint, mode: bigint): bigint {
    return this.#raise(exact.squareRoot(FORMATS[size], a, Number(mode)));
  }
  multiplyAdd(size: FloatSize, a: bigint, b: bigint, c: bigint, mode: bigint): bigint {
    return this.#raise(exact.multiplyAdd(FORMATS[size], a, b, c, Number(mode)));
  }
  choose(choice: "minimum" | "maximum", size: FloatSize, a: bigint, b: bigint): bigint {
    return this.#raise(exact.choose(choice, FORMATS[size], a, b));
  }
  compare(relation: FloatRelation, size: FloatSize, a: bigint, b: bigint): bigint {
    return this.#raise(exact.compare(relation, FORMATS[size], a, b));
  }
  classify(size: FloatSize, a: bigint): bigint {
    return exact.classify(FORMATS[size], a);
  }
  toInteger(size: FloatSize, format: IntegerFormat, a: bigint, mode: bigint): bigint {
    return this.#raise(exact.toInteger(FORMATS[size], format, a, Number(mode)));
  }
  fromInteger(size: FloatSize, format: IntegerFormat, a: bigint, mode: bigint): bigint {
    return this.#raise(exact.fromInteger(FORMATS[size], format, a, Number(mode)));
  }
  resize(from: FloatSize, to: FloatSize, a: bigint, mode: bigint): bigint {
    return this.#raise(exact.resize(FORMATS[from], FORMATS[to], a, Number(mode)));
  }
  injectSign(sign: SignRule, size: FloatSize, a: bigint, b: bigint): bigint {
    return exact.injectSign(sign, FORMATS[size], a, b);
  }

  #operand(register: number, size: FloatSize): bigint {
    const bits = this.#hart.floatRegister(register);
    if (size === "double") return bits;
    return (bits & BOX) === BOX ? bits ^ BOX : FORMATS.single.canonicalNaN;
  }

  /** State that stays as it is does not become dirty. */
  #raise({ bits, flags }: FloatResult): bigint {
    const accrued = this.#hart.fcsr | flags;
    if (accrued !== this.#hart.fcsr) {
      this.#hart.fcsr = accrued;
      this.#hart.markFloatDirty();
    }
    return bits;
  }
}
