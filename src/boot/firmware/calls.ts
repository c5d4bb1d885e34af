/** Calls from supervisor mode: dispatch, and the extensions base, TIME, SRST, PMU, our own and legacy. */
export const CALLS = String.raw`# Calls from supervisor mode (RISC-V Supervisor Binary Interface Specification 2.0).
    .text
# a7 extension, a6 function, a0 to a5 arguments. The answer goes to the saved a0 and a1.
fw_supervisor_call:
    addi    sp, sp, -16
    sd      ra, 0(sp)
    li      t0, EID_LAST_LEGACY
    bleu    a7, t0, fw_legacy_call
    call    fw_extension_of
    beqz    t1, 1f
    jalr    t1
    j       2f
1:
    li      a0, SBI_ERR_NOT_SUPPORTED
    li      a1, 0
2:
    sd      a1, SAVED_A1(tp)
fw_answer_legacy:
    sd      a0, SAVED_A0(tp)
    ld      ra, 0(sp)
    addi    sp, sp, 16
    ret

# a7: number of an extension -> t1: its calls, or 0.
fw_extension_of:
    la      t0, fw_extensions
1:
    ld      t1, 8(t0)
    beqz    t1, 2f
    ld      t2, 0(t0)
    addi    t0, t0, 16
    bne     t2, a7, 1b
2:
    ret

# Branches to function a6 of a table of 'count' addresses; there are no others.
    .macro  functions table, count
    li      t0, \count
    bgeu    a6, t0, fw_not_supported
    slli    t0, a6, 3
    la      t1, \table
    add     t0, t0, t1
    ld      t0, 0(t0)
    jr      t0
    .endm

fw_not_supported:
    li      a0, SBI_ERR_NOT_SUPPORTED
    li      a1, 0
    ret
fw_invalid_parameter:
    li      a0, SBI_ERR_INVALID_PARAM
    li      a1, 0
    ret
fw_succeed:
    li      a1, 0
fw_succeed_with_a1:
    li      a0, SBI_SUCCESS
    ret

fw_base_call:
    functions fw_base_functions, 7
fw_base_specification:
    li      a1, SPECIFICATION_VERSION
    j       fw_succeed_with_a1
fw_base_implementation:
    li      a1, IMPLEMENTATION_ID
    j       fw_succeed_with_a1
fw_base_implementation_version:
    li      a1, IMPLEMENTATION_VERSION
    j       fw_succeed_with_a1
fw_base_probe:
    li      a1, 1
    li      t0, EID_LAST_LEGACY
    bleu    a0, t0, fw_succeed_with_a1
    mv      a7, a0
    mv      t6, ra
    call    fw_extension_of
    mv      ra, t6
    snez    a1, t1
    j       fw_succeed_with_a1
fw_base_vendor:
    csrr    a1, mvendorid
    j       fw_succeed_with_a1
fw_base_architecture:
    csrr    a1, marchid
    j       fw_succeed_with_a1
fw_base_machine:
    csrr    a1, mimpid
    j       fw_succeed_with_a1

fw_time_call:
    bnez    a6, fw_not_supported
fw_set_timer:
    ld      t0, HAS_STIMECMP(tp)
    beqz    t0, 1f
    csrw    CSR_STIMECMP, a0
    j       fw_succeed
1:
    li      t0, CLINT_MTIMECMP
    ld      t1, HART(tp)
    slli    t1, t1, 3
    add     t0, t0, t1
    sd      a0, 0(t0)
    li      t0, INTERRUPT_STIP
    csrc    mip, t0
    li      t0, INTERRUPT_TIMER
    csrs    mie, t0
    j       fw_succeed

# a0 type: 0 shutdown, 1 cold reboot, 2 warm reboot; a1 reason: 0 none, 1 the system failed.
fw_reset_call:
    bnez    a6, fw_not_supported
    li      t0, 2
    bgtu    a0, t0, fw_invalid_parameter
    li      t0, 1
    bgtu    a1, t0, fw_invalid_parameter
    bnez    a0, 1f
    beqz    a1, fw_legacy_shutdown
    li      a0, (1 << 16) | FINISHER_FAIL
    j       fw_finish
1:
    li      a0, FINISHER_RESET
    j       fw_finish
fw_legacy_shutdown:
    li      a0, FINISHER_PASS
    j       fw_finish

# There are no counters that could be configured: cycle, time and instret are read without the firmware.
fw_pmu_call:
    beqz    a6, fw_succeed
    li      t0, 7
    bgeu    a6, t0, fw_not_supported
    li      t0, 2
    beq     a6, t0, fw_not_supported
    j       fw_invalid_parameter

# Pages that are not ready. a0: physical address of this hart's area, or 0 for none any more; a1: its size in bytes.
fw_async_pages_call:
    bnez    a6, fw_not_supported
    beqz    a0, 1f
    li      t0, ASYNC_PAGES_AREA_BYTES
    bltu    a1, t0, fw_invalid_parameter
    # The firmware's memory is not the caller's.
    li      t0, FIRMWARE_BASE
    sub     t0, a0, t0
    li      t1, FIRMWARE_BYTES
    bltu    t0, t1, fw_invalid_address
1:
    li      t0, ASYNC_PAGES
    ld      t1, HART(tp)
    slli    t1, t1, 3
    add     t0, t0, t1
    sd      a0, 0(t0)
    # The device takes what is RAM and aligned.
    ld      t1, 0(t0)
    bne     t1, a0, fw_invalid_address
    j       fw_succeed

# Calls of SBI 0.1: a7 is the function, only a0 answers.
fw_legacy_call:
    slli    t0, a7, 3
    la      t1, fw_legacy_functions
    add     t0, t0, t1
    ld      t0, 0(t0)
    jalr    t0
    j       fw_answer_legacy

fw_legacy_putchar:
    mv      t6, ra
    call    fw_put_byte
    mv      ra, t6
    j       fw_succeed
# A byte, or -1 when there is none.
fw_legacy_getchar:
    li      t0, UART
    li      a0, -1
    lbu     t1, UART_LSR(t0)
    andi    t1, t1, UART_RECEIVED
    beqz    t1, 1f
    lbu     a0, UART_DATA(t0)
1:
    ret
fw_legacy_clear_ipi:
    li      t0, INTERRUPT_SSIP
    csrc    mip, t0
    j       fw_succeed
# a0: address of the harts, a bit each; 0 means all.
fw_legacy_send_ipi:
    mv      t6, ra
    call    fw_legacy_harts
    mv      ra, t6
    j       fw_send_ipi
# The rest is (harts, start, bytes, space) too, in other registers than today's calls have them.
fw_legacy_fence_instructions:
    li      a6, FENCE_INSTRUCTIONS
    j       1f
fw_legacy_fence_addresses:
    li      a6, FENCE_ADDRESSES
    j       1f
fw_legacy_fence_address_space:
    li      a6, FENCE_ADDRESS_SPACE
1:
    mv      a4, a3
    mv      a3, a2
    mv      a2, a1
    mv      t6, ra
    call    fw_legacy_harts
    mv      ra, t6
    j       fw_remote_fence

# a0: address of a mask in the caller's address space -> a0 mask, a1 base. An address that cannot be read gives no harts.
fw_legacy_harts:
    li      a1, -1
    beqz    a0, 2f
    la      t0, 1f
    sd      t0, RESUME(tp)
    mv      t1, a0
    li      a0, 0
    li      a1, 0
    li      t2, MSTATUS_MPRV
    csrs    mstatus, t2
    ld      a0, 0(t1)
1:
    csrc    mstatus, t2
    sd      zero, RESUME(tp)
2:
    ret
`;
