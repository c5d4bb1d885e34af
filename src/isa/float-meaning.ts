import type { FloatOperation, FloatRelation, FloatSize, IntegerFormat, SignRule } from "./float-semantics.ts";
import type { Semantics } from "./semantics.ts";

/**
 * What the instructions of F and D have in common: both extensions say the same about two sizes. Each function gives the
 * meaning for an entry of the table.
 */
type Meaning = <V>(s: Semantics<V>) => void;

export function floatLoad(size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.float.writeRd(size, s.load(size === "single" ? 4 : 8, "unsigned", s.add(s.rs1, s.imm)));
  };
}

/** Bits as they are: a NaN keeps its payload, and the boxing of a single is not looked at. */
export function floatStore(size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.store(size === "single" ? 4 : 8, s.add(s.rs1, s.imm), s.float.rs2("double"));
  };
}

export function arithmetic(operation: FloatOperation, size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    const mode = s.float.mode;
    s.float.writeRd(size, s.float.arithmetic(operation, size, s.float.rs1(size), s.float.rs2(size), mode));
  };
}

export function squareRoot(size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    const mode = s.float.mode;
    s.float.writeRd(size, s.float.squareRoot(size, s.float.rs1(size), mode));
  };
}

/** `product` and `addend` say which signs go in: negation before one rounding is exact. */
export function multiplyAdd(size: FloatSize, product: "+" | "-", addend: "+" | "-"): Meaning {
  return (s) => {
    s.float.require();
    const mode = s.float.mode;
    const signed = <V>(t: Semantics<V>, sign: "+" | "-", value: V): V =>
      sign === "+" ? value : t.float.injectSign("opposite", size, value, value);
    const a = signed(s, product, s.float.rs1(size));
    const c = signed(s, addend, s.float.rs3(size));
    s.float.writeRd(size, s.float.multiplyAdd(size, a, s.float.rs2(size), c, mode));
  };
}

export function choose(choice: "minimum" | "maximum", size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.float.writeRd(size, s.float.choose(choice, size, s.float.rs1(size), s.float.rs2(size)));
  };
}

export function compare(relation: FloatRelation, size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.writeRd(s.float.compare(relation, size, s.float.rs1(size), s.float.rs2(size)));
  };
}

export function classify(size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.writeRd(s.float.classify(size, s.float.rs1(size)));
  };
}

export function injectSign(sign: SignRule, size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.float.writeRd(size, s.float.injectSign(sign, size, s.float.rs1(size), s.float.rs2(size)));
  };
}

export function toInteger(size: FloatSize, format: IntegerFormat): Meaning {
  return (s) => {
    s.float.require();
    const mode = s.float.mode;
    s.writeRd(s.float.toInteger(size, format, s.float.rs1(size), mode));
  };
}

export function fromInteger(size: FloatSize, format: IntegerFormat): Meaning {
  return (s) => {
    s.float.require();
    const mode = s.float.mode;
    s.float.writeRd(size, s.float.fromInteger(size, format, s.rs1, mode));
  };
}

export function resize(from: FloatSize, to: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    const mode = s.float.mode;
    s.float.writeRd(to, s.float.resize(from, to, s.float.rs1(from), mode));
  };
}

/** fmv.x.*: bits as they are. */
export function moveToInteger(size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    const bits = s.float.rs1("double");
    s.writeRd(size === "single" ? s.signExtend(bits, 32) : bits);
  };
}

export function moveFromInteger(size: FloatSize): Meaning {
  return (s) => {
    s.float.require();
    s.float.writeRd(size, size === "single" ? s.zeroExtend(s.rs1, 32) : s.rs1);
  };
}
