# Runs for ever: for pausing, for breakpoints that never come, and for stopping from outside. `counter` says how far it
# has got.

        .text
        .globl  _start
_start:
        la      s1, counter
1:      ld      t0, 0(s1)
        addi    t0, t0, 1
        sd      t0, 0(s1)
        j       1b

        .data
        .balign 8
counter:
        .dword  0
