import assert from "node:assert/strict";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { addressOf, assembled, bytesOf, check, checkData, checkErrors } from "./check.ts";

test("integers of every size", () => {
  checkData(
    ".byte 1, -1, 255\n.half 0x1234\n.word 0x12345678\n.dword 0x123456789abcdef0",
    "01ffff 3412 78563412 f0debc9a78563412",
  );
  checkData(".2byte 1\n.4byte 2\n.8byte 3\n.quad 4", "0100 02000000 0300000000000000 0400000000000000");
  checkData(".octa 0x0123456789abcdef0011223344556677", "7766554433221100 efcdab8967452301");
  checkData(".uleb128 624485\n.sleb128 -123456", "e58e26 c0bb78");
  checkData(".float 1.5, -2\n.double 1e3", "0000c03f 000000c0 0000000000408f40");
});

test("values that do not fit are cut, with a warning", () => {
  checkErrors(".byte 256", "1:7: warning: 256 does not fit 8 bits; 0x0 is stored");
  checkErrors(".half -32769", "1:7: warning: -32769 does not fit 16 bits; 0x7fff is stored");
});

test("strings", () => {
  checkData('.ascii "ab", "c"', "616263");
  checkData('.asciz "a" "b"', "61006200");
  checkData('.string "a;b#c//d"', "613b6223632f2f6400");
  checkData(String.raw`.ascii "\n\t\\\"\x41\1010"`, "0a095c22414130");
  checkData('.ascii "é"', "c3a9");
  checkErrors('.ascii "open', "1:8: the string is not closed");
  checkErrors(".ascii 5", "1:8: expected a string, found `5`");
});

// A string that did not fit the buffer of its section any more was once written into the old one.
test("strings longer than the section so far", () => {
  checkData(`.byte 1\n.ascii "${"x".repeat(300)}"\n.byte 2`, `01${"78".repeat(300)}02`);
});

test("space and fill", () => {
  checkData(".zero 3\n.skip 2, 5\n.space 1\n.byte 9", "000000 0505 00 09");
  checkData(".fill 2, 3, 0x123456\n.fill 2", "563412563412 0000");
  // Only four of the bytes can be other than zero, as gas has it.
  checkData(".fill 1, 8, 0x1122334455667788", "8877665500000000");
});

test("long fills are patterns, too", () => {
  checkData(".fill 2000, 4, 0x11223344\n.byte 1", `${"44332211".repeat(2000)}01`);
  checkData(".skip 5000, 7\n.byte 1", `${"07".repeat(5000)}01`);
});

test("alignment: zeros in data, no-operations in code", () => {
  checkData(".byte 1\n.align 2\n.byte 2\n.balign 4, 0xff\n.byte 3", "01000000 02ffffff 03");
  checkData(".byte 1\n.p2align 3,,2\n.byte 2", "0102");
  check("nop\n.align 3\nnop", "0100 0100 13000000 0100 0100 13000000");
  check(".byte 1\n.align 2\nnop", "01 00 0100 0100 0100");
  checkErrors(".balign 3", "1:9: 3 is not a power of two");
});

test(".org moves forward only", () => {
  checkData("x: .byte 1\n.org 4\n.byte 2\n.org x + 6, 7\n.byte 3", "01000000 0207 03");
  checkData(".byte 1\n. = 3\n.byte 2", "010000 02");
  checkErrors(".word 1\n.org 2", "2:6: the location counter cannot go back");
});

test("sections: a stack of them, merged by kind, in order of kind", () => {
  const source = `
    .data
    .byte 1
    .section .rodata.text, "a"
    .byte 2
    .pushsection .data
    .byte 3
    .popsection
    .byte 4
    .previous
    .byte 5
    .text
    nop`;
  const { program } = assembled(source);
  assert.deepEqual(
    program.segments.map(({ bytes, executable, writable }) => [
      Buffer.from(bytes).toString("hex"),
      executable,
      writable,
    ]),
    [
      ["0100", true, false],
      ["0204", false, false],
      ["010305", false, true],
    ],
  );
});

test(".bss takes space and labels, no bytes", () => {
  const { program } = assembled("nop\n.bss\nx: .skip 5\n.balign 8\ny: .zero 8\n.word 0");
  assert.equal(addressOf(program, "y"), addressOf(program, "x") + 8);
  const zeros = program.segments.find(({ writable }) => writable)!;
  assert.deepEqual([zeros.bytes.length, zeros.memoryBytes], [0, 20]);
  checkErrors(
    ".bss\n.word 1\nnop",
    "2:7: .bss holds no bytes: only space can be reserved here",
    "3:1: .bss holds no bytes: only space can be reserved here",
  );
});

test("common symbols lie behind .bss", () => {
  const { program } = assembled(".comm a, 8, 8\n.lcomm b, 3\n.bss\nc: .skip 1\n.text\nla a0, a\nla a0, b");
  const base = addressOf(program, "c");
  assert.deepEqual([addressOf(program, "b"), addressOf(program, "a")], [base + 2, base + 8]);
});

test("symbols have their binding, type and size", () => {
  const source = ".globl f\n.type f, @function\nf: nop\nnop\n.size f, . - f\n.weak w\nw:\n.equ N, 5\n.Lhidden: 1:";
  const { program } = assembled(source);
  const plain = program.symbols.map(({ name, binding, kind, size, section }) => [name, binding, kind, size, section]);
  assert.deepEqual(plain, [
    ["f", "global", "function", 4, ".text"],
    ["w", "weak", "label", 0, ".text"],
    ["N", "local", "absolute", 0, ""],
  ]);
});

test("a symbol is defined once", () => {
  checkErrors("x:\nx:", "2:1: `x` is already defined, at line 1");
  checkErrors("x:\n.set x, 1", "2:6: `x` is already defined, at line 1");
  checkErrors(".equiv x, 1\n.equiv x, 1", "2:8: `x` is already defined, at line 1");
});

test("the entry is _start, or else the start of .text", () => {
  assert.equal(assembled("nop\n_start: nop").program.entry, 0x8000_0002n);
  assert.equal(assembled("nop\nnop").program.entry, 0x8000_0000n);
  assert.equal(assembled("nop", { textAddress: 0x8020_0000n }).program.entry, 0x8020_0000n);
});

test("symbols of the linker exist when they are used", () => {
  const source =
    "la a0, __bss_start\nla a1, __bss_end\nla gp, __global_pointer$\nla a2, _end\n.data\n.byte 1\n.bss\n.skip 6";
  const { program } = assembled(source);
  assert.equal(addressOf(program, "__bss_start"), 0x8000_1001);
  assert.equal(addressOf(program, "__bss_end"), 0x8000_1007);
  assert.equal(addressOf(program, "_end"), 0x8000_1007);
  assert.equal(addressOf(program, "__global_pointer$"), 0x8000_1800);
  assert.deepEqual(assembled("nop").program.symbols, []);
});

test("files come through callbacks", () => {
  const include = (path: string) => (path === "part.inc" ? { name: "part.inc", text: "addi t0, t1, 1\n" } : undefined);
  check('.include "part.inc"\nnop', "93021300 0100", { include });
  const incbin = (path: string) => (path === "data.bin" ? Uint8Array.of(1, 2, 3, 4, 5) : undefined);
  checkData('.incbin "data.bin", 1, 3', "020304", { incbin });
  checkErrors('.include "nothing.inc"', "1:10: cannot find `nothing.inc`");
  checkErrors('.incbin "nothing"', "1:9: cannot read `nothing`");
});

test("a file that includes itself comes to an end", () => {
  const include = () => ({ name: "test.s", text: '.include "test.s"' });
  const { errors } = assemble('.include "test.s"', { file: "test.s", include });
  assert.match(errors[0].message, /more than 100 files and macros inside each other/);
});

test("what compilers write is taken, and ignored where it says nothing", () => {
  const source = `
    .file "x.c"
    .option nopic
    .attribute arch, "rv64i2p1_m2p0_c2p0"
    .attribute unaligned_access, 0
    .ident "GCC: (GNU) 13"
    .section .note.GNU-stack,"",@progbits
    .text
    .cfi_startproc
    .cfi_def_cfa_offset 16
    nop
    .cfi_endproc
    .addrsig
    .variant_cc f
  f:`;
  assert.equal(bytesOf(assembled(source).program), "0100");
});

test("misuse is reported where it is", () => {
  checkErrors(".wrod 1", "1:1: unknown directive `.wrod`; did you mean `.word`?");
  checkErrors("  .org", "1:7: an expression is missing here");
  checkErrors(".popsection", "1:1: `.popsection` without a `.pushsection`");
  checkErrors(".option pop", "1:9: `.option pop` without `.option push`");
  checkErrors('.section .x, "q"', '1:10: the flags of a section are a string of letters like "ax" or "aw"');
  checkErrors('.error "stop here"\n.warning "mind"', "1:1: stop here", "2:1: warning: mind");
  checkErrors(".err", "1:1: `.err` was reached");
  checkErrors(".end\nnonsense");
});
