# Fibonacci numbers the slow way: a function that calls itself twice. Good for looking at stacks: stop in `fibonacci`
# and see how the frames pile up, then let it return, then go back.

        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      s0, 0                   # the outermost frame has no caller
        li      s1, 0
1:      mv      a0, s1
        call    fibonacci
        call    print_number
        li      a0, ' '
        call    print_char
        addi    s1, s1, 1
        li      t0, 20
        ble     s1, t0, 1b
        li      a0, '\n'
        call    print_char
        li      a0, 0
        call    exit

# fibonacci(a0: n) -> a0: the n-th number
        .type   fibonacci, @function
fibonacci:
        li      t0, 2
        bltu    a0, t0, 1f              # 0 and 1 stand for themselves
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)              # s0 is the frame pointer: callers can be found through it
        sd      s1, 8(sp)
        sd      s2, 0(sp)
        addi    s0, sp, 32

        mv      s1, a0
        addi    a0, s1, -1
        call    fibonacci
        mv      s2, a0
        addi    a0, s1, -2
        call    fibonacci
        add     a0, a0, s2

        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        ld      s2, 0(sp)
        addi    sp, sp, 32
1:      ret
        .size   fibonacci, .-fibonacci

        .include "console.inc"

        .bss
        .balign 16
        .skip   4096
stack_top:
