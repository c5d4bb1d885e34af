/** What hovers and completion say about a directive. The assembler is the judge of which exist. */
export interface Directive {
  /** With its dot. */
  readonly name: string;
  readonly syntax: string;
  readonly summary: string;
  /** Other names of the same directive. */
  readonly aliases?: readonly string[];
}

export const DIRECTIVES: readonly Directive[] = [
  directive(".text", "", "Continue in the section of instructions."),
  directive(".data", "", "Continue in the section of initialised, writable data."),
  directive(".rodata", "", "Continue in the section of constants."),
  directive(".bss", "", "Continue in the section of zeroed data, which takes no space in the file."),
  directive(".sdata", "", "Continue in the section of small data."),
  directive(".sbss", "", "Continue in the section of small zeroed data."),
  directive(".section", 'name, "flags", @type', "Continue in a section. Flags: a allocated, w writable, x executable."),
  directive(".pushsection", 'name, "flags", @type', "Remember the current section and continue in another one."),
  directive(".popsection", "", "Return to the section that .pushsection remembered."),
  directive(".previous", "", "Swap the current section with the one before."),

  directive(".byte", "value, …", "Emit 8-bit values."),
  directive(".half", "value, …", "Emit 16-bit values.", ".2byte", ".short", ".hword"),
  directive(".word", "value, …", "Emit 32-bit values.", ".4byte", ".long", ".int"),
  directive(".dword", "value, …", "Emit 64-bit values.", ".8byte", ".quad", ".xword"),
  directive(".octa", "value, …", "Emit 128-bit values."),
  directive(".dtprelword", "symbol, …", "Emit 32-bit offsets of thread-local variables, as DWARF has them."),
  directive(".dtpreldword", "symbol, …", "Emit 64-bit offsets of thread-local variables, as DWARF has them."),
  directive(".float", "value, …", "Emit single-precision floating-point values.", ".single"),
  directive(".double", "value, …", "Emit double-precision floating-point values."),
  directive(".ascii", '"text", …', "Emit characters without a zero behind them."),
  directive(".asciz", '"text", …', "Emit characters, each string with a zero byte behind it.", ".string"),
  directive(".uleb128", "value, …", "Emit unsigned numbers in LEB128, as DWARF has them."),
  directive(".sleb128", "value, …", "Emit signed numbers in LEB128, as DWARF has them."),
  directive(".zero", "size", "Emit zero bytes.", ".skip", ".space"),
  directive(".fill", "repeat, size, value", "Emit a value of `size` bytes `repeat` times."),
  directive(".incbin", '"file", skip, count', "Emit the bytes of a file."),

  directive(".align", "exponent", "Align to 2 to the power of the exponent, filling code with nops.", ".p2align"),
  directive(".balign", "bytes", "Align to a number of bytes, filling code with nops."),
  directive(".p2alignw", "exponent, value", "Align to 2 to the power of the exponent, filling with a 16-bit value."),
  directive(".p2alignl", "exponent, value", "Align to 2 to the power of the exponent, filling with a 32-bit value."),
  directive(".balignw", "bytes, value", "Align to a number of bytes, filling with a 16-bit value."),
  directive(".balignl", "bytes, value", "Align to a number of bytes, filling with a 32-bit value."),
  directive(".org", "offset", "Advance to an offset from the start of the section."),

  directive(".equ", "symbol, value", "Define a symbol as a value.", ".set"),
  directive(".equiv", "symbol, value", "Define a symbol as a value; an error if it has one already."),
  directive(".eqv", "symbol, value", "Define a symbol as an expression that is evaluated where it is used."),
  directive(".globl", "symbol, …", "Make symbols visible outside of this file.", ".global"),
  directive(".local", "symbol, …", "Keep symbols within this file."),
  directive(".extern", "symbol, …", "Say that symbols are defined elsewhere; ignored."),
  directive(".hidden", "symbol, …", "Keep symbols within the program.", ".internal", ".protected"),
  directive(".variant_cc", "symbol", "Say that a function has a calling convention of its own."),
  directive(".weak", "symbol, …", "Let another definition replace the symbols; without one they are zero."),
  directive(".comm", "symbol, size, alignment", "Reserve zeroed memory under a name, shared between files."),
  directive(".lcomm", "symbol, size, alignment", "Reserve zeroed memory under a name, of this file."),
  directive(".type", "symbol, @function", "Say what a symbol is: @function or @object."),
  directive(".size", "symbol, .-symbol", "Say how many bytes a symbol has."),

  directive(".macro", "name parameter, …", "Begin a macro; its body ends at .endm."),
  directive(".endm", "", "End a macro.", ".endmacro"),
  directive(".exitm", "", "Leave the macro that is being expanded."),
  directive(".purgem", "name", "Forget a macro."),
  directive(".rept", "count", "Repeat the lines up to .endr."),
  directive(".irp", "parameter, value, …", "Repeat the lines up to .endr with each value."),
  directive(".irpc", "parameter, characters", "Repeat the lines up to .endr with each character."),
  directive(".endr", "", "End .rept, .irp or .irpc."),

  directive(".if", "expression", "Assemble what follows if the expression is not zero."),
  directive(".ifdef", "symbol", "Assemble what follows if the symbol is defined."),
  directive(".ifndef", "symbol", "Assemble what follows if the symbol is not defined.", ".ifnotdef"),
  directive(".ifb", "text", "Assemble what follows if nothing stands here."),
  directive(".ifnb", "text", "Assemble what follows if something stands here."),
  directive(".ifc", "text, text", "Assemble what follows if both texts are the same."),
  directive(".ifnc", "text, text", "Assemble what follows if the texts differ."),
  directive(".ifeqs", '"text", "text"', "Assemble what follows if both strings are the same."),
  directive(".ifnes", '"text", "text"', "Assemble what follows if the strings differ."),
  directive(".ifeq", "expression", "Assemble what follows if the expression is zero."),
  directive(".ifne", "expression", "Assemble what follows if the expression is not zero."),
  directive(".ifge", "expression", "Assemble what follows if the expression is zero or positive."),
  directive(".ifgt", "expression", "Assemble what follows if the expression is positive."),
  directive(".ifle", "expression", "Assemble what follows if the expression is zero or negative."),
  directive(".iflt", "expression", "Assemble what follows if the expression is negative."),
  directive(".elseif", "expression", "Else assemble what follows if the expression is not zero."),
  directive(".else", "", "Assemble what follows if the condition did not hold."),
  directive(".endif", "", "End a conditional part."),

  directive(".include", '"file"', "Assemble another file here."),
  directive(
    ".option",
    "name",
    "rvc and norvc allow and forbid 16-bit forms; push and pop save and restore; relax, norelax.",
  ),
  directive(".attribute", "tag, value", "Note an attribute of the object file."),
  directive(".file", '"name"', "Name the source file."),
  directive(".loc", "file line column", "Say which source line the next instruction comes from."),
  directive(".ident", '"text"', "Note a comment in the object file."),
  directive(".insn", "format, …", "Emit an instruction given by its format and fields."),
  directive(".end", "", "End of the source."),
  directive(".abort", "", "Report an error and read no further."),
  directive(".err", "", "Report an error."),
  directive(".error", '"message"', "Report an error."),
  directive(".fail", "expression", "Report an error."),
  directive(".warning", '"message"', "Report a warning."),
  directive(".print", '"message"', "Print a message while assembling."),
  directive(".cfi_startproc", "", "Unwinding: a function begins."),
  directive(".cfi_endproc", "", "Unwinding: a function ends."),
  directive(".cfi_def_cfa", "register, offset", "Unwinding: how to find the caller's frame."),
  directive(".cfi_def_cfa_offset", "offset", "Unwinding: the caller's frame is at this offset."),
  directive(".cfi_def_cfa_register", "register", "Unwinding: the caller's frame is found from this register."),
  directive(".cfi_offset", "register, offset", "Unwinding: where a register is saved."),
  directive(".cfi_restore", "register", "Unwinding: a register has its old value again."),
];

const byName = new Map<string, Directive>();
for (const entry of DIRECTIVES) {
  for (const name of [entry.name, ...(entry.aliases ?? [])]) byName.set(name, entry);
}

/** A directive by any of its names, with the dot, in lower case. */
export function findDirective(name: string): Directive | undefined {
  return byName.get(name);
}

/** Every name of every directive. */
export function directiveNames(): Iterable<string> {
  return byName.keys();
}

function directive(name: string, syntax: string, summary: string, ...aliases: readonly string[]): Directive {
  return { name, syntax, summary, aliases };
}
