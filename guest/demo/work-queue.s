# The work queue of a print shop, and Hindcast's demo.
#
# Orders come in and wait in a queue; later they are worked off one by one. Jobs and their messages live in blocks of a
# small heap. Most of the time six orders wait at once. In a rush hour, every fortieth round, there are some twenty.
#
# The program gets through its first thousand orders without a fault. Then, in the middle of a rush hour, it dies of a
# load access fault in heap_alloc, a routine that has not changed in years. The fault is not there: one of the routines
# below writes eight bytes past the end of its block, in a rare case only, and nothing notices for millions of steps.
#
#   npm start            runs this program, and searches back from the trap to the instruction that did it
#   F5 in the editor     stops at the trap; "Reverse" with a data breakpoint on the damaged word does the rest
#
# How the search goes: the trap is at `lwu t2, BLOCK_SIZE(t1)` in heap_alloc. The bad pointer in t1 was loaded two
# instructions before, from the link of the block in t0. Who wrote that word last?
#
# Bare metal, machine mode. UART at 0x10000000 for the console, test finisher at 0x100000 for the exit code.

        .equ    UART, 0x10000000
        .equ    FINISHER, 0x100000
        .equ    FINISHER_PASS, 0x5555
        .equ    FINISHER_FAIL, 0x3333   # with the exit code in the upper half

        .equ    EXIT_OUT_OF_MEMORY, 1
        .equ    EXIT_BAD_SEAL, 2
        .equ    EXIT_TRAP, 3

        .equ    ROUNDS, 400
        .equ    RUSH_HOUR, 40           # every so many rounds
        .equ    ORDERS_NORMAL, 6
        .equ    ORDERS_RUSH, 24         # at most; as many as the catalogue has items

# A block of the heap: a header, then what its owner keeps in it. The blocks are a chain from the lowest address to
# the highest. A link is written once, when the block is made.
        .equ    BLOCK_NEXT, 0           # the next block; 0 in the last one
        .equ    BLOCK_SIZE, 8           # bytes that the owner may use
        .equ    BLOCK_USED, 12          # 1 while it has an owner
        .equ    BLOCK_HEADER, 16
        .equ    HEAP_BYTES, 16384

# A job in the queue.
        .equ    JOB_NEXT, 0
        .equ    JOB_HANDLER, 8          # what to do: called with the job in a0
        .equ    JOB_MESSAGE, 16         # the text of the order, sealed with a checksum
        .equ    JOB_LENGTH, 24          # of the text, without its NUL
        .equ    JOB_NUMBER, 32
        .equ    JOB_BYTES, 40

        .equ    FNV_BASIS, 0xcbf29ce484222325
        .equ    FNV_PRIME, 0x100000001b3

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, trap_entry
        csrw    mtvec, t0
        li      s0, 0                   # the outermost frame has no caller
        call    main
        li      t0, FINISHER
        li      t1, FINISHER_PASS
        sw      t1, 0(t0)
1:      j       1b

# ---------------------------------------------------------------------------------------------------------------------
# main: takes orders and works them off, round by round.
        .type   main, @function
main:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        addi    s0, sp, 32

        la      a0, text_open
        call    print
        li      s1, 1                   # s1: the round
1:      li      t0, RUSH_HOUR
        remu    t1, s1, t0
        beqz    t1, 2f
        li      a0, ORDERS_NORMAL
        call    take_orders
        j       3f
2:      divu    a0, s1, t0
        call    rush_hour
3:      call    work_off
        addi    s1, s1, 1
        li      t0, ROUNDS
        ble     s1, t0, 1b
        la      a0, text_closed
        call    print

        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   main, .-main

# rush_hour(a0: its number, from one): twenty to twenty-four orders; every other rush hour ends with a wedding.
        .type   rush_hour, @function
rush_hour:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        addi    s0, sp, 32

        mv      s1, a0
        call    report
        addi    t0, s1, -1
        li      t1, 5
        remu    t0, t0, t1
        li      a0, ORDERS_RUSH
        sub     a0, a0, t0
        call    take_orders
        andi    t0, s1, 1
        bnez    t0, 1f
        la      a0, text_wedding
        la      a1, handle_print
        call    order_submit
1:
        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   rush_hour, .-rush_hour

# report(a0: number of the rush hour): one line about how things stand.
        .type   report, @function
report:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        addi    s0, sp, 32

        mv      a1, a0
        la      a0, text_rush
        call    print_with_number
        ld      a1, orders_taken
        la      a0, text_orders
        call    print_with_number
        ld      a1, ink_used
        la      a0, text_ink
        call    print_with_number
        la      a0, text_line_end
        call    print

        ld      ra, 24(sp)
        ld      s0, 16(sp)
        addi    sp, sp, 32
        ret
        .size   report, .-report

# ---------------------------------------------------------------------------------------------------------------------
# The queue.

# take_orders(a0: count): puts that many orders into the queue, each for the next item of the catalogue.
        .type   take_orders, @function
take_orders:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        sd      s2, 0(sp)
        addi    s0, sp, 32

        mv      s1, a0
        li      s2, 0                   # s2: item
1:      bgeu    s2, s1, 2f
        slli    t0, s2, 4               # two pointers an item
        la      t1, catalogue
        add     t1, t1, t0
        ld      a0, 0(t1)               # what is ordered
        ld      a1, 8(t1)               # who does it
        call    order_submit
        addi    s2, s2, 1
        j       1b
2:
        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        ld      s2, 0(sp)
        addi    sp, sp, 32
        ret
        .size   take_orders, .-take_orders

# order_submit(a0: text, a1: handler): makes a job and puts it at the end of the queue.
        .type   order_submit, @function
order_submit:
        addi    sp, sp, -48
        sd      ra, 40(sp)
        sd      s0, 32(sp)
        sd      s1, 24(sp)
        sd      s2, 16(sp)
        sd      s3, 8(sp)
        addi    s0, sp, 48

        mv      s1, a0
        mv      s2, a1
        li      a0, JOB_BYTES
        call    heap_alloc
        mv      s3, a0                  # s3: the job
        sd      zero, JOB_NEXT(s3)
        sd      s2, JOB_HANDLER(s3)

        la      t0, orders_taken        # orders are numbered from one
        ld      a1, 0(t0)
        addi    a1, a1, 1
        sd      a1, 0(t0)
        sd      a1, JOB_NUMBER(s3)
        mv      a0, s1
        call    message_make
        sd      a0, JOB_MESSAGE(s3)
        sd      a1, JOB_LENGTH(s3)

        la      t0, queue_last          # link it behind the last one, or make it the first
        ld      t1, 0(t0)
        sd      s3, 0(t0)
        beqz    t1, 1f
        sd      s3, JOB_NEXT(t1)
        j       2f
1:      sd      s3, queue_first, t0
2:
        ld      ra, 40(sp)
        ld      s0, 32(sp)
        ld      s1, 24(sp)
        ld      s2, 16(sp)
        ld      s3, 8(sp)
        addi    sp, sp, 48
        ret
        .size   order_submit, .-order_submit

# work_off: takes job after job out of the queue until it is empty.
        .type   work_off, @function
work_off:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        addi    s0, sp, 32

1:      ld      s1, queue_first
        beqz    s1, 3f
        ld      t0, JOB_NEXT(s1)
        sd      t0, queue_first, t1
        bnez    t0, 2f
        sd      zero, queue_last, t1
2:      ld      a0, JOB_MESSAGE(s1)
        ld      a1, JOB_LENGTH(s1)
        call    message_check
        mv      a0, s1
        ld      t0, JOB_HANDLER(s1)
        jalr    t0
        ld      a0, JOB_MESSAGE(s1)
        call    heap_free
        mv      a0, s1
        call    heap_free
        j       1b
3:
        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   work_off, .-work_off

# ---------------------------------------------------------------------------------------------------------------------
# Messages: "<text> #<number>", a NUL, and in the next whole double word a seal, the checksum of the text.

# message_make(a0: text, a1: number) -> a0: message, a1: length of its text
        .type   message_make, @function
message_make:
        addi    sp, sp, -48
        sd      ra, 40(sp)
        sd      s0, 32(sp)
        sd      s1, 24(sp)
        sd      s2, 16(sp)
        sd      s3, 8(sp)
        sd      s4, 0(sp)
        addi    s0, sp, 48

        mv      s1, a0
        mv      s2, a1
        call    text_length
        mv      s3, a0                  # s3: length of the item's text
        mv      a0, s2
        call    count_digits
        add     s4, s3, a0
        addi    s4, s4, 2               # s4: length of the message's text: a blank and a # go between
        mv      a0, s4
        call    message_bytes
        call    heap_alloc

        mv      t0, a0                  # copy the item's text
        mv      t1, s1
1:      lbu     t2, 0(t1)
        beqz    t2, 2f
        sb      t2, 0(t0)
        addi    t0, t0, 1
        addi    t1, t1, 1
        j       1b
2:      li      t2, ' '
        sb      t2, 0(t0)
        li      t2, '#'
        sb      t2, 1(t0)
        add     t0, a0, s4              # the number, from its last digit to the first
        sb      zero, 0(t0)
        li      t3, 10
3:      remu    t2, s2, t3
        addi    t2, t2, '0'
        addi    t0, t0, -1
        sb      t2, 0(t0)
        divu    s2, s2, t3
        bnez    s2, 3b

        mv      s1, a0
        mv      a1, s4
        call    message_seal
        mv      a0, s1
        mv      a1, s4

        ld      ra, 40(sp)
        ld      s0, 32(sp)
        ld      s1, 24(sp)
        ld      s2, 16(sp)
        ld      s3, 8(sp)
        ld      s4, 0(sp)
        addi    sp, sp, 48
        ret
        .size   message_make, .-message_make

# message_bytes(a0: length of the text) -> a0: bytes that a message needs: its text in whole double words, and the seal
        .type   message_bytes, @function
message_bytes:
        addi    a0, a0, 7
        andi    a0, a0, -8
        addi    a0, a0, 8
        ret
        .size   message_bytes, .-message_bytes

# message_seal(a0: message, a1: length of its text): puts the checksum behind the text and its NUL.
        .type   message_seal, @function
message_seal:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        addi    s0, sp, 32

        addi    t0, a1, 1 + 7           # the NUL counts
        andi    t0, t0, -8
        add     s1, a0, t0              # s1: where the seal goes
        call    checksum
        sd      a0, 0(s1)

        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   message_seal, .-message_seal

# message_check(a0: message, a1: length of its text): ends the program if the seal is broken.
        .type   message_check, @function
message_check:
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        addi    s0, sp, 32

        addi    t0, a1, 1 + 7
        andi    t0, t0, -8
        add     s1, a0, t0
        call    checksum
        ld      t0, 0(s1)
        beq     a0, t0, 1f
        la      a0, text_bad_seal
        li      a1, EXIT_BAD_SEAL
        j       fail
1:
        ld      ra, 24(sp)
        ld      s0, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   message_check, .-message_check

# checksum(a0: bytes, a1: count) -> a0: their FNV-1a hash, 64 bits
        .type   checksum, @function
checksum:
        add     t0, a0, a1
        mv      t1, a0
        li      a0, FNV_BASIS
        li      t2, FNV_PRIME
1:      bgeu    t1, t0, 2f
        lbu     t3, 0(t1)
        xor     a0, a0, t3
        mul     a0, a0, t2
        addi    t1, t1, 1
        j       1b
2:      ret
        .size   checksum, .-checksum

# ---------------------------------------------------------------------------------------------------------------------
# The heap: first fit in the chain of blocks, or a new block behind the last one.

# heap_alloc(a0: bytes) -> a0: a block that has them
        .type   heap_alloc, @function
heap_alloc:
        addi    a0, a0, 15              # sizes are multiples of 16
        andi    a0, a0, -16
        la      t0, heap_first          # t0: where the link to the block is that comes next
1:      ld      t1, BLOCK_NEXT(t0)      # t1: that block
        beqz    t1, 3f
        lwu     t2, BLOCK_SIZE(t1)
        bltu    t2, a0, 2f
        lw      t3, BLOCK_USED(t1)
        beqz    t3, 4f
2:      mv      t0, t1
        j       1b

3:      la      t4, heap_top            # none fits: the next one begins where the last one ends
        ld      t1, 0(t4)
        addi    t2, a0, BLOCK_HEADER
        add     t2, t2, t1
        la      t3, heap_end
        bgtu    t2, t3, heap_exhausted
        sd      t2, 0(t4)
        sd      zero, BLOCK_NEXT(t1)
        sw      a0, BLOCK_SIZE(t1)
        sd      t1, BLOCK_NEXT(t0)
4:      li      t3, 1
        sw      t3, BLOCK_USED(t1)
        addi    a0, t1, BLOCK_HEADER
        ret
heap_exhausted:
        la      a0, text_out_of_memory
        li      a1, EXIT_OUT_OF_MEMORY
        j       fail
        .size   heap_alloc, .-heap_alloc

# heap_free(a0: what heap_alloc gave)
        .type   heap_free, @function
heap_free:
        sw      zero, BLOCK_USED - BLOCK_HEADER(a0)
        ret
        .size   heap_free, .-heap_free

# ---------------------------------------------------------------------------------------------------------------------
# What the shop does. Each handler gets its job in a0.

# handle_print: puts the text on paper, eight rows of eight dots for each letter, and adds up the ink.
        .type   handle_print, @function
handle_print:
        ld      t0, JOB_MESSAGE(a0)
        ld      t1, JOB_LENGTH(a0)
        add     t1, t1, t0              # t1: end of the text
        li      a1, 0                   # a1: dots that are black
        li      t5, 0x9e3779b97f4a7c15  # the shop's only typeface is a hash of the letter
1:      bgeu    t0, t1, 4f
        lbu     t2, 0(t0)
        mul     t2, t2, t5              # t2: 64 dots
        li      t3, 64
2:      andi    t4, t2, 1
        add     a1, a1, t4
        srli    t2, t2, 1
        addi    t3, t3, -1
        bnez    t3, 2b
        addi    t0, t0, 1
        j       1b
4:      la      t0, ink_used
        ld      t1, 0(t0)
        add     t1, t1, a1
        sd      t1, 0(t0)
        ret
        .size   handle_print, .-handle_print

# handle_sort: takes the types of the text apart again and sorts them back into the case.
        .type   handle_sort, @function
handle_sort:
        addi    sp, sp, -112
        sd      ra, 104(sp)
        sd      s0, 96(sp)
        addi    s0, sp, 112

        ld      t0, JOB_MESSAGE(a0)
        ld      t1, JOB_LENGTH(a0)
        mv      t2, sp                  # the composing stick has room for 96 types
        li      t3, 0                   # t3: types in it, in order
1:      bgeu    t3, t1, 4f
        add     t4, t0, t3
        lbu     t4, 0(t4)               # t4: the type to sort in
        add     t5, t2, t3              # t5: where it may go, from the back
2:      beq     t5, t2, 3f
        lbu     t6, -1(t5)
        bleu    t6, t4, 3f
        sb      t6, 0(t5)
        addi    t5, t5, -1
        j       2b
3:      sb      t4, 0(t5)
        addi    t3, t3, 1
        j       1b
4:
        ld      ra, 104(sp)
        ld      s0, 96(sp)
        addi    sp, sp, 112
        ret
        .size   handle_sort, .-handle_sort

# handle_price: works out what the order costs, by the day for three years.
        .type   handle_price, @function
handle_price:
        ld      t0, JOB_NUMBER(a0)
        ld      t1, JOB_LENGTH(a0)
        mul     t0, t0, t1
        li      t2, 3 * 365
        li      t3, 10007
1:      add     t0, t0, t2
        remu    t0, t0, t3
        mul     t0, t0, t1
        addi    t2, t2, -1
        bnez    t2, 1b
        sd      t0, last_price, t1
        ret
        .size   handle_price, .-handle_price

# ---------------------------------------------------------------------------------------------------------------------
# Texts and the console.

# text_length(a0: text) -> a0: its bytes up to the NUL
        .type   text_length, @function
text_length:
        mv      t0, a0
1:      lbu     t1, 0(t0)
        addi    t0, t0, 1
        bnez    t1, 1b
        sub     a0, t0, a0
        addi    a0, a0, -1
        ret
        .size   text_length, .-text_length

# count_digits(a0: number) -> a0: its decimal digits
        .type   count_digits, @function
count_digits:
        li      t0, 0
        li      t1, 10
1:      addi    t0, t0, 1
        divu    a0, a0, t1
        bnez    a0, 1b
        mv      a0, t0
        ret
        .size   count_digits, .-count_digits

# print(a0: text)
        .type   print, @function
print:
        li      t0, UART
1:      lbu     t1, 0(a0)
        beqz    t1, 2f
        sb      t1, 0(t0)
        addi    a0, a0, 1
        j       1b
2:      ret
        .size   print, .-print

# print_with_number(a0: text, a1: number)
        .type   print_with_number, @function
print_with_number:
        addi    sp, sp, -48
        sd      ra, 40(sp)
        sd      s0, 32(sp)
        sd      s1, 24(sp)
        addi    s0, sp, 48

        mv      s1, a1
        call    print
        addi    a0, sp, 23              # up to 20 digits, written from the last one on
        sb      zero, 0(a0)
        li      t0, 10
1:      remu    t1, s1, t0
        addi    t1, t1, '0'
        addi    a0, a0, -1
        sb      t1, 0(a0)
        divu    s1, s1, t0
        bnez    s1, 1b
        call    print

        ld      ra, 40(sp)
        ld      s0, 32(sp)
        ld      s1, 24(sp)
        addi    sp, sp, 48
        ret
        .size   print_with_number, .-print_with_number

# fail(a0: text, a1: exit code): says why, and ends the program.
        .type   fail, @function
fail:
        mv      s1, a1
        call    print
        slli    t1, s1, 16
        li      t0, FINISHER_FAIL
        or      t1, t1, t0
        li      t0, FINISHER
        sw      t1, 0(t0)
1:      j       1b
        .size   fail, .-fail

# Every trap is the end: nothing here expects one.
        .balign 4
        .type   trap_entry, @function
trap_entry:
        la      sp, stack_top
        la      a0, text_trap
        csrr    a1, mcause
        call    print_with_number
        la      a0, text_line_end
        li      a1, EXIT_TRAP
        j       fail
        .size   trap_entry, .-trap_entry

# ---------------------------------------------------------------------------------------------------------------------
        .section .rodata
        .balign 8
# What one can order, and who does it. Only a rush hour gets past the sixth.
catalogue:
        .dword  1f, handle_print,  2f, handle_sort,   3f, handle_price, 4f, handle_print
        .dword  5f, handle_sort,   6f, handle_price,  7f, handle_print, 8f, handle_sort
        .dword  9f, handle_price, 10f, handle_print, 11f, handle_sort, 12f, handle_price
        .dword 13f, handle_print, 14f, handle_sort,  15f, handle_price, 16f, handle_print
        .dword 17f, handle_sort,  18f, handle_price, 19f, handle_print, 20f, handle_sort
        .dword 21f, handle_price, 22f, handle_print, 23f, handle_sort,  24f, handle_price
1:      .asciz  "50 visiting cards"
2:      .asciz  "letterheads, one colour"
3:      .asciz  "200 envelopes, C6"
4:      .asciz  "menus, folded"
5:      .asciz  "posters for the circus"
6:      .asciz  "30 copies of a thesis, bound"
7:      .asciz  "plum jam labels"
8:      .asciz  "raffle tickets, numbered"
9:      .asciz  "a calendar with ten cats"
10:     .asciz  "the newspaper of the parish"
11:     .asciz  "programme of the opera"
12:     .asciz  "receipt pads, carbon copies"
13:     .asciz  "a map of the old harbour"
14:     .asciz  "12 school certificates"
15:     .asciz  "stickers, round, waterproof"
16:     .asciz  "the minutes of the rowing club"
17:     .asciz  "bookplates, woodcuts by hand"
18:     .asciz  "a dissertation on moths"
19:     .asciz  "price lists, both sides"
20:     .asciz  "the village chronicle, volume 4"
21:     .asciz  "wine labels, late harvest"
22:     .asciz  "beer mats, two colours"
23:     .asciz  "a hymn book in large type"
24:     .asciz  "timetables of the ferry"

text_wedding:           .asciz  "wedding invitations with gold rims"
text_open:              .asciz  "print shop open\n"
text_rush:              .asciz  "rush hour "
text_orders:            .asciz  ": orders so far "
text_ink:               .asciz  ", dots of ink "
text_closed:            .asciz  "print shop closed, all orders done\n"
text_bad_seal:          .asciz  "a message with a broken seal\n"
text_out_of_memory:     .asciz  "out of memory\n"
text_trap:              .asciz  "trap, mcause "
text_line_end:          .asciz  "\n"

        .data
        .balign 8
queue_first:    .dword  0
queue_last:     .dword  0
orders_taken:   .dword  0
ink_used:       .dword  0
last_price:     .dword  0
heap_first:     .dword  0               # the link to the first block
heap_top:       .dword  heap            # where the next new block begins

        .bss
        .balign 16
heap:           .skip   HEAP_BYTES
heap_end:
        .balign 16
                .skip   4096
stack_top:
