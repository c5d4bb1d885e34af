# Into supervisor mode, into user mode and back. While user mode runs, sscratch holds its struct process (kernel.h).

        .equ    PC, 32 * 8
        .equ    SSTATUS_SPP, 0x100

        .text
# void enter_supervisor(uint64_t satp, void (*supervisor)(void)): on the same stack.
        .globl  enter_supervisor
enter_supervisor:
        la      t0, user_trap_entry
        csrw    stvec, t0
        csrw    satp, a0
        sfence.vma
        csrw    mepc, a1
        mret

# void run_user(struct process *): leaves the kernel's registers where leave_user finds them.
        .globl  run_user
run_user:
        addi    sp, sp, -112
        .irp    n, 1, 3, 4, 8, 9
        sd      x\n, \n * 8(sp)
        .endr
        .irp    n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
        addi    t0, sp, -(27 - \n) * 8
        sd      x\n, -8(t0)
        .endr
        addi    sp, sp, -96
        la      t0, kernel_stack_pointer
        sd      sp, 0(t0)
        li      t0, SSTATUS_SPP
        csrc    sstatus, t0
resume_user:
        csrw    sscratch, a0
        ld      t0, PC(a0)
        csrw    sepc, t0
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        ld      x\n, \n * 8(a0)
        .endr
        ld      a0, 10 * 8(a0)
        sret

        .globl  leave_user
leave_user:
        la      t0, kernel_stack_pointer
        ld      sp, 0(t0)
        addi    sp, sp, 96
        .irp    n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
        addi    t0, sp, -(27 - \n) * 8
        ld      x\n, -8(t0)
        .endr
        .irp    n, 1, 3, 4, 8, 9
        ld      x\n, \n * 8(sp)
        .endr
        addi    sp, sp, 112
        ret

        .balign 4
user_trap_entry:
        csrrw   a0, sscratch, a0
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        sd      x\n, \n * 8(a0)
        .endr
        csrr    t0, sscratch
        sd      t0, 10 * 8(a0)
        csrr    t0, sepc
        sd      t0, PC(a0)
        csrr    a1, scause
        csrr    a2, stval
        la      t0, kernel_stack_pointer
        ld      sp, 0(t0)
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        call    user_trap
        j       resume_user

        .bss
        .balign 8
kernel_stack_pointer:
        .dword  0
