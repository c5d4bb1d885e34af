import { Conditionals } from "./conditionals.ts";
import { directiveNames, findDirective, lineMarker, strayPreprocessorLine } from "./directives.ts";
import { badToken } from "./expression.ts";
import { assembleInstruction } from "./instructions.ts";
import { link } from "./link.ts";
import { expandMacro, type Macro } from "./macros.ts";
import type { Definition } from "./preprocessor.ts";
import type { Program } from "./program.ts";
import { type AssembleOptions, Session, type SourceFile, spanOnly } from "./session.ts";
import type { AssemblyError, Statement } from "./source.ts";
import type { AssemblerSymbol } from "./symbol.ts";
import { assign } from "./symbol-directives.ts";

export type { AssembleOptions, SourceFile } from "./session.ts";

/** What came of a source. Everything but `program` is there whatever is wrong with it. */
export interface Assembly {
  /** The source first, then what it includes; `Span.file` counts them. */
  readonly files: readonly SourceFile[];
  /** Named symbols with where they are defined and mentioned; `value` is set where it is known. */
  readonly symbols: readonly AssemblerSymbol[];
  /** Numeric labels, one entry for each `1:`. */
  readonly numericLabels: readonly AssemblerSymbol[];
  readonly macros: readonly Macro[];
  /** `#define`s of the C preprocessor. */
  readonly definitions: readonly Definition[];
  /** By position. */
  readonly errors: readonly AssemblyError[];
  /** Missing when one of the errors is more than a warning. */
  readonly program: Program | undefined;
}

/**
 * Assembles and links a source in GNU syntax. Never throws because of the source: each wrong line is reported, left
 * out, and the next one is read.
 */
export function assemble(source: string, options: AssembleOptions): Assembly {
  const session = new Session(options);
  const preprocess = options.preprocess ?? /\.(S|sx)$/.test(options.file);
  session.lineFile(options.file);
  session.reader.pushFile(options.file, source, preprocess, 0, undefined);
  for (let statement = session.reader.next(); statement !== undefined; statement = session.reader.next()) {
    session.statement = statement;
    execute(session, statement);
  }
  session.preprocessor.finish();
  session.statement = undefined;
  const program = link(session);
  session.statement = undefined;
  for (const token of session.macroArguments) {
    const symbol = session.symbols.find(token.text);
    if (symbol !== undefined) symbol.references.push(spanOnly(token));
  }
  const errors = [...session.diagnostics.list].sort(
    (a, b) => a.file - b.file || a.line - b.line || a.column - b.column,
  );
  return {
    files: session.files,
    symbols: [...session.symbols.named()],
    numericLabels: [...session.symbols.numericLabels()],
    macros: session.allMacros,
    definitions: session.preprocessor.seen,
    errors,
    program,
  };
}

function execute(session: Session, statement: Statement): void {
  const { name } = statement;
  const lower = name?.text.toLowerCase();
  if (lower !== undefined && Conditionals.isConditional(lower)) {
    if (!session.conditions.skipping) for (const label of statement.labels) session.defineLabel(label);
    return session.conditions.execute(statement);
  }
  if (session.conditions.skipping) return;
  for (const label of statement.labels) session.defineLabel(label);
  if (name === undefined || lower === undefined) {
    const [first] = statement.operands;
    if (first === undefined) return;
    const what = first.kind === "bad" ? badToken(first) : `expected an instruction, found \`${first.text}\``;
    return session.diagnostics.error(first, what);
  }
  if (statement.assignment !== undefined) return assign(session, statement);
  if (name.text === "#") return hashLine(session, statement);
  const directive = lower.startsWith(".") ? findDirective(lower) : undefined;
  if (directive !== undefined) return directive(session, statement);
  const macro = session.macros.get(lower);
  if (macro !== undefined) return expandMacro(session, macro, statement);
  if (!lower.startsWith(".")) return assembleInstruction(session, statement);
  const guess = session.suggestions.directive(lower, directiveNames);
  const hint = guess === undefined ? "" : `; did you mean \`${guess}\`?`;
  session.diagnostics.error(name, `unknown directive \`${name.text}\`${hint}`);
}

function hashLine(session: Session, statement: Statement): void {
  if (statement.operands[0]?.kind === "integer") lineMarker(session, statement);
  else if (!session.preprocessor.skipping) strayPreprocessorLine(session, statement);
}
