/**
 * A guest that has something for every question: calls, recursion, a tail call, a pointer that moves, interrupts, faults that
 * are skipped, lines on the console, atomics. `# @name` marks lines. Harts beyond the first do the same on their own cells.
 */
export const SEARCHED = `
        .text
        .globl  _start
_start:
        csrr    s11, mhartid
        la      sp, stacks
        slli    t0, s11, 10
        add     sp, sp, t0
        addi    sp, sp, 1024
        la      t0, handler
        csrw    mtvec, t0
        bnez    s11, 1f
        li      t0, 0x2004000
        li      t1, 4
        sd      t1, 0(t0)
        li      t0, 0x80
        csrs    mie, t0
        csrsi   mstatus, 8
1:      la      s0, counter
        la      s1, pointer
        la      s2, cells
        sd      s2, 0(s1)
        li      s3, 0
loop:
        andi    a0, s3, 7
        addi    a1, s3, 1
        call    work                    # @call
        add     s4, s4, a0              # @back
        li      t0, 1
        amoadd.d t1, t0, (s0)           # @count
        andi    t0, s3, 3
        bnez    t0, 2f
        ld      t1, 0(s1)
        addi    t1, t1, 8
        addi    t2, s2, 64
        bltu    t1, t2, 3f
        mv      t1, s2
3:      sd      t1, 0(s1)               # @move
2:      ld      t1, 0(s1)
        sd      s4, 0(t1)               # @cell
        lbu     t2, 0(s2)               # @look
        andi    t0, s3, 15
        bnez    t0, 4f
        bnez    s11, 4f
        la      a0, text
        call    print
4:      andi    t0, s3, 31
        bnez    t0, 5f
        lw      t0, 0(zero)             # @fault
5:      addi    s3, s3, 1
        li      t0, 100
        blt     s3, t0, loop
        bnez    s11, 7f
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)               # @end
7:      wfi
        j       7b

        .type   work, @function
work:
        addi    sp, sp, -16             # @work
        sd      ra, 8(sp)
        beqz    a0, 1f
        addi    a0, a0, -1
        call    work                    # @recursion
        ld      ra, 8(sp)
        addi    sp, sp, 16
        tail    finish                  # @tail
1:      mv      a0, a1
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret
        .size   work, .-work

        .type   finish, @function
finish: addi    a0, a0, 3               # @finish
        ret
        .size   finish, .-finish

        .type   print, @function
print:
        li      t0, 0x10000000
1:      lbu     t1, 0(a0)
        beqz    t1, 2f
        sb      t1, 0(t0)               # @put
        addi    a0, a0, 1
        j       1b
2:      ret
        .size   print, .-print

        .type   triple, @function
triple:                                 # called by the debugger alone
        slli    t0, a0, 1
        add     a0, a0, t0
        sd      a0, 0(s0)
        ret
        .size   triple, .-triple

        .balign 4
        .type   handler, @function
handler:
        addi    sp, sp, -32             # @handler
        sd      t0, 0(sp)
        sd      t1, 8(sp)
        csrr    t0, mcause
        bltz    t0, 1f
        csrr    t0, mepc
        addi    t0, t0, 4
        csrw    mepc, t0
        j       2f
1:      li      t0, 0x200bff8
        ld      t1, 0(t0)
        addi    t1, t1, 5
        li      t0, 0x2004000
        sd      t1, 0(t0)
2:      ld      t0, 0(sp)
        ld      t1, 8(sp)
        addi    sp, sp, 32
        mret
        .size   handler, .-handler

        .data
        .balign 8
        .type   counter, @object
counter: .dword 0
        .size   counter, 8
        .type   pointer, @object
pointer: .dword 0
        .size   pointer, 8
        .type   cells, @object
cells:  .zero   64
        .size   cells, 64
text:   .asciz  "tick\\nand tock\\n"
        .bss
        .balign 16
stacks: .space  4096
`;

/** Tells a virtio console twenty times to print three lines at once, by one store. */
export const SEVERAL_LINES = `
_start: li      t0, 0x10001000
        li      t1, 3
        sw      t1, 0x70(t0)
        li      t1, 1
        sw      t1, 0x24(t0)
        sw      t1, 0x20(t0)
        li      t1, 11
        sw      t1, 0x70(t0)
        li      t1, 1
        sw      t1, 0x30(t0)
        li      t1, 64
        sw      t1, 0x38(t0)
        la      t2, desc
        sw      t2, 0x80(t0)
        la      t3, avail
        sw      t3, 0x90(t0)
        la      t4, used
        sw      t4, 0xa0(t0)
        li      t1, 1
        sw      t1, 0x44(t0)
        li      t1, 15
        sw      t1, 0x70(t0)
        la      t5, text
        sd      t5, 0(t2)
        li      t5, 18
        sw      t5, 8(t2)
        li      s3, 0
loop:   addi    s3, s3, 1
        sh      s3, 2(t3)
        li      t1, 1
        sw      t1, 0x50(t0)
        li      t1, 20
        blt     s3, t1, loop
1:      j       1b
        .data
        .balign 4096
desc:   .zero   4096
avail:  .zero   4096
used:   .zero   4096
text:   .ascii  "line1\\nline2\\nline3\\n"
`;
