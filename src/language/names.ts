import { formsOf } from "../assembler/forms.ts";
import type { Span, Statement, Token } from "../assembler/source.ts";
import { findCsr } from "../isa/csrs.ts";
import { parseRoundingMode } from "../isa/operands.ts";
import { findFloatRegister, findRegister } from "../isa/registers.ts";
import { contains, type Position } from "./model.ts";
import {
  blockRole,
  DEFINING_DIRECTIVES,
  directiveOf,
  isMnemonic,
  preprocessorWord,
  symbolOperands,
} from "./statement-kind.ts";

/** Something that the source names: found again under any of its mentions. */
export interface Entity {
  readonly kind: "symbol" | "numeric-label" | "macro" | "parameter" | "define";
  readonly name: string;
  readonly mentions: Mention[];
}

export interface Mention {
  readonly span: Span;
  readonly role: "definition" | "reference";
  /** How a definition defines: `label:`, `.equ`, `.comm`, … */
  readonly statement: Statement;
}

/** What stands at a place of the source. */
export type Thing =
  | { readonly kind: "entity"; readonly entity: Entity; readonly token: Token }
  | {
      readonly kind: "mnemonic" | "directive" | "register" | "csr" | "word";
      readonly token: Token;
      readonly statement: Statement;
    };

interface SourceStatements {
  readonly statements: readonly Statement[];
}

/**
 * Every name of an assembly with its definitions and mentions, as written: bodies of macros and parts that a condition
 * leaves out included, so that renaming does not miss them.
 */
export class Names {
  readonly #entities = new Map<string, Entity>();
  readonly #things: Map<number, Thing[]>[] = [];
  readonly #macros = new Set<string>();
  readonly #defines = new Set<string>();
  /** Innermost last: where a `\name` is looked up. */
  #scopes: { readonly key: string; readonly names: ReadonlySet<string> }[] = [];

  constructor(files: readonly SourceStatements[]) {
    for (const { statements } of files) this.#collect(statements);
    files.forEach(({ statements }, file) => {
      this.#things.push(new Map());
      this.#scopes = [];
      for (const statement of statements) this.#read(statement);
      this.#resolveNumeric(statements, file);
    });
  }

  entities(): Iterable<Entity> {
    return this.#entities.values();
  }

  find(kind: Exclude<Entity["kind"], "numeric-label" | "parameter">, name: string): Entity | undefined {
    return this.#entities.get(`${kind} ${kind === "macro" ? name.toLowerCase() : name}`);
  }

  /** What stands at a position; of two that touch there, the one that begins. */
  at(file: number, position: Position): Thing | undefined {
    const things = this.#things[file]?.get(position.line + 1) ?? [];
    return things.findLast(({ token }) => contains(token, position));
  }

  /** Everything on a line that has a meaning, in order. */
  things(file: number): Iterable<Thing> {
    return [...(this.#things[file] ?? new Map<number, Thing[]>()).values()].flat();
  }

  /** Names that change how others are read have to be known before. */
  #collect(statements: readonly Statement[]): void {
    for (const statement of statements) {
      const first = statement.operands[0];
      if (directiveOf(statement) === ".macro" && first?.kind === "identifier") {
        this.#macros.add(first.text.toLowerCase());
      }
      if (preprocessorWord(statement) === "define") {
        const name = statement.operands[1];
        if (name?.kind === "identifier") this.#defines.add(name.text);
      }
    }
  }

  #read(statement: Statement): void {
    for (const label of statement.labels) {
      // Numeric labels need the whole file: see #resolveNumeric.
      if (label.kind === "identifier") this.#mention("symbol", label, "definition", statement);
    }
    const role = blockRole(statement);
    if (role?.role === "close" && (role.family === "macro" || role.family === "repeat")) this.#scopes.pop();
    if (preprocessorWord(statement) !== undefined) return this.#readPreprocessor(statement);
    const directive = directiveOf(statement);
    if (directive !== undefined) return this.#readDirective(statement, directive);
    const name = statement.name;
    if (name === undefined) return this.#readOperands(statement, statement.operands);
    if (statement.assignment !== undefined) {
      this.#mention("symbol", name, "definition", statement);
      return this.#readOperands(statement, statement.operands);
    }
    // `loop\@:` is a name that only the macro's expansion completes.
    const next = statement.operands[0];
    const composed = next?.kind === "parameter" && !next.spaced;
    if (this.#macros.has(name.text.toLowerCase())) this.#mention("macro", name, "reference", statement);
    else if (!composed) this.#note({ kind: isMnemonic(name.text) ? "mnemonic" : "word", token: name, statement });
    this.#readOperands(statement, statement.operands);
  }

  #readPreprocessor(statement: Statement): void {
    const [word, name, ...rest] = statement.operands;
    this.#note({ kind: "directive", token: word, statement });
    if (name === undefined) return;
    if (word.text === "define") {
      if (name.kind === "identifier") this.#mention("define", name, "definition", statement);
      return this.#readOperands(statement, rest);
    }
    if (word.text === "include") return;
    for (const token of [name, ...rest]) {
      if (this.#defines.has(token.text)) this.#mention("define", token, "reference", statement);
    }
  }

  #readDirective(statement: Statement, directive: string): void {
    this.#note({ kind: "directive", token: statement.name!, statement });
    const { operands } = statement;
    const [first, ...rest] = operands;
    if (directive === ".macro" || directive === ".irp" || directive === ".irpc") {
      this.#openScope(statement, directive);
    } else if (directive === ".rept") {
      this.#scopes.push({ key: "", names: new Set() });
      this.#readOperands(statement, operands);
    } else if (directive === ".purgem") {
      for (const token of operands) {
        if (token.kind === "identifier") this.#mention("macro", token, "reference", statement);
      }
    } else if (DEFINING_DIRECTIVES.has(directive) && first?.kind === "identifier") {
      this.#mention("symbol", first, "definition", statement);
      this.#readOperands(statement, rest);
    } else {
      this.#readOperands(statement, symbolOperands(directive, operands));
    }
  }

  /** `.macro name a, b=1` and `.irp a, values`: their parameters live up to the end of the body. */
  #openScope(statement: Statement, directive: string): void {
    const { operands } = statement;
    const isMacro = directive === ".macro";
    const name = operands[0];
    if (isMacro && name?.kind === "identifier") this.#mention("macro", name, "definition", statement);
    const key = `${statement.file}:${statement.line}:${name?.column}`;
    const parameters = isMacro ? parameterTokens(operands.slice(1)) : operands.slice(0, 1);
    const names = parameters.filter((token) => token.kind === "identifier");
    this.#scopes.push({ key, names: new Set(names.map((token) => token.text)) });
    for (const token of names)
      this.#add(`parameter ${key} ${token.text}`, "parameter", token.text, token, "definition", statement);
    if (!isMacro) this.#readOperands(statement, operands.slice(1));
  }

  #readOperands(statement: Statement, tokens: readonly Token[]): void {
    const takesFloat = hasFloatOperands(statement);
    const csrAllowed = /^csr/i.test(statement.name?.text ?? "");
    for (const token of tokens) {
      if (token.kind === "parameter") this.#parameter(token, statement);
      if (token.kind !== "identifier" || token.text === ".") continue;
      if (this.#defines.has(token.text)) this.#mention("define", token, "reference", statement);
      else if (findRegister(token.text) !== undefined) this.#note({ kind: "register", token, statement });
      else if (takesFloat && findFloatRegister(token.text)) this.#note({ kind: "register", token, statement });
      else if (csrAllowed && findCsr(token.text) !== undefined) this.#note({ kind: "csr", token, statement });
      else if (takesFloat && parseRoundingMode(token.text) !== undefined)
        this.#note({ kind: "word", token, statement });
      else if (isFenceSet(statement, token)) this.#note({ kind: "word", token, statement });
      else this.#mention("symbol", token, "reference", statement);
    }
  }

  #parameter(token: Token, statement: Statement): void {
    const name = token.text.slice(1);
    const scope = this.#scopes.findLast(({ names }) => names.has(name));
    if (scope === undefined) return;
    this.#add(`parameter ${scope.key} ${name}`, "parameter", name, token, "reference", statement);
  }

  /** `1:` belongs to the `1f` before it and the `1b` behind it, up to the next `1:`. */
  #resolveNumeric(statements: readonly Statement[], file: number): void {
    const counts = new Map<number, number>();
    const key = (label: number, count: number) => `numeric-label ${file} ${label} ${count}`;
    for (const statement of statements) {
      for (const label of statement.labels) {
        if (label.kind !== "integer") continue;
        const number = Number(label.text);
        const count = (counts.get(number) ?? 0) + 1;
        counts.set(number, count);
        this.#add(key(number, count), "numeric-label", String(number), label, "definition", statement);
      }
      for (const token of statement.operands) {
        if (token.kind !== "local") continue;
        const number = Number(token.text.slice(0, -1));
        const count = (counts.get(number) ?? 0) + (token.text.endsWith("f") ? 1 : 0);
        this.#add(key(number, count), "numeric-label", String(number), token, "reference", statement);
      }
    }
  }

  #mention(kind: "symbol" | "macro" | "define", token: Token, role: Mention["role"], statement: Statement): void {
    const name = kind === "macro" ? token.text.toLowerCase() : token.text;
    this.#add(`${kind} ${name}`, kind, token.text, token, role, statement);
  }

  #add(
    key: string,
    kind: Entity["kind"],
    name: string,
    token: Token,
    role: Mention["role"],
    statement: Statement,
  ): void {
    let entity = this.#entities.get(key);
    if (entity === undefined) {
      entity = { kind, name, mentions: [] };
      this.#entities.set(key, entity);
    }
    entity.mentions.push({ span: token, role, statement });
    this.#note({ kind: "entity", entity, token });
  }

  #note(thing: Thing): void {
    const lines = this.#things[thing.token.file];
    const line = lines.get(thing.token.line);
    if (line === undefined) lines.set(thing.token.line, [thing]);
    else line.push(thing);
  }
}

export function definitionsOf(entity: Entity): Mention[] {
  return entity.mentions.filter(({ role }) => role === "definition");
}

/** The names among `a, b=1, c:req`. */
function parameterTokens(tokens: readonly Token[]): Token[] {
  return tokens.filter((token, i) => {
    const before = tokens[i - 1]?.text;
    return token.kind === "identifier" && before !== "=" && before !== ":";
  });
}

/** Elsewhere a label may have the name of a floating-point register: `call f1`. */
function hasFloatOperands(statement: Statement): boolean {
  const forms = formsOf(statement.name?.text.toLowerCase() ?? "");
  return forms.some(({ operands }) => operands.some(({ kind }) => kind === "float-register"));
}

/** `rw` in `fence rw, w`. */
function isFenceSet(statement: Statement, token: Token): boolean {
  return statement.name?.text.toLowerCase() === "fence" && /^[iorw]+$/.test(token.text);
}
