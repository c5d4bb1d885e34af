# Puts right what QEMU 7.2 does otherwise than the manual. s1 is the cause. Clobbers t0 to t6.
departures:
        bltz    s1, 5f
        # Faults of atomic operations where nothing is are reported as those of loads (5 -> 7).
        li      t0, 5
        bne     s1, t0, 4f
        slli    t0, s2, 64 - CODE_OFFSET_BITS
        srli    t0, t0, 64 - CODE_OFFSET_BITS
        add     t0, t0, s8
        lhu     t1, 0(t0)
        andi    t1, t1, 0x7f
        li      t2, 0x2f
        bne     t1, t2, 4f
        lhu     t1, 2(t0)
        srli    t1, t1, 11
        li      t2, 2                           # lr
        beq     t1, t2, 4f
        li      s1, 7
        j       8f
4:      ret
        # Of several interrupts the one of the lowest number is taken first.
5:      csrr    t0, mip
        csrr    t1, mie
        and     t0, t0, t1
        csrr    t1, mideleg
        li      t2, RECORD_SUPERVISOR_TRAP
        beq     s0, t2, 6f
        not     t1, t1
6:      and     t0, t0, t1
        .irp    code, 11, 3, 7, 9, 1, 5
        li      t1, \code
        srl     t2, t0, t1
        andi    t2, t2, 1
        bnez    t2, 7f
        .endr
        ret
7:      li      t2, -1
        slli    t2, t2, 63
        or      t2, t2, t1
        # The entry of the vectors, too, unless that was wrong for the interrupt that was taken.
        andi    t0, s1, 0xff
        mv      s1, t2
        bne     s5, t0, 8f
        mv      s5, t1
8:      li      t2, RECORD_SUPERVISOR_TRAP
        beq     s0, t2, 9f
        csrw    mcause, s1
        ret
9:      csrw    scause, s1
        ret
