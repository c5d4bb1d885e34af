import test from "node:test";
import { check, checkData, checkErrors } from "./check.ts";

test("arguments by position and by name, defaults, required and the rest", () => {
  const macro = ".macro m a, b=2, c:req\n.byte \\a, \\b, \\c\n.endm\n";
  checkData(`${macro}m 1, 5, 3`, "010503");
  checkData(`${macro}m c=9, a=1`, "010209");
  checkData(`${macro}m 1, , 3`, "010203");
  checkData(".macro m first, more:vararg\n.byte \\first\n.ifnb \\more\nm \\more\n.endif\n.endm\nm 1, 2, 3", "010203");
  checkData(".macro m a b\n.byte \\a, \\b\n.endm\nm 1 2", "0102");
  checkData('.macro m a\n.ascii "\\a"\n.endm\nm "x, y"', "782c2079");
  checkErrors(`${macro}m 1`, "4:1: `m` needs a value for `c`");
  checkErrors(`${macro}m 1, 2, 3, 4`, "4:12: too many arguments: `m` takes 3");
});

test("names are put together, every expansion has its number", () => {
  checkData(".macro m n\nv\\n\\()_x: .byte \\@\n.endm\nm 1\nm 2\n.byte v2_x - v1_x", "000101");
  check(".macro skip\nj .L\\@\nnop\n.L\\@:\n.endm\nskip\nskip", "11a00100 11a00100");
});

test("macros define macros, call each other, leave early", () => {
  checkData(".macro outer n\n.macro inner\n.byte \\n\n.endm\n.endm\nouter 7\ninner", "07");
  checkData(".macro m n\n.byte \\n\n.if \\n == 2\n.exitm\n.endif\nm \\n + 1\n.endm\nm 0", "000102");
  checkErrors(".macro m\nm\n.endm\nm", "4:1: more than 100 files and macros inside each other");
});

test("names are found whatever their case; a purged name is free again", () => {
  checkData(".macro M\n.byte 1\n.endm\nm\n.purgem m\n.macro m\n.byte 2\n.endm\nm", "0102");
  checkErrors(
    ".macro m\n.endm\n.macro m\n.endm",
    "3:8: the macro `m` is already defined at line 1; `.purgem` removes it",
  );
  checkErrors(".purgem m", "1:9: there is no macro `m`");
});

test("errors in a macro are those of its invocation", () => {
  checkErrors(".macro m r\nadd \\r, 5, 6\n.endm\n  m t0", "4:3: expected a register, found `5`");
  checkErrors(".macro m\nadd \\r, a0, a0\n.endm\nm", "4:1: `\\r` is no argument of this macro");
});

test("repetitions", () => {
  checkData(".rept 3\n.byte 1\n.endr", "010101");
  checkData(".rept 0\n.byte 1\n.endr", "");
  checkData(".rept 2\n.rept 2\n.byte 1\n.endr\n.byte 2\n.endr", "010102010102");
  checkData(".irp n, 1, 2, 3\n.byte \\n\n.endr", "010203");
  checkData(".irpc c, 123\n.byte 0x\\c\\c\n.endr", "112233");
  checkData(".set i, 0\n.rept 3\n.byte i\n.set i, i + 1\n.endr", "000102");
  checkErrors(".rept x\n.endr", "1:7: a constant is needed here, and `x` is not defined before this line");
});

test("what is not closed, or not open", () => {
  checkErrors(".macro m\nnop", "1:1: this `.macro` has no `.endm`");
  checkErrors(".rept 2\nnop", "1:1: this `.rept` has no `.endr`");
  checkErrors(".endm\n.endr", "1:1: `.endm` without `.macro`", "2:1: `.endr` without `.rept`");
  checkErrors(".exitm", "1:1: `.exitm` outside a macro");
});

test("a repetition that does not end is ended", () => {
  checkErrors(
    ".rept 5000\n.rept 5000\n.set a, 1\n.endr\n.endr",
    "3:1: more than 2000000 statements: a repetition or macro does not end",
  );
});

test("conditions", () => {
  checkData(".if 1 < 2\n.byte 1\n.else\n.byte 2\n.endif", "01");
  checkData(".if 0\n.byte 1\n.elseif 1\n.byte 2\n.elseif 1\n.byte 3\n.else\n.byte 4\n.endif", "02");
  checkData(".if 0\n.if 1\n.byte 1\n.else\n.byte 2\n.endif\n.else\n.byte 3\n.endif", "03");
  checkData("x:\n.ifdef x\n.byte 1\n.endif\n.ifndef y\n.byte 2\n.endif", "0102");
  checkData('.ifc a, a\n.byte 1\n.endif\n.ifnc a, b\n.byte 2\n.endif\n.ifeqs "a", "b"\n.byte 3\n.endif', "0102");
  checkData(
    ".ifeq 0\n.byte 1\n.endif\n.ifgt 1\n.byte 2\n.endif\n.iflt 1\n.byte 3\n.endif\n.ifge 0\n.byte 4\n.endif",
    "010204",
  );
  checkData(".ifb\n.byte 1\n.endif\n.ifnb x\n.byte 2\n.endif", "0102");
  checkErrors(".if 1", "1:1: this condition has no `.endif`");
  checkErrors(".else\n.endif", "1:1: `.else` without an `.if`", "2:1: `.endif` without an `.if`");
  checkErrors('.if 0\nnonsense ( of all " kinds\n.endif');
});

test("conditions know what is certain already", () => {
  checkData("a: .skip 12\nb:\n.if b - a == 12\n.byte 1\n.endif", `${"00".repeat(12)}01`);
  checkErrors(
    "a: beqz a0, a\nb:\n.if b - a == 2\n.endif",
    "3:5: a constant is needed here, and the distance between these labels is not known yet",
  );
});
