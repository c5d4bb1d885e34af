# Ten ticks of the timer, a tenth of a second each. Between them the hart waits for the next interrupt; an emulator on a
# virtual clock skips that time, on a paced clock it really takes a second.
#
# The timer interrupt is pending as long as mtime >= mtimecmp. So the handler only has to move mtimecmp on.

        .equ    CLINT_MTIMECMP, 0x2004000
        .equ    CLINT_MTIME, 0x200bff8
        .equ    TICK, 1000000           # mtime counts at 10 MHz
        .equ    TICKS, 10
        .equ    MIE_MTIE, 1 << 7        # machine timer interrupt enable
        .equ    MSTATUS_MIE, 1 << 3     # interrupts on
        .equ    CAUSE_TIMER, 7          # with the interrupt bit, the sign of mcause

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0

        li      t0, CLINT_MTIME         # first tick: a tenth of a second from now
        ld      t1, 0(t0)
        li      t2, TICK
        add     t1, t1, t2
        li      t0, CLINT_MTIMECMP
        sd      t1, 0(t0)

        li      t0, MIE_MTIE
        csrs    mie, t0
        csrsi   mstatus, MSTATUS_MIE

        # The handler counts in s1; main prints what is new and sleeps again.
        li      s1, 0
        li      s2, 0
1:      wfi
        beq     s2, s1, 1b
        mv      s2, s1
        la      a0, text_tick
        call    print
        mv      a0, s2
        call    print_number
        li      a0, '\n'
        call    print_char
        li      t0, TICKS
        bltu    s2, t0, 1b

        csrci   mstatus, MSTATUS_MIE
        li      a0, 0
        call    exit

# Interrupts come between any two instructions, so every register that is used here is kept, except s1.
        .balign 4
handler:
        addi    sp, sp, -32
        sd      t0, 0(sp)
        sd      t1, 8(sp)
        sd      t2, 16(sp)
        csrr    t0, mcause
        bgez    t0, unexpected          # an exception, not an interrupt
        andi    t0, t0, 0xff
        li      t1, CAUSE_TIMER
        bne     t0, t1, unexpected

        addi    s1, s1, 1
        li      t0, CLINT_MTIMECMP
        ld      t1, 0(t0)
        li      t2, TICK
        add     t1, t1, t2
        sd      t1, 0(t0)

        ld      t0, 0(sp)
        ld      t1, 8(sp)
        ld      t2, 16(sp)
        addi    sp, sp, 32
        mret
unexpected:
        li      a0, 1
        call    exit

        .include "console.inc"

        .section .rodata
text_tick:      .asciz  "tick "

        .bss
        .balign 16
        .skip   4096
stack_top:
