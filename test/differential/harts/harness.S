# Runs a script on each hart and prints what they have left behind in common memory, word by word. What a script does gives
# the same result in whatever order the harts come to it. Scripts run in supervisor mode, behind page tables; interrupts
# between processors and timers are machine mode's, so that they come at any time.
#
# Every hart has its context in mscratch. s0 is its number, s1 the next operation of its script, s2 its context.

#include "../random/report.S"

# Addresses, known to plan.ts too.
        .equ    CONTEXTS, 0x80008000
        .equ    CONTEXT_SHIFT, 9
        .equ    COMMON, 0x80010000
        .equ    BARRIER_COUNT, COMMON + 0x800   # harts that have come to the barrier, and how often it has opened
        .equ    BARRIER_TURN, COMMON + 0x840
        .equ    MAILBOXES, COMMON + 0x1000
        .equ    MAILBOX_SHIFT, 6
        .equ    MAILBOX_LOCK, 0
        .equ    MAILBOX_VALUE, 8                # 0: forget translations
        .equ    MAILBOX_DONE, 16
        .equ    FLAG, 24                        # what a hart that sleeps waits for
        .equ    COMPARED_WORDS, 256             # of the common memory, its beginning
        .equ    PAGES, 0x80020000
        .equ    PAGES_WORDS, 4                  # of each, compared
        .equ    PAGE_COUNT, 8
        .equ    ROOT, 0x80030000
        .equ    LOW_TABLE, 0x80032000
        .equ    ALIAS, 0x40000000               # pages that are mapped anew
        .equ    SUMS, COMMON + 0x400            # two words of each hart: what it was sent, and what it has read
        .equ    BATCH, 0x80040000               # harts, then where the script of each begins
        .equ    BATCH_VERBOSE, 72               # print everything instead of a hash

        .equ    CLINT_MSIP, 0x2000000
        .equ    CLINT_MTIMECMP, 0x2004000
        .equ    CLINT_MTIME, 0x200bff8
        .equ    TIMER_TICKS, 2000
        .equ    MIE_MSIE_MTIE, 0x88
        .equ    SATP_SV39, 8 << 60
        .equ    MSTATUS_MPP, 0x1800
        .equ    MSTATUS_MPP_SUPERVISOR, 0x800
        .equ    PTE, 0xcf                       # V R W X A D

        .section .text.start, "ax"
        .globl  _start
_start:
        csrr    s0, mhartid
        li      s2, CONTEXTS
        slli    t0, s0, CONTEXT_SHIFT
        add     s2, s2, t0
        csrw    mscratch, s2
        li      t0, BATCH
        ld      t1, 0(t0)
        bltu    s0, t1, 1f
2:      wfi
        j       2b
1:      slli    t1, s0, 3
        add     t0, t0, t1
        ld      s1, 8(t0)
        la      t0, trap
        csrw    mtvec, t0
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        jal     arm_timer
        li      t0, MIE_MSIE_MTIE
        csrw    mie, t0
        li      t0, SATP_SV39 | (ROOT >> 12)
        csrw    satp, t0
        sfence.vma
        li      t0, MSTATUS_MPP
        csrc    mstatus, t0
        li      t0, MSTATUS_MPP_SUPERVISOR
        csrs    mstatus, t0
        la      t0, next
        csrw    mepc, t0
        mret

# One operation after the other: 4 words each, the kind and its operands a1, a2, a3.
next:
        ld      a0, 0(s1)
        ld      a1, 8(s1)
        ld      a2, 16(s1)
        ld      a3, 24(s1)
        addi    s1, s1, 32
        la      t0, operations
        slli    a0, a0, 3
        add     t0, t0, a0
        ld      t0, 0(t0)
        jr      t0

        .balign 8
operations:
        .dword  end, barrier, reserved_add, atomic, locked, send, remap, read_alias, add_alias, sleep, wake

# All harts have come to the end: the first reports.
end:
        jal     wait_for_all
        ecall
        j       .

barrier:
        jal     wait_for_all
        j       next

# The last to come opens the barrier for all.
wait_for_all:
        li      t0, BARRIER_TURN
        ld      t1, 0(t0)
        fence
        li      t2, BARRIER_COUNT
        li      t3, 1
        amoadd.d.aqrl t4, t3, (t2)
        addi    t4, t4, 1
        li      t5, BATCH
        ld      t5, 0(t5)
        beq     t4, t5, 1f
2:      ld      t3, 0(t0)
        beq     t3, t1, 2b
        fence
        ret
1:      sd      zero, 0(t2)
        fence
        addi    t1, t1, 1
        sd      t1, 0(t0)
        ret

# Adds a2 to the word, or doubleword if a3, at a1.
reserved_add:
        bnez    a3, 1f
2:      lr.w    t0, (a1)
        addw    t0, t0, a2
        sc.w    t1, t0, (a1)
        bnez    t1, 2b
        j       next
1:      lr.d    t0, (a1)
        add     t0, t0, a2
        sc.d    t1, t0, (a1)
        bnez    t1, 1b
        j       next

# One atomic operation on a1 with a2.
atomic:
        la      t0, 1f
        slli    a3, a3, 3
        add     t0, t0, a3
        jr      t0
        .option push
        .option norvc
1:      .irp    operation, add, xor, and, or, max, min, maxu, minu
        amo\operation\().d zero, a2, (a1)
        j       next
        .endr
        .option pop

# Adds to three words behind a lock of one of three kinds, by loads and stores.
locked:
        li      t0, 1
        beq     a3, t0, 2f
        bgtu    a3, t0, 3f
        # amoswap
1:      amoswap.w.aq t1, t0, (a1)
        bnez    t1, 1b
        jal     guarded
        amoswap.w.rl zero, zero, (a1)
        j       next
        # lr and sc
2:      lr.w.aq t1, (a1)
        bnez    t1, 2b
        sc.w    t1, t0, (a1)
        bnez    t1, 2b
        jal     guarded
        fence   rw, w
        sw      zero, 0(a1)
        j       next
        # Tickets: the next to be given in the upper half, the one that is served in the lower.
3:      addi    t2, a1, 4
        amoadd.w.aq t1, t0, (t2)
4:      lw      t2, 0(a1)
        bne     t1, t2, 4b
        fence   r, rw
        jal     guarded
        fence   rw, w
        addiw   t1, t1, 1
        sw      t1, 0(a1)
        j       next

guarded:
        ld      t3, 8(a1)
        ld      t4, 16(a1)
        ld      t5, 24(a1)
        add     t3, t3, a2
        xor     t4, t4, a2
        addi    t5, t5, 1
        sd      t3, 8(a1)
        sd      t4, 16(a1)
        sd      t5, 24(a1)
        ret

# Has hart a1 add a2 to its sum, and waits until it has.
send:
        jal     post
        j       next

post:
        li      t0, MAILBOXES
        slli    t1, a1, MAILBOX_SHIFT
        add     t0, t0, t1
        li      t1, 1
1:      amoswap.w.aq t2, t1, (t0)
        bnez    t2, 1b
        sd      a2, MAILBOX_VALUE(t0)
        sd      zero, MAILBOX_DONE(t0)
        fence
        li      t2, CLINT_MSIP
        slli    t3, a1, 2
        add     t2, t2, t3
        sw      t1, 0(t2)
2:      ld      t2, MAILBOX_DONE(t0)
        beqz    t2, 2b
        fence
        amoswap.w.rl zero, zero, (t0)
        ret

# Maps alias a1 to page a2 and tells everybody.
remap:
        li      t0, LOW_TABLE
        slli    t1, a1, 3
        add     t0, t0, t1
        li      t1, PAGES
        slli    t2, a2, 12
        add     t1, t1, t2
        srli    t1, t1, 2
        ori     t1, t1, PTE
        sd      t1, 0(t0)
        fence
        sfence.vma
        li      a2, 0
        li      a1, 0
1:      li      t0, BATCH
        ld      t0, 0(t0)
        bgeu    a1, t0, next
        beq     a1, s0, 2f
        jal     post
2:      addi    a1, a1, 1
        j       1b

# What this hart has read: 3 times what it was and the word at offset a2 of alias a1.
read_alias:
        li      t0, ALIAS
        slli    t1, a1, 12
        add     t0, t0, t1
        add     t0, t0, a2
        ld      t1, 0(t0)
        li      t2, SUMS + 8
        slli    t3, s0, 4
        add     t2, t2, t3
        ld      t3, 0(t2)
        slli    t4, t3, 1
        add     t3, t3, t4
        add     t3, t3, t1
        sd      t3, 0(t2)
        j       next

# Adds a3 to that word.
add_alias:
        li      t0, ALIAS
        slli    t1, a1, 12
        add     t0, t0, t1
        add     t0, t0, a2
        amoadd.d zero, a3, (t0)
        j       next

# Sleeps until this hart's flag is a1: in machine mode, which can look and sleep without an interrupt between.
sleep:
        ecall
        j       next

# Gives hart a1 the flag a2, and wakes it.
wake:
        li      t0, MAILBOXES
        slli    t1, a1, MAILBOX_SHIFT
        add     t0, t0, t1
        sd      a2, FLAG(t0)
        fence
        li      t0, CLINT_MSIP
        slli    t1, a1, 2
        add     t0, t0, t1
        li      t1, 1
        sw      t1, 0(t0)
        j       next

        .balign 4
trap:
        csrrw   gp, mscratch, gp
        each_register sd, gp
        csrr    t0, mcause
        bgez    t0, service
        andi    t0, t0, 15
        li      t1, 7
        bne     t0, t1, 1f
        jal     arm_timer
        j       go_on
1:      jal     take_mail
go_on:  each_register ld, gp
        csrrw   gp, mscratch, gp
        mret

# Clobbers t0 to t3.
take_mail:
        li      t0, CLINT_MSIP
        slli    t1, s0, 2
        add     t0, t0, t1
        sw      zero, 0(t0)
        # The store before the look: who writes to the mailbox after it interrupts again.
        fence
        li      t0, MAILBOXES
        slli    t1, s0, MAILBOX_SHIFT
        add     t0, t0, t1
        ld      t1, MAILBOX_LOCK(t0)
        beqz    t1, 2f
        ld      t1, MAILBOX_DONE(t0)
        bnez    t1, 2f
        fence
        ld      t1, MAILBOX_VALUE(t0)
        sfence.vma
        li      t2, SUMS
        slli    t3, s0, 4
        add     t2, t2, t3
        ld      t3, 0(t2)
        add     t3, t3, t1
        sd      t3, 0(t2)
        fence
        li      t1, 1
        sd      t1, MAILBOX_DONE(t0)
2:      ret

# Clobbers t0 to t2.
arm_timer:
        li      t0, CLINT_MTIME
        ld      t1, 0(t0)
        li      t0, TIMER_TICKS
        add     t1, t1, t0
        li      t0, CLINT_MTIMECMP
        slli    t2, s0, 3
        add     t0, t0, t2
        sd      t1, 0(t0)
        ret

# An ecall of supervisor mode: behind the end, or from sleep.
service:
        csrr    t0, mepc
        la      t1, sleep
        bne     t0, t1, all_done
        addi    t0, t0, 4
        csrw    mepc, t0
        ld      s3, REGISTERS + 11 * 8(gp)
        li      s4, MAILBOXES
        slli    t1, s0, MAILBOX_SHIFT
        add     s4, s4, t1
        # Timers do not wake it: the mail does.
        li      t0, 0x80
        csrc    mie, t0
1:      ld      t0, FLAG(s4)
        beq     t0, s3, 2f
        wfi
        jal     take_mail
        j       1b
2:      fence
        li      t0, MIE_MSIE_MTIE
        csrw    mie, t0
        j       go_on

all_done:
        li      t0, CLINT_MTIMECMP
        slli    t1, s0, 3
        add     t0, t0, t1
        li      t1, -1
        sd      t1, 0(t0)
        csrw    mie, zero
        beqz    s0, 1f
2:      wfi
        j       2b
1:      li      s0, BATCH
        ld      s0, BATCH_VERBOSE(s0)
        li      s1, 0
        li      a0, COMMON
        li      a1, COMPARED_WORDS
        jal     take_words
        li      s5, PAGES
        li      s6, PAGE_COUNT
3:      mv      a0, s5
        li      a1, PAGES_WORDS
        jal     take_words
        li      t0, 0x1000
        add     s5, s5, t0
        addi    s6, s6, -1
        bnez    s6, 3b
        bnez    s0, 4f
        mv      a0, s1
        jal     print_word
4:      j       finished
