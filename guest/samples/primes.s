# The primes below 10000 with the sieve of Eratosthenes: one byte for each number, set when it has a divisor.

        .equ    LIMIT, 10000

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      s1, composite
        li      s2, LIMIT
        li      t0, 2                   # t0: candidate
1:      add     t1, s1, t0
        lbu     t2, 0(t1)
        bnez    t2, 3f
        mul     t3, t0, t0              # smaller multiples have smaller divisors
2:      bgeu    t3, s2, 3f
        add     t1, s1, t3
        li      t2, 1
        sb      t2, 0(t1)
        add     t3, t3, t0
        j       2b
3:      addi    t0, t0, 1
        mul     t1, t0, t0
        bltu    t1, s2, 1b

        li      s3, 0                   # s3: how many
        li      s4, 0                   # s4: the last one
        li      t0, 2
4:      add     t1, s1, t0
        lbu     t2, 0(t1)
        bnez    t2, 5f
        addi    s3, s3, 1
        mv      s4, t0
5:      addi    t0, t0, 1
        bltu    t0, s2, 4b

        mv      a0, s3
        call    print_number
        la      a0, text_primes
        call    print
        mv      a0, s4
        call    print_number
        li      a0, '\n'
        call    print_char
        li      a0, 0
        call    exit

        .include "console.inc"

        .section .rodata
text_primes:    .asciz  " primes below 10000, the last is "

        .bss
composite:      .skip   LIMIT
        .balign 16
        .skip   1024
stack_top:
