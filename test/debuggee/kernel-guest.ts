/** A kernel of a page: firmware in machine mode, a supervisor with Sv39, a user program that calls it. `# @name` marks lines. */

export const KERNEL = `
        .text
        .globl  _start
_start:
        la      sp, firmware_stack_top
        li      t0, -1                  # all of memory for everybody
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0

        # One gigabyte of devices, and 2 MiB of memory page by page, at their own addresses.
        la      t0, root
        li      t2, 0xc7
        sd      t2, 0(t0)
        la      t1, middle
        srli    t2, t1, 2
        ori     t2, t2, 1
        sd      t2, 16(t0)
        la      t2, leaf
        srli    t2, t2, 2
        ori     t2, t2, 1
        sd      t2, 0(t1)
        la      t0, leaf
        li      t1, 0x200000cf
        li      t3, 512
fill:   sd      t1, 0(t0)
        addi    t0, t0, 8
        addi    t1, t1, 1024
        addi    t3, t3, -1
        bnez    t3, fill

        # The user's pages: two in a row, and one more virtual page of the second, at 0x80100000.
        la      t0, leaf
        la      t1, user_main
        slli    t2, t1, 32
        srli    t2, t2, 44
        andi    t2, t2, 511
        slli    t2, t2, 3
        add     t0, t0, t2
        ld      t2, 0(t0)
        ori     t2, t2, 0x10
        sd      t2, 0(t0)
        ld      t2, 8(t0)
        ori     t2, t2, 0x10
        sd      t2, 8(t0)
        la      t0, leaf
        li      t3, 2048
        add     t0, t0, t3
        sd      t2, 0(t0)

        la      t0, root
        srli    t0, t0, 12
        li      t1, 1
        slli    t1, t1, 63
        or      t0, t0, t1
        li      t1, 5
        slli    t1, t1, 44
        or      t0, t0, t1
        csrw    satp, t0
        sfence.vma
        li      t0, 0x100
        csrw    medeleg, t0
        la      t0, firmware
        csrw    mtvec, t0
        la      t0, supervisor
        csrw    mepc, t0
        li      t0, 0x1800
        csrc    mstatus, t0
        li      t0, 0x800
        csrs    mstatus, t0
        mret                            # @mret

        .balign 4
        .type   firmware, @function
firmware:
        csrw    mscratch, t0            # @firmware
        csrr    t0, mepc
        addi    t0, t0, 4
        csrw    mepc, t0
        csrr    t0, mscratch
        mret                            # @firmwareEnd
        .size   firmware, .-firmware

        .type   supervisor, @function
supervisor:
        la      t0, kernel_entry        # @supervisor
        csrw    stvec, t0
        la      t0, kernel_stack_top
        csrw    sscratch, t0
        la      t0, user_main
        csrw    sepc, t0
        li      t0, 0x100
        csrc    sstatus, t0
        sret                            # @sret
        .size   supervisor, .-supervisor

        .balign 4
        .type   kernel_entry, @function
kernel_entry:
        csrrw   sp, sscratch, sp        # @entry
        addi    sp, sp, -32
        sd      ra, 0(sp)
        sd      t0, 8(sp)
        call    do_call                 # @dispatch
        csrr    t0, sepc                # @afterCall
        addi    t0, t0, 4
        csrw    sepc, t0
        ld      t0, 8(sp)
        ld      ra, 0(sp)
        addi    sp, sp, 32
        csrrw   sp, sscratch, sp
        sret                            # @sretToUser
        .size   kernel_entry, .-kernel_entry

        .type   do_call, @function
do_call:
        li      t0, 93                  # @doCall
        bne     a7, t0, 1f
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)               # @end
1:      addi    a0, a0, 1
        ecall                           # @sbi
        la      t0, calls               # @afterSbi
        ld      t1, 0(t0)
        addi    t1, t1, 1
        sd      t1, 0(t0)               # @count
        ret
        .size   do_call, .-do_call

        .balign 4096
        .type   user_main, @function
user_main:
        la      sp, user_stack_top      # @user
        li      s1, 3
again:  mv      a0, s1                  # @again
        call    user_work               # @work
        li      a7, 64                  # @prepare
        ecall                           # @ecall
        addi    s1, s1, -1              # @afterEcall
        bnez    s1, again
        li      a7, 93
        ecall
        .size   user_main, .-user_main

        .type   user_work, @function
user_work:
        slli    a0, a0, 1               # @userWork
        ret
        .size   user_work, .-user_work

        .balign 4096
        .space  2048
user_stack_top:
        .balign 4096

        .data
        .balign 4096
        .globl  root
root:   .space  4096
middle: .space  4096
leaf:   .space  4096
        .balign 8
        .globl  calls
calls:  .dword  0
        .bss
        .balign 16
        .space  1024
firmware_stack_top:
        .space  1024
kernel_stack_top:
`;
