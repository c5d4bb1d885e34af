# Raises every synchronous exception that a machine-mode program can raise here, one after the other, and handles each.
# The handler says which it was and goes on behind the instruction. Stop at one of them with an exception breakpoint.
#
# Not among them: instruction address misaligned (with compressed instructions every even address is aligned), the
# calls from user and supervisor mode, and page faults (there is no translation in machine mode).

        .equ    NOWHERE, 0x80000        # no memory and no device is here
        .equ    CAUSE_FETCH_ACCESS, 1
        .equ    CAUSES, 12

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0
        li      s1, 0                   # s1: traps handled
        li      s2, NOWHERE

        la      s4, 1f                  # where to go on: nothing can be read at the bad address
        jr      s2                      # instruction access fault
1:      unimp                           # illegal instruction
        csrw    cycle, zero             # illegal: a read-only CSR
        ebreak                          # breakpoint
        lw      t0, 0(s2)               # load access fault
        sw      t0, 0(s2)               # store access fault
        la      t1, word + 1
        lr.w    t0, (t1)                # load address misaligned: plain loads may be, reserving ones may not
        amoadd.w t0, t0, (t1)           # store or atomic address misaligned
        ecall                           # environment call from machine mode

        mv      a0, s1
        call    print_number
        la      a0, text_handled
        call    print
        li      a0, 0
        call    exit

# The code above keeps s1, s2 and s4 across its traps, and sp; everything else is the handler's. An exception's mepc is
# the address of the instruction itself, so the handler adds its length.
        .balign 4
handler:
        addi    s1, s1, 1
        csrr    s3, mcause
        la      a0, text_cause
        call    print
        mv      a0, s3
        call    print_number
        la      a0, text_colon
        call    print
        la      t0, names
        li      t1, CAUSES
        bgeu    s3, t1, unexpected
        slli    t1, s3, 3
        add     t0, t0, t1
        ld      a0, 0(t0)
        call    print

        li      t0, CAUSE_FETCH_ACCESS
        beq     s3, t0, 2f
        csrr    t0, mepc
        lhu     t1, 0(t0)               # the two low bits of a long instruction are ones
        andi    t1, t1, 3
        addi    t0, t0, 2
        li      t2, 3
        bne     t1, t2, 1f
        addi    t0, t0, 2
1:      csrw    mepc, t0
        mret
2:      csrw    mepc, s4
        mret
unexpected:
        li      a0, 1
        call    exit

        .include "console.inc"

        .section .rodata
        .balign 8
names:  .dword  0f, 1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f, 9f, 10f, 11f
0:      .asciz  "instruction address misaligned\n"
1:      .asciz  "instruction access fault\n"
2:      .asciz  "illegal instruction\n"
3:      .asciz  "breakpoint\n"
4:      .asciz  "load address misaligned\n"
5:      .asciz  "load access fault\n"
6:      .asciz  "store or atomic address misaligned\n"
7:      .asciz  "store or atomic access fault\n"
8:      .asciz  "environment call from user mode\n"
9:      .asciz  "environment call from supervisor mode\n"
10:     .asciz  "reserved\n"
11:     .asciz  "environment call from machine mode\n"
text_cause:     .asciz  "mcause "
text_colon:     .asciz  ": "
text_handled:   .asciz  " traps handled\n"

        .data
        .balign 8
word:   .dword  0

        .bss
        .balign 16
        .skip   4096
stack_top:
