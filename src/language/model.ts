import type { Span } from "../assembler/source.ts";

/** Zero-based, in UTF-16 code units, as editors count. The assembler's spans count from one. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** `end` is behind the last character. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface Location {
  /** Name of the file, as the assembler was given it. */
  readonly file: string;
  readonly range: Range;
}

export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

/** Edits by name of file. */
export type FileEdits = ReadonlyMap<string, readonly TextEdit[]>;

export function rangeOf(span: Span): Range {
  const line = span.line - 1;
  const character = span.column - 1;
  return { start: { line, character }, end: { line, character: character + span.length } };
}

export function contains(span: Span, position: Position): boolean {
  const start = span.column - 1;
  return span.line - 1 === position.line && start <= position.character && position.character <= start + span.length;
}
