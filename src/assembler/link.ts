import { virtualAddress } from "../base/brand.ts";
import { evaluate } from "./expression.ts";
import { checkSize, layOut } from "./layout.ts";
import type { LineRow, Program, ProgramSymbol, Segment } from "./program.ts";
import { fillSections } from "./relocate.ts";
import { addressOf, alignSection, type Section, type Tail } from "./section.ts";
import type { Session } from "./session.ts";
import type { AssemblerSymbol } from "./symbol.ts";

/** Gives everything its place and fills in what depends on it; undefined when there are errors. */
export function link(session: Session): Program | undefined {
  allocateCommons(session);
  for (const section of session.sections.values()) padCode(section);
  const sections = layOut(session);
  if (!checkSize(session)) return undefined;
  const loose = [...session.sections.values()].filter((section) => !section.flags.allocated);
  const images = fillSections(session, [...sections, ...loose]);
  settleSymbols(session);
  const lines = lineTable(session, sections);
  if (session.diagnostics.errorCount > 0) return undefined;
  const start = session.symbols.find("_start");
  const text = session.sections.get(".text")!;
  const entry = start?.definition?.kind === "label" ? start.value! : text.address;
  return {
    name: session.options.file,
    entry: virtualAddress(entry),
    segments: segments(sections, images),
    symbols: programSymbols(session),
    lines,
    files: session.lineFiles,
  };
}

/** Symbols of `.comm` get their place in .bss behind everything else, the local ones first, as with GNU's tools. */
function allocateCommons(session: Session): void {
  const isLocal = ({ binding }: AssemblerSymbol): boolean => binding === "local";
  const locals = session.commons.filter(isLocal);
  for (const symbol of [...locals, ...session.commons.filter((symbol) => !isLocal(symbol))]) {
    const { definition } = symbol;
    if (definition?.kind !== "common") continue;
    const section = session.sectionNamed(".bss", undefined);
    const { alignment, size } = definition;
    alignSection(section, alignment);
    section.end(padding(alignment, false), 0, false);
    symbol.definition = { kind: "label", place: section.here };
    section.end({ kind: "fill", value: 0 }, size, true);
  }
}

/** Final values; symbols that were declared but neither defined nor used are no error. */
function settleSymbols(session: Session): void {
  for (const symbol of session.symbols.named()) {
    if (symbol.definition === undefined) continue;
    const result = evaluate({ kind: "symbol", symbol, span: symbol.definitions[0] }, "final");
    if (result.ok) symbol.value = BigInt.asUintN(64, result.value);
    else session.diagnostics.error(result.span ?? symbol.definitions[0], result.message);
  }
  for (const symbol of session.symbols.numericLabels()) {
    if (symbol.definition?.kind === "label") symbol.value = addressOf(symbol.definition.place);
  }
}

function padding(alignment: number, code: boolean): Tail {
  return { kind: "align", alignment, fill: undefined, fillSize: 1, most: alignment, code, onlyOdd: false };
}

/** Code is filled up to its alignment with no-operations, as GNU `as` does. */
function padCode(section: Section): void {
  const { alignment, flags } = section;
  if (!flags.executable || alignment === 1) return;
  section.end(padding(alignment, true), 0, false);
}

/** One segment for each stretch of sections of one kind. */
function segments(sections: readonly Section[], images: ReadonlyMap<Section, Uint8Array>): Segment[] {
  const groups: Section[][] = [];
  for (const section of sections) {
    if (section.size === 0) continue;
    const last = groups.at(-1)?.[0];
    const { executable, writable } = section.flags;
    if (last && last.flags.executable === executable && last.flags.writable === writable) groups.at(-1)!.push(section);
    else groups.push([section]);
  }
  return groups.map((group) => {
    const first = group[0];
    const end = group.at(-1)!;
    const filled = group.findLast((section) => images.has(section));
    const length = filled === undefined ? 0 : Number(filled.address - first.address) + filled.size;
    const bytes = new Uint8Array(length);
    for (const section of group) {
      const image = images.get(section);
      if (image !== undefined) bytes.set(image, Number(section.address - first.address));
    }
    return {
      physicalAddress: Number(first.address),
      virtualAddress: virtualAddress(first.address),
      bytes,
      memoryBytes: Number(end.address - first.address) + end.size,
      executable: first.flags.executable,
      writable: first.flags.writable,
    };
  });
}

/** Labels that begin with .L are the compiler's, and numeric ones have no name. */
function programSymbols(session: Session): ProgramSymbol[] {
  const symbols: ProgramSymbol[] = [];
  for (const symbol of session.symbols.named()) {
    if (symbol.value === undefined || symbol.name.startsWith(".L")) continue;
    const section = sectionOf(symbol);
    const size = symbol.size && evaluate(symbol.size, "final");
    symbols.push({
      name: symbol.name,
      address: virtualAddress(symbol.value),
      size: size?.ok && size.base === undefined ? Number(size.value) : 0,
      kind: symbol.type !== "none" ? symbol.type : section === undefined ? "absolute" : "label",
      binding: symbol.binding,
      section: section?.name ?? "",
    });
  }
  return symbols;
}

function sectionOf(symbol: AssemblerSymbol): Section | undefined {
  if (symbol.definition?.kind === "label") return symbol.definition.place.chunk.section;
  if (symbol.definition?.kind !== "value") return undefined;
  const result = evaluate(symbol.definition.value, "final");
  return result.ok && result.base !== undefined && "flags" in result.base ? result.base : undefined;
}

/** Rows by address; each section is a sequence of its own. */
function lineTable(session: Session, sections: readonly Section[]): LineRow[] {
  const lines: LineRow[] = [];
  for (const section of sections) {
    if (section.rows.length === 0) continue;
    for (const { place, span, file, line, column } of section.rows) {
      const address = addressOf(place);
      // What is at an odd address because of other mistakes need not be said.
      if (address % 2n !== 0n && session.diagnostics.errorCount === 0) {
        session.diagnostics.error(span, "this instruction is at an odd address; `.balign 4` in front of it helps");
      }
      lines.push({ address: virtualAddress(address), file, line, column, statement: true, endSequence: false });
    }
    const last = lines.at(-1)!;
    const end = virtualAddress(section.address + BigInt(section.size));
    lines.push({ ...last, address: end, statement: false, endSequence: true });
  }
  return lines;
}
