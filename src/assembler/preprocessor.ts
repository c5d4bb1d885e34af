import { stringText } from "./lexer.ts";
import { evaluateCondition } from "./preprocessor-condition.ts";
import type { Reader } from "./reader.ts";
import type { Session } from "./session.ts";
import { type Span, spanOf, type Token, textOf } from "./source.ts";
import { isPunctuation, type SourceLine } from "./statements.ts";

/** A `#define`. */
export interface Definition {
  readonly name: string;
  readonly span: Span | undefined;
  /** Undefined for an object-like one. */
  readonly parameters: readonly string[] | undefined;
  readonly variadic: boolean;
  readonly body: readonly Token[];
}

interface Condition {
  readonly span: Span;
  /** Some branch has been taken already. */
  taken: boolean;
  active: boolean;
  readonly parentActive: boolean;
  sawElse: boolean;
}

/** Expansion gives up past this many tokens: macros that double each other would fill memory. */
const MOST_TOKENS = 100_000;

/**
 * The part of the C preprocessor that assembly sources use: object-like and function-like macros with `#` and `##`,
 * conditions, includes, errors. It works on tokens; each token of an expansion carries the place of the macro's name,
 * so that errors and the line table point to what the user wrote.
 */
export class Preprocessor {
  readonly #session: Session;
  readonly #definitions = new Map<string, Definition>();
  /** All that were ever defined, for the language service. */
  readonly seen: Definition[] = [];
  readonly #conditions: Condition[] = [];
  reader!: Reader;
  /** Open conditions of the assembler, handed on to included files. */
  assemblerConditions: () => number = () => 0;

  constructor(session: Session) {
    this.#session = session;
    for (const [name, value] of [
      ["__ASSEMBLER__", "1"],
      ["__riscv", "1"],
      ["__riscv_xlen", "64"],
      ["__riscv_compressed", "1"],
      ["__riscv_atomic", "1"],
      ["__riscv_mul", "1"],
      ["__riscv_div", "1"],
      ["__riscv_muldiv", "1"],
    ]) {
      const token: Token = {
        kind: "integer",
        text: value,
        value: BigInt(value),
        file: 0,
        line: 0,
        column: 0,
        length: 0,
        spaced: false,
      };
      this.#definitions.set(name, { name, span: undefined, parameters: undefined, variadic: false, body: [token] });
    }
  }

  /** The lines are left out by a condition. */
  get skipping(): boolean {
    return this.#conditions.length > 0 && !this.#conditions[this.#conditions.length - 1].active;
  }

  isDefined(name: string): boolean {
    return this.#definitions.has(name);
  }

  /** Reports conditions that nothing closes. */
  finish(): void {
    for (const { span } of this.#conditions) this.#session.diagnostics.error(span, "this condition has no `#endif`");
  }

  /** Carries out a line that begins with `#`. False: it is none of the preprocessor's, but a line marker. */
  directive(line: SourceLine): boolean {
    const [, name, ...rest] = line.tokens;
    if (name === undefined) return true;
    if (name.kind === "integer") return this.skipping;
    const { diagnostics } = this.#session;
    if (this.#conditional(name, rest) || this.skipping) return true;
    switch (name.text) {
      case "define":
        this.#define(name, rest);
        break;
      case "undef":
        this.#definitions.delete(rest[0]?.text ?? "");
        break;
      case "include":
        this.#include(name, rest);
        break;
      case "error":
        diagnostics.error(spanOf(line.tokens, name), `#error ${textOf(rest)}`);
        break;
      case "warning":
        diagnostics.warning(spanOf(line.tokens, name), `#warning ${textOf(rest)}`);
        break;
    }
    // `#pragma`, `#line` and comments that begin with `#` mean nothing here.
    return true;
  }

  #conditional(name: Token, rest: readonly Token[]): boolean {
    const { diagnostics } = this.#session;
    const current = this.#conditions.at(-1);
    const open = (holds: () => boolean): boolean => {
      const parentActive = !this.skipping;
      const active = parentActive && holds();
      this.#conditions.push({ span: name, taken: active, active, parentActive, sawElse: false });
      return true;
    };
    switch (name.text) {
      case "if":
        return open(() => this.#evaluate(name, rest));
      case "ifdef":
        return open(() => this.isDefined(rest[0]?.text ?? ""));
      case "ifndef":
        return open(() => !this.isDefined(rest[0]?.text ?? ""));
      case "elif":
      case "else":
        if (current === undefined || current.sawElse) {
          diagnostics.error(name, `\`#${name.text}\` without a condition`);
          return true;
        }
        current.sawElse = name.text === "else";
        current.active = current.parentActive && !current.taken && (name.text === "else" || this.#evaluate(name, rest));
        current.taken ||= current.active;
        return true;
      case "endif":
        if (this.#conditions.pop() === undefined) diagnostics.error(name, "`#endif` without a condition");
        return true;
      default:
        return false;
    }
  }

  #evaluate(name: Token, tokens: readonly Token[]): boolean {
    // `defined X` is settled before anything is expanded, or X would be gone.
    const settled: Token[] = [];
    for (let index = 0; index < tokens.length; index++) {
      if (tokens[index].text !== "defined") {
        settled.push(tokens[index]);
        continue;
      }
      const parenthesis = isPunctuation(tokens[index + 1], "(");
      const operand = tokens[index + (parenthesis ? 2 : 1)];
      const value = this.isDefined(operand?.text ?? "") ? 1n : 0n;
      settled.push({ ...tokens[index], kind: "integer", text: String(value), value });
      index += parenthesis ? 3 : 1;
    }
    const result = evaluateCondition(this.expand(settled));
    if (typeof result === "string") {
      this.#session.diagnostics.error(spanOf(tokens, name), result);
      return false;
    }
    return result !== 0n;
  }

  #define(at: Token, tokens: readonly Token[]): void {
    const [name, ...rest] = tokens;
    if (name?.kind !== "identifier") {
      this.#session.diagnostics.error(name ?? at, "`#define` needs a name");
      return;
    }
    let parameters: string[] | undefined;
    let variadic = false;
    let body = rest;
    if (isPunctuation(rest[0], "(") && !rest[0].spaced) {
      const end = rest.findIndex((token) => isPunctuation(token, ")"));
      const names = rest.slice(1, end < 0 ? rest.length : end).filter((token) => token.kind === "identifier");
      variadic = names.at(-1)?.text === "...";
      parameters = names.map((token) => (token.text === "..." ? "__VA_ARGS__" : token.text));
      body = end < 0 ? [] : rest.slice(end + 1);
    }
    const definition: Definition = { name: name.text, span: name, parameters, variadic, body };
    this.#definitions.set(name.text, definition);
    this.seen.push(definition);
  }

  #include(name: Token, tokens: readonly Token[]): void {
    const { diagnostics, options, files } = this.#session;
    const expanded = this.expand(tokens);
    const first = expanded[0];
    let path: string | undefined;
    if (first?.kind === "string") path = stringText(first);
    else if (isPunctuation(first, "<")) {
      const end = expanded.findIndex((token) => isPunctuation(token, ">"));
      if (end > 0) path = textOf(expanded, 1, end);
    }
    if (path === undefined) {
      diagnostics.error(spanOf(tokens, name), '`#include` needs a file name: `#include "name.h"`');
      return;
    }
    const found = options.include?.(path, files[name.file].name);
    if (found === undefined) {
      diagnostics.error(spanOf(tokens, name), `cannot find \`${path}\``);
      return;
    }
    this.reader.pushFile(found.name, found.text, true, this.assemblerConditions(), name);
  }

  /** The tokens with all macros expanded; the same array when there were none. */
  expand(tokens: readonly Token[]): readonly Token[] {
    if (!tokens.some((token) => token.kind === "identifier" && this.#definitions.has(token.text))) return tokens;
    const output: Token[] = [];
    this.#expandInto(tokens, new Set(), output);
    if (output.length > MOST_TOKENS) {
      this.#session.diagnostics.error(tokens[0], "the macros on this line expand without end");
      return [];
    }
    return output;
  }

  #expandInto(tokens: readonly Token[], hidden: ReadonlySet<string>, output: Token[]): void {
    for (let index = 0; index < tokens.length && output.length <= MOST_TOKENS; index++) {
      const token = tokens[index];
      const definition =
        token.kind === "identifier" && !hidden.has(token.text) ? this.#definitions.get(token.text) : undefined;
      if (definition === undefined) {
        output.push(token);
        continue;
      }
      let replacement = definition.body;
      if (definition.parameters !== undefined) {
        if (!isPunctuation(tokens[index + 1], "(")) {
          output.push(token);
          continue;
        }
        const call = readArguments(tokens, index + 2);
        if (call === undefined) {
          this.#session.diagnostics.error(token, `the arguments of \`${token.text}\` are not closed`);
          return;
        }
        index = call.end;
        replacement = this.#substitute(definition, call.parts, hidden, token);
      }
      // What comes out of a macro stands where its name stands.
      const placed = replacement.map((part, position) => ({
        ...part,
        file: token.file,
        line: token.line,
        column: token.column,
        length: token.length,
        spaced: position === 0 ? token.spaced : part.spaced,
      }));
      this.#expandInto(placed, new Set([...hidden, definition.name]), output);
    }
  }

  #substitute(
    definition: Definition,
    parts: readonly (readonly Token[])[],
    hidden: ReadonlySet<string>,
    at: Token,
  ): readonly Token[] {
    const { parameters = [], body, variadic } = definition;
    const given = new Map<string, readonly Token[]>();
    parameters.forEach((name, index) => {
      const rest = variadic && index === parameters.length - 1;
      given.set(name, rest ? joinWithCommas(parts.slice(index), at) : (parts[index] ?? []));
    });
    if (!variadic && parts.length !== parameters.length && !(parameters.length === 0 && parts[0]?.length === 0)) {
      const count = `${parameters.length} argument${parameters.length === 1 ? "" : "s"}`;
      this.#session.diagnostics.error(at, `\`${definition.name}\` takes ${count}, ${parts.length} given`);
    }
    const output: Token[] = [];
    for (let index = 0; index < body.length; index++) {
      const token = body[index];
      const next = body[index + 1];
      if (token.text === "#" && next !== undefined && given.has(next.text)) {
        const quoted = textOf(given.get(next.text)!).replace(/["\\]/g, "\\$&");
        output.push({ ...token, kind: "string", text: `"${quoted}"` });
        index++;
      } else if (token.text === "##" && next !== undefined) {
        const right = given.get(next.text) ?? [next];
        const left = output.pop();
        if (left !== undefined) output.push({ ...left, text: left.text + (right[0]?.text ?? "") });
        output.push(...right.slice(1));
        index++;
      } else if (given.has(token.text)) {
        const argument = given.get(token.text)!;
        // Arguments are expanded first, except beside ##.
        if (next?.text === "##") output.push(...argument);
        else this.#expandInto(argument, hidden, output);
      } else {
        output.push(token);
      }
    }
    return output;
  }
}

function joinWithCommas(parts: readonly (readonly Token[])[], at: Token): Token[] {
  const comma: Token = { ...at, kind: "punctuation", text: ",", spaced: false };
  return parts.flatMap((part, index) => (index === 0 ? [...part] : [comma, ...part]));
}

/** The arguments from behind the opening parenthesis; `end` is the position of the closing one. */
function readArguments(tokens: readonly Token[], start: number): { parts: Token[][]; end: number } | undefined {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (let index = start; index < tokens.length; index++) {
    const token = tokens[index];
    if (isPunctuation(token, ")") && depth-- === 0) return { parts, end: index };
    if (isPunctuation(token, "(")) depth++;
    if (isPunctuation(token, ",") && depth === 0) parts.push([]);
    else parts[parts.length - 1].push(token);
  }
  return undefined;
}
