import { findFloatRegister, findRegister, type Register } from "../isa/registers.ts";
import type { Analysis } from "./analysis.ts";
import { type FileEdits, type Location, type Position, type Range, rangeOf, type TextEdit } from "./model.ts";
import { definitionsOf, type Entity, type Mention } from "./names.ts";
import { isMnemonic } from "./statement-kind.ts";

/** Where the thing at a position is defined; more than one place for what `.set` defines again; files for includes. */
export function definitions(analysis: Analysis, file: number, position: Position): Location[] {
  const included = analysis.includedAt(file, position);
  if (included !== undefined) return [{ file: included, range: { start: FILE_START, end: FILE_START } }];
  const thing = analysis.thingAt(file, position);
  if (thing?.kind !== "entity") return [];
  return locations(analysis, definitionsOf(thing.entity));
}

const FILE_START: Position = { line: 0, character: 0 };

/** Every place that mentions the thing at a position. */
export function references(
  analysis: Analysis,
  file: number,
  position: Position,
  options: { readonly withDefinitions: boolean },
): Location[] {
  const thing = analysis.thingAt(file, position);
  if (thing?.kind !== "entity") return [];
  const { mentions } = thing.entity;
  const wanted = options.withDefinitions ? mentions : mentions.filter(({ role }) => role === "reference");
  return locations(analysis, wanted);
}

export interface Highlight {
  readonly range: Range;
  readonly role: "definition" | "reference";
}

/** The mentions in the same file of the thing at a position; for a register, all of its uses. */
export function highlights(analysis: Analysis, file: number, position: Position): Highlight[] {
  const thing = analysis.thingAt(file, position);
  if (thing?.kind === "entity") {
    return thing.entity.mentions
      .filter(({ span }) => span.file === file)
      .map(({ span, role }) => ({ range: rangeOf(span), role }));
  }
  if (thing?.kind !== "register") return [];
  const register = registerNamed(thing.token.text);
  return [...analysis.names.things(file)]
    .filter((other) => other.kind === "register" && registerNamed(other.token.text) === register)
    .map(({ token }) => ({ range: rangeOf(token), role: "reference" }));
}

function registerNamed(name: string): Register | undefined {
  return findRegister(name) ?? findFloatRegister(name);
}

function locations(analysis: Analysis, mentions: readonly Mention[]): Location[] {
  const seen = new Map<string, Location>();
  for (const { span } of mentions) {
    const file = analysis.fileName(span.file);
    // A file that is included twice mentions everything twice.
    seen.set(`${file}:${span.line}:${span.column}`, { file, range: rangeOf(span) });
  }
  return [...seen.values()];
}

/** What would be renamed at a position, or why nothing can be. */
export function prepareRename(
  analysis: Analysis,
  file: number,
  position: Position,
): { readonly range: Range; readonly name: string } | { readonly refusal: string } {
  const thing = analysis.thingAt(file, position);
  if (thing === undefined) return { refusal: "There is no name here." };
  if (thing.kind !== "entity") return { refusal: `${thing.token.text} belongs to the language and keeps its name.` };
  const { entity, token } = thing;
  if (entity.kind === "numeric-label") return { refusal: "Numeric labels have no name to change." };
  if (definitionsOf(entity).length === 0) return { refusal: `${entity.name} is not defined here.` };
  const range = rangeOf(token);
  if (token.kind !== "parameter") return { range, name: entity.name };
  // The backslash stays.
  const start = { line: range.start.line, character: range.start.character + 1 };
  return { range: { start, end: range.end }, name: entity.name };
}

/** The edits that give the thing at a position another name, or why it cannot have it. */
export function rename(
  analysis: Analysis,
  file: number,
  position: Position,
  name: string,
): FileEdits | { readonly refusal: string } {
  const prepared = prepareRename(analysis, file, position);
  if ("refusal" in prepared) return prepared;
  const thing = analysis.thingAt(file, position);
  const entity = (thing as { entity: Entity }).entity;
  const refusal = refuseName(analysis, entity, name);
  if (refusal !== undefined) return { refusal };
  const edits = new Map<string, Map<string, TextEdit>>();
  for (const { span } of entity.mentions) {
    const path = analysis.fileName(span.file);
    const range = rangeOf(span);
    const written = analysis.lines(span.file)[range.start.line].slice(range.start.character, range.end.character);
    const prefix = written.startsWith("\\") ? "\\" : "";
    const list = edits.get(path) ?? new Map<string, TextEdit>();
    list.set(`${span.line}:${span.column}`, { range, newText: prefix + name });
    edits.set(path, list);
  }
  return new Map([...edits].map(([path, list]) => [path, [...list.values()]]));
}

function refuseName(analysis: Analysis, entity: Entity, name: string): string | undefined {
  const pattern = entity.kind === "parameter" || entity.kind === "define" ? /^[A-Za-z_]\w*$/ : /^[A-Za-z_.$][\w.$]*$/;
  if (!pattern.test(name)) return `"${name}" is no name: letters, digits and underscores make one.`;
  if (entity.kind === "parameter") {
    const macro = definitionsOf(entity)[0].statement;
    const taken = [...analysis.defined("parameter")].some(
      (other) => other !== entity && other.name === name && definitionsOf(other)[0].statement === macro,
    );
    return taken ? `The macro has a parameter ${name} already.` : undefined;
  }
  if (findRegister(name) !== undefined) return `${name} is a register.`;
  if (entity.kind === "macro" && isMnemonic(name)) return `${name} is an instruction.`;
  if (name === entity.name) return undefined;
  for (const kind of ["symbol", "macro", "define"] as const) {
    const other = analysis.names.find(kind, name);
    const clashes = other !== undefined && other !== entity && definitionsOf(other).length > 0;
    if (clashes) return `${name} is defined already.`;
  }
  return undefined;
}
