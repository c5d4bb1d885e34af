# Touches many pages: a word in each of 4096 pages (16 MiB), in an order that no cache likes, then reads them back. What
# checkpoints cost shows here.

        .equ    PAGES, 4096
        .equ    PAGE, 4096
        .equ    STRIDE, 1021            # has no divisor in common with PAGES: each page once
        .equ    ROUNDS, 8

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      s1, pages
        li      s2, ROUNDS
        li      s3, 0                   # s3: what was written, added up
        li      s4, PAGES - 1           # for remainders
        li      s5, STRIDE
1:      li      s6, 0                   # s6: page
        li      s7, PAGES
2:      slli    t0, s6, 12
        add     t0, t0, s1
        slli    t1, s6, 3               # another word in each page
        andi    t1, t1, 0x7f8
        add     t0, t0, t1
        add     t2, s6, s2
        ld      t3, 0(t0)
        add     t3, t3, t2
        sd      t3, 0(t0)
        add     s3, s3, t2
        add     s6, s6, s5
        and     s6, s6, s4
        addi    s7, s7, -1
        bnez    s7, 2b
        addi    s2, s2, -1
        bnez    s2, 1b

        li      s6, 0
        li      s7, 0                   # s7: what is there, added up
        li      t4, PAGES
3:      slli    t0, s6, 12
        add     t0, t0, s1
        slli    t1, s6, 3
        andi    t1, t1, 0x7f8
        add     t0, t0, t1
        ld      t3, 0(t0)
        add     s7, s7, t3
        addi    s6, s6, 1
        bltu    s6, t4, 3b

        mv      a0, s7
        call    print_number
        la      a0, text_sum
        call    print
        sub     a0, s7, s3
        snez    a0, a0
        call    exit

        .include "console.inc"

        .section .rodata
text_sum:
        .asciz  " over 4096 pages\n"

        .bss
        .balign 4096
pages:  .skip   PAGES * PAGE
        .skip   1024
stack_top:
