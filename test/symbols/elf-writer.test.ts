import assert from "node:assert/strict";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import type { LineRow, Program, ProgramSymbol, Segment } from "../../src/assembler/program.ts";
import { readElf } from "../../src/symbols/elf.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";

const SOURCE = `
    .equ  FINISHER, 0x100000
    .globl _start, buffer
    .weak  hook
    .text
    .type _start, @function
_start:
    la    sp, stack_top
    call  hook
    li    t0, FINISHER
    .size _start, . - _start
hook:
    addi  a0, a0, 1; ret
    .section .rodata
message: .asciz "lines and symbols"
    .data
    .type buffer, @object
    .size buffer, 8
buffer: .dword 0x123456789abcdef0
    .bss
    .space 100
stack_top:
`;

function program(source: string): Program {
  const { program, errors } = assemble(source, { file: "/somewhere/writer test.s" });
  assert.ok(program !== undefined, JSON.stringify(errors));
  return program;
}

const shownSegment = ({ bytes, ...rest }: Segment) => ({ ...rest, bytes: [...bytes] });
const shownSymbol = ({ section: _, ...rest }: ProgramSymbol) => JSON.stringify({ ...rest, address: `${rest.address}` });

test("what is written is read back: segments, symbols, lines", () => {
  const written = program(SOURCE);
  const read = readElf(writeElf(written, "hindcast test"), written.name);
  assert.deepEqual(read.info.warnings, []);
  assert.equal(read.entry, written.entry);
  assert.deepEqual(read.segments.map(shownSegment), written.segments.map(shownSegment));
  assert.deepEqual(read.symbols.map(shownSymbol).sort(), written.symbols.map(shownSymbol).sort());
  const rows = ({ lines, files }: Program) => lines.map(({ file, ...row }: LineRow) => ({ ...row, path: files[file] }));
  // The row that ends a sequence has an address and nothing else.
  const stated = (program: Program) => rows(program).map((row) => (row.endSequence ? { end: row.address } : row));
  assert.deepEqual(stated(read), stated(written));
});

test("a program without lines or symbols is written too", () => {
  const bare: Program = { ...program("nop\n"), symbols: [], lines: [], files: [] };
  const read = readElf(writeElf(bare, "hindcast test"), "bare");
  assert.deepEqual(read.segments.map(shownSegment), bare.segments.map(shownSegment));
  assert.deepEqual(read.symbols, []);
});

test("segments that are all zeros take no room in the file", () => {
  const zeros = program("_start: nop\n.bss\n.space 10000000\n");
  const file = writeElf(zeros, "hindcast test");
  assert.ok(file.length < 4096, `${file.length} bytes`);
  assert.deepEqual(readElf(file, "zeros").segments.map(shownSegment), zeros.segments.map(shownSegment));
});
