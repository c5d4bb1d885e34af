/** The console: the DBCN extension, and what the firmware itself has to say. */
export const CONSOLE = `# The console.
    .text
fw_console_call:
    functions fw_console_functions, 3

# a0 bytes, a1 and a2 the physical address (low and high half) -> t1 the first, t2 behind the last; or it answers itself.
    .macro  buffer
    bnez    a2, fw_invalid_parameter
    add     t2, a0, a1
    bltu    t2, a1, fw_invalid_parameter
    # The firmware's memory is not the caller's.
    li      t0, FIRMWARE_BASE + FIRMWARE_BYTES
    bgeu    a1, t0, 8f
    li      t0, FIRMWARE_BASE
    bltu    t0, t2, fw_invalid_parameter
8:
    mv      t1, a1
    .endm

# Waits until the console has taken everything.
fw_console_write:
    buffer
    mv      t6, ra
    la      t0, fw_buffer_done
    sd      t0, RESUME(tp)
1:
    bgeu    t1, t2, fw_buffer_done
    lbu     a0, 0(t1)
    call    fw_put_byte
    addi    t1, t1, 1
    j       1b
# A fault leads here too, and has cleared RESUME: an error when not even the first byte could be had.
fw_buffer_done:
    ld      t0, RESUME(tp)
    sd      zero, RESUME(tp)
    mv      ra, t6
    bnez    t0, 1f
    beq     t1, a1, fw_invalid_parameter
1:
    sub     a1, t1, a1
    j       fw_succeed_with_a1

# Takes what is there, at most as much as fits.
fw_console_read:
    buffer
    mv      t6, ra
    la      t0, fw_buffer_done
    sd      t0, RESUME(tp)
    li      t3, UART
1:
    bgeu    t1, t2, fw_buffer_done
    # An address that cannot be written must not cost a byte of input.
    lbu     t4, 0(t1)
    sb      t4, 0(t1)
    lbu     t4, UART_LSR(t3)
    andi    t4, t4, UART_RECEIVED
    beqz    t4, fw_buffer_done
    lbu     t4, UART_DATA(t3)
    sb      t4, 0(t1)
    addi    t1, t1, 1
    j       1b

fw_console_write_byte:
    mv      t6, ra
    call    fw_put_byte
    mv      ra, t6
    j       fw_succeed

# a0: a byte. t4 and t5 are lost.
fw_put_byte:
    li      t4, UART
1:
    lbu     t5, UART_LSR(t4)
    andi    t5, t5, UART_CAN_SEND
    beqz    t5, 1b
    sb      a0, UART_DATA(t4)
    ret

# a0: text that ends with a zero byte.
fw_print:
    mv      t0, ra
    mv      t1, a0
1:
    lbu     a0, 0(t1)
    beqz    a0, 2f
    call    fw_put_byte
    addi    t1, t1, 1
    j       1b
2:
    jr      t0

# a0: a number, printed as 16 hexadecimal digits.
fw_print_number:
    mv      t0, ra
    mv      t1, a0
    li      t2, 60
1:
    srl     a0, t1, t2
    andi    a0, a0, 15
    li      t3, 10
    bltu    a0, t3, 2f
    addi    a0, a0, 'a' - '0' - 10
2:
    addi    a0, a0, '0'
    call    fw_put_byte
    addi    t2, t2, -4
    bgez    t2, 1b
    jr      t0
`;
