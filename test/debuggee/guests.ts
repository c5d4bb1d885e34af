/** Guests for the tests of the debuggee. `# @name` marks lines. */

/** Ten rounds of a call and a store, then a fault that its handler skips, then the end. */
export const ROUNDS = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0
        li      s1, 0
loop:
        mv      a0, s1                  # @loop
        call    work                    # @call
        la      t0, result
        sd      a0, 0(t0)               # @store
        addi    s1, s1, 1
        li      t0, 10
        blt     s1, t0, loop
        la      t0, result
        ld      a1, 0(t0)               # @read
        lw      t2, 0(zero)             # @fault
        nop                             # @after
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)               # @end
1:      j       1b

        .type   work, @function
work:
        slli    a0, a0, 1               # @work
        ret                             # @ret
        .size   work, .-work

        .balign 4
handler:
        csrr    t6, mepc                # @handler
        addi    t6, t6, 4
        csrw    mepc, t6
        mret

        .data
        .balign 8
        .globl  result
result: .dword  0
greeting: .asciz "hello, world"
        .balign 8
        .type   pair, @object
pair:   .dword  1, 2
        .size   pair, 16
        .bss
        .balign 16
        .space  1024
stack_top:
`;

const END = `
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
1:      j       1b
`;

const STACK = `
        .bss
        .balign 16
        .space  4096
stack_top:
`;

/** Recursion, a tail call, a callee that pushes for its caller, and one that shares a line with its use. */
export const CALLS = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      a0, 6                   # @start
        call    fib                     # @fib
        call    tail                    # @tail
        call    push                    # @push
        addi    sp, sp, 16              # @pop
        nop; call leaf; nop             # @shared
        la      t3, leaf                # @pointer
        jalr    t3                      # @indirect
        nop                             # @done
${END}
        .type   fib, @function
fib:
        li      t0, 2                   # @fibEntry
        blt     a0, t0, 1f              # @fibTest
        addi    sp, sp, -32             # @fibFrame
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        mv      s0, a0                  # @fibSaved
        addi    a0, s0, -1
        call    fib                     # @fibFirst
        mv      s1, a0                  # @fibBetween
        addi    a0, s0, -2
        call    fib                     # @fibSecond
        add     a0, a0, s1              # @fibAdd
        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
1:      ret                             # @fibRet
        .size   fib, .-fib

        .type   tail, @function
tail:
        addi    a0, a0, 1               # @tailEntry
        j       leaf                    # @tailJump
        .size   tail, .-tail

        .type   leaf, @function
leaf:
        addi    a0, a0, 2               # @leaf
        ret                             # @leafRet
        .size   leaf, .-leaf

        .type   push, @function
push:
        addi    sp, sp, -16             # @pushEntry
        sd      a0, 0(sp)
        ret
        .size   push, .-push
${STACK}`;

/** A timer that interrupts every few steps, an exception that is repaired, one that is escaped, an ecall. */
export const TRAPS = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0
        li      s2, 0
        ecall                           # @ecall
        nop                             # @afterEcall
        lw      a5, 0(zero)             # @skipped
        nop                             # @afterSkip
        la      s3, recovered
        lw      a5, 4(zero)             # @escaped
        nop                             # @never
recovered:
        nop                             # @recovered
        li      t0, 0x2004000           # mtimecmp
        sd      zero, 0(t0)
        li      t0, 0x80
        csrs    mie, t0
        csrsi   mstatus, 8              # @enable
        addi    s1, s1, 1               # @interrupted
        addi    s1, s1, 1
        addi    s1, s1, 1
        addi    s1, s1, 1               # @quiet
        li      t0, 300
2:      addi    t0, t0, -1; bnez t0, 2b # @busy
        wfi                             # @wfi
        nop                             # @awake
${END}
        .balign 4
        .type   handler, @function
handler:
        addi    sp, sp, -32             # @handler
        sd      t0, 0(sp)
        sd      t1, 8(sp)
        csrr    t0, mcause
        bltz    t0, 3f
        csrr    t0, mepc                # @exception
        addi    t0, t0, 4
        beqz    s3, 1f
        mv      t0, s3
        li      s3, 0
1:      csrw    mepc, t0
        j       4f
3:      li      t0, 0x200bff8           # @interrupt
        ld      t1, 0(t0)
        addi    t1, t1, 2
        li      t0, 0x2004000
        sd      t1, 0(t0)
        addi    s2, s2, 1
4:      ld      t0, 0(sp)
        ld      t1, 8(sp)
        addi    sp, sp, 32
        mret                            # @mret
        .size   handler, .-handler
${STACK}`;

/** Loops that stay on one line: one that ends after a while, one that never does. */
export const LOOPS = `
        .text
        .globl  _start
_start:
        li      t0, 200000              # @before
1:      addi    t0, t0, -1; bnez t0, 1b # @long
        nop                             # @after
2:      j       2b                      # @forever
`;

/** An interrupt whose handler runs the very code that it interrupts, and a handler that traps itself. */
export const REENTERED = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0
        li      s2, 0
        ecall                           # @ecall
        nop                             # @after
        li      t0, 0x2004000
        li      t1, 3
        sd      t1, 0(t0)
        li      t0, 0x80
        csrs    mie, t0
        csrsi   mstatus, 8
        li      a0, 500
        call    spin                    # @call
        nop                             # @done
${END}
        .type   spin, @function
spin:
        addi    sp, sp, -16             # @spinEntry
        sd      ra, 8(sp)
1:      addi    a0, a0, -1; bnez a0, 1b # @spin
        ld      ra, 8(sp)               # @spinEnd
        addi    sp, sp, 16
        ret
        .size   spin, .-spin

        .balign 4
        .type   handler, @function
handler:
        addi    sp, sp, -48             # @handler
        sd      ra, 0(sp)
        sd      a0, 8(sp)
        sd      t0, 16(sp)
        csrr    t0, mepc
        sd      t0, 24(sp)
        csrr    t0, mcause
        bltz    t0, 2f
        addi    s2, s2, 1
        li      t0, 1
        bne     s2, t0, 1f
        ecall                           # @nested
1:      ld      t0, 24(sp)
        addi    t0, t0, 4
        sd      t0, 24(sp)
        j       3f
2:      li      t0, 0x2004000           # @interrupt
        li      a0, -1
        sd      a0, 0(t0)
        li      a0, 5
        call    spin
        addi    s3, s3, 1
3:      ld      t0, 24(sp)
        csrw    mepc, t0
        ld      ra, 0(sp)
        ld      a0, 8(sp)
        ld      t0, 16(sp)
        addi    sp, sp, 48
        mret                            # @mret
        .size   handler, .-handler
${STACK}`;

/** A line that loops and calls the function that it is in. */
export const RECURSIVE_LOOP = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      a0, 2
        call    f                       # @call
        nop                             # @done
${END}
        .type   f, @function
f:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        mv      s0, a0
        li      s1, 30                  # @before
1:      addi s1, s1, -1; beqz s0, 2f; addi a0, s0, -1; call f; 2: bnez s1, 1b  # @loop
        nop                             # @after
        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   f, .-f
${STACK}`;
