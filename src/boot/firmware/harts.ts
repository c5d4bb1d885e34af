/** What concerns other harts: IPI, RFENCE and HSM, and how a hart serves what others ask of it. */
export const HARTS = `# Calls that concern other harts.
    .text
# a0 mask, a1 number of its first hart or -1 for all -> a0: the harts, a bit each; or -1: there is no such hart.
fw_select_harts:
    la      t0, fw_hart_count
    lw      t0, 0(t0)
    li      t1, 1
    sll     t1, t1, t0
    addi    t1, t1, -1
    li      t2, -1
    beq     a1, t2, 2f
    bgeu    a1, t0, 1f
    sll     t2, a0, a1
    srl     t0, t2, a1
    bne     t0, a0, 1f
    mv      a0, t2
    not     t1, t1
    and     t1, t1, t2
    bnez    t1, 1f
    ret
1:
    li      a0, -1
    ret
2:
    mv      a0, t1
    ret

# t0: number of a hart -> t1: its record.
    .macro  record_of_t0
    la      t1, fw_hart_records
    slli    t2, t0, RECORD_SHIFT
    add     t1, t1, t2
    .endm

# Makes hart t0 look at its requests; t2 is lost.
    .macro  notify_t0
    fence   rw, rw
    slli    t2, t0, 2
    li      t3, CLINT
    add     t2, t2, t3
    li      t3, 1
    sw      t3, 0(t2)
    .endm

fw_ipi_call:
    bnez    a6, fw_not_supported
fw_send_ipi:
    addi    sp, sp, -16
    sd      ra, 0(sp)
    call    fw_select_harts
    ld      ra, 0(sp)
    addi    sp, sp, 16
    bltz    a0, fw_invalid_parameter
    li      t0, 0
    ld      t4, HART(tp)
1:
    beqz    a0, fw_succeed
    andi    t1, a0, 1
    srli    a0, a0, 1
    beqz    t1, 3f
    beq     t0, t4, 2f
    record_of_t0
    addi    t1, t1, REQUESTS
    li      t2, REQUEST_SOFTWARE_INTERRUPT
    amoor.w.aqrl zero, t2, (t1)
    notify_t0
    j       3f
2:
    li      t2, INTERRUPT_SSIP
    csrs    mip, t2
3:
    addi    t0, t0, 1
    j       1b

# a6: instructions, addresses, or addresses of an address space; those of guests (3 to 6) need the hypervisor extension.
fw_fence_call:
    li      t0, FENCE_ADDRESS_SPACE
    bgtu    a6, t0, fw_not_supported
# a0, a1 harts; a2 first address, a3 bytes, a4 address space.
fw_remote_fence:
    addi    sp, sp, -32
    sd      ra, 0(sp)
    call    fw_select_harts
    bltz    a0, 9f
    sd      a6, FENCE_KIND(tp)
    sd      a2, FENCE_START(tp)
    sd      a3, FENCE_BYTES(tp)
    sd      a4, FENCE_ASID(tp)
    mv      s0, a0
    ld      s1, HART(tp)
    li      s2, 1
    sll     s2, s2, s1
    # Others begin while this hart does its own.
    not     t0, s2
    and     s3, s0, t0
    li      t0, 0
1:
    srl     t1, s3, t0
    beqz    t1, 3f
    andi    t1, t1, 1
    beqz    t1, 2f
    record_of_t0
    # Stopped harts have nothing to forget: they fence when they start.
    lw      t2, STATE(t1)
    andi    t2, t2, ~HART_SUSPENDED
    bnez    t2, 2f
    li      t2, 1
    sll     t2, t2, t0
    addi    t3, tp, FENCE_PENDING
    amoor.w.aqrl zero, t2, (t3)
    addi    t1, t1, FENCES_ASKED
    amoor.w.aqrl zero, s2, (t1)
    notify_t0
2:
    addi    t0, t0, 1
    j       1b
3:
    and     t0, s0, s2
    beqz    t0, 4f
    mv      a0, tp
    call    fw_perform_fence
    # Two harts may wait for each other: each serves the other meanwhile.
4:
    call    fw_serve_requests
    lw      t0, FENCE_PENDING(tp)
    beqz    t0, 5f
    wfi
    j       4b
5:
    ld      ra, 0(sp)
    addi    sp, sp, 32
    j       fw_succeed
9:
    ld      ra, 0(sp)
    addi    sp, sp, 32
    j       fw_invalid_parameter

# Does what other harts have asked for -> a0: the requests that it took.
fw_serve_requests:
    addi    sp, sp, -48
    sd      ra, 0(sp)
    sd      s0, 8(sp)
    sd      s1, 16(sp)
    sd      s2, 24(sp)
    # The interrupt goes down first: whoever asks after this raises it again.
    ld      s2, HART(tp)
    slli    t0, s2, 2
    li      t1, CLINT
    add     t0, t0, t1
    sw      zero, 0(t0)
    fence   iorw, iorw
    addi    t0, tp, REQUESTS
    amoswap.w.aqrl t1, zero, (t0)
    sd      t1, 32(sp)
    andi    t1, t1, REQUEST_SOFTWARE_INTERRUPT
    beqz    t1, 1f
    li      t1, INTERRUPT_SSIP
    csrs    mip, t1
1:
    addi    t0, tp, FENCES_ASKED
    amoswap.w.aqrl s0, zero, (t0)
    li      s1, 0
2:
    beqz    s0, 4f
    andi    t0, s0, 1
    srli    s0, s0, 1
    beqz    t0, 3f
    mv      t0, s1
    record_of_t0
    mv      a0, t1
    call    fw_perform_fence
    # Done: the last to say so wakes the hart that waits.
    mv      t0, s1
    record_of_t0
    addi    t1, t1, FENCE_PENDING
    li      t2, 1
    sll     t2, t2, s2
    not     t3, t2
    amoand.w.aqrl t3, t3, (t1)
    bne     t3, t2, 3f
    notify_t0
3:
    addi    s1, s1, 1
    j       2b
4:
    lw      a0, 32(sp)
    ld      ra, 0(sp)
    ld      s0, 8(sp)
    ld      s1, 16(sp)
    ld      s2, 24(sp)
    addi    sp, sp, 48
    ret

# a0: the record in which the fence stands.
fw_perform_fence:
    ld      t0, FENCE_KIND(a0)
    bnez    t0, 1f
    fence.i
    ret
1:
    ld      t1, FENCE_START(a0)
    ld      t2, FENCE_BYTES(a0)
    ld      t3, FENCE_ASID(a0)
    addi    t0, t0, -FENCE_ADDRESSES
    # All addresses: (0, 0), or as many bytes as there are. Many: not one by one.
    or      t4, t1, t2
    beqz    t4, 3f
    li      t4, MOST_PAGES_FENCED << PAGE_SHIFT
    bgtu    t2, t4, 3f
    add     t2, t2, t1
    srli    t1, t1, PAGE_SHIFT
    slli    t1, t1, PAGE_SHIFT
    li      t4, 1 << PAGE_SHIFT
2:
    bgeu    t1, t2, 5f
    bnez    t0, 6f
    sfence.vma t1, zero
    j       7f
6:
    sfence.vma t1, t3
7:
    add     t1, t1, t4
    j       2b
3:
    bnez    t0, 4f
    sfence.vma zero, zero
    ret
4:
    sfence.vma zero, t3
5:
    ret

fw_hart_call:
    functions fw_hart_functions, 4

# a0 hart, a1 address, a2 argument.
fw_hart_start:
    la      t0, fw_hart_count
    lw      t0, 0(t0)
    bgeu    a0, t0, fw_invalid_parameter
    # The firmware's own memory is nobody's to run.
    li      t0, FIRMWARE_BASE
    sub     t0, a1, t0
    li      t1, FIRMWARE_BYTES
    bltu    t0, t1, fw_invalid_address
    andi    t0, a1, 1
    bnez    t0, fw_invalid_address
    mv      t0, a0
    record_of_t0
    addi    t4, t1, STATE
1:
    lr.w.aqrl t2, (t4)
    li      t3, HART_STOPPED
    bne     t2, t3, fw_already_available
    li      t3, HART_START_PENDING
    sc.w.aqrl t2, t3, (t4)
    bnez    t2, 1b
    sd      a1, START_ADDRESS(t1)
    sd      a2, START_ARGUMENT(t1)
    addi    t1, t1, REQUESTS
    li      t2, REQUEST_START
    amoor.w.aqrl zero, t2, (t1)
    notify_t0
    j       fw_succeed
fw_already_available:
    li      a0, SBI_ERR_ALREADY_AVAILABLE
    li      a1, 0
    ret
fw_invalid_address:
    li      a0, SBI_ERR_INVALID_ADDRESS
    li      a1, 0
    ret

# Does not return.
fw_hart_stop:
    csrw    satp, zero
    li      t0, HART_STOPPED
    fence   rw, rw
    sw      t0, STATE(tp)
    j       fw_wait_for_start

fw_hart_status:
    la      t0, fw_hart_count
    lw      t0, 0(t0)
    bgeu    a0, t0, fw_invalid_parameter
    mv      t0, a0
    record_of_t0
    lw      a1, STATE(t1)
    j       fw_succeed_with_a1

# a0 kind, a1 where to go on, a2 argument. Sleeps until an interrupt is there that is enabled in mie, as sie sees it.
fw_hart_suspend:
    slli    a0, a0, 32
    srli    a0, a0, 32
    beqz    a0, 1f
    li      t0, SUSPEND_NON_RETENTIVE
    bne     a0, t0, fw_invalid_parameter
    andi    t0, a1, 1
    bnez    t0, fw_invalid_address
1:
    addi    sp, sp, -32
    sd      ra, 0(sp)
    sd      a0, 8(sp)
    sd      a1, START_ADDRESS(tp)
    sd      a2, START_ARGUMENT(tp)
    li      t0, HART_SUSPENDED
    sw      t0, STATE(tp)
2:
    call    fw_serve_requests
    csrr    t0, mip
    csrr    t1, mie
    and     t0, t0, t1
    andi    t0, t0, ~INTERRUPT_SOFTWARE
    bnez    t0, 3f
    wfi
    j       2b
3:
    ld      t0, 8(sp)
    bnez    t0, 4f
    li      t0, HART_STARTED
    sw      t0, STATE(tp)
    ld      ra, 0(sp)
    addi    sp, sp, 32
    j       fw_succeed
    # Interrupts that are enabled or due stay so; everything else begins anew.
4:
    j       fw_enter_supervisor
`;
