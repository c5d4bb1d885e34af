import { errors } from "./errors.ts";
import { type Token, tokenize } from "./expression-lexer.ts";
import { namedType, type ValueType } from "./expression-types.ts";

/** What an expression says. `column` and `end` point into its text: the first character (one-based), and behind it. */
export type Node = { readonly column: number; readonly end: number } & (
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "name"; readonly text: string }
  | { readonly kind: "unary"; readonly operator: "-" | "+" | "~" | "!" | "&"; readonly operand: Node }
  | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: "conditional"; readonly condition: Node; readonly ifTrue: Node; readonly ifFalse: Node }
  | { readonly kind: "cast"; readonly type: ValueType; readonly operand: Node }
  /** A read of memory: `*p`; with a type `u8(p)`. */
  | { readonly kind: "load"; readonly address: Node; readonly type: ValueType | undefined }
  | { readonly kind: "index"; readonly base: Node; readonly index: Node }
  | { readonly kind: "call"; readonly callee: FunctionName; readonly argument: Node }
  /** A function of the guest. */
  | { readonly kind: "guest-call"; readonly callee: string; readonly values: readonly Node[] }
);

/** `phys(a)` is a as a physical address, `translate(a)` where a lies physically, `pagetable(a)` the way there. */
export const FUNCTION_NAMES = ["phys", "translate", "pagetable"] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

export type BinaryOperator = keyof typeof PRECEDENCE;

export interface ParsedExpression {
  readonly text: string;
  readonly root: Node;
  /** The right side of `place = value`. */
  readonly assigned: Node | undefined;
  /** What follows a comma: how to show the value. */
  readonly format: Format;
  /** Functions of the guest are called. */
  readonly calls: boolean;
}

export interface Format {
  readonly base: "natural" | "hex" | "decimal" | "binary" | "octal" | "character" | "string" | "instruction";
  /** Show so many elements from the place on, as an array. */
  readonly count: number | undefined;
}

export const NATURAL: Format = { base: "natural", count: undefined };

/** C's binary operators; a larger number binds tighter. */
const PRECEDENCE = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  "<=": 7,
  ">": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
} as const;

const FORMATS: Readonly<Record<string, Format["base"]>> = {
  x: "hex",
  h: "hex",
  d: "decimal",
  b: "binary",
  o: "octal",
  c: "character",
  s: "string",
  i: "instruction",
};

/** Elements of one array that are shown at most. */
export const MOST_ELEMENTS = 10_000;
/** Nesting beyond this is no expression that somebody typed, and would exhaust the stack. */
const DEEPEST_NESTING = 200;

/** Parses an expression of the debugger (docs/debuggee.md). Throws a UserError that names the column. */
export function parseExpression(text: string): ParsedExpression {
  const parser = new Parser(text);
  const root = parser.expression();
  const assigned = parser.accept("=") ? parser.expression() : undefined;
  const format = parser.format();
  parser.expectEnd();
  return { text, root, assigned, format, calls: parser.calls };
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  calls = false;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  get #token(): Token {
    return this.#tokens[this.#at];
  }

  #fail(what: string, token: Token = this.#token): never {
    throw errors.expression(this.#text, token.column, what);
  }

  #isSymbol(text: string, token: Token = this.#token): boolean {
    return token.kind === "symbol" && token.text === text;
  }

  accept(text: string): boolean {
    if (!this.#isSymbol(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string, what: string): Token {
    if (!this.#isSymbol(text)) this.#fail(what);
    return this.#tokens[this.#at++];
  }

  expectEnd(): void {
    if (this.#token.kind !== "end") this.#fail("An operator is missing");
  }

  expression(): Node {
    if (++this.#depth > DEEPEST_NESTING) this.#fail("The expression is nested too deeply");
    const condition = this.#binary(1);
    let result = condition;
    if (this.accept("?")) {
      const ifTrue = this.expression();
      this.#expect(":", 'A ":" is missing');
      const ifFalse = this.expression();
      result = { kind: "conditional", condition, ifTrue, ifFalse, column: condition.column, end: ifFalse.end };
    }
    this.#depth--;
    return result;
  }

  #binary(minimum: number): Node {
    let left = this.#unary();
    for (;;) {
      const token = this.#token;
      if (token.kind !== "symbol" || !Object.hasOwn(PRECEDENCE, token.text)) return left;
      const operator = token.text as BinaryOperator;
      const precedence = PRECEDENCE[operator];
      if (precedence < minimum) return left;
      this.#at++;
      const right = this.#binary(precedence + 1);
      left = { kind: "binary", operator, left, right, column: left.column, end: right.end };
    }
  }

  #unary(): Node {
    if (++this.#depth > DEEPEST_NESTING) this.#fail("The expression is nested too deeply");
    const token = this.#token;
    let result: Node;
    if (token.kind === "symbol" && /^[-+~!&]$/.test(token.text)) {
      this.#at++;
      const operand = this.#unary();
      const operator = token.text as "-" | "+" | "~" | "!" | "&";
      result = { kind: "unary", operator, operand, column: token.column, end: operand.end };
    } else if (this.accept("*")) {
      const address = this.#unary();
      result = { kind: "load", address, type: undefined, column: token.column, end: address.end };
    } else {
      result = this.#cast() ?? this.#postfix();
    }
    this.#depth--;
    return result;
  }

  /** `(u32*) operand`, when the parenthesis holds a type. */
  #cast(): Node | undefined {
    const start = this.#at;
    const { column } = this.#token;
    if (!this.accept("(")) return undefined;
    const type = this.#type();
    if (type === undefined || !this.accept(")")) {
      this.#at = start;
      return undefined;
    }
    const operand = this.#unary();
    return { kind: "cast", type, operand, column, end: operand.end };
  }

  #type(): ValueType | undefined {
    const token = this.#token;
    if (token.kind !== "name") return undefined;
    const named = namedType(token.text);
    if (named === undefined) return undefined;
    this.#at++;
    let type: ValueType = named;
    while (this.accept("*")) type = { kind: "pointer", to: type };
    return type;
  }

  #postfix(): Node {
    let base = this.#primary();
    while (this.accept("[")) {
      const index = this.expression();
      const { end } = this.#expect("]", 'A "]" is missing');
      base = { kind: "index", base, index, column: base.column, end };
    }
    return base;
  }

  #primary(): Node {
    const token = this.#token;
    const { column, end } = token;
    switch (token.kind) {
      case "number":
        this.#at++;
        return { kind: "number", value: token.value, column, end };
      case "float":
        this.#at++;
        return { kind: "float", value: token.value, column, end };
      case "name":
        return this.#named(token.text, token);
      case "end":
        return this.#fail(this.#text.trim() === "" ? "There is nothing to evaluate" : "The expression ends too early");
      case "symbol":
        break;
    }
    if (this.accept("(")) {
      const inner = this.expression();
      const close = this.#expect(")", 'A ")" is missing');
      return { ...inner, column, end: close.end };
    }
    if (this.accept("[")) {
      const address = this.expression();
      const close = this.#expect("]", 'A "]" is missing');
      return { kind: "load", address, type: undefined, column, end: close.end };
    }
    return this.#fail(`"${token.text}" cannot stand here`);
  }

  /** A name, `u8(address)`, a read of memory, or `phys(address)`, a function. */
  #named(text: string, token: Token): Node {
    this.#at++;
    const { column, end } = token;
    const type = namedType(text);
    const callee = FUNCTION_NAMES.find((name) => name === text);
    if (callee !== undefined && this.accept("(")) {
      const argument = this.expression();
      const close = this.#expect(")", 'A ")" is missing');
      return { kind: "call", callee, argument, column, end: close.end };
    }
    if (type === undefined && this.accept("(")) return this.#guestCall(text, column);
    if (type === undefined || !this.#isSymbol("(")) {
      if (type !== undefined) this.#fail(`"${text}" is a type: a value is missing`, token);
      return { kind: "name", text, column, end };
    }
    this.#at++;
    const address = this.expression();
    const close = this.#expect(")", 'A ")" is missing');
    return { kind: "load", address, type, column, end: close.end };
  }

  #guestCall(callee: string, column: number): Node {
    this.calls = true;
    const values: Node[] = [];
    if (!this.#isSymbol(")"))
      do values.push(this.expression());
      while (this.accept(","));
    const { end } = this.#expect(")", 'A ")" is missing');
    return { kind: "guest-call", callee, values, column, end };
  }

  format(): Format {
    let base: Format["base"] = "natural";
    let count: number | undefined;
    while (this.accept(",")) {
      const token = this.#token;
      const letter = token.kind === "name" ? FORMATS[token.text] : undefined;
      if (letter !== undefined && Object.hasOwn(FORMATS, token.kind === "name" ? token.text : "")) base = letter;
      else if (token.kind === "number" && token.value >= 1n && token.value <= BigInt(MOST_ELEMENTS)) {
        count = Number(token.value);
      } else {
        this.#fail(`After a comma stands x, d, b, o, c, s, i or a number of elements up to ${MOST_ELEMENTS}`);
      }
      this.#at++;
    }
    return { base, count };
  }
}
