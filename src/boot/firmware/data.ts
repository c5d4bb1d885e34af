/** The firmware's tables and records. */
export const DATA = String.raw`# Tables, texts, and the records of the harts.
    .section .rodata
    .balign 8
fw_extensions:
    .dword  EID_BASE, fw_base_call
    .dword  EID_TIME, fw_time_call
    .dword  EID_IPI, fw_ipi_call
    .dword  EID_RFENCE, fw_fence_call
    .dword  EID_HSM, fw_hart_call
    .dword  EID_SRST, fw_reset_call
    .dword  EID_DBCN, fw_console_call
    .dword  EID_PMU, fw_pmu_call
    .dword  EID_ASYNC_PAGES, fw_async_pages_call
    .dword  0, 0
fw_base_functions:
    .dword  fw_base_specification, fw_base_implementation, fw_base_implementation_version, fw_base_probe
    .dword  fw_base_vendor, fw_base_architecture, fw_base_machine
fw_hart_functions:
    .dword  fw_hart_start, fw_hart_stop, fw_hart_status, fw_hart_suspend
fw_console_functions:
    .dword  fw_console_write, fw_console_read, fw_console_write_byte
fw_legacy_functions:
    .dword  fw_set_timer, fw_legacy_putchar, fw_legacy_getchar, fw_legacy_clear_ipi, fw_legacy_send_ipi
    .dword  fw_legacy_fence_instructions, fw_legacy_fence_addresses, fw_legacy_fence_address_space, fw_legacy_shutdown

# What is called by address only: who looks at a stack could not know it for functions.
    .irp    name, base, time, ipi, fence, hart, reset, console, pmu, async_pages
    .type   fw_\name\()_call, @function
    .endr
    .irp    name, putchar, getchar, clear_ipi, send_ipi, fence_instructions, fence_addresses, fence_address_space, shutdown
    .type   fw_legacy_\name, @function
    .endr
    .irp    name, trap_entry, trap_in_firmware, stop_machine, set_timer, hart_start, hart_stop, hart_status, hart_suspend
    .type   fw_\name, @function
    .endr
    .irp    name, console_write, console_read, console_write_byte
    .type   fw_\name, @function
    .endr

fw_unexpected_trap:
    .asciz  "Hindcast SBI: a trap that the firmware does not expect: mcause 0x"
fw_with_mepc:
    .asciz  ", mepc 0x"
fw_with_mtval:
    .asciz  ", mtval 0x"
fw_in_hart:
    .asciz  ", hart 0x"
fw_end_of_line:
    .asciz  "\n"

    .data
    .balign 8
fw_hart_count:
    .dword  1
# Every hart begins stopped.
    .balign RECORD_BYTES
fw_hart_records:
    .rept   MAX_HARTS
    .zero   STATE
    .word   HART_STOPPED
    .zero   RECORD_BYTES - STATE - 4
    .endr
`;
