import assert from "node:assert/strict";
import { type AssembleOptions, type Assembly, assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";

// The door of the assembler's tests: source in, bytes or errors out.

/** What a source without errors gives. */
export function assembled(source: string, options: Partial<AssembleOptions> = {}): Assembly & { program: Program } {
  const assembly = assemble(source, { file: "test.s", ...options });
  const wrong = assembly.errors.find(({ severity }) => severity === "error");
  assert.equal(wrong && `${wrong.line}:${wrong.column}: ${wrong.message}`, undefined, source);
  assert.ok(assembly.program);
  return { ...assembly, program: assembly.program };
}

/** The bytes of the section that holds `.text`, or of the segment that begins at `address`, as hex. */
export function bytesOf(program: Program, address = 0x8000_0000): string {
  const segment = program.segments.find(({ physicalAddress }) => physicalAddress === address);
  return segment === undefined ? "" : Buffer.from(segment.bytes).toString("hex");
}

/** `source` gives these bytes in .text; blanks in `hex` only group them, in the order of memory. */
export function check(source: string, hex: string, options: Partial<AssembleOptions> = {}): void {
  assert.equal(bytesOf(assembled(source, options).program), hex.replaceAll(" ", ""), source);
}

/** Each instruction gives the word that the manual's encoding has, most significant bit first. */
export function checkWord(source: string, word: number): void {
  const length = (word & 3) === 3 ? 4 : 2;
  const bytes = Array.from({ length }, (_, index) => (word >>> (8 * index)) & 0xff);
  check(source, Buffer.from(bytes).toString("hex"));
}

/** The data that a source puts into .data. */
export function checkData(source: string, hex: string, options: Partial<AssembleOptions> = {}): void {
  const { program } = assembled(`.data\n${source}`, options);
  const data = program.segments.find(({ writable }) => writable);
  assert.equal(data ? Buffer.from(data.bytes).toString("hex") : "", hex.replaceAll(" ", ""), source);
}

/** `line:column: message` of every error and warning. */
export function messages(source: string, options: Partial<AssembleOptions> = {}): string[] {
  const { errors, program } = assemble(source, { file: "test.s", ...options });
  const failed = errors.some(({ severity }) => severity === "error");
  assert.equal(program === undefined, failed, "there is a program unless there are errors");
  return errors.map(({ line, column, length, severity, message }) => {
    assert.ok(length >= 1, "an error has a place");
    return `${line}:${column}: ${severity === "warning" ? "warning: " : ""}${message}`;
  });
}

/** The source has exactly these errors. */
export function checkErrors(source: string, ...expected: string[]): void {
  assert.deepEqual(messages(source), expected, source);
}

/** Address of a symbol of a source. */
export function addressOf(program: Program, name: string): number {
  const symbol = program.symbols.find((candidate) => candidate.name === name);
  assert.ok(symbol, `no symbol ${name}`);
  return Number(symbol.address);
}
