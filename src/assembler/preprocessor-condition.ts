import { badToken } from "./expression.ts";
import type { Token } from "./source.ts";

/** C's ranks, tighter first; they differ from those of the assembler. */
const RANK: Readonly<Record<string, number>> = {
  "*": 10,
  "/": 10,
  "%": 10,
  "+": 9,
  "-": 9,
  "<<": 8,
  ">>": 8,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "==": 6,
  "!=": 6,
  "&": 5,
  "^": 4,
  "|": 3,
  "&&": 2,
  "||": 1,
};

/**
 * The value of the expression of an `#if`, macros expanded and `defined` settled already; a sentence when it is none.
 * Names that are still there are 0, as in C.
 */
export function evaluateCondition(tokens: readonly Token[]): bigint | string {
  let index = 0;
  let failure: string | undefined;
  const fail = (message: string): bigint => {
    failure ??= message;
    return 0n;
  };
  const primary = (): bigint => {
    const token = tokens[index++];
    if (token === undefined) return fail("the condition ends too early");
    if (token.kind === "integer") {
      // The suffixes of C's integers are not lexed as part of them.
      return BigInt.asIntN(64, token.value!);
    }
    if (token.kind === "identifier") return 0n;
    if (token.kind === "bad") {
      const suffixed = /^(0[xX][0-9a-fA-F]+|\d+)[uUlL]+$/.exec(token.text);
      return suffixed ? BigInt.asIntN(64, BigInt(suffixed[1])) : fail(badToken(token));
    }
    switch (token.text) {
      case "(": {
        const value = binary(0);
        if (tokens[index++]?.text !== ")") return fail("a closing parenthesis is missing in the condition");
        return value;
      }
      case "!":
        return primary() === 0n ? 1n : 0n;
      case "-":
        return BigInt.asIntN(64, -primary());
      case "~":
        return ~primary();
      case "+":
        return primary();
      default:
        return fail(`unexpected \`${token.text}\` in a condition`);
    }
  };
  const binary = (lowest: number): bigint => {
    let left = primary();
    for (;;) {
      const operator = tokens[index]?.kind === "punctuation" ? tokens[index].text : "";
      const rank = RANK[operator] ?? 0;
      if (rank <= lowest || failure !== undefined) break;
      index++;
      left = apply(operator, left, binary(rank), fail);
    }
    if (lowest > 0 || !(tokens[index]?.text === "?")) return left;
    index++;
    const ifTrue = binary(0);
    if (tokens[index++]?.text !== ":") return fail("`?` without `:` in a condition");
    const ifFalse = binary(0);
    return left !== 0n ? ifTrue : ifFalse;
  };
  const value = binary(0);
  if (failure === undefined && index < tokens.length) return `unexpected \`${tokens[index].text}\` in a condition`;
  return failure ?? value;
}

function apply(operator: string, left: bigint, right: bigint, fail: (message: string) => bigint): bigint {
  const truth = (condition: boolean): bigint => (condition ? 1n : 0n);
  switch (operator) {
    case "*":
      return BigInt.asIntN(64, left * right);
    case "/":
    case "%":
      if (right === 0n) return fail("division by zero in a condition");
      return operator === "/" ? left / right : left % right;
    case "+":
      return BigInt.asIntN(64, left + right);
    case "-":
      return BigInt.asIntN(64, left - right);
    case "<<":
      return right < 0n || right > 63n ? 0n : BigInt.asIntN(64, left << right);
    case ">>":
      return right < 0n || right > 63n ? 0n : left >> right;
    case "<":
      return truth(left < right);
    case ">":
      return truth(left > right);
    case "<=":
      return truth(left <= right);
    case ">=":
      return truth(left >= right);
    case "==":
      return truth(left === right);
    case "!=":
      return truth(left !== right);
    case "&":
      return left & right;
    case "^":
      return left ^ right;
    case "|":
      return left | right;
    case "&&":
      return truth(left !== 0n && right !== 0n);
    default:
      return truth(left !== 0n || right !== 0n);
  }
}
