import type { Preprocessor } from "./preprocessor.ts";
import type { Session } from "./session.ts";
import type { Span, Statement } from "./source.ts";
import { parseLines, parseStatements, type SourceLine } from "./statements.ts";

/** Files and macros nest this deep at most: what is deeper includes or calls itself. */
const DEEPEST_INPUT = 100;
/** Statements in one assembly. Compilers write fewer even for large files; a runaway `.rept` has more. */
const MOST_STATEMENTS = 2_000_000;

/** One source of statements: a file, the expansion of a macro, or the body of a repetition. */
interface Frame {
  readonly kind: "file" | "macro" | "repeat";
  readonly lines: readonly SourceLine[];
  line: number;
  statements: readonly Statement[];
  statement: number;
  /** How often the lines come once more. */
  again: number;
  /** Open conditions when the frame began. */
  readonly conditions: number;
  readonly preprocess: boolean;
}

/** Delivers statements in the order in which they are assembled. */
export class Reader {
  readonly #session: Session;
  readonly #preprocessor: Preprocessor;
  readonly #frames: Frame[] = [];
  #delivered = 0;
  #stopped = false;
  /** Called when a frame ends, with the number of conditions that were open when it began. */
  onEnd: (kind: Frame["kind"], conditions: number) => void = () => {};

  constructor(session: Session, preprocessor: Preprocessor) {
    this.#session = session;
    this.#preprocessor = preprocessor;
  }

  get depth(): number {
    return this.#frames.length;
  }

  /** Reads a file next. `from` is the directive that includes it. */
  pushFile(name: string, text: string, preprocess: boolean, conditions: number, from: Span | undefined): void {
    const file = this.#session.files.length;
    const lines = parseLines(text, { file, preprocess });
    this.#session.files.push({ name, statements: lines.flatMap((line) => line.statements) });
    this.#push({ kind: "file", lines, again: 0, conditions, preprocess }, from);
  }

  /** Reads lines next, `count` times. */
  pushLines(
    kind: "macro" | "repeat",
    lines: readonly SourceLine[],
    count: number,
    conditions: number,
    from: Span,
  ): void {
    if (count > 0) this.#push({ kind, lines, again: count - 1, conditions, preprocess: false }, from);
  }

  #push(frame: Omit<Frame, "line" | "statements" | "statement">, from: Span | undefined): void {
    if (this.#frames.length >= DEEPEST_INPUT && from !== undefined) {
      this.#session.diagnostics.error(from, `more than ${DEEPEST_INPUT} files and macros inside each other`);
      this.#stopped = true;
      return;
    }
    this.#frames.push({ ...frame, line: 0, statements: [], statement: 0 });
  }

  /** The next statement; undefined at the end of everything. */
  next(): Statement | undefined {
    return this.#nextAbove(0);
  }

  /** The next statement of the innermost file, macro or repetition, and of what it includes; undefined at its end. */
  nextInFrame(): Statement | undefined {
    return this.#nextAbove(this.#frames.length - 1);
  }

  /** The next statement, as long as more than `depth` frames are open; the last of those is left open at its end. */
  #nextAbove(depth: number): Statement | undefined {
    while (!this.#stopped) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return undefined;
      const statement = this.#nextOf(frame);
      if (statement !== undefined) return this.#count(statement);
      // A directive of the preprocessor has put another file on top.
      if (this.#frames.at(-1) !== frame) continue;
      if (this.#frames.length === depth + 1 && depth > 0) return undefined;
      this.#frames.pop();
      this.onEnd(frame.kind, frame.conditions);
      if (this.#frames.length === depth) return undefined;
    }
    return undefined;
  }

  #count(statement: Statement): Statement | undefined {
    this.#delivered++;
    if (this.#delivered <= MOST_STATEMENTS) return statement;
    const span = statement.name ?? statement.tokens[0];
    this.#session.diagnostics.error(
      span,
      `more than ${MOST_STATEMENTS} statements: a repetition or macro does not end`,
    );
    this.#stopped = true;
    return undefined;
  }

  /** The next statement of a frame; undefined at its end, or when another one has been put on top of it. */
  #nextOf(frame: Frame): Statement | undefined {
    while (this.#frames.at(-1) === frame) {
      if (frame.statement < frame.statements.length) return frame.statements[frame.statement++];
      if (frame.line >= frame.lines.length) {
        if (frame.again === 0) return undefined;
        frame.again--;
        frame.line = 0;
        continue;
      }
      const line = frame.lines[frame.line++];
      frame.statement = 0;
      frame.statements = frame.preprocess ? this.#preprocessed(line) : line.statements;
    }
    return undefined;
  }

  #preprocessed(line: SourceLine): readonly Statement[] {
    if (line.hash) return this.#preprocessor.directive(line) ? [] : line.statements;
    if (this.#preprocessor.skipping) return [];
    const expanded = this.#preprocessor.expand(line.tokens);
    return expanded === line.tokens ? line.statements : parseStatements(expanded);
  }

  /** Leaves the innermost macro; gives the number of conditions that were open when it began. */
  exitMacro(): number | undefined {
    const index = this.#frames.findLastIndex((frame) => frame.kind === "macro");
    if (index < 0) return undefined;
    const { conditions } = this.#frames[index];
    this.#frames.length = index;
    return conditions;
  }

  /** `.end`: nothing more is read. */
  stop(): void {
    this.#frames.length = 0;
  }
}
