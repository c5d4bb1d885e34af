import { Conditionals } from "./conditionals.ts";
import type { Expression, ExpressionContext } from "./expression.ts";
import type { Macro } from "./macros.ts";
import { Preprocessor } from "./preprocessor.ts";
import { Reader } from "./reader.ts";
import { type FixupKind, type Place, Section, type SectionFlags } from "./section.ts";
import { Diagnostics, type Span, type Statement, type Token } from "./source.ts";
import { Suggestions } from "./suggestions.ts";
import { type AssemblerSymbol, SymbolTable } from "./symbol.ts";

/** `.option` state. */
export interface Options {
  /** Use 16-bit forms where they exist. */
  readonly compress: boolean;
  /** Names of the extensions that `.option arch` or `.attribute arch` chose. */
  readonly extensions: ReadonlySet<string>;
}

export interface AssembleOptions {
  /** Name of the source for errors and the line table. */
  readonly file: string;
  /** The text of a file that `.include` or `#include` names; undefined when there is none. */
  readonly include?: (path: string, from: string) => { name: string; text: string } | undefined;
  /** The bytes of a file that `.incbin` names. */
  readonly incbin?: (path: string, from: string) => Uint8Array | undefined;
  /** Where `.text` goes: the start of RAM unless told otherwise. */
  readonly textAddress?: bigint;
  /** Run the C preprocessor; by default when the file's name ends in .S or .sx. */
  readonly preprocess?: boolean;
}

/** A source file as it was read. */
export interface SourceFile {
  readonly name: string;
  /** Every statement as written, also those that a condition leaves out. */
  readonly statements: readonly Statement[];
}

/** Everything that reading the source builds up. One for each assembly. */
export class Session implements ExpressionContext {
  readonly options: AssembleOptions;
  readonly diagnostics = new Diagnostics();
  readonly suggestions = new Suggestions();
  readonly symbols = new SymbolTable();
  readonly files: SourceFile[] = [];
  /** Names of files that only `.file` and line markers mention; they follow `files` in the line table. */
  readonly sections = new Map<string, Section>();
  readonly macros = new Map<string, Macro>();
  /** Macros that were purged or defined again: the language service shows all of them. */
  readonly allMacros: Macro[] = [];
  /** Symbols of `.local`: a `.comm` of theirs is not shared with anybody. */
  readonly declaredLocal = new Set<AssemblerSymbol>();
  /** Symbols of `.comm` and `.lcomm`, as they were declared. */
  readonly commons: AssemblerSymbol[] = [];
  section: Section;
  previousSection: Section;
  readonly sectionStack: { section: Section; previous: Section }[] = [];
  state: Options = { compress: true, extensions: new Set() };
  readonly stateStack: Options[] = [];
  /** The statement that is being assembled, and whether its row of the line table has been made. */
  statement: Statement | undefined;
  /** `.loc` in force: from the first one on, it alone decides. */
  location: { file: number; line: number; column: number } | undefined;
  readonly lineFiles: string[] = [];
  readonly #lineFileNumbers = new Map<string, number>();
  /** The numbers of `.file 1 "name"`. */
  readonly dwarfFiles = new Map<number, number>();
  /** Set by `# 12 "file.c"`: what to add to a line of the source to get the line that it came from. */
  marker: { file: number; delta: number } | undefined;
  /** Macro expansions so far: the value of `\@`. */
  expansions = 0;
  readonly conditions = new Conditionals(this);
  readonly preprocessor = new Preprocessor(this);
  readonly reader = new Reader(this, this.preprocessor);
  /** Names in the arguments of macros: references, if they turn out to be symbols. */
  readonly macroArguments: Token[] = [];
  #rowStatement: Statement | undefined;
  #rowInvocation: Span | undefined;

  constructor(options: AssembleOptions) {
    this.options = options;
    this.preprocessor.reader = this.reader;
    this.preprocessor.assemblerConditions = () => this.conditions.depth;
    this.reader.onEnd = (kind, depth) => this.conditions.closeTo(depth, kind === "file");
    this.section = this.sectionNamed(".text", undefined);
    // These exist always, and come first among their kind.
    this.sectionNamed(".data", undefined);
    this.sectionNamed(".bss", undefined);
    this.previousSection = this.section;
  }

  get here(): Place {
    return this.section.here;
  }

  /** The section of this name; made with `flags`, or those that its name implies, when it is new. */
  sectionNamed(name: string, flags: SectionFlags | undefined): Section {
    let section = this.sections.get(name);
    if (section === undefined) {
      section = new Section(name, flags ?? defaultFlags(name));
      this.sections.set(name, section);
    }
    return section;
  }

  enter(section: Section): void {
    this.previousSection = this.section;
    this.section = section;
  }

  /** The symbol that a name or `1f` means here; undefined for `1b` without a label behind. Noted as a reference. */
  symbol(token: Token): AssemblerSymbol | undefined {
    const symbol = token.kind === "local" ? this.symbols.numeric(token.text) : this.symbols.get(token.text);
    if (symbol !== undefined) this.refer(symbol, token);
    return symbol;
  }

  /** Notes a mention. What a macro expands to stands nowhere in the source. */
  refer(symbol: AssemblerSymbol, token: Token): void {
    if (this.statement?.expandedFrom === undefined) symbol.references.push(spanOnly(token));
  }

  /** Notes the arguments of a macro, as references to be if they are symbols. */
  noteArguments(tokens: readonly Token[]): void {
    if (this.statement?.expandedFrom !== undefined) return;
    for (const token of tokens) if (token.kind === "identifier") this.macroArguments.push(token);
  }

  /** Defines a label here. */
  defineLabel(token: Token): void {
    const numeric = token.kind === "integer";
    const symbol = numeric ? this.symbols.defineNumeric(token.text) : this.symbols.get(token.text);
    if (symbol.definition !== undefined) {
      const before = symbol.definitions[0];
      const where = before === undefined ? "" : `, at line ${before.line}`;
      this.diagnostics.error(token, `\`${token.text}\` is already defined${where}`);
      return;
    }
    symbol.definition = { kind: "label", place: this.here };
    symbol.definitions.push(spanOnly(token));
  }

  /** Emits a datum that is known only after layout. */
  fixup(kind: FixupKind, place: Place, value: Expression, span: Span): void {
    this.section.fixups.push({ kind, place, value, span });
  }

  /** Notes that an instruction of the current statement begins here. One row serves all instructions of a statement. */
  noteInstruction(): void {
    const statement = this.statement;
    if (statement === undefined || this.#rowStatement === statement) return;
    this.#rowStatement = statement;
    const place = this.here;
    const rows = this.section.rows;
    const invocation = statement.expandedFrom;
    const at = invocation ?? statement.name!;
    if (this.location !== undefined) {
      rows.push({ place, span: at, ...this.location });
      return;
    }
    if (invocation !== undefined && invocation === this.#rowInvocation && rows.at(-1)?.line === invocation.line) return;
    this.#rowInvocation = invocation;
    const marker = this.marker;
    rows.push({
      place,
      span: at,
      file: marker?.file ?? this.lineFile(this.files[at.file].name),
      line: at.line + (marker?.delta ?? 0),
      column: at.column,
    });
  }

  /** Number of a file in the line table. */
  lineFile(name: string): number {
    let number = this.#lineFileNumbers.get(name);
    if (number === undefined) {
      number = this.lineFiles.length;
      this.lineFiles.push(name);
      this.#lineFileNumbers.set(name, number);
    }
    return number;
  }

  /** Whether bytes may be put here; says so when not. */
  canEmit(span: Span): boolean {
    if (!this.section.flags.noBits) return true;
    this.diagnostics.error(span, `${this.section.name} holds no bytes: only space can be reserved here`);
    return false;
  }
}

export function spanOnly(span: Span): Span {
  return { file: span.file, line: span.line, column: span.column, length: span.length };
}

/** What GNU `as` takes a section's name to mean. */
export function defaultFlags(name: string): SectionFlags {
  const is = (prefix: string): boolean => name === prefix || name.startsWith(`${prefix}.`);
  const flags = (allocated: boolean, writable: boolean, executable: boolean, noBits: boolean): SectionFlags => ({
    allocated,
    writable,
    executable,
    noBits,
  });
  if (is(".text") || is(".init") || is(".fini")) return flags(true, false, true, false);
  if (is(".rodata") || is(".srodata")) return flags(true, false, false, false);
  if (is(".data") || is(".sdata")) return flags(true, true, false, false);
  if (is(".bss") || is(".sbss")) return flags(true, true, false, true);
  if (is(".init_array") || is(".fini_array") || is(".preinit_array")) return flags(true, true, false, false);
  return flags(false, false, false, false);
}
