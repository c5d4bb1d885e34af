import {
  expressionOf,
  type Handler,
  misuse,
  nameOf,
  parts,
  type SpannedExpression,
  wordOf,
} from "./directive-operands.ts";
import { constantOf } from "./expression.ts";
import { type Session, spanOnly } from "./session.ts";
import type { Statement, Token } from "./source.ts";
import type { AssemblerSymbol } from "./symbol.ts";

/** `.set a, …` may be said again, `.equiv` and labels may not. */
type Redefinition = "allowed" | "forbidden";

/** `symbol = expression`, `symbol == expression` */
export function assign(session: Session, statement: Statement): void {
  const token = statement.name!;
  const expression = expressionOf(session, statement.operands, statement);
  if (expression === undefined) return;
  if (token.text === ".") {
    // Moves the location counter, like .org.
    session.section.end({ kind: "org", target: expression.value, value: 0, span: expression.span }, 0, false);
    return;
  }
  setSymbol(session, token, expression, "allowed", statement.assignment === "==");
}

function setSymbol(
  session: Session,
  token: Token,
  { value }: SpannedExpression,
  redefinition: Redefinition,
  lazy: boolean,
): void {
  const symbol = session.symbols.get(token.text);
  const before = symbol.definition;
  if (before !== undefined && (before.kind !== "value" || redefinition === "forbidden")) {
    const where = symbol.definitions[0] ? `, at line ${symbol.definitions[0].line}` : "";
    session.diagnostics.error(token, `\`${token.text}\` is already defined${where}`);
    return;
  }
  const constant = lazy ? undefined : constantOf(value);
  symbol.definition = {
    kind: "value",
    value: constant === undefined ? value : { kind: "constant", value: constant },
    lazy,
  };
  if (session.statement?.expandedFrom === undefined || symbol.definitions.length === 0) {
    symbol.definitions.push(spanOnly(token));
  }
}

function set(redefinition: Redefinition, lazy: boolean): Handler {
  return (session, statement) => {
    const [nameTokens, valueTokens, ...more] = parts(statement);
    if (valueTokens === undefined || more.length > 0) {
      return misuse(session, statement, `\`${statement.name!.text}\` takes a symbol and a value`);
    }
    const name = nameOf(session, nameTokens, statement);
    const expression = expressionOf(session, valueTokens, statement);
    if (name !== undefined && expression !== undefined) setSymbol(session, name, expression, redefinition, lazy);
  };
}

function eachName(action: (symbol: AssemblerSymbol, session: Session) => void): Handler {
  return (session, statement) => {
    if (statement.operands.length === 0)
      return misuse(session, statement, `\`${statement.name!.text}\` needs a symbol`);
    for (const part of parts(statement)) {
      const name = nameOf(session, part, statement);
      if (name === undefined) continue;
      action(session.symbol(name)!, session);
    }
  };
}

/** `.type symbol, @function` and its other spellings. */
function type(session: Session, statement: Statement): void {
  const [nameTokens, typeTokens] = parts(statement);
  const name = nameOf(session, nameTokens, statement);
  if (name === undefined) return;
  const symbol = session.symbol(name)!;
  const kind = wordOf(typeTokens)
    ?.replace(/^[@%#]/, "")
    .toLowerCase();
  switch (kind) {
    case "function":
    case "stt_func":
    case "gnu_indirect_function":
      symbol.type = "function";
      return;
    case "object":
    case "stt_object":
    case "tls_object":
    case "common":
      symbol.type = "object";
      return;
    case "notype":
    case "stt_notype":
      symbol.type = "none";
      return;
    default:
      misuse(session, statement, "the type of a symbol is @function, @object or @notype");
  }
}

function size(session: Session, statement: Statement): void {
  const [nameTokens, valueTokens] = parts(statement);
  const name = nameOf(session, nameTokens, statement);
  const expression = expressionOf(session, valueTokens ?? [], statement);
  if (name !== undefined && expression !== undefined) session.symbol(name)!.size = expression.value;
}

const setGlobal = eachName((symbol) => {
  if (symbol.binding !== "weak") symbol.binding = "global";
});

export const SYMBOL_DIRECTIVES: Readonly<Record<string, Handler>> = {
  ".set": set("allowed", false),
  ".equ": set("allowed", false),
  ".equiv": set("forbidden", false),
  ".eqv": set("forbidden", true),
  ".globl": setGlobal,
  ".global": setGlobal,
  ".local": eachName((symbol, session) => {
    symbol.binding = "local";
    session.declaredLocal.add(symbol);
  }),
  ".weak": eachName((symbol) => {
    symbol.binding = "weak";
  }),
  // Visibility means something to shared libraries only.
  ".hidden": eachName(() => {}),
  ".internal": eachName(() => {}),
  ".protected": eachName(() => {}),
  ".extern": eachName(() => {}),
  ".variant_cc": eachName(() => {}),
  ".type": type,
  ".size": size,
};
