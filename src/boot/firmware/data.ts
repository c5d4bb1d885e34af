/** The firmware's tables and records. */
export const DATA = String.raw`# Tables, texts, and the records of the harts.
    .section .rodata
    .balign 8
extensions:
    .dword  EID_BASE, base_call
    .dword  EID_TIME, time_call
    .dword  EID_IPI, ipi_call
    .dword  EID_RFENCE, fence_call
    .dword  EID_HSM, hart_call
    .dword  EID_SRST, reset_call
    .dword  EID_DBCN, console_call
    .dword  EID_PMU, pmu_call
    .dword  0, 0
base_functions:
    .dword  base_specification, base_implementation, base_implementation_version, base_probe
    .dword  base_vendor, base_architecture, base_machine
hart_functions:
    .dword  hart_start, hart_stop, hart_status, hart_suspend
console_functions:
    .dword  console_write, console_read, console_write_byte
legacy_functions:
    .dword  set_timer, legacy_putchar, legacy_getchar, legacy_clear_ipi, legacy_send_ipi
    .dword  legacy_fence_instructions, legacy_fence_addresses, legacy_fence_address_space, legacy_shutdown

unexpected_trap:
    .asciz  "Hindcast SBI: a trap that the firmware does not expect: mcause 0x"
with_mepc:
    .asciz  ", mepc 0x"
with_mtval:
    .asciz  ", mtval 0x"
in_hart:
    .asciz  ", hart 0x"
end_of_line:
    .asciz  "\n"

    .data
    .balign 8
hart_count:
    .dword  1
# Every hart begins stopped.
    .balign RECORD_BYTES
hart_records:
    .rept   MAX_HARTS
    .zero   STATE
    .word   HART_STOPPED
    .zero   RECORD_BYTES - STATE - 4
    .endr
`;
