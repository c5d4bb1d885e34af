/** What the guest is to do. Without entropy it can be compared with another board's: its numbers are its own. */
export interface VirtioGuest {
  readonly transport: "modern" | "legacy";
  readonly entropy: boolean;
  readonly rounds: number;
}

/** Sectors that it works on: the first of the disk. */
export const GUEST_SECTORS = 64;

/**
 * A guest without a kernel, in machine mode: finds a virtio disk (and an entropy device), and in each round changes a
 * sector that chance chooses: reads it, adds to it, writes it back, waiting for each answer by wfi and the PLIC. Every
 * eighth round it prints a sum over what it has read.
 */
export function virtioGuest({ transport, entropy, rounds }: VirtioGuest): string {
  const modern = transport === "modern" ? 1 : 0;
  return `
  .equ MODERN, ${modern}
  .equ ENTROPY, ${entropy ? 1 : 0}
  .equ UART, 0x10000000
  .equ PLIC, 0x0c000000
  .equ AVAIL, 128                   # behind eight descriptors
  .equ USED, 4096
_start:
  la   sp, stack_top
  li   t0, 0x10001000
  li   t1, 1                        # interrupt source
find:
  lw   t2, 0x08(t0)                 # DeviceID
  li   t3, 2
  bne  t2, t3, 1f
  mv   s0, t0
  mv   s5, t1
1:
  li   t3, 4
  bne  t2, t3, 2f
  mv   s1, t0
  mv   s6, t1
2:
  li   t3, 0x1000
  add  t0, t0, t3
  addi t1, t1, 1
  li   t3, 9
  bne  t1, t3, find

  mv   a0, s5
  call enable
  mv   a0, s0
  la   a1, block_queue
  call init
.if ENTROPY
  mv   a0, s6
  call enable
  mv   a0, s1
  la   a1, entropy_queue
  call init
.endif
  li   t0, 1 << 11
  csrw mie, t0
  lw   a0, 0x100(s0)                # capacity
  call print_hex

  la   s7, block_queue
  la   t0, header
  la   t1, data
  la   t2, status
  sd   t0, 0(s7)
  li   t3, 16
  sw   t3, 8(s7)
  li   t3, 1                        # next: 1
  sh   t3, 12(s7)
  sh   t3, 14(s7)
  sd   t1, 16(s7)
  li   t3, 512
  sw   t3, 24(s7)
  li   t3, 2
  sh   t3, 30(s7)
  sd   t2, 32(s7)
  li   t3, 1
  sw   t3, 40(s7)
  li   t3, 2
  sh   t3, 44(s7)

  li   s2, ${rounds}
  li   s3, 88172645463325252
  li   s4, 0
round:
  call draw
  andi s8, s3, ${GUEST_SECTORS - 1}
  li   a0, 0
  mv   a1, s8
  call request
  la   t0, data
  ld   t1, 0(t0)
  slli t2, s4, 5
  sub  s4, t2, s4
  add  s4, s4, t1
  ld   t2, 504(t0)
  add  s4, s4, t2
  add  t1, t1, s3
  sd   t1, 0(t0)
  addi t2, t2, 1
  sd   t2, 504(t0)
  li   a0, 1
  mv   a1, s8
  call request
  addi s2, s2, -1
  andi t0, s2, 7
  bnez t0, 1f
  mv   a0, s4
  call print_hex
1:
  bnez s2, round
  li   a0, 4                        # flush
  li   a1, 0
  call request
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1:
  j    1b

/* Another random number in s3. */
draw:
  addi sp, sp, -16
  sd   ra, 0(sp)
.if ENTROPY
  la   a1, entropy_queue
  la   t0, random
  sd   t0, 0(a1)
  li   t0, 8
  sw   t0, 8(a1)
  li   t0, 2
  sh   t0, 12(a1)
  mv   a0, s1
  call submit
  la   t0, random
  ld   s3, 0(t0)
.else
  slli t1, s3, 13
  xor  s3, s3, t1
  srli t1, s3, 7
  xor  s3, s3, t1
  slli t1, s3, 17
  xor  s3, s3, t1
.endif
  ld   ra, 0(sp)
  addi sp, sp, 16
  ret

/* Request of type a0 at sector a1; ends the run with the status as exit code when it fails. */
request:
  addi sp, sp, -16
  sd   ra, 0(sp)
  la   t0, header
  sw   a0, 0(t0)
  sd   a1, 8(t0)
  li   t1, 1                        # NEXT
  bnez a0, 1f
  li   t1, 3                        # NEXT, WRITE
1:
  sh   t1, 28(s7)
  # A flush has no data: from the header straight to the status.
  li   t1, 1
  li   t2, 4
  bne  a0, t2, 1f
  li   t1, 2
1:
  sh   t1, 14(s7)
  mv   a0, s0
  mv   a1, s7
  call submit
  la   t0, status
  lbu  t1, 0(t0)
  beqz t1, 1f
  slli t1, t1, 16
  li   t2, 0x3333
  or   t1, t1, t2
  li   t0, 0x100000
  sw   t1, 0(t0)
1:
  ld   ra, 0(sp)
  addi sp, sp, 16
  ret

/* Makes descriptor 0 of queue a1 available to the device at a0, and waits until it is used. */
submit:
  lhu  t0, AVAIL+2(a1)
  andi t1, t0, 7
  slli t1, t1, 1
  add  t1, t1, a1
  sh   zero, AVAIL+4(t1)
  addi t0, t0, 1
  sh   t0, AVAIL+2(a1)
  fence
  sw   zero, 0x50(a0)
1:
  wfi
  li   t2, PLIC + 0x200004
  lw   t3, 0(t2)
  beqz t3, 1b
  lw   t4, 0x60(a0)
  sw   t4, 0x64(a0)
  sw   t3, 0(t2)
  li   t4, USED
  add  t4, t4, a1
  lhu  t5, 2(t4)
  lhu  t0, AVAIL+2(a1)
  bne  t0, t5, 1b
  ret

/* Source a0 may interrupt hart 0 in machine mode. */
enable:
  li   t0, PLIC
  slli t1, a0, 2
  add  t1, t1, t0
  li   t2, 1
  sw   t2, 0(t1)
  li   t1, PLIC + 0x2000
  lw   t3, 0(t1)
  sll  t2, t2, a0
  or   t3, t3, t2
  sw   t3, 0(t1)
  li   t1, PLIC + 0x200000
  sw   zero, 0(t1)
  ret

/* The device at a0 gets a queue of eight at a1. */
init:
  sw   zero, 0x70(a0)
  li   t0, 3                        # ACKNOWLEDGE, DRIVER
  sw   t0, 0x70(a0)
  sw   zero, 0x24(a0)
  sw   zero, 0x20(a0)
.if MODERN
  li   t0, 1                        # VIRTIO_F_VERSION_1
  sw   t0, 0x24(a0)
  sw   t0, 0x20(a0)
  li   t0, 11                       # FEATURES_OK
  sw   t0, 0x70(a0)
.else
  li   t0, 4096                     # GuestPageSize
  sw   t0, 0x28(a0)
.endif
  sw   zero, 0x30(a0)
  li   t0, 8
  sw   t0, 0x38(a0)
.if MODERN
  sw   a1, 0x80(a0)
  sw   zero, 0x84(a0)
  addi t0, a1, AVAIL
  sw   t0, 0x90(a0)
  sw   zero, 0x94(a0)
  li   t0, USED
  add  t0, t0, a1
  sw   t0, 0xa0(a0)
  sw   zero, 0xa4(a0)
  li   t0, 1
  sw   t0, 0x44(a0)
.else
  li   t0, 4096                     # QueueAlign, QueuePFN
  sw   t0, 0x3c(a0)
  srli t0, a1, 12
  sw   t0, 0x40(a0)
.endif
  lw   t0, 0x70(a0)
  ori  t0, t0, 4                    # DRIVER_OK
  sw   t0, 0x70(a0)
  ret

print_hex:
  li   t0, UART
  li   t1, 60
1:
  srl  t2, a0, t1
  andi t2, t2, 15
  addi t3, t2, 48
  li   t4, 10
  blt  t2, t4, 2f
  addi t3, t2, 87
2:
  sb   t3, 0(t0)
  addi t1, t1, -4
  bgez t1, 1b
  li   t3, 10
  sb   t3, 0(t0)
  ret

  .bss
  .balign 4096
block_queue:
  .zero 8192
entropy_queue:
  .zero 8192
data:
  .zero 512
header:
  .zero 16
random:
  .zero 8
status:
  .zero 8
  .balign 16
  .zero 1024
stack_top:
`;
}
