import type { Session } from "./session.ts";
import { type Span, type Statement, spanOf, type Token, textOf } from "./source.ts";
import { isPunctuation, parseLines, type SourceLine, splitAtCommas } from "./statements.ts";

/** A macro as `.macro` defines it. */
export interface Macro {
  readonly name: string;
  /** Of its name. */
  readonly span: Span;
  readonly parameters: readonly MacroParameter[];
  /** One text for each statement, and where it stands. */
  readonly body: readonly { readonly text: string; readonly span: Span }[];
  readonly references: Span[];
}

export interface MacroParameter {
  readonly name: string;
  readonly default: string | undefined;
  readonly kind: "optional" | "required" | "rest";
}

/** Characters that one invocation may come to. A macro that hands its arguments on twice doubles them each time. */
const LONGEST_EXPANSION = 1 << 20;

const CLOSES: Readonly<Record<string, string>> = {
  ".macro": ".endm",
  ".rept": ".endr",
  ".irp": ".endr",
  ".irpc": ".endr",
};

/** Reads the body of a macro or repetition up to its end, nested ones included. */
export function readBody(session: Session, opening: Statement): Statement[] | undefined {
  const name = opening.name!;
  const close = CLOSES[name.text.toLowerCase()];
  const body: Statement[] = [];
  let depth = 1;
  for (;;) {
    const statement = session.reader.nextInFrame();
    if (statement === undefined) {
      session.diagnostics.error(name, `this \`${name.text}\` has no \`${close}\``);
      return undefined;
    }
    const directive = statement.name?.text.toLowerCase();
    if (directive !== undefined && CLOSES[directive] === close) depth++;
    else if (directive === close || (close === ".endm" && directive === ".endmacro")) depth--;
    if (depth === 0) return body;
    body.push(statement);
  }
}

/** `.macro name a, b=1, c:req, d:vararg` and the lines up to `.endm`. */
export function defineMacro(session: Session, statement: Statement): void {
  const body = readBody(session, statement);
  if (body === undefined) return;
  const [name, ...rest] = statement.operands;
  const { diagnostics } = session;
  if (name?.kind !== "identifier") return diagnostics.error(name ?? statement.name!, "`.macro` needs a name");
  const parameters = parseParameters(session, isPunctuation(rest[0], ",") ? rest.slice(1) : rest);
  const key = name.text.toLowerCase();
  const before = session.macros.get(key);
  if (before !== undefined) {
    const where = `at line ${before.span.line}`;
    return diagnostics.error(name, `the macro \`${name.text}\` is already defined ${where}; \`.purgem\` removes it`);
  }
  const macro: Macro = {
    name: name.text,
    span: name,
    parameters,
    body: body.map(({ tokens }) => ({ text: textOf(tokens), span: spanOf(tokens, tokens[0]) })),
    references: [],
  };
  session.macros.set(key, macro);
  session.allMacros.push(macro);
}

function parseParameters(session: Session, tokens: readonly Token[]): MacroParameter[] {
  const parameters: MacroParameter[] = [];
  let index = 0;
  while (index < tokens.length) {
    const name = tokens[index++];
    if (isPunctuation(name, ",")) continue;
    if (name.kind !== "identifier") {
      session.diagnostics.error(name, `expected the name of a parameter, found \`${name.text}\``);
      return parameters;
    }
    let kind: MacroParameter["kind"] = "optional";
    let value: string | undefined;
    if (isPunctuation(tokens[index], ":")) {
      const qualifier = tokens[index + 1];
      if (qualifier?.text === "req") kind = "required";
      else if (qualifier?.text === "vararg") kind = "rest";
      else session.diagnostics.error(qualifier ?? tokens[index], "a parameter is `:req`, `:vararg` or has `=default`");
      index += 2;
    }
    if (isPunctuation(tokens[index], "=")) {
      const start = ++index;
      index = argumentEnd(tokens, start);
      value = argumentText(tokens.slice(start, index));
    }
    parameters.push({ name: name.text, default: value, kind });
  }
  return parameters;
}

/** Arguments end at a comma, or at white space between two things that no operator joins. */
function argumentEnd(tokens: readonly Token[], start: number): number {
  let depth = 0;
  let index = start;
  for (; index < tokens.length; index++) {
    const token = tokens[index];
    if (isPunctuation(token, "(")) depth++;
    if (isPunctuation(token, ")")) depth--;
    if (depth > 0) continue;
    if (isPunctuation(token, ",")) break;
    if (index > start && token.spaced && endsOperand(tokens[index - 1]) && startsOperand(token)) break;
  }
  return index;
}

function endsOperand(token: Token): boolean {
  return token.kind !== "punctuation" || token.text === ")";
}

function startsOperand(token: Token): boolean {
  return token.kind !== "punctuation";
}

/** Quotes around an argument only hold it together. */
function argumentText(tokens: readonly Token[]): string {
  if (tokens.length === 1 && tokens[0].kind === "string") return tokens[0].text.slice(1, -1);
  return textOf(tokens);
}

/** Reads the statements of a macro next, its arguments put in. */
export function expandMacro(session: Session, macro: Macro, statement: Statement): void {
  const name = statement.name!;
  if (statement.expandedFrom === undefined) macro.references.push(name);
  const values = bindArguments(session, macro, statement);
  if (values === undefined) return;
  const number = String(session.expansions++);
  const text = macro.body.map((line) => substitute(line.text, values, number)).join("\n");
  if (text.length > LONGEST_EXPANSION) return session.diagnostics.error(name, `\`${macro.name}\` expands without end`);
  const at = statement.expandedFrom ?? spanOf(statement.tokens.slice(statement.labels.length * 2), name);
  const lines = parseLines(text, { file: at.file, at }, at);
  session.reader.pushLines("macro", lines, 1, session.conditions.depth, name);
  session.noteArguments(statement.operands);
}

function bindArguments(session: Session, macro: Macro, statement: Statement): Map<string, string> | undefined {
  const { operands: tokens } = statement;
  const values = new Map<string, string>();
  let position = 0;
  let index = 0;
  while (index < tokens.length) {
    const named = isPunctuation(tokens[index + 1], "=") && tokens[index].kind === "identifier";
    const keyword = named ? macro.parameters.find((entry) => entry.name === tokens[index].text) : undefined;
    const parameter = keyword ?? macro.parameters[position];
    if (parameter === undefined) {
      const span = spanOf(tokens.slice(index), tokens[index]);
      const count = macro.parameters.length;
      session.diagnostics.error(span, `too many arguments: \`${macro.name}\` takes ${count === 0 ? "none" : count}`);
      return undefined;
    }
    if (keyword !== undefined) index += 2;
    else position++;
    if (parameter.kind === "rest") {
      values.set(parameter.name, textOf(tokens, index));
      break;
    }
    const end = argumentEnd(tokens, index);
    values.set(parameter.name, argumentText(tokens.slice(index, end)));
    index = isPunctuation(tokens[end], ",") ? end + 1 : end;
  }
  for (const parameter of macro.parameters) {
    if (values.get(parameter.name)) continue;
    if (parameter.kind === "required") {
      session.diagnostics.error(statement.name!, `\`${macro.name}\` needs a value for \`${parameter.name}\``);
      return undefined;
    }
    values.set(parameter.name, parameter.default ?? "");
  }
  return values;
}

/** Puts arguments for `\name`, a number for `\@` and nothing for `\()`. Other backslashes stay. */
function substitute(text: string, values: ReadonlyMap<string, string>, number: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:(@)|(\(\))|([\w.$\u0080-\uffff]+))/g, (whole, counter, nothing, name) => {
    if (counter) return number;
    if (nothing) return "";
    return values.get(name) ?? whole;
  });
}

/** `.rept count` … `.endr` */
export function repeat(session: Session, statement: Statement, count: number | undefined): void {
  const body = readBody(session, statement);
  if (body === undefined || count === undefined) return;
  session.reader.pushLines("repeat", body.map(asLine), count, session.conditions.depth, statement.name!);
}

function asLine(statement: Statement): SourceLine {
  return { line: statement.line, hash: false, tokens: [...statement.tokens], statements: [statement] };
}

/** `.irp name, values…` and `.irpc name, characters` … `.endr`: the body once for each value. */
export function repeatFor(session: Session, statement: Statement, characters: boolean): void {
  const body = readBody(session, statement);
  if (body === undefined) return;
  const [name, ...rest] = statement.operands;
  if (name?.kind !== "identifier") {
    session.diagnostics.error(name ?? statement.name!, `\`${statement.name!.text}\` needs the name of a parameter`);
    return;
  }
  const tokens = isPunctuation(rest[0], ",") ? rest.slice(1) : rest;
  const lines: SourceLine[] = [];
  for (const value of characters ? [...argumentText(tokens)] : iterationValues(tokens)) {
    const number = String(session.expansions++);
    const values = new Map([[name.text, value]]);
    for (const { tokens: line, expandedFrom } of body) {
      const text = textOf(line);
      // Statements keep their own lines, so that one can step through them.
      const at = expandedFrom ?? spanOf(line, line[0]);
      lines.push(...parseLines(substitute(text, values, number), { file: at.file, at }, expandedFrom));
    }
  }
  session.reader.pushLines("repeat", lines, 1, session.conditions.depth, name);
  session.noteArguments(rest);
}

function iterationValues(tokens: readonly Token[]): string[] {
  const values: string[] = [];
  // Without values the body is assembled once, for the empty one.
  if (tokens.length === 0) return [""];
  for (const part of splitAtCommas(tokens)) {
    let index = 0;
    do {
      const end = argumentEnd(part, index);
      values.push(argumentText(part.slice(index, end)));
      index = end;
    } while (index < part.length);
  }
  return values;
}
