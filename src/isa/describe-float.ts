import { ATOM, atom, binary, COMPARISON, type Expression, group, SUM, sum } from "./describe-expression.ts";
import type {
  FloatOperation,
  FloatRelation,
  FloatSemantics,
  FloatSize,
  IntegerFormat,
  SignRule,
} from "./float-semantics.ts";

/** Texts of the floating-point operands. */
export interface FloatNames {
  readonly rd: string;
  readonly rs1: Expression;
  readonly rs2: Expression;
  readonly rs3: Expression;
  /** The instruction's own rounding mode; undefined where it is that of frm, or not known. */
  readonly mode: string | undefined;
}

const OPERATORS = { add: "+", subtract: "-", multiply: "*", divide: "/" } as const;
const RELATIONS = { equal: "==", less: "<", lessOrEqual: "<=" } as const;
const INTEGERS = { w: "int32", wu: "uint32", l: "int64", lu: "uint64" } as const;

/**
 * Floating point in the texts of describe.ts. That results are rounded goes without saying, and how is said where it is
 * not by frm: `fa0 <- rtz(fa1 + fa2)`.
 */
export class FloatText implements FloatSemantics<Expression> {
  readonly #names: FloatNames;
  readonly #lines: string[];

  constructor(names: FloatNames, lines: string[]) {
    this.#names = names;
    this.#lines = lines;
  }

  require(): void {}
  get mode(): Expression {
    return atom(this.#names.mode ?? "");
  }
  rs1(_size: FloatSize): Expression {
    return this.#names.rs1;
  }
  rs2(_size: FloatSize): Expression {
    return this.#names.rs2;
  }
  rs3(_size: FloatSize): Expression {
    return this.#names.rs3;
  }
  writeRd(_size: FloatSize, value: Expression): void {
    this.#lines.push(`${this.#names.rd} <- ${value.text}`);
  }

  arithmetic(operation: FloatOperation, _size: FloatSize, a: Expression, b: Expression, mode: Expression): Expression {
    return rounded(binary(a, OPERATORS[operation], b, SUM), mode);
  }
  squareRoot(_size: FloatSize, a: Expression, mode: Expression): Expression {
    return rounded(atom(`sqrt(${a.text})`), mode);
  }
  multiplyAdd(_size: FloatSize, a: Expression, b: Expression, c: Expression, mode: Expression): Expression {
    return rounded(sum(atom(`${group(a, ATOM)} * ${group(b, ATOM)}`), c), mode);
  }
  choose(choice: "minimum" | "maximum", _size: FloatSize, a: Expression, b: Expression): Expression {
    return atom(`${choice === "minimum" ? "min" : "max"}(${a.text}, ${b.text})`);
  }
  compare(relation: FloatRelation, _size: FloatSize, a: Expression, b: Expression): Expression {
    return binary(a, RELATIONS[relation], b, COMPARISON);
  }
  classify(_size: FloatSize, a: Expression): Expression {
    return atom(`class(${a.text})`);
  }
  toInteger(_size: FloatSize, format: IntegerFormat, a: Expression, mode: Expression): Expression {
    const integer = rounded(atom(`${INTEGERS[format]}(${a.text})`), mode);
    return format === "w" || format === "wu" ? atom(`sext32(${integer.text})`) : integer;
  }
  fromInteger(size: FloatSize, format: IntegerFormat, a: Expression, mode: Expression): Expression {
    return rounded(atom(`${size}(${INTEGERS[format]}(${a.text}))`), mode);
  }
  resize(_from: FloatSize, to: FloatSize, a: Expression, mode: Expression): Expression {
    return rounded(atom(`${to}(${a.text})`), mode);
  }
  injectSign(sign: SignRule, _size: FloatSize, a: Expression, b: Expression): Expression {
    if (a.text !== b.text) {
      const source = sign === "opposite" ? `-${b.text}` : b.text;
      return atom(`${sign === "product" ? "mulsign" : "copysign"}(${a.text}, ${source})`);
    }
    return { same: a, opposite: atom(`-${a.text}`), product: atom(`abs(${a.text})`) }[sign];
  }
}

function rounded(value: Expression, mode: Expression): Expression {
  return mode.text === "" ? value : atom(`${mode.text}(${value.text})`);
}
