# A loop of a given length, for measuring: arithmetic, loads, stores and branches, no output before the end. To change
# the length, define STEPS in front: it is the number of instructions, up to the few around the loop.

        .ifndef STEPS
        .equ    STEPS, 1000000000
        .endif
        .equ    STEPS_A_ROUND, 10

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      s1, table
        li      s2, STEPS / STEPS_A_ROUND
        li      s3, 1                   # s3: a linear congruential generator
        li      s4, 1664525
        li      s5, 1013904223
1:      mulw    s3, s3, s4              # ten instructions
        addw    s3, s3, s5
        srliw   t0, s3, 20              # 4096 entries
        slli    t0, t0, 2
        add     t0, t0, s1
        lw      t1, 0(t0)
        xor     t1, t1, s3
        sw      t1, 0(t0)
        addi    s2, s2, -1
        bnez    s2, 1b

        la      a0, text_done
        call    print
        slli    a0, s3, 32
        srli    a0, a0, 32
        call    print_number
        li      a0, '\n'
        call    print_char
        li      a0, 0
        call    exit

        .include "console.inc"

        .section .rodata
text_done:
        .asciz  "done, the generator stands at "

        .bss
        .balign 16
table:  .skip   4 * 4096
        .skip   1024
stack_top:
