# Quicksort of a thousand pseudo-random numbers, then a check that they are in order and that none was lost. The exit
# code is 0 only if both hold.

        .equ    COUNT, 1000

        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      s0, 0

        # Fill the array from a linear congruential generator, and remember the sum.
        la      s1, numbers
        li      s2, COUNT
        li      s3, 12345               # s3: the generator
        li      s4, 0                   # s4: the sum before sorting
        li      s5, 6364136223846793005
1:      mul     s3, s3, s5
        addi    s3, s3, 1
        srli    t0, s3, 33
        sw      t0, 0(s1)
        add     s4, s4, t0
        addi    s1, s1, 4
        addi    s2, s2, -1
        bnez    s2, 1b

        la      a0, numbers
        addi    a1, s1, -4
        call    quicksort

        la      t0, numbers
        li      t1, COUNT
        li      t2, 0                   # t2: the number before
        li      t3, 0                   # t3: the sum after sorting
2:      lwu     t4, 0(t0)
        bltu    t4, t2, wrong
        mv      t2, t4
        add     t3, t3, t4
        addi    t0, t0, 4
        addi    t1, t1, -1
        bnez    t1, 2b
        bne     t3, s4, wrong

        la      a0, text_smallest
        call    print
        lwu     a0, numbers
        call    print_number
        la      a0, text_largest
        call    print
        lwu     a0, numbers + 4 * (COUNT - 1)
        call    print_number
        la      a0, text_sorted
        call    print
        li      a0, 0
        call    exit
wrong:
        la      a0, text_wrong
        call    print
        li      a0, 1
        call    exit

# quicksort(a0: first element, a1: last element), 32-bit unsigned numbers
        .type   quicksort, @function
quicksort:
        bgeu    a0, a1, 4f
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        sd      s2, 0(sp)
        addi    s0, sp, 32

        mv      s1, a0                  # s1: where the next small number goes
        mv      t0, a0                  # t0: runs through all
        lwu     t1, 0(a1)               # t1: the last element divides small from large
1:      beq     t0, a1, 3f
        lwu     t2, 0(t0)
        bgeu    t2, t1, 2f
        lwu     t3, 0(s1)
        sw      t2, 0(s1)
        sw      t3, 0(t0)
        addi    s1, s1, 4
2:      addi    t0, t0, 4
        j       1b
3:      lwu     t3, 0(s1)               # the divider takes its place
        sw      t1, 0(s1)
        sw      t3, 0(a1)

        mv      s2, a1
        addi    a1, s1, -4
        call    quicksort
        addi    a0, s1, 4
        mv      a1, s2
        call    quicksort

        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        ld      s2, 0(sp)
        addi    sp, sp, 32
4:      ret
        .size   quicksort, .-quicksort

        .include "console.inc"

        .section .rodata
text_smallest:  .asciz  "smallest "
text_largest:   .asciz  ", largest "
text_sorted:    .asciz  ", sorted\n"
text_wrong:     .asciz  "not sorted\n"

        .bss
        .balign 16
numbers:        .skip   4 * COUNT
        .skip   16384                   # room for a deep recursion
        .balign 16
stack_top:
