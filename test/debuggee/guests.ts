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
