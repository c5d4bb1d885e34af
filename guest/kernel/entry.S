# Into the kernel and out of it again.
#
# While a hart is in user mode, sscratch holds the address of the trap frame of its process, which lies at the upper end of the
# process's kernel stack: so the frame's address is the kernel's stack pointer, too. In supervisor mode sscratch is 0.

        .equ    FRAME_PC, 32 * 8
        .equ    FRAME_HART, 33 * 8
        .equ    FRAME_BYTES, 34 * 8

.macro save_registers               # all but sp, which is in use
        .irp    n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        sd      x\n, \n * 8(sp)
        .endr
.endm

.macro load_registers
        .irp    n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        ld      x\n, \n * 8(sp)
        .endr
.endm

        .text
        .balign 4
        .globl  trap_entry
trap_entry:
        csrrw   sp, sscratch, sp
        beqz    sp, from_kernel

        # From user mode. sp is the frame now, sscratch the user's sp.
        save_registers
        csrrw   t0, sscratch, zero
        sd      t0, 2 * 8(sp)
        csrr    t0, sepc
        sd      t0, FRAME_PC(sp)
        ld      tp, FRAME_HART(sp)      # the kernel's own registers
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        mv      a0, sp
        call    user_trap               # does not return: it ends in return_to_user

# void return_to_user(struct trap_frame *)
        .globl  return_to_user
return_to_user:
        mv      sp, a0
        sd      tp, FRAME_HART(sp)
        csrw    sscratch, sp
        ld      t0, FRAME_PC(sp)
        csrw    sepc, t0
        load_registers
        ld      sp, 2 * 8(sp)
        sret

        # From the kernel itself: it touched user memory that is not there at the moment, or it has a mistake.
from_kernel:
        csrrw   sp, sscratch, zero
        addi    sp, sp, -FRAME_BYTES
        save_registers
        addi    t0, sp, FRAME_BYTES
        sd      t0, 2 * 8(sp)
        csrr    t0, sepc
        sd      t0, FRAME_PC(sp)
        mv      a0, sp
        call    kernel_trap
        ld      t0, FRAME_PC(sp)
        csrw    sepc, t0
        # Who slept in between may have come back on another hart: tp is this one's, and stays.
        sd      tp, 4 * 8(sp)
        load_registers
        addi    sp, sp, FRAME_BYTES
        sret

# void switch_context(struct context *from, const struct context *to)
#
# Saves what a function call preserves, and returns to where `to` was saved: on another stack, in another process. The caller
# has saved everything else, as around any call.
        .globl  switch_context
switch_context:
        sd      ra, 0(a0)
        sd      sp, 8(a0)
        sd      s0, 16(a0)
        sd      s1, 24(a0)
        sd      s2, 32(a0)
        sd      s3, 40(a0)
        sd      s4, 48(a0)
        sd      s5, 56(a0)
        sd      s6, 64(a0)
        sd      s7, 72(a0)
        sd      s8, 80(a0)
        sd      s9, 88(a0)
        sd      s10, 96(a0)
        sd      s11, 104(a0)
        ld      ra, 0(a1)
        ld      sp, 8(a1)
        ld      s0, 16(a1)
        ld      s1, 24(a1)
        ld      s2, 32(a1)
        ld      s3, 40(a1)
        ld      s4, 48(a1)
        ld      s5, 56(a1)
        ld      s6, 64(a1)
        ld      s7, 72(a1)
        ld      s8, 80(a1)
        ld      s9, 88(a1)
        ld      s10, 96(a1)
        ld      s11, 104(a1)
        ret
