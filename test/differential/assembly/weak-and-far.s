# Weak symbols that nothing defines are zero, which auipc does not reach from RAM; branches to what is weak or in
# another section are long.
        .weak   nowhere, here
        .globl  _start
_start:
        la      a0, nowhere
        lw      a1, nowhere
        sw      a1, nowhere, t0
        nop
        la      a0, nowhere + 4
        beqz    a0, here
        j       here
        bnez    a0, there
        j       there
        beq     a0, a1, there + 2
here:   ret
        .dword  nowhere, here - _start, there
        .section .text.more, "ax"
        nop
there:  nop
        j       _start
        beqz    a0, there
