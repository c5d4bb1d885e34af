/** Traps into the firmware: calls, interrupts of machine mode, and what nobody expects. */
export const TRAPS = String.raw`# Traps to machine mode.
    .text
    .balign 4
fw_trap_entry:
    csrrw   tp, mscratch, tp
    beqz    tp, fw_trap_in_firmware
    .irp    number, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 28, 29, 30, 31
    sd      x\number, 8*\number(tp)
    .endr
    csrrw   t0, mscratch, zero
    sd      t0, SAVED_TP(tp)
    csrr    t0, mepc
    sd      t0, SAVED_EPC(tp)
    csrr    t0, mstatus
    sd      t0, SAVED_STATUS(tp)
    addi    sp, tp, RECORD_BYTES
    csrr    t0, mcause
    bltz    t0, fw_interrupt
    li      t1, CAUSE_SUPERVISOR_ECALL
    bne     t0, t1, fw_hand_to_supervisor
    ld      t0, SAVED_EPC(tp)
    addi    t0, t0, 4
    sd      t0, SAVED_EPC(tp)
    call    fw_supervisor_call

fw_return_from_trap:
    ld      t0, SAVED_EPC(tp)
    csrw    mepc, t0
    ld      t0, SAVED_STATUS(tp)
    csrw    mstatus, t0
    .irp    number, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 28, 29, 30, 31
    ld      x\number, 8*\number(tp)
    .endr
    csrw    mscratch, tp
    ld      tp, SAVED_TP(tp)
    mret

fw_interrupt:
    slli    t0, t0, 1
    srli    t0, t0, 1
    li      t1, CODE_SOFTWARE
    beq     t0, t1, fw_software_interrupt
    li      t1, CODE_TIMER
    bne     t0, t1, fw_stop_machine
    # The timer of supervisor mode is due. Its next set_timer asks for this interrupt again.
    li      t0, INTERRUPT_TIMER
    csrc    mie, t0
    li      t0, INTERRUPT_STIP
    csrs    mip, t0
    j       fw_return_from_trap
fw_software_interrupt:
    call    fw_serve_requests
    j       fw_return_from_trap

# An exception that could not be delegated is handed to supervisor mode as if it had been.
fw_hand_to_supervisor:
    csrw    scause, t0
    csrr    t0, mtval
    csrw    stval, t0
    ld      t0, SAVED_EPC(tp)
    csrw    sepc, t0
    ld      t0, SAVED_STATUS(tp)
    # SPP: where the trap came from.
    li      t1, MSTATUS_SPP | MSTATUS_SPIE
    not     t1, t1
    and     t1, t1, t0
    srli    t2, t0, 11
    andi    t2, t2, 1
    slli    t2, t2, 8
    or      t1, t1, t2
    # SPIE: whether interrupts were enabled.
    andi    t2, t0, MSTATUS_SIE
    slli    t2, t2, 4
    or      t1, t1, t2
    andi    t1, t1, ~MSTATUS_SIE
    li      t2, MSTATUS_MPP_SUPERVISOR
    or      t1, t1, t2
    sd      t1, SAVED_STATUS(tp)
    csrr    t0, stvec
    andi    t0, t0, ~3
    sd      t0, SAVED_EPC(tp)
    j       fw_return_from_trap

# An access for a caller that turned out not to be possible goes on at RESUME; t0 is lost.
fw_trap_in_firmware:
    csrrw   tp, mscratch, tp
    ld      t0, RESUME(tp)
    beqz    t0, fw_stop_machine
    sd      zero, RESUME(tp)
    csrw    mepc, t0
    mret

# The firmware is at its end: says why, and stops the machine.
fw_stop_machine:
    la      a0, fw_unexpected_trap
    call    fw_print
    csrr    a0, mcause
    call    fw_print_number
    la      a0, fw_with_mepc
    call    fw_print
    csrr    a0, mepc
    call    fw_print_number
    la      a0, fw_with_mtval
    call    fw_print
    csrr    a0, mtval
    call    fw_print_number
    la      a0, fw_in_hart
    call    fw_print
    csrr    a0, mhartid
    call    fw_print_number
    la      a0, fw_end_of_line
    call    fw_print
    li      a0, (1 << 16) | FINISHER_FAIL

# a0: what the finisher is told. There is nothing after it.
fw_finish:
    li      t0, FINISHER
    sw      a0, 0(t0)
1:
    wfi
    j       1b
`;
