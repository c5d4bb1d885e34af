# What the harnesses of random programs share: saving registers, and the report of what a case has left behind.

        .equ    REGISTERS, 0                    # x0 to x31, where the context begins

        .equ    UART, 0x10000000
        .equ    UART_LSR, 5
        .equ    FINISHER, 0x100000
        .equ    FINISHER_PASS, 0x5555

        # A load or store of every register but gp, which is in use.
        .macro  each_register instruction, base
        .irp    n, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \instruction x\n, REGISTERS + \n * 8(\base)
        .endr
        .endm

        # Where RAM begins is where QEMU begins: the harness, in the first section, comes before the routines.
        .section .text.start, "ax"
        .section .text.report, "ax"

# Ends the run.
finished:
        li      t0, FINISHER
        li      t1, FINISHER_PASS
        sw      t1, 0(t0)
        j       .

# Words at a0, a1 of them, into the hash s1; printed instead when s0 is set. Clobbers a0-a2, s2-s4, t0-t2.
take_words:
        mv      s2, ra
        mv      s3, a0
        mv      s4, a1
        li      t2, 0x9e3779b97f4a7c15
1:      beqz    s4, 2f
        ld      a0, 0(s3)
        addi    s3, s3, 8
        addi    s4, s4, -1
        xor     s1, s1, a0
        mul     s1, s1, t2
        srli    t0, s1, 29
        xor     s1, s1, t0
        beqz    s0, 1b
        jal     print_word
        li      t2, 0x9e3779b97f4a7c15
        j       1b
2:      jr      s2

# a0 as 16 hexadecimal digits and a new line. Clobbers a0-a2, t0-t2.
print_word:
        li      a2, UART
        li      t0, 64
1:      addi    t0, t0, -4
        srl     t1, a0, t0
        andi    t1, t1, 15
        li      t2, 10
        blt     t1, t2, 2f
        addi    t1, t1, 39                      # 'a' - '0' - 10
2:      addi    t1, t1, 48
3:      lbu     t2, UART_LSR(a2)
        andi    t2, t2, 0x20
        beqz    t2, 3b
        sb      t1, 0(a2)
        bnez    t0, 1b
        li      t1, 10
4:      lbu     t2, UART_LSR(a2)
        andi    t2, t2, 0x20
        beqz    t2, 4b
        sb      t1, 0(a2)
        ret
