# Echoes what is typed, in capitals, until `q`. The hart sleeps in wfi; the UART wakes it through the PLIC when bytes
# have come. Nothing polls.
#
# The way of an interrupt: the UART raises its line when a byte waits and IER allows it; the PLIC passes line 10 on to
# machine mode of hart 0 when its priority is above the threshold; the hart takes it when mie and mstatus allow. The
# handler claims it from the PLIC, reads the byte (which lowers the line), and tells the PLIC that it is done.

        .equ    UART, 0x10000000
        .equ    UART_RBR, 0             # receive buffer
        .equ    UART_IER, 1             # interrupt enable
        .equ    UART_LSR, 5             # line status; bit 0: a byte waits
        .equ    IER_RX_AVAILABLE, 1

        .equ    PLIC, 0xc000000
        .equ    PLIC_PRIORITY, PLIC     # one word a source
        .equ    PLIC_ENABLE, PLIC + 0x2000      # hart 0, machine mode: one bit a source
        .equ    PLIC_THRESHOLD, PLIC + 0x200000
        .equ    PLIC_CLAIM, PLIC + 0x200004     # read to claim, write to complete
        .equ    UART_IRQ, 10

        .equ    MIE_MEIE, 1 << 11       # machine external interrupt enable
        .equ    MSTATUS_MIE, 1 << 3

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0

        li      t0, PLIC_PRIORITY + 4 * UART_IRQ
        li      t1, 1
        sw      t1, 0(t0)
        li      t0, PLIC_ENABLE
        li      t1, 1 << UART_IRQ
        sw      t1, 0(t0)
        li      t0, PLIC_THRESHOLD
        sw      zero, 0(t0)
        li      t0, UART
        li      t1, IER_RX_AVAILABLE
        sb      t1, UART_IER(t0)

        la      a0, text_welcome
        call    print
        li      t0, MIE_MEIE
        csrs    mie, t0

        # Interrupts stay off in mstatus while `finished` is looked at: one that came between the look and the wfi would
        # be slept through. wfi wakes for a pending interrupt all the same; it is taken when they are on for a moment.
1:      lw      t0, finished
        bnez    t0, 2f
        wfi
        csrsi   mstatus, MSTATUS_MIE
        csrci   mstatus, MSTATUS_MIE
        j       1b
2:      la      a0, text_goodbye
        call    print
        li      a0, 0
        call    exit

        .balign 4
handler:
        addi    sp, sp, -48
        sd      t0, 0(sp)
        sd      t1, 8(sp)
        sd      t2, 16(sp)
        sd      t3, 24(sp)
        sd      t4, 32(sp)

        csrr    t0, mcause
        bgez    t0, unexpected
        li      t0, PLIC_CLAIM
        lw      t4, 0(t0)               # t4: which source; 0 when there is none
        li      t1, UART_IRQ
        bne     t4, t1, 4f

        li      t0, UART
1:      lbu     t1, UART_LSR(t0)        # everything that waits
        andi    t1, t1, 1
        beqz    t1, 3f
        lbu     t2, UART_RBR(t0)
        li      t1, 'q'
        bne     t2, t1, 2f
        li      t3, 1
        sw      t3, finished, t1
        j       3f
2:      addi    t1, t2, -'a'            # capitals for small letters
        li      t3, 26
        bgeu    t1, t3, 5f
        addi    t2, t2, 'A' - 'a'
5:      sb      t2, UART_RBR(t0)
        li      t1, 'M' - '@'           # a terminal sends a carriage return for Enter
        bne     t2, t1, 1b
        li      t2, '\n'
        sb      t2, UART_RBR(t0)
        j       1b

3:      li      t0, PLIC_CLAIM
        sw      t4, 0(t0)
4:      ld      t0, 0(sp)
        ld      t1, 8(sp)
        ld      t2, 16(sp)
        ld      t3, 24(sp)
        ld      t4, 32(sp)
        addi    sp, sp, 48
        mret
unexpected:
        li      a0, 1
        call    exit

        .include "console.inc"

        .section .rodata
text_welcome:   .asciz  "type, and q to quit\n"
text_goodbye:   .asciz  "\ngoodbye\n"

        .data
        .balign 4
finished:       .word   0

        .bss
        .balign 16
        .skip   4096
stack_top:
