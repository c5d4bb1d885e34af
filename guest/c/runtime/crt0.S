# Start and end of a freestanding program in machine mode.

        .section .text.start, "ax"
        .globl  _start
_start:
        csrr    t0, mhartid
        beqz    t0, 1f
        tail    other_hart
1:
        # No relaxation against gp while gp is being set.
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, __stack_top
        la      t0, trap_entry
        csrw    mtvec, t0
        la      t0, __bss_start
        la      t1, __bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, 0(t0)
        addi    t0, t0, 8
        j       1b
2:      # Every register has a known value, because all of them are compared in the end.
        .irp    n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        li      x\n, 0
        .endr
        call    main
        # Falls through: main's result is the exit code.

# void finish(int code): saves all registers as they are, reports them and the memory, ends the machine.
        .globl  finish
finish:
        la      t6, final_registers
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        sd      x\n, \n * 8(t6)
        .endr
        call    report_and_power_off

# Where the harts beyond the first go, with t0 as their number and no stack: to sleep, unless a program has a place for them.
        .weak   other_hart
other_hart:
        wfi
        j       other_hart

# Every trap goes to void trap(struct trap_frame *), which may change the frame.
        .balign 4
        .globl  trap_entry
trap_entry:
        addi    sp, sp, -36 * 8
        .irp    n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        sd      x\n, \n * 8(sp)
        .endr
        addi    t0, sp, 36 * 8
        sd      t0, 2 * 8(sp)
        csrr    t0, mepc
        sd      t0, 32 * 8(sp)
        csrr    t0, mcause
        sd      t0, 33 * 8(sp)
        csrr    t0, mtval
        sd      t0, 34 * 8(sp)
        mv      a0, sp
        call    trap
        ld      t0, 32 * 8(sp)
        csrw    mepc, t0
        .irp    n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        ld      x\n, \n * 8(sp)
        .endr
        ld      sp, 2 * 8(sp)
        mret
