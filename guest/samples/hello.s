# Prints a line and ends well: the smallest complete program.
#
# The board starts a bare program at _start, in machine mode, with nothing set up. Output is a store to the UART's
# transmit register; a store to the test finisher switches the machine off.

        .equ    UART, 0x10000000        # 16550: the byte written here goes out
        .equ    FINISHER, 0x100000
        .equ    PASS, 0x5555            # ends the machine with exit code 0

        .text
        .globl  _start
_start:
        la      a0, greeting
        li      t0, UART
next:   lbu     t1, 0(a0)               # one byte after the other, up to the NUL
        beqz    t1, done
        sb      t1, 0(t0)
        addi    a0, a0, 1
        j       next

done:   li      t0, FINISHER
        li      t1, PASS
        sw      t1, 0(t0)
halt:   j       halt                    # never reached

        .section .rodata
greeting:
        .asciz  "Hello, RISC-V!\n"
