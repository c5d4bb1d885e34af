import { attribute, optionArch } from "./architecture.ts";
import { DATA_DIRECTIVES } from "./data-directives.ts";
import { type Handler, misuse, nameOf, numberOf, parts, wordOf } from "./directive-operands.ts";
import { stringText } from "./lexer.ts";
import { defineMacro, repeat, repeatFor } from "./macros.ts";
import { rawInstruction } from "./raw-instruction.ts";
import { SECTION_DIRECTIVES } from "./section-directives.ts";
import type { Session } from "./session.ts";
import { type Statement, spanOf, textOf } from "./source.ts";
import { SYMBOL_DIRECTIVES } from "./symbol-directives.ts";

/** Repetitions of one `.rept`. More statements than the reader allows would come of more. */
const MOST_REPETITIONS = 2_000_000;

function option(session: Session, statement: Statement): void {
  const name = wordOf(parts(statement)[0]);
  switch (name) {
    case "rvc":
    case "norvc":
      session.state = { ...session.state, compress: name === "rvc" };
      return;
    case "push":
      session.stateStack.push(session.state);
      return;
    case "pop": {
      const state = session.stateStack.pop();
      if (state === undefined) return misuse(session, statement, "`.option pop` without `.option push`");
      session.state = state;
      return;
    }
    case "arch":
      return optionArch(session, statement);
    // There is no linker that could relax anything, and everything is position-independent enough.
    case "relax":
    case "norelax":
    case "pic":
    case "nopic":
    case "csr-check":
    case "no-csr-check":
      return;
    default:
      session.diagnostics.warning(spanOf(statement.operands, statement.name!), `unknown option \`${name ?? ""}\``);
  }
}

/** `.loc file line column flags…`: from now on the line table says this instead of where the instructions stand. */
function location(session: Session, statement: Statement): void {
  const numbers: number[] = [];
  for (const token of statement.operands) {
    if (token.kind !== "integer") break;
    numbers.push(Number(token.value!));
  }
  const [file, line, column = 0] = numbers;
  if (line === undefined) return misuse(session, statement, "`.loc` takes a file number and a line");
  const known = session.dwarfFiles.get(file);
  if (known === undefined) return misuse(session, statement, `no \`.file ${file} "…"\` stands before this`);
  session.location = { file: known, line, column };
}

/** `.file "name"` says nothing that matters here; `.file 1 "name"` and `.file 1 "directory" "name"` serve `.loc`. */
function file(session: Session, statement: Statement): void {
  const [number, ...names] = statement.operands;
  if (number?.kind !== "integer") return;
  const strings = names.filter((token) => token.kind === "string").map(stringText);
  if (strings.length === 0) return misuse(session, statement, "`.file` needs a name");
  const name = strings.at(-1)!;
  const directory = strings.length > 1 && !name.startsWith("/") ? `${strings[0]}/` : "";
  session.dwarfFiles.set(Number(number.value!), session.lineFile(directory + name));
}

function include(session: Session, statement: Statement): void {
  const path = wordOf(statement.operands);
  const name = statement.name!;
  if (path === undefined) return misuse(session, statement, "`.include` needs a file name");
  const found = session.options.include?.(path, session.files[name.file].name);
  if (found === undefined) return misuse(session, statement, `cannot find \`${path}\``);
  session.reader.pushFile(found.name, found.text, false, session.conditions.depth, name);
}

function message(severity: "error" | "warning", fallback: string): Handler {
  return (session, statement) => {
    const text = wordOf(statement.operands) ?? fallback;
    const span = spanOf(statement.tokens, statement.name!);
    if (severity === "error") session.diagnostics.error(span, text);
    else session.diagnostics.warning(span, text);
  };
}

function purge(session: Session, statement: Statement): void {
  for (const part of parts(statement)) {
    const name = nameOf(session, part, statement);
    if (name !== undefined && !session.macros.delete(name.text.toLowerCase())) {
      session.diagnostics.error(name, `there is no macro \`${name.text}\``);
    }
  }
}

function exitMacro(session: Session, statement: Statement): void {
  const depth = session.reader.exitMacro();
  if (depth === undefined) return misuse(session, statement, "`.exitm` outside a macro");
  session.conditions.closeTo(depth, false);
}

function stray(opening: string): Handler {
  return (session, statement) => {
    session.diagnostics.error(statement.name!, `\`${statement.name!.text}\` without \`${opening}\``);
  };
}

const ignore: Handler = () => {};

const CONTROL_DIRECTIVES: Readonly<Record<string, Handler>> = {
  ".option": option,
  ".loc": location,
  ".file": file,
  ".include": include,
  ".macro": defineMacro,
  ".endm": stray(".macro"),
  ".endmacro": stray(".macro"),
  ".exitm": exitMacro,
  ".purgem": purge,
  ".rept": (session, statement) =>
    repeat(session, statement, numberOf(session, statement.operands, statement, { min: 0, max: MOST_REPETITIONS })),
  ".irp": (session, statement) => repeatFor(session, statement, false),
  ".irpc": (session, statement) => repeatFor(session, statement, true),
  ".endr": stray(".rept"),
  ".err": message("error", "`.err` was reached"),
  ".error": message("error", "`.error` was reached"),
  ".fail": message("error", "`.fail` was reached"),
  ".warning": message("warning", "`.warning` was reached"),
  ".print": ignore,
  ".insn": rawInstruction,
  ".end": (session) => session.reader.stop(),
  ".abort": (session, statement) => {
    session.diagnostics.error(statement.name!, "`.abort` was reached");
    session.reader.stop();
  },
  ".attribute": attribute,
  ".ident": ignore,
  ".version": ignore,
  ".title": ignore,
  ".sbttl": ignore,
  ".list": ignore,
  ".nolist": ignore,
  ".eject": ignore,
  ".psize": ignore,
  ".line": ignore,
  ".ln": ignore,
  ".loc_mark_labels": ignore,
  ".addrsig": ignore,
  ".addrsig_sym": ignore,
};

const DIRECTIVES = new Map<string, Handler>(
  Object.entries({ ...DATA_DIRECTIVES, ...SECTION_DIRECTIVES, ...SYMBOL_DIRECTIVES, ...CONTROL_DIRECTIVES }),
);

/** What carries out a directive, by its name in lower case; undefined when there is no such directive. */
export function findDirective(name: string): Handler | undefined {
  // Call-frame information is for unwinding through compiled code, which brings its own tables.
  return DIRECTIVES.get(name) ?? (name.startsWith(".cfi_") ? ignore : undefined);
}

/** Names of all directives, for completion and for "did you mean". */
export function directiveNames(): Iterable<string> {
  return DIRECTIVES.keys();
}

/** `# 12 "file.c"`: what follows came from there. */
export function lineMarker(session: Session, statement: Statement): void {
  const [line, name] = statement.operands;
  if (line?.kind !== "integer" || name?.kind !== "string") return;
  const file = session.lineFile(stringText(name));
  session.marker = { file, delta: Number(line.value!) - (statement.line + 1) };
}

/** A line that only a preprocessor understands, in a source that gets none. */
export function strayPreprocessorLine(session: Session, statement: Statement): void {
  const word = textOf(statement.tokens.slice(0, 2));
  const message = `\`${word}\` is a comment here; the C preprocessor runs on files that end in .S`;
  session.diagnostics.warning(spanOf(statement.tokens, statement.tokens[0]), message);
}
