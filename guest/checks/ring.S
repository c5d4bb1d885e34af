# A ring of stations, doubly linked, into which parcels are hung and taken out again; and a check that runs in replay only.
#
# When all parcels are through, the ring is walked backwards, and that ends in a load access fault at address 8, in code that
# is right. What broke the ring happened 56,000 steps before. The check in the main loop finds it at once, in a recording that
# was made without anybody looking:
#
#   hindcast record guest/checks/ring.S -o ring.hindcast
#   hindcast replay ring.hindcast --checks
#
# Bare metal, machine mode. Test finisher at 0x100000.

#include "../include/hindcast.h"

        .equ    NEXT, 0
        .equ    PREVIOUS, 8
        .equ    NODE_BYTES, 16

        .equ    STATIONS, 16
        .equ    PARCELS, 2000
        .equ    EXPRESS, 300            # the number of the one express parcel

        .globl  _start
        .text
_start:
        la      sp, stack_top
        call    make_ring
        li      s0, 0                   # number of the parcel
        li      s1, PARCELS
        .globl  main_loop
main_loop:
        la      a0, parcel
        la      a1, ring
        li      t0, EXPRESS
        bne     s0, t0, 1f
        addi    a1, a1, (STATIONS - 1) * NODE_BYTES
        call    hang
        la      a0, parcel
        call    take_express
        j       2f
1:      li      t0, STATIONS - 1
        remu    t1, s0, t0
        slli    t1, t1, 4
        add     a1, a1, t1
        call    hang
        la      a0, parcel
        call    take
2:
        hindcast_replay_only 3f
        la      a0, ring
        call    count_broken
        beqz    a0, 4f
        addi    sp, sp, -16
        sd      a0, 0(sp)
        sd      s0, 8(sp)
        la      a0, message
        mv      a1, sp
        hindcast_fail
4:      hindcast_end
3:
        addi    s0, s0, 1
        bne     s0, s1, main_loop
        call    walk_back
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
5:      j       5b

# Links the stations in a circle.
        .globl  make_ring
make_ring:
        la      t0, ring
        la      t1, ring_end
        addi    t2, t1, -NODE_BYTES     # the last station
        sd      t0, NEXT(t2)
        sd      t2, PREVIOUS(t0)
1:      addi    t3, t0, NODE_BYTES
        beq     t3, t1, 2f
        sd      t3, NEXT(t0)
        sd      t0, PREVIOUS(t3)
        mv      t0, t3
        j       1b
2:      ret

# a0: a node, a1: the one behind which it is hung.
        .globl  hang
hang:
        ld      t0, NEXT(a1)
        sd      t0, NEXT(a0)
        sd      a1, PREVIOUS(a0)
        sd      a0, NEXT(a1)
        sd      a0, PREVIOUS(t0)
        ret

# a0: a node that goes out of the ring.
        .globl  take
take:
        ld      t0, NEXT(a0)
        ld      t1, PREVIOUS(a0)
        sd      t0, NEXT(t1)
        sd      t1, PREVIOUS(t0)
        sd      zero, NEXT(a0)
        sd      zero, PREVIOUS(a0)
        ret

# The same, in a hurry.
        .globl  take_express
take_express:
        ld      t0, NEXT(a0)
        ld      t1, PREVIOUS(a0)
        sd      t0, NEXT(t1)
        sd      zero, NEXT(a0)
        sd      zero, PREVIOUS(a0)
        ret

# Once round, backwards.
        .globl  walk_back
walk_back:
        la      t0, ring
        mv      t1, t0
1:      ld      t1, PREVIOUS(t1)
        bne     t1, t0, 1b
        ret

# How many nodes of the ring at a0 are not what their neighbours say. Called by nobody but the check, and by whoever sets
# a replay-only breakpoint with `count_broken(ring) != 0`.
        .globl  count_broken
count_broken:
        mv      t0, a0
        li      t1, 0
1:      ld      t2, NEXT(t0)
        ld      t3, PREVIOUS(t2)
        beq     t3, t0, 2f
        addi    t1, t1, 1
2:      mv      t0, t2
        bne     t0, a0, 1b
        mv      a0, t1
        ret

        .data
message: .asciz "%ld broken link(s) after parcel %ld"
        .balign 8
        .type   ring, @object
        .size   ring, STATIONS * NODE_BYTES
ring:   .space  STATIONS * NODE_BYTES
ring_end:
parcel: .space  NODE_BYTES
        .balign 16
        .space  1024
stack_top:
