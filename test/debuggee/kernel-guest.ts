import { readFileSync } from "node:fs";

/** A kernel of a page: firmware in machine mode, a supervisor with Sv39, a user program that calls it. `# @name` marks lines. */
export const KERNEL = readFileSync(new URL("../vscode/fixtures/kernel.s", import.meta.url), "utf8");

/**
 * Two programs at the same addresses, each in its own space: a call of the first lets the second run for a while, through
 * the very same code, and comes back then. The user's code is linked where it lies, and runs a gigabyte lower.
 */
export const TWO_SPACES = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0

        # Each space: a gigabyte of devices, the user's page at 0x40000000, the kernel's gigabyte.
        la      a0, root1
        la      a1, middle1
        la      a2, leaf1
        la      a3, page1
        call    build
        la      a0, root2
        la      a1, middle2
        la      a2, leaf2
        la      a3, page2
        call    build
        la      t0, user_code           # the second program is a copy of the first
        la      t1, page1
        la      t2, page2
        li      t3, 64
copy:   ld      t4, 0(t0)
        sd      t4, 0(t1)
        sd      t4, 0(t2)
        addi    t0, t0, 8
        addi    t1, t1, 8
        addi    t2, t2, 8
        addi    t3, t3, -1
        bnez    t3, copy

        la      t0, root1
        la      s2, root2
        srli    t0, t0, 12
        srli    s2, s2, 12
        li      t1, 1
        slli    t1, t1, 63
        or      s1, t0, t1              # the first space, and in s2 the second
        or      s2, s2, t1
        csrw    satp, s1
        sfence.vma
        li      t0, 0x100
        csrw    medeleg, t0
        la      t0, entry
        csrw    stvec, t0
        li      t0, 0x40000000
        csrw    mepc, t0
        li      t0, 0x1800
        csrc    mstatus, t0
        li      s3, 0
        mret

build:  srli    t0, a1, 2
        ori     t0, t0, 1
        sd      t0, 8(a0)
        li      t0, 0xc7
        sd      t0, 0(a0)
        li      t0, 0x200000cf
        sd      t0, 16(a0)
        srli    t0, a2, 2
        ori     t0, t0, 1
        sd      t0, 0(a1)
        srli    t0, a3, 2
        ori     t0, t0, 0xdf
        sd      t0, 0(a2)
        ret

        # A call switches to the other space; s3 counts. The other one begins, or goes on, where it was.
        .balign 4
        .type   entry, @function
entry:
        csrr    t5, sepc                # @switch
        addi    t5, t5, 4
        addi    s3, s3, 1
        li      t6, 12
        beq     s3, t6, end
        csrr    t6, satp
        bne     t6, s1, 1f
        mv      s4, t5
        csrw    satp, s2
        mv      t5, s5
        bnez    s5, 2f
        li      t5, 0x40000000
        j       2f
1:      mv      s5, t5
        csrw    satp, s1
        mv      t5, s4
2:      sfence.vma
        csrw    sepc, t5
        sret                            # @back
end:    li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
        .size   entry, .-entry

        .balign 4096
        .globl  user_code
user_code:
        .space  512

        .data
        .balign 4096
root1:  .space  4096
middle1: .space 4096
leaf1:  .space  4096
root2:  .space  4096
middle2: .space 4096
leaf2:  .space  4096
page1:  .space  4096
page2:  .space  4096
        .bss
        .balign 16
        .space  512
stack_top:
`;

/** The program that runs in both spaces, linked for the beginning of memory. */
export const USER_PROGRAM = `
        .globl  user_start
user_start:
        li      s8, 0                   # @start
round:  addi    s8, s8, 1               # @round
        ecall                           # @yield
        addi    s9, s8, 1               # @behind
        j       round                   # @again
`;

/** A user program under a timer of machine mode, which interrupts it every ten thousand steps. */
export const INTERRUPTED = `
        .text
        .globl  _start
_start:
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        la      t0, tick
        csrw    mtvec, t0
        la      t0, saved
        csrw    mscratch, t0
        li      t0, 0x2004000
        li      t1, 20
        sd      t1, 0(t0)
        li      t0, 0x80
        csrs    mie, t0
        la      t0, user
        csrw    mepc, t0
        li      t0, 0x1800
        csrc    mstatus, t0
        mret

        .balign 4
        .type   tick, @function
tick:   csrrw   t0, mscratch, t0        # @tick
        sd      t1, 0(t0)
        sd      t2, 8(t0)
        li      t1, 0x2004000
        ld      t2, 0(t1)
        addi    t2, t2, 100
        sd      t2, 0(t1)
        ld      t1, 16(t0)
        addi    t1, t1, 1
        sd      t1, 16(t0)
        ld      t2, 8(t0)
        ld      t1, 0(t0)
        csrrw   t0, mscratch, t0
        mret                            # @tickEnd
        .size   tick, .-tick

        .balign 4
        .type   user, @function
user:   li      a0, 30000               # @user
1:      addi    a0, a0, -1; bnez a0, 1b # @spin
        call    helper                  # @call
        j       user                    # @again
        .size   user, .-user

        .type   helper, @function
helper: li      a1, 8000                # @helper
2:      addi    a1, a1, -1; bnez a1, 2b # @turn
        ret
        .size   helper, .-helper

        .data
        .balign 8
saved:  .dword  0, 0
ticks:  .dword  0
`;
