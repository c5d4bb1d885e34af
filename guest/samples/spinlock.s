# The A extension: a lock taken with amoswap, a counter raised with lr and sc, and the other atomic operations one after
# the other. One hart has nobody to compete with, but a timer interrupt that raises the same counter stands in for one.

        .equ    CLINT_MTIMECMP, 0x2004000
        .equ    CLINT_MTIME, 0x200bff8
        .equ    TICK, 7                 # in units of 100 ns: often
        .equ    MIE_MTIE, 1 << 7
        .equ    MSTATUS_MIE, 1 << 3
        .equ    ROUNDS, 20000

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0
        li      s3, 0                   # s3: interrupts, counted without atomics
        call    set_timer
        li      t0, MIE_MTIE
        csrs    mie, t0
        csrsi   mstatus, MSTATUS_MIE

        li      s1, ROUNDS
1:      la      a0, lock
        call    acquire
        ld      t0, protected           # plain accesses are enough under the lock
        addi    t0, t0, 1
        sd      t0, protected, t1
        la      a0, lock
        call    release
        la      a0, counter
        call    increment
        addi    s1, s1, -1
        bnez    s1, 1b

        csrci   mstatus, MSTATUS_MIE
        ld      a0, protected
        call    print_number
        la      a0, text_protected
        call    print
        ld      a0, counter             # what both sides added, less what the handler added
        sub     a0, a0, s3
        call    print_number
        la      a0, text_counted
        call    print
        beqz    s3, wrong               # then nothing was tested

        la      s1, word
        li      a1, 5
        amoswap.w a0, a1, (s1)          # 100 -> 5
        call    show
        amoadd.w a0, a1, (s1)           # 5 -> 10
        call    show
        li      a1, 6
        amoand.w a0, a1, (s1)           # 10 -> 2
        call    show
        li      a1, 9
        amoor.w a0, a1, (s1)            # 2 -> 11
        call    show
        amoxor.w a0, a1, (s1)           # 11 -> 2
        call    show
        li      a1, 7
        amomax.w a0, a1, (s1)           # 2 -> 7
        call    show
        li      a1, 3
        amomin.w a0, a1, (s1)           # 7 -> 3
        call    show
        li      a1, -1
        amomaxu.w a0, a1, (s1)          # 3 -> 0xffffffff
        call    show
        li      a1, 8
        amominu.w a0, a1, (s1)          # 0xffffffff -> 8; the old value comes sign-extended
        addi    a0, a0, 1               # so that this is 0
        call    show
        lw      a0, 0(s1)
        call    show

        lr.w    t0, (s1)                # a store-conditional without its reservation fails
        sc.w    t0, zero, (s1)
        sc.w    a0, zero, (s1)
        snez    a0, a0
        call    show
        li      a0, '\n'
        call    print_char
        li      a0, 0
        call    exit
wrong:
        li      a0, 1
        call    exit

# acquire(a0: lock): 0 is free, 1 is taken
acquire:
        li      t1, 1
1:      amoswap.w.aq t0, t1, (a0)
        bnez    t0, 1b
        ret

# release(a0: lock)
release:
        amoswap.w.rl zero, zero, (a0)
        ret

# increment(a0: counter): repeats until nobody came in between
increment:
1:      lr.d    t0, (a0)
        addi    t0, t0, 1
        sc.d    t1, t0, (a0)
        bnez    t1, 1b
        ret

show:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        sd      a1, 0(sp)
        call    print_number
        li      a0, ' '
        call    print_char
        ld      ra, 8(sp)
        ld      a1, 0(sp)
        addi    sp, sp, 16
        ret

set_timer:
        li      t0, CLINT_MTIME
        ld      t1, 0(t0)
        addi    t1, t1, TICK
        li      t0, CLINT_MTIMECMP
        sd      t1, 0(t0)
        ret

# The rival: raises the counter, too, whatever the code below was about to do with it.
        .balign 4
handler:
        addi    sp, sp, -32
        sd      t0, 0(sp)
        sd      t1, 8(sp)
        sd      t2, 16(sp)
        sd      ra, 24(sp)
        addi    s3, s3, 1
        la      t0, counter
        li      t1, 1
        amoadd.d zero, t1, (t0)
        la      t0, nothing
        sc.w    zero, t1, (t0)          # gives up whatever was reserved, as a change of context must
        call    set_timer
        ld      t0, 0(sp)
        ld      t1, 8(sp)
        ld      t2, 16(sp)
        ld      ra, 24(sp)
        addi    sp, sp, 32
        mret

        .include "console.inc"

        .section .rodata
text_protected: .asciz  " under the lock, "
text_counted:   .asciz  " with lr and sc\n"

        .data
        .balign 8
counter:        .dword  0
protected:      .dword  0
word:           .word   100
lock:           .word   0
nothing:        .word   0

        .bss
        .balign 16
        .skip   4096
stack_top:
