import { Cursor, constantOf, notConstant, parseExpression } from "./expression.ts";
import { stringText } from "./lexer.ts";
import { endOf } from "./operand-parser.ts";
import type { Session } from "./session.ts";
import { type Span, type Statement, spanOf, textOf } from "./source.ts";
import { splitAtCommas } from "./statements.ts";

interface Condition {
  readonly span: Span;
  active: boolean;
  taken: boolean;
  readonly parentActive: boolean;
  sawElse: boolean;
}

const DIRECTIVES = new Set([
  ".if",
  ".ifdef",
  ".ifndef",
  ".ifnotdef",
  ".ifb",
  ".ifnb",
  ".ifc",
  ".ifnc",
  ".ifeq",
  ".ifne",
  ".iflt",
  ".ifle",
  ".ifgt",
  ".ifge",
  ".ifeqs",
  ".ifnes",
  ".else",
  ".elseif",
  ".endif",
]);

/** `.if` and its family. */
export class Conditionals {
  readonly #session: Session;
  readonly #open: Condition[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  get depth(): number {
    return this.#open.length;
  }

  /** Statements are left out. */
  get skipping(): boolean {
    return this.#open.length > 0 && !this.#open[this.#open.length - 1].active;
  }

  static isConditional(name: string): boolean {
    return DIRECTIVES.has(name);
  }

  /** Closes what a file, macro or repetition left open. */
  closeTo(depth: number, report: boolean): void {
    while (this.#open.length > depth) {
      const { span } = this.#open.pop()!;
      if (report) this.#session.diagnostics.error(span, "this condition has no `.endif`");
    }
  }

  execute(statement: Statement): void {
    const name = statement.name!;
    const directive = name.text.toLowerCase();
    const current = this.#open.at(-1);
    const { diagnostics } = this.#session;
    switch (directive) {
      case ".else":
      case ".elseif":
        if (current === undefined || current.sawElse) {
          diagnostics.error(name, `\`${name.text}\` without an \`.if\``);
          return;
        }
        current.sawElse = directive === ".else";
        current.active =
          current.parentActive && !current.taken && (directive === ".else" || this.#holds(".if", statement));
        current.taken ||= current.active;
        return;
      case ".endif":
        if (this.#open.pop() === undefined) diagnostics.error(name, "`.endif` without an `.if`");
        return;
      default: {
        const parentActive = !this.skipping;
        const active = parentActive && this.#holds(directive, statement);
        this.#open.push({ span: name, active, taken: active, parentActive, sawElse: false });
      }
    }
  }

  #holds(directive: string, statement: Statement): boolean {
    const session = this.#session;
    const { operands } = statement;
    const name = statement.name!;
    switch (directive) {
      case ".ifdef":
        return this.#isDefined(statement);
      case ".ifndef":
      case ".ifnotdef":
        return !this.#isDefined(statement);
      case ".ifb":
        return operands.length === 0;
      case ".ifnb":
        return operands.length > 0;
      case ".ifc":
      case ".ifnc":
      case ".ifeqs":
      case ".ifnes": {
        const parts = splitAtCommas(operands);
        if (parts.length !== 2) {
          session.diagnostics.error(spanOf(operands, name), `\`${name.text}\` compares two strings`);
          return false;
        }
        const [left, right] = parts.map((part) =>
          part.length === 1 && part[0].kind === "string" ? stringText(part[0]) : textOf(part),
        );
        return (left === right) === (directive === ".ifc" || directive === ".ifeqs");
      }
    }
    const cursor = new Cursor(operands, endOf(name));
    const expression = parseExpression(cursor, session);
    if (expression !== undefined && !cursor.done) cursor.fail(`unexpected \`${cursor.token!.text}\``);
    if (expression === undefined || cursor.failure) {
      session.diagnostics.error(cursor.failure!.span, cursor.failure!.message);
      return false;
    }
    const value = constantOf(expression);
    if (value === undefined) {
      session.diagnostics.error(spanOf(operands, name), notConstant(expression));
      return false;
    }
    switch (directive) {
      case ".ifeq":
        return value === 0n;
      case ".iflt":
        return value < 0n;
      case ".ifle":
        return value <= 0n;
      case ".ifgt":
        return value > 0n;
      case ".ifge":
        return value >= 0n;
      default:
        return value !== 0n;
    }
  }

  #isDefined(statement: Statement): boolean {
    const [name] = statement.operands;
    if (name?.kind !== "identifier") {
      this.#session.diagnostics.error(name ?? statement.name!, `\`${statement.name!.text}\` needs a symbol`);
      return false;
    }
    const symbol = this.#session.symbols.find(name.text);
    if (symbol !== undefined) this.#session.refer(symbol, name);
    return symbol?.definition !== undefined;
  }
}
