# A function that is rewritten between calls. A hart may have fetched the old instruction already, so fence.i has to
# stand between the store and the next call: it makes the store visible to this hart's fetches.

        .equ    ROUNDS, 5

        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      s1, 1
1:      slli    t0, s1, 2               # the immediate of c.li stands in bits 6 to 2 of the instruction
        li      t1, 0x4501              # c.li a0, 0
        or      t0, t0, t1
        la      t1, answer
        sh      t0, 0(t1)
        fence.i
        call    answer
        call    print_number
        li      a0, ' '
        call    print_char
        addi    s1, s1, 1
        li      t0, ROUNDS
        ble     s1, t0, 1b
        li      a0, '\n'
        call    print_char
        li      a0, 0
        call    exit

        .type   answer, @function
answer:
        c.li    a0, 0                   # this is what changes
        ret
        .size   answer, .-answer

        .include "console.inc"

        .bss
        .balign 16
        .skip   4096
stack_top:
