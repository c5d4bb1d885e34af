/**
 * A guest without an operating system: sends frames one after the other through the first virtio slot, sleeps until each
 * is answered, prints how long the answer is and its last byte, and ends.
 */
export function sendingGuest(frames: readonly Uint8Array[]): string {
  const bytes = (frame: Uint8Array) => [...frame].join(", ");
  return `
  .equ SLOT, 0x10001000
  .equ UART, 0x10000000
  .equ PLIC, 0x0c000000
  .equ HEADER, 12

  .macro queue number, table
  li   t1, \\number
  sw   t1, 0x30(s0)            # QueueSel
  li   t1, 4
  sw   t1, 0x38(s0)            # QueueNum
  la   t1, \\table
  sw   t1, 0x80(s0)            # descriptors
  sw   zero, 0x84(s0)
  addi t1, t1, 64
  sw   t1, 0x90(s0)            # available ring
  sw   zero, 0x94(s0)
  addi t1, t1, 64
  sw   t1, 0xa0(s0)            # used ring
  sw   zero, 0xa4(s0)
  li   t1, 1
  sw   t1, 0x44(s0)            # QueueReady
  .endm

_start:
  li   s0, SLOT
  sw   zero, 0x70(s0)          # Status
  li   t1, 3
  sw   t1, 0x70(s0)
  sw   zero, 0x24(s0)          # DriverFeaturesSel
  li   t1, 1 << 5              # MAC
  sw   t1, 0x20(s0)
  li   t1, 1
  sw   t1, 0x24(s0)
  sw   t1, 0x20(s0)            # VERSION_1
  li   t1, 11
  sw   t1, 0x70(s0)
  queue 0, receive
  queue 1, transmit
  li   t1, 15
  sw   t1, 0x70(s0)
  li   t0, PLIC                # source 1, to machine mode
  li   t1, 1
  sw   t1, 4(t0)
  li   t0, PLIC + 0x2000
  li   t1, 1 << 1
  sw   t1, 0(t0)
  li   t1, 1 << 11
  csrw mie, t1
  la   s1, frames
  la   s2, frames_end
  li   s3, 0                   # frames sent
next:
  bgeu s1, s2, done
  la   t0, receive             # the one receive buffer
  la   t1, buffer
  sd   t1, 0(t0)
  li   t1, 2048
  sw   t1, 8(t0)
  li   t1, 2                   # WRITE
  sw   t1, 12(t0)
  addi s3, s3, 1
  sh   s3, 64 + 2(t0)
  sw   zero, 0x50(s0)          # QueueNotify
  la   t0, transmit
  lwu  t1, 0(s1)               # bytes of the frame, with its header
  addi t2, s1, 4
  sd   t2, 0(t0)
  sw   t1, 8(t0)
  sw   zero, 12(t0)
  sh   s3, 64 + 2(t0)
  li   t2, 1
  sw   t2, 0x50(s0)
  add  s1, s1, t1
  addi s1, s1, 4 + 7
  andi s1, s1, -8
  la   t0, receive
answer:
  lhu  t1, 128 + 2(t0)
  beq  t1, s3, answered
  wfi
  lw   t2, 0x60(s0)            # InterruptStatus
  sw   t2, 0x64(s0)            # InterruptACK
  li   t3, PLIC + 0x200004
  lw   t4, 0(t3)
  sw   t4, 0(t3)
  j    answer
answered:
  addi t1, s3, -1              # entry of the used ring
  andi t1, t1, 3
  slli t1, t1, 3
  add  t1, t1, t0
  lwu  s4, 128 + 4 + 4(t1)
  la   t2, buffer
  add  t2, t2, s4
  lbu  s5, -1(t2)
  addi a0, s4, -HEADER
  call number
  li   a0, ' '
  call put
  mv   a0, s5
  call number
  li   a0, '\\n'
  call put
  j    next
done:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1:
  j    1b
number:                        # a0 in decimal
  mv   s8, ra
  li   t0, 10
  la   t1, digits + 8
1:
  remu t2, a0, t0
  addi t2, t2, '0'
  addi t1, t1, -1
  sb   t2, 0(t1)
  divu a0, a0, t0
  bnez a0, 1b
  la   s7, digits + 8
  mv   s6, t1
2:
  lbu  a0, 0(s6)
  call put
  addi s6, s6, 1
  bltu s6, s7, 2b
  jr   s8
put:
  li   t6, UART
  sb   a0, 0(t6)
  ret
  .data
  .balign 8
frames:
${frames
  .map(
    (frame) => `  .balign 8
  .word ${frame.length + 12}
  .zero 12
  .byte ${bytes(frame)}`,
  )
  .join("\n")}
  .balign 8
frames_end:
digits:
  .zero 8
  .bss
  .balign 4096
receive:
  .space 4096
transmit:
  .space 4096
buffer:
  .space 2048
`;
}
