/** Numbers of the firmware: the board's addresses, CSRs, the SBI specification's constants, the layout of a hart's record. */
export const DEFINITIONS = String.raw`# Numbers that the firmware shares. The board's addresses are those of memory-map.ts.
    .equ    FIRMWARE_BASE, 0x80000000
    .equ    FIRMWARE_BYTES, 0x10000
    .equ    KERNEL_BASE, 0x80200000
    .equ    FINISHER, 0x100000
    .equ    FINISHER_FAIL, 0x3333
    .equ    FINISHER_PASS, 0x5555
    .equ    FINISHER_RESET, 0x7777
    .equ    ASYNC_PAGES, 0x102000
    .equ    ASYNC_PAGES_AREA_BYTES, 128
    .equ    CLINT, 0x2000000
    .equ    CLINT_BYTES, 0x10000
    .equ    CLINT_MTIMECMP, CLINT + 0x4000
    .equ    UART, 0x10000000
    .equ    UART_DATA, 0
    .equ    UART_IER, 1
    .equ    UART_LCR, 3
    .equ    UART_LSR, 5
    .equ    UART_EIGHT_BITS, 3
    .equ    UART_RECEIVED, 1
    .equ    UART_CAN_SEND, 1 << 5
    .equ    MAX_HARTS, 8

# struct fw_dynamic_info (OpenSBI, docs/firmware/fw_dynamic.md)
    .equ    DYNAMIC_MAGIC, 0x4942534f
    .equ    DYNAMIC_INFO_MAGIC, 0
    .equ    DYNAMIC_INFO_NEXT, 16

# CSRs by number: not every assembler knows their names.
    .equ    CSR_STIMECMP, 0x14d
    .equ    CSR_MENVCFG, 0x30a
    .equ    CSR_PMPCFG0, 0x3a0
    .equ    CSR_PMPADDR0, 0x3b0
    .equ    CSR_PMPADDR1, 0x3b1
    .equ    CSR_PMPADDR2, 0x3b2

    .equ    MSTATUS_SIE, 1 << 1
    .equ    MSTATUS_SPIE, 1 << 5
    .equ    MSTATUS_SPP, 1 << 8
    .equ    MSTATUS_VS, 3 << 9
    .equ    MSTATUS_MPP, 3 << 11
    .equ    MSTATUS_MPP_SUPERVISOR, 1 << 11
    .equ    MSTATUS_FS, 3 << 13
    .equ    MSTATUS_MPRV, 1 << 17
    .equ    MSTATUS_SUM, 1 << 18
    .equ    MSTATUS_MXR, 1 << 19
    .equ    MSTATUS_OF_SUPERVISOR, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR

    .equ    INTERRUPT_SSIP, 1 << 1
    .equ    INTERRUPT_SOFTWARE, 1 << 3
    .equ    INTERRUPT_STIP, 1 << 5
    .equ    INTERRUPT_TIMER, 1 << 7
    .equ    INTERRUPT_SEIP, 1 << 9
    .equ    INTERRUPTS_OF_SUPERVISOR, INTERRUPT_SSIP | INTERRUPT_STIP | INTERRUPT_SEIP | 1 << 13
    .equ    CAUSE_SUPERVISOR_ECALL, 9
    .equ    CODE_SOFTWARE, 3
    .equ    CODE_TIMER, 7

# cycle, time and instret
    .equ    COUNTERS_FOR_USER, 7
# menvcfg: cache-block operations of any kind, hardware updates of A and D, page-based memory types, stimecmp; a hart keeps
# the bits of what it has.
    .equ    ENVIRONMENT, (15 << 4) | (7 << 61)

    .equ    PMP_RWX, 7
    .equ    PMP_NAPOT, 3 << 3
# Ranges of a power of two: the address without two bits, and as many ones below as say its size.
    .equ    FIRMWARE_RANGE, (FIRMWARE_BASE >> 2) | ((FIRMWARE_BYTES >> 3) - 1)
    .equ    CLINT_RANGE, (CLINT >> 2) | ((CLINT_BYTES >> 3) - 1)

# SBI: what calls answer
    .equ    SBI_SUCCESS, 0
    .equ    SBI_ERR_FAILED, -1
    .equ    SBI_ERR_NOT_SUPPORTED, -2
    .equ    SBI_ERR_INVALID_PARAM, -3
    .equ    SBI_ERR_INVALID_ADDRESS, -5
    .equ    SBI_ERR_ALREADY_AVAILABLE, -6

# SBI: extensions
    .equ    EID_BASE, 0x10
    .equ    EID_TIME, 0x54494d45
    .equ    EID_IPI, 0x735049
    .equ    EID_RFENCE, 0x52464e43
    .equ    EID_HSM, 0x48534d
    .equ    EID_SRST, 0x53525354
    .equ    EID_DBCN, 0x4442434e
    .equ    EID_PMU, 0x504d55
# The first of those that vendors are free to use; docs/async-pages.md.
    .equ    EID_ASYNC_PAGES, 0x9000000
    .equ    EID_LAST_LEGACY, 8

    .equ    SPECIFICATION_VERSION, 2 << 24
# No number is assigned to this implementation: "HIND".
    .equ    IMPLEMENTATION_ID, 0x48494e44
    .equ    IMPLEMENTATION_VERSION, 1

# SBI: states of a hart (HSM)
    .equ    HART_STARTED, 0
    .equ    HART_STOPPED, 1
    .equ    HART_START_PENDING, 2
    .equ    HART_SUSPENDED, 4
    .equ    SUSPEND_RETENTIVE, 0
    .equ    SUSPEND_NON_RETENTIVE, 0x80000000

# What one hart asks of another, in REQUESTS.
    .equ    REQUEST_SOFTWARE_INTERRUPT, 1
    .equ    REQUEST_START, 2

# A hart's record: the registers it had when it trapped (x1 to x31 at 8 times their number), then:
    .equ    SAVED_RA, 8
    .equ    SAVED_SP, 16
    .equ    SAVED_TP, 32
    .equ    SAVED_A0, 80
    .equ    SAVED_A1, 88
    .equ    SAVED_EPC, 256
    .equ    SAVED_STATUS, 264
    .equ    HART, 272
    .equ    STATE, 280
    .equ    REQUESTS, 284
# Harts that wait until this one has done the fence that stands in their records, a bit each.
    .equ    FENCES_ASKED, 288
# The fence that this hart asks others for, and the harts that have not done it yet.
    .equ    FENCE_PENDING, 292
    .equ    FENCE_KIND, 296
    .equ    FENCE_START, 304
    .equ    FENCE_BYTES, 312
    .equ    FENCE_ASID, 320
    .equ    START_ADDRESS, 328
    .equ    START_ARGUMENT, 336
# Where to go on when an access that may fault does; 0: a fault is the firmware's own.
    .equ    RESUME, 344
    .equ    HAS_STIMECMP, 352
# The rest is the hart's stack in the firmware.
    .equ    RECORD_SHIFT, 10
    .equ    RECORD_BYTES, 1 << RECORD_SHIFT

    .equ    FENCE_INSTRUCTIONS, 0
    .equ    FENCE_ADDRESSES, 1
    .equ    FENCE_ADDRESS_SPACE, 2
# More pages than this are forgotten all at once.
    .equ    MOST_PAGES_FENCED, 16
    .equ    PAGE_SHIFT, 12

# An instruction that some harts do not have: t1 is lost, and mtvec is for the caller to set again.
    .macro  optional instruction:vararg
    la      t1, 7f
    csrw    mtvec, t1
    \instruction
    .balign 4
7:
    .endm
`;
