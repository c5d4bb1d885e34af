# Floods the console for ever, line after numbered line. Whoever shows it must stay usable, and whoever records it must
# not fill the disk without saying so.

        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      s1, 0
1:      la      a0, text_line
        call    print
        mv      a0, s1
        call    print_number
        la      a0, text_rest
        call    print
        addi    s1, s1, 1
        j       1b

        .include "console.inc"

        .section .rodata
text_line:      .asciz  "line "
text_rest:      .asciz  " of a flood that does not end\n"

        .bss
        .balign 16
        .skip   1024
stack_top:
