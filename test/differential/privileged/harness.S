# Runs the generated cases of a batch one after the other and prints a hash of what each has left behind: its traps one by
# one, registers and CSRs at the end of each of its segments, page table entries, memory. The same code runs on QEMU and on
# Hindcast's machine, in machine mode; the cases run in every mode.
#
# Register gp points to the context in every case; the generator never writes it. Every trap ends up here: the handlers of
# supervisor mode do nothing but ask for the service of machine mode, by an exception that is not delegated. So nothing has
# to be mapped for them but the one page that they are in.

#include "../random/report.S"

# Addresses, known to memory-plan.ts too.
        .equ    CONTEXT, 0x80008000
        .equ    POOL, 0x80010000                # the pages that data accesses go to
        .equ    POOL_PAGES, 16
        .equ    WINDOW_BYTES, 256               # compared around each page boundary of the pool
        .equ    BATCH, 0x80022000
        .equ    PATTERN, BATCH + 0x1000         # what the windows hold when a case begins, one after the other
        .equ    FUNCTIONS, 0x80026000           # pages with code to call, and what cases may change of it
        .equ    FUNCTION_PAGES, 4
        .equ    FUNCTION_CHANGED, 0x100
        .equ    FUNCTION_WORDS, BATCH + 0x2400
        .equ    HANDLERS, 0x80025000
        .equ    HANDLER_SHIFT, 10               # one set of vectors after the other, one for each service
        .equ    HANDLER_SRET, HANDLERS + 0xf00

# Batch header, in 64-bit words.
        .equ    BATCH_COUNT, 0                  # cases
        .equ    BATCH_TABLE, 8                  # address of the table of slots
        .equ    BATCH_VERBOSE, 16               # print everything instead of hashes
        .equ    BATCH_DEPARTURES, 24            # this is QEMU: put right where it departs from the manual
        .equ    BATCH_FLOAT, 64                 # the hart has floating-point registers
        .equ    BATCH_LOCKED, 32                # pmpcfg2, pmpaddr13 to 15, of entries that are locked for the whole batch

# Slot of a case.
        .equ    SLOT_REGISTERS, 0x4000
        .equ    SLOT_SEGMENTS, 0x4100           # how many
        .equ    SLOT_WATCHES, 0x4108            # how many page table entries are compared
        .equ    SLOT_SERVICE, 0x4110            # the exception that supervisor mode asks by
        .equ    SLOT_SEGMENT_TABLE, 0x4200
        .equ    SEGMENT_SHIFT, 9
        .equ    SLOT_WATCH_TABLE, 0x6000        # addresses
        .equ    CODE_OFFSET_BITS, 14            # of an address say where in the slot's code it is, in every mapping

# Segment: what the CSRs hold when it begins, in 64-bit words (segment.ts).
        .equ    SEGMENT_ENTRY, 0
        .equ    SEGMENT_END, 1 * 8              # offset in the code of the last instruction, an ecall
        .equ    SEGMENT_MTVEC, 2 * 8            # 0 direct, 1 vectored
        .equ    SEGMENT_MSIP, 3 * 8
        .equ    SEGMENT_MTIMECMP, 4 * 8
        .equ    SEGMENT_MSTATUS, 5 * 8
        .equ    SEGMENT_EXTERNAL, 6 * 8         # contexts of the PLIC that see an interrupt: bit 0 machine, bit 1 supervisor mode
        .equ    SEGMENT_CSRS, 7 * 8

# Context, behind the registers.
        .equ    VECTOR, 256                     # which entry of mtvec's table was taken
        .equ    SAVED_T0, 264
        .equ    LOG_END, 272
        .equ    TRAPS, 280
        .equ    CASE, 288
        .equ    SLOT, 296
        .equ    SEGMENT, 304
        .equ    SEGMENT_NUMBER, 312
        .equ    CODE, 320
        .equ    VERBOSE, 328
        .equ    DEPARTURES, 336
        .equ    FLOAT, 352
        .equ    LOG_BYTES, 344                  # of the log, as a count of words, for whoever reads the report
        .equ    LOG, 512
        .equ    TRAP_LIMIT, 120                 # a case that traps more often is ended

# Records of the log begin with one of these.
        .equ    RECORD_TRAP, 1                  # to machine mode
        .equ    RECORD_SUPERVISOR_TRAP, 2
        .equ    RECORD_SEGMENT, 3
        .equ    RECORD_FLOAT_SEGMENT, 5         # with floating-point registers
        .equ    RECORD_LOST, 4                  # a segment ended because it had no way on

        .equ    MSTATUS_MPP, 0x1800
        .equ    MSTATUS_TSR, 0x400000
        .equ    MSTATUS_FS, 0x6000
        .equ    UART_IER, 1
        .equ    UART_IER_TRANSMITTER, 2         # empty whenever nobody prints
        .equ    PLIC_PRIORITY, 0xc000000 + 10 * 4   # of the UART
        .equ    PLIC_ENABLE, 0xc002000          # machine mode's; supervisor mode's is behind it
        .equ    PLIC_ENABLE_UART, 1 << 10
        .equ    PLIC_CLAIM, 0xc200004
        .equ    CLINT_MSIP, 0x2000000
        .equ    CLINT_MTIMECMP, 0x2004000
        .equ    USER_DISTANCE, 0x40000000       # from the addresses of code to those that user mode has for it

# Numbers of CSRs that not every assembler has names for.
        .equ    MENVCFG, 0x30a
        .equ    SENVCFG, 0x10a
        .equ    STIMECMP, 0x14d

# What both machines implement of a CSR.
        .equ    MSTATUS_COMPARED, 0x8000000f007e79aa    # without VS, and what belongs to the hypervisor
        .equ    MEDELEG_COMPARED, 0xb3ff
        .equ    INTERRUPTS_COMPARED, 0xaaa
        .equ    MIDELEG_COMPARED, 0x222
        .equ    COUNTEREN_COMPARED, 7
        .equ    MENVCFG_COMPARED, 0xc000000000000001
        .equ    SENVCFG_COMPARED, 1
        .equ    PMPADDR_COMPARED, 0x3fffffffffffff

        # Out of the integer registers' place, or to any other.
        .macro  each_float instruction, base
        .option push
        .option arch, +d
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \instruction f\n, \n * 8(\base)
        .endr
        .option pop
        .endm

        .section .text.start, "ax"
        .globl  _start
_start:
        csrw    mie, zero
        csrr    t0, mhartid
        beqz    t0, 1f
        # Other harts are there only because QEMU then executes atomic operations as such.
park:   wfi
        j       park
1:      li      gp, CONTEXT
        li      s1, BATCH
        ld      t0, BATCH_VERBOSE(s1)
        sd      t0, VERBOSE(gp)
        ld      t0, BATCH_DEPARTURES(s1)
        sd      t0, DEPARTURES(gp)
        ld      t0, BATCH_FLOAT(s1)
        sd      t0, FLOAT(gp)
        li      t0, PLIC_PRIORITY
        li      t1, 1
        sw      t1, 0(t0)
        ld      t0, BATCH_LOCKED(s1)
        ld      t1, BATCH_LOCKED + 8(s1)
        csrw    pmpaddr13, t1
        ld      t1, BATCH_LOCKED + 16(s1)
        csrw    pmpaddr14, t1
        ld      t1, BATCH_LOCKED + 24(s1)
        csrw    pmpaddr15, t1
        csrw    pmpcfg2, t0
        sd      zero, REGISTERS(gp)
        sd      gp, REGISTERS + 3 * 8(gp)
        sd      zero, CASE(gp)

next_case:
        ld      s0, CASE(gp)
        li      s1, BATCH
        ld      t0, BATCH_COUNT(s1)
        bgeu    s0, t0, finished
        ld      t0, BATCH_TABLE(s1)
        slli    t1, s0, 3
        add     t0, t0, t1
        ld      s2, 0(t0)
        sd      s2, SLOT(gp)
        sd      s2, CODE(gp)

        # The windows of the pool.
        li      t0, POOL - WINDOW_BYTES / 2
        li      t1, PATTERN
        li      t2, POOL_PAGES + 1
        li      t5, 0x1000 - WINDOW_BYTES
1:      li      t3, WINDOW_BYTES / 8
2:      ld      t4, 0(t1)
        sd      t4, 0(t0)
        addi    t0, t0, 8
        addi    t1, t1, 8
        addi    t3, t3, -1
        bnez    t3, 2b
        add     t0, t0, t5
        addi    t2, t2, -1
        bnez    t2, 1b

        # The functions that the case before may have changed.
        li      t0, FUNCTIONS + FUNCTION_CHANGED
        li      t1, FUNCTION_WORDS
        li      t2, FUNCTION_PAGES
        li      t5, 0x1000
1:      ld      t4, 0(t1)
        sd      t4, 0(t0)
        add     t0, t0, t5
        addi    t1, t1, 8
        addi    t2, t2, -1
        bnez    t2, 1b

        # Registers, and CSRs that segments leave alone.
        li      t0, SLOT_REGISTERS
        add     t0, t0, s2
        mv      t1, gp
        li      t2, 32
1:      ld      t3, 0(t0)
        sd      t3, 0(t1)
        addi    t0, t0, 8
        addi    t1, t1, 8
        addi    t2, t2, -1
        bnez    t2, 1b
        sd      zero, REGISTERS(gp)
        sd      gp, REGISTERS + 3 * 8(gp)
        csrw    mscratch, zero
        csrw    mcause, zero
        csrw    mtval, zero
        csrw    scause, zero
        csrw    stval, zero
        csrw    sepc, zero
        ld      t0, FLOAT(gp)
        beqz    t0, 1f
        li      t0, MSTATUS_FS
        csrs    mstatus, t0
        each_float fld, gp
        csrw    fcsr, zero
1:      addi    t0, gp, LOG
        sd      t0, LOG_END(gp)
        sd      zero, TRAPS(gp)
        sd      zero, SEGMENT_NUMBER(gp)

next_segment:
        ld      s2, SLOT(gp)
        ld      t0, SEGMENT_NUMBER(gp)
        li      t1, SLOT_SEGMENTS
        add     t1, t1, s2
        ld      t1, 0(t1)
        bgeu    t0, t1, case_done
        slli    t1, t0, SEGMENT_SHIFT
        addi    t0, t0, 1
        sd      t0, SEGMENT_NUMBER(gp)
        li      t0, SLOT_SEGMENT_TABLE
        add     t1, t1, t0
        add     s0, s2, t1
        sd      s0, SEGMENT(gp)

        li      t0, MSTATUS_MPP
        csrw    mstatus, t0
        jal     quiet
        ld      t1, SEGMENT_EXTERNAL(s0)
        beqz    t1, 3f
        li      t0, PLIC_ENABLE
        li      t3, PLIC_ENABLE_UART
        andi    t2, t1, 1
        beqz    t2, 1f
        sw      t3, 0(t0)
1:      andi    t2, t1, 2
        beqz    t2, 2f
        sw      t3, 0x80(t0)
2:      li      t0, UART
        li      t1, UART_IER_TRANSMITTER
        sb      t1, UART_IER(t0)
3:      ld      t1, SEGMENT_MTVEC(s0)
        la      t0, vectors
        or      t0, t0, t1
        csrw    mtvec, t0
        li      t0, CLINT_MSIP
        ld      t1, SEGMENT_MSIP(s0)
        sw      t1, 0(t0)
        li      t0, CLINT_MTIMECMP
        ld      t1, SEGMENT_MTIMECMP(s0)
        sd      t1, 0(t0)
        .set    next, SEGMENT_CSRS
        # In segment.ts's order. menvcfg comes before stimecmp and mip: it says whose bit mip.STIP is.
        .irp    csr, MENVCFG, SENVCFG, STIMECMP, stvec, medeleg, mideleg, mie, mip, mcounteren, scounteren, sscratch, satp, pmpaddr0, pmpaddr1, pmpaddr2, pmpaddr3, pmpaddr4, pmpaddr5, pmpaddr6, pmpaddr7, pmpaddr8, pmpaddr9, pmpaddr10, pmpaddr11, pmpaddr12, pmpaddr13, pmpaddr14, pmpaddr15, pmpcfg0, pmpcfg2
        ld      t0, next(s0)
        csrw    \csr, t0
        .set    next, next + 8
        .endr
        ld      t0, SEGMENT_MSTATUS(s0)
        csrw    mstatus, t0
        ld      t0, SEGMENT_ENTRY(s0)
        csrw    mepc, t0
        sfence.vma
        fence.i
        # An sc without its lr drops a reservation that the segment before may have left.
        li      t0, POOL + 0x800
        sc.w    zero, zero, (t0)
        each_register ld, gp
        mret

# Machine mode's vectors. Exceptions, and interrupts of direct mode, come to the first.
        .balign 256
vectors:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        .option push
        .option norvc
        j       vector_\n
        .option pop
        .endr

        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
vector_\n:
        sd      t0, SAVED_T0(gp)
        li      t0, \n
        j       trap
        .endr

trap:
        sd      t0, VECTOR(gp)
        ld      t0, SAVED_T0(gp)
        each_register sd, gp
        li      s0, RECORD_TRAP
        csrr    s1, mcause
        csrr    s2, mepc
        csrr    s3, mtval
        csrr    s4, mstatus
        ld      s5, VECTOR(gp)
        srli    s6, s4, 11
        andi    s6, s6, 3                       # the mode that trapped

        ld      s7, SEGMENT(gp)
        ld      s8, CODE(gp)
        li      t0, SLOT_SERVICE
        add     t0, t0, s8
        ld      t0, 0(t0)
        bne     t0, s1, no_service
        li      t0, HANDLERS
        sub     t1, s2, t0
        li      t0, HANDLER_SRET - HANDLERS
        bgeu    t1, t0, no_service

        # A trap that supervisor mode took.
        li      s0, RECORD_SUPERVISOR_TRAP
        andi    s5, t1, (1 << HANDLER_SHIFT) - 1
        srli    s5, s5, 2
        csrr    s1, scause
        csrr    s2, sepc
        csrr    s3, stval
        srli    s6, s4, 8
        andi    s6, s6, 1

no_service:
        ld      t0, DEPARTURES(gp)
        beqz    t0, put_right
        jal     departures
put_right:
        # The entry of the table is that of the cause; QEMU takes another interrupt first, and its entry.
        ld      t0, TRAPS(gp)
        li      t1, TRAP_LIMIT
        bgeu    t0, t1, case_done
        addi    t0, t0, 1
        sd      t0, TRAPS(gp)
        slli    t0, s5, 8
        or      a0, s0, t0
        jal     log_word
        mv      a0, s1
        jal     log_word
        mv      a0, s2
        jal     log_word
        mv      a0, s3
        jal     log_word
        li      t0, MSTATUS_COMPARED
        and     a0, s4, t0
        jal     log_word

        # Where to go on.
        mv      s9, s2
        bltz    s1, interrupt
        slli    s10, s2, 64 - CODE_OFFSET_BITS
        srli    s10, s10, 64 - CODE_OFFSET_BITS
        addi    t0, s1, -8                      # an ecall
        li      t1, 4
        bgeu    t0, t1, 1f
        ld      t0, SEGMENT_END(s7)
        beq     s10, t0, segment_done
1:      li      t0, 1
        beq     s1, t0, 2f
        li      t0, 12
        beq     s1, t0, 2f
        # Everything but a fetch is skipped. The slot's code is what was executed, wherever it was mapped.
        add     t0, s8, s10
        lhu     t0, 0(t0)
        addi    s9, s2, 2
        not     t0, t0
        andi    t0, t0, 3
        bnez    t0, go_on
        addi    s9, s2, 4
        j       go_on

        # What cannot be fetched was jumped to. ra says where in the code to go on, at the mode's own addresses of it.
2:      ld      s9, REGISTERS + 1 * 8(gp)
        slli    s9, s9, 64 - CODE_OFFSET_BITS
        srli    s9, s9, 64 - CODE_OFFSET_BITS
        add     s9, s9, s8
        bnez    s6, 3f
        csrr    t0, satp
        srli    t0, t0, 60
        beqz    t0, 3f
        li      t0, USER_DISTANCE
        add     s9, s9, t0
3:      bne     s9, s2, go_on
        li      a0, RECORD_LOST
        jal     log_word
        j       segment_done

        # Taken once: nobody takes its cause away.
interrupt:
        li      t0, 1
        sll     t0, t0, s1
        csrc    mie, t0

go_on:
        li      t0, RECORD_TRAP
        bne     s0, t0, 1f
        csrw    mepc, s9
        each_register ld, gp
        mret
1:      csrw    sepc, s9
        li      t0, MSTATUS_TSR
        and     t0, t0, s4
        beqz    t0, 2f
        # Supervisor mode may not return, but machine mode may do it in its place.
        each_register ld, gp
        sret
2:      li      t0, HANDLER_SRET
        csrw    mepc, t0
        each_register ld, gp
        mret

# Takes the UART's interrupt back, from the PLIC too, which holds it until it is claimed. Clobbers t0 to t2.
quiet:
        li      t0, UART
        sb      zero, UART_IER(t0)
        li      t0, PLIC_ENABLE
        li      t1, PLIC_ENABLE_UART
        sw      zero, 0x80(t0)
        sw      t1, 0(t0)
        li      t2, PLIC_CLAIM
        lw      t1, 0(t2)
        sw      t1, 0(t2)
        sw      zero, 0(t0)
        ret

# Appends a0 to the log. Clobbers t0.
log_word:
        ld      t0, LOG_END(gp)
        sd      a0, 0(t0)
        addi    t0, t0, 8
        sd      t0, LOG_END(gp)
        ret

#include "departures.S"

# What the segment has left behind goes to the log.
segment_done:
        li      a0, RECORD_SEGMENT
        ld      t0, FLOAT(gp)
        beqz    t0, 1f
        li      a0, RECORD_FLOAT_SEGMENT
1:      jal     log_word
        addi    t1, gp, REGISTERS + 8
        li      t2, 31
1:      ld      a0, 0(t1)
        jal     log_word
        addi    t1, t1, 8
        addi    t2, t2, -1
        bnez    t2, 1b
        .macro  log_csr csr, mask
        csrr    a0, \csr
        .ifnb   \mask
        li      t0, \mask
        and     a0, a0, t0
        .endif
        jal     log_word
        .endm
        log_csr mstatus, MSTATUS_COMPARED
        log_csr sstatus, MSTATUS_COMPARED
        log_csr medeleg, MEDELEG_COMPARED
        log_csr mideleg, MIDELEG_COMPARED
        log_csr mie, INTERRUPTS_COMPARED
        log_csr sie, INTERRUPTS_COMPARED
        log_csr mip, INTERRUPTS_COMPARED
        log_csr sip, INTERRUPTS_COMPARED
        log_csr mtvec
        log_csr stvec
        log_csr mscratch
        log_csr sscratch
        log_csr mepc, -2
        log_csr sepc, -2
        log_csr mcause
        log_csr scause
        log_csr mtval
        log_csr stval
        log_csr satp
        log_csr mcounteren, COUNTEREN_COMPARED
        log_csr scounteren, COUNTEREN_COMPARED
        log_csr MENVCFG, MENVCFG_COMPARED
        log_csr SENVCFG, SENVCFG_COMPARED
        log_csr STIMECMP
        log_csr pmpcfg0
        log_csr pmpcfg2
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        log_csr pmpaddr\n, PMPADDR_COMPARED
        .endr
        ld      t0, FLOAT(gp)
        beqz    t0, next_segment
        li      t0, MSTATUS_FS
        csrs    mstatus, t0
        csrr    a0, fcsr
        jal     log_word
        ld      t0, LOG_END(gp)
        each_float fsd, t0
        addi    t0, t0, 32 * 8
        sd      t0, LOG_END(gp)
        j       next_segment

case_done:
        li      t0, MSTATUS_MPP
        csrw    mstatus, t0
        # An entry that covers half a word fails machine mode's accesses, too.
        csrw    pmpcfg0, zero
        csrw    pmpcfg2, zero
        sfence.vma
        jal     quiet
        ld      s0, VERBOSE(gp)
        li      s1, 0
        addi    t0, gp, LOG
        ld      t1, LOG_END(gp)
        sub     t1, t1, t0
        srli    t1, t1, 3
        sd      t1, LOG_BYTES(gp)
        addi    a0, gp, LOG_BYTES
        li      a1, 1
        jal     take_words
        addi    a0, gp, LOG
        ld      a1, LOG_BYTES(gp)
        jal     take_words

        ld      s5, SLOT(gp)
        li      t0, SLOT_WATCHES
        add     t0, t0, s5
        ld      s6, 0(t0)
        li      t0, SLOT_WATCH_TABLE
        add     s5, s5, t0
1:      beqz    s6, 2f
        ld      a0, 0(s5)
        li      a1, 1
        jal     take_words
        addi    s5, s5, 8
        addi    s6, s6, -1
        j       1b

2:      li      s5, POOL - WINDOW_BYTES / 2
        li      s6, POOL_PAGES + 1
3:      mv      a0, s5
        li      a1, WINDOW_BYTES / 8
        jal     take_words
        li      t0, 0x1000
        add     s5, s5, t0
        addi    s6, s6, -1
        bnez    s6, 3b
        bnez    s0, 1f
        mv      a0, s1
        jal     print_word
1:      ld      t0, CASE(gp)
        addi    t0, t0, 1
        sd      t0, CASE(gp)
        j       next_case
