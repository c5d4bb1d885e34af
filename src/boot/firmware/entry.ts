/**
 * Where harts come in after reset, where they wait to be started, and how they enter supervisor mode.
 *
 * The firmware is guest code: it is assembled when a machine is built, and recorded, stepped and replayed like any other.
 * It uses no compressed, floating-point or multiply instruction, so that it runs on every hart with supervisor mode.
 */
export const ENTRY = String.raw`# Hindcast's SBI firmware: reset, waiting harts, the way into supervisor mode.
#
# Everywhere in the firmware:
#   tp  points to the record of the hart that runs (see data.s); mscratch is 0.
#   In supervisor and user mode mscratch points to the record.
    .option norvc
    .include "definitions.s"

    .section .text.init
    .globl  fw_start
# a0 hart, a1 device tree, a2 what to start: struct fw_dynamic_info, as QEMU and OpenSBI have it.
fw_start:
    csrw    mie, zero
    csrr    s0, mhartid
    li      t0, MAX_HARTS
    bgeu    s0, t0, fw_park
    mv      s1, a1
    mv      s2, a2
    la      tp, fw_hart_records
    slli    t0, s0, RECORD_SHIFT
    add     tp, tp, t0
    li      t0, RECORD_BYTES
    add     sp, tp, t0
    sd      s0, HART(tp)
    csrw    mscratch, zero
    call    fw_prepare_hart
    bnez    s0, fw_wait_for_start
    call    fw_count_harts
    call    fw_prepare_uart
    mv      a0, s2
    call    fw_next_stage
    sd      a0, START_ADDRESS(tp)
    sd      s1, START_ARGUMENT(tp)
    j       fw_start_supervisor

# The board has room for no more harts.
fw_park:
    wfi
    j       fw_park

# What each hart needs before supervisor mode can run on it.
fw_prepare_hart:
    la      t0, fw_trap_entry
    csrw    mtvec, t0
    # Calls from supervisor mode come here; everything else that can be delegated is supervisor mode's own business.
    li      t0, ~(1 << CAUSE_SUPERVISOR_ECALL)
    csrw    medeleg, t0
    li      t0, INTERRUPTS_OF_SUPERVISOR
    csrw    mideleg, t0
    li      t0, -1
    csrw    mcounteren, t0
    li      t0, COUNTERS_FOR_USER
    csrw    scounteren, t0
    # What follows does not exist on every hart: a trap leads behind the instruction.
    li      t0, ENVIRONMENT
    optional csrw CSR_MENVCFG, t0
    li      t0, 0
    optional csrr t0, CSR_MENVCFG
    srli    t2, t0, 63
    beqz    t2, 1f
    # The comparison is unsigned: all ones is never. QEMU keeps the bit of menvcfg on harts that have no stimecmp.
    li      t0, -1
    optional csrw CSR_STIMECMP, t0
    li      t2, 0
    optional csrr t2, CSR_STIMECMP
1:
    sd      t2, HAS_STIMECMP(tp)
    # The firmware and the CLINT belong to machine mode, the rest to everybody.
    li      t0, FIRMWARE_RANGE
    optional csrw CSR_PMPADDR0, t0
    li      t0, CLINT_RANGE
    optional csrw CSR_PMPADDR1, t0
    li      t0, -1
    optional csrw CSR_PMPADDR2, t0
    li      t0, ((PMP_NAPOT | PMP_RWX) << 16) | (PMP_NAPOT << 8) | PMP_NAPOT
    optional csrw CSR_PMPCFG0, t0
    la      t0, fw_trap_entry
    csrw    mtvec, t0
    ret

# Finds out how many harts there are: the CLINT keeps mtimecmp only for harts that exist.
fw_count_harts:
    li      t0, CLINT_MTIMECMP
    li      t1, -1
    li      t2, 0
    li      t3, MAX_HARTS
1:
    sd      t1, 0(t0)
    ld      t4, 0(t0)
    bne     t4, t1, 2f
    addi    t0, t0, 8
    addi    t2, t2, 1
    bltu    t2, t3, 1b
2:
    la      t0, fw_hart_count
    sw      t2, 0(t0)
    ret

# 8 data bits, no parity, one stop bit; polled.
fw_prepare_uart:
    li      t0, UART
    sb      zero, UART_IER(t0)
    li      t1, UART_EIGHT_BITS
    sb      t1, UART_LCR(t0)
    # The port takes the first look for part of the setting up: whoever reads the console is given bytes at once.
    lbu     t1, UART_LSR(t0)
    ret

# a0: fw_dynamic_info or anything else -> a0: where supervisor mode begins.
fw_next_stage:
    li      t1, KERNEL_BASE
    andi    t0, a0, 7
    bnez    t0, 1f
    la      t0, 2f
    sd      t0, RESUME(tp)
    ld      t2, DYNAMIC_INFO_MAGIC(a0)
    li      t3, DYNAMIC_MAGIC
    bne     t2, t3, 1f
    ld      t2, DYNAMIC_INFO_NEXT(a0)
    beqz    t2, 1f
    mv      t1, t2
1:
    sd      zero, RESUME(tp)
2:
    mv      a0, t1
    ret

# A hart that is stopped sleeps here until another starts it.
fw_wait_for_start:
    li      t0, RECORD_BYTES
    add     sp, tp, t0
    li      t0, INTERRUPT_SOFTWARE
    csrw    mie, t0
1:
    call    fw_serve_requests
    andi    t0, a0, REQUEST_START
    bnez    t0, fw_start_supervisor
    wfi
    j       1b

# No interrupt is left over from before.
fw_start_supervisor:
    csrw    sie, zero
    csrw    mip, zero
    li      t0, INTERRUPT_SOFTWARE
    csrw    mie, t0
# Enters supervisor mode at START_ADDRESS with a0 the hart, a1 START_ARGUMENT, and nothing else.
fw_enter_supervisor:
    li      t0, HART_STARTED
    sw      t0, STATE(tp)
    # Requests for fences pass over stopped harts: this makes up for them.
    fence   rw, rw
    fence.i
    csrw    satp, zero
    sfence.vma zero, zero
    csrw    sscratch, zero
    ld      t0, START_ADDRESS(tp)
    csrw    stvec, t0
    csrw    mepc, t0
    li      t0, MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_OF_SUPERVISOR
    csrc    mstatus, t0
    li      t0, MSTATUS_MPP_SUPERVISOR | MSTATUS_FS | MSTATUS_VS
    csrs    mstatus, t0
    ld      a0, HART(tp)
    ld      a1, START_ARGUMENT(tp)
    csrw    mscratch, tp
    .irp register, ra, sp, gp, tp, t0, t1, t2, s0, s1, a2, a3, a4, a5, a6, a7
    li      \register, 0
    .endr
    .irp register, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
    li      \register, 0
    .endr
    mret

    .include "traps.s"
    .include "calls.s"
    .include "harts.s"
    .include "console.s"
    .include "data.s"
`;
