# Runs the generated cases of a batch one after the other and prints a hash of what each has left behind: registers, CSRs,
# the log of its traps, and the memory window. The same code runs on QEMU and on Hindcast's machine.
#
# Register gp points to the context in every case; the generator never writes it.

#include "report.S"

# Addresses, known to generator.ts too.
        .equ    CONTEXT, 0x80008000
        .equ    WINDOW, 0x80010e00              # a page boundary in the middle
        .equ    WINDOW_WORDS, 128
        .equ    BATCH, 0x80020000

# Batch header, in 64-bit words.
        .equ    BATCH_COUNT, 0                  # cases
        .equ    BATCH_TABLE, 8                  # address of the case table: entry, end, registers, 0
        .equ    BATCH_VERBOSE, 16               # print everything instead of hashes
        .equ    BATCH_PATTERN, 64               # what the window holds when a case begins

# Context. What is hashed begins at offset 0, with the registers.
        .equ    AFTER_MSCRATCH, 256
        .equ    AFTER_MIE, 264
        .equ    AFTER_MSTATUS, 272
        .equ    TRAPS, 280                      # entries of the log
        .equ    HASHED_WORDS, 36
        .equ    CASE, 288
        .equ    CASE_END, 296
        .equ    LOG, 512                        # mcause, mepc, mtval, mstatus
        .equ    LOG_LIMIT, 48                   # a case that traps more often is ended

        .equ    MSTATUS_MIE, 0x8
        .equ    MSTATUS_MPIE, 0x80
        .equ    MSTATUS_MPP, 0x1800
        # The other fields depend on modes that we do not have.
        .equ    MSTATUS_COMPARED, MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP
        .equ    CLINT, 0x2000000
        .equ    CLINT_MTIMECMP, 0x2004000

        .section .text.start, "ax"
        .globl  _start
_start:
        li      gp, CONTEXT
        la      t0, trap_entry
        csrw    mtvec, t0
        li      t0, CLINT_MTIMECMP
        li      t1, -1
        sd      t1, 0(t0)
        sd      zero, REGISTERS(gp)
        sd      gp, REGISTERS + 3 * 8(gp)
        sd      zero, CASE(gp)

next_case:
        ld      s0, CASE(gp)
        li      s1, BATCH
        ld      t0, BATCH_COUNT(s1)
        bgeu    s0, t0, finished

        # An sc without its lr drops a reservation that the case before may have left.
        li      t0, WINDOW
        sc.w    zero, zero, (t0)
        addi    t1, s1, BATCH_PATTERN
        li      t2, WINDOW_WORDS
1:      ld      t3, 0(t1)
        sd      t3, 0(t0)
        addi    t0, t0, 8
        addi    t1, t1, 8
        addi    t2, t2, -1
        bnez    t2, 1b

        ld      t0, BATCH_TABLE(s1)
        slli    t1, s0, 5
        add     t0, t0, t1
        ld      t1, 0(t0)
        ld      t2, 8(t0)
        sd      t2, CASE_END(gp)
        ld      t3, 16(t0)
        sd      zero, TRAPS(gp)
        csrw    mie, zero
        csrw    mscratch, zero
        csrw    mcause, zero
        csrw    mtval, zero
        li      t0, MSTATUS_MIE | MSTATUS_MPIE
        csrc    mstatus, t0
        # Out of reset, QEMU's MPP names user mode, which its hart does not have either.
        li      t0, MSTATUS_MPP
        csrs    mstatus, t0
        csrw    mepc, t1
        mv      gp, t3
        each_register ld, gp
        li      gp, CONTEXT
        mret

        .balign 4
trap_entry:
        each_register sd, gp
        csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        bltz    a0, software_interrupt
        ld      t0, CASE_END(gp)
        beq     a1, t0, case_done

        # Where to go on. A jump to nowhere has left its way back in ra; everything else is skipped.
        li      t0, 1
        ld      a4, REGISTERS + 1 * 8(gp)
        beq     a0, t0, log_trap
        lhu     t1, 0(a1)
        andi    t2, t1, 3
        addi    a4, a1, 2
        li      t3, 3
        bne     t2, t3, log_trap
        addi    a4, a1, 4

        # QEMU reports faults of atomic operations as faults of loads. The manual wants those of stores (4 -> 6, 5 -> 7).
        andi    t1, t1, 0x7f
        li      t2, 0x2f
        bne     t1, t2, log_trap
        lhu     t1, 2(a1)
        srli    t1, t1, 11
        li      t2, 2                           # lr
        beq     t1, t2, log_trap
        addi    t1, a0, -4
        li      t2, 2
        bgeu    t1, t2, log_trap
        addi    a0, a0, 2
        csrw    mcause, a0
        j       log_trap

software_interrupt:
        # The instruction before which it is taken is the machine's choice: not logged.
        mv      a4, a1
        li      a1, 0
        li      t0, CLINT
        sw      zero, 0(t0)

log_trap:
        csrw    mepc, a4
        csrr    a3, mstatus
        li      t1, MSTATUS_COMPARED
        and     a3, a3, t1
        ld      t0, TRAPS(gp)
        li      t1, LOG_LIMIT
        beq     t0, t1, case_done
        slli    t1, t0, 5
        add     t1, t1, gp
        sd      a0, LOG(t1)
        sd      a1, LOG + 8(t1)
        sd      a2, LOG + 16(t1)
        sd      a3, LOG + 24(t1)
        addi    t0, t0, 1
        sd      t0, TRAPS(gp)
        each_register ld, gp
        mret

case_done:
        csrr    t0, mscratch
        sd      t0, AFTER_MSCRATCH(gp)
        csrr    t0, mie
        sd      t0, AFTER_MIE(gp)
        csrr    t0, mstatus
        li      t1, MSTATUS_COMPARED
        and     t0, t0, t1
        sd      t0, AFTER_MSTATUS(gp)

        li      s0, BATCH
        ld      s0, BATCH_VERBOSE(s0)
        li      s1, 0
        mv      a0, gp
        li      a1, HASHED_WORDS
        jal     take_words
        addi    a0, gp, LOG
        ld      a1, TRAPS(gp)
        slli    a1, a1, 2
        jal     take_words
        li      a0, WINDOW
        li      a1, WINDOW_WORDS
        jal     take_words
        bnez    s0, 1f
        mv      a0, s1
        jal     print_word
1:      ld      t0, CASE(gp)
        addi    t0, t0, 1
        sd      t0, CASE(gp)
        j       next_case
