import assert from "node:assert/strict";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { checkErrors } from "./check.ts";

test("an unknown instruction, and what may be meant", () => {
  checkErrors("  adi a0, a0, 1", "1:3: unknown instruction `adi`; did you mean `addi`?");
  checkErrors("frobnicate", "1:1: unknown instruction `frobnicate`");
  checkErrors("x: nop y", "1:8: `nop` takes nothing; 1 operand is given");
});

test("operands: how many, of which kind, in which range", () => {
  checkErrors("add a0, a1", "1:5: `add` takes `rd, rs1, rs2` or `rd, rs1, imm`; 2 operands are given");
  checkErrors("add a0, 5, a1", "1:9: expected a register, found `5`");
  checkErrors("add a0, a1, x9x", "1:13: a constant is needed here, and `x9x` is not defined before this line");
  checkErrors("addi a0, a0, 2048", "1:14: 2048 is out of range: this operand takes -2048 to 2047");
  checkErrors("add a0, a0, -2049", "1:13: -2049 is out of range: this operand takes -2048 to 2047");
  checkErrors("lui a0, -1", "1:9: -1 is out of range: this operand takes 0 to 0xfffff");
  checkErrors("slli a0, a0, 64", "1:14: 64 is out of range: this operand takes 0 to 63");
  checkErrors("c.lw a0, 2(a1)", "1:10: 2 is out of range: this operand takes 0 to 124 in steps of 4");
  checkErrors("lw a0, 5", "1:8: expected a label, or an address like `8(sp)`");
  checkErrors("lw a0, 2048(sp)", "1:8: 2048 is out of range: this operand takes -2048 to 2047");
  checkErrors("lr.w a0, 4(a1)", "1:10: this instruction takes no offset: write `(register)`");
  checkErrors("csrr a0, nocsr", "1:10: unknown CSR `nocsr`");
  checkErrors("csrr a0, 4096", "1:10: 4096 is out of range: this operand takes 0 to 0xfff");
  checkErrors("fence wr, w", "1:7: expected a set of accesses like `rw` or `iorw`, found `wr`");
  checkErrors("j a0", "1:3: expected a label, found `a0`");
});

test("operands that cannot be read", () => {
  checkErrors("add a0,, a1", "1:8: an operand is missing here");
  checkErrors("add a0, a1,", "1:12: an operand is missing here");
  checkErrors("lw a0, 4(a1", "1:9: unexpected `(`");
  checkErrors("lw a0, %lo(x(a1)", "1:13: a closing parenthesis is missing here");
  checkErrors("addi a0, a0, 12x", "1:14: `12x` is not a number");
  checkErrors(
    "addi a0, a0, \u{1f600}",
    "1:14: a constant is needed here, and `\u{1f600}` is not defined before this line",
  );
  checkErrors("§ nop", "1:1: unknown instruction `§`");
  checkErrors("nop /* open", "1:5: the comment is not closed");
});

test("each wrong line is reported, the others are read", () => {
  checkErrors(
    "wrong\nnop\ntwo a, b\n.word 1 +\nthree: bad\nj three",
    "1:1: unknown instruction `wrong`",
    "3:1: unknown instruction `two`",
    "4:10: an expression is missing here",
    "5:8: unknown instruction `bad`",
  );
});

test("targets out of reach", () => {
  checkErrors(
    "jal x\n.zero 0x100000\nx:",
    "1:5: the target is 1048580 bytes away, and this reaches 1048576; `call`, `tail` and `jump` reach 2 GiB",
  );
  checkErrors(
    "beqz a0, x\n.zero 0x100000\nx:",
    "1:10: the target is 1048580 bytes away, and this reaches 1048576; `call`, `tail` and `jump` reach 2 GiB",
  );
  checkErrors("j x\n.byte 1\nx:", "1:3: the target is at an odd address");
});

test("invisible characters are named", () => {
  checkErrors("addi\u00a0a0, a0, 1", "1:5: unexpected character U+00A0");
  checkErrors("\u0000", "1:1: unexpected character U+0000");
  checkErrors("\ufeffnop\r\nnop\r\n");
});

test("an instruction at an odd address", () => {
  checkErrors(".byte 1\n  nop", "2:3: this instruction is at an odd address; `.balign 4` in front of it helps");
});

test("columns count from one, through tabs and comments", () => {
  checkErrors("\tnop /* c */ ; bad\t# rest", "1:16: unknown instruction `bad`");
  checkErrors("/* two\nlines */ bad", "2:10: unknown instruction `bad`");
});

test("errors in an included file name that file", () => {
  const include = () => ({ name: "part.inc", text: "nop\nbad" });
  const { errors, files } = assemble('.include "part.inc"\nworse', { file: "main.s", include });
  const shown = errors.map(({ file, line, message }) => `${files[file].name}:${line}: ${message}`);
  assert.deepEqual(shown, ["main.s:2: unknown instruction `worse`", "part.inc:2: unknown instruction `bad`"]);
});

test("a file of nonsense gives a bounded number of errors", () => {
  const { errors } = assemble("?\n".repeat(5000), { file: "binary.s" });
  assert.equal(errors.length, 1000);
});

test("sizes that no program can have", () => {
  checkErrors(".bss\n.skip 0x7fffffffffffffff", "2:7: 9223372036854775807 bytes are more than a program can have");
  checkErrors(
    ".bss\n.skip 0x30000000\n.skip 0x30000000",
    "1:1: .bss has 1610612736 bytes, and at most 1024 MiB are possible",
  );
  checkErrors("nop\n.align 30", "1:1: the program has 1073741824 bytes, and at most 128 MiB are possible");
  checkErrors(
    ".skip b - a\n.text\na: .skip c - b\nb: .skip 4 + b - a\nc:",
    "1:7: this size and what it depends on do not settle",
  );
});
