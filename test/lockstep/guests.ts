interface Computing {
  /** Of the loop between two letters. */
  readonly turns?: number;
  readonly seed?: number;
  /** A power of two. */
  readonly tableBytes?: number;
}

/** All that it says follows from all that it has computed: a number in a table, stirred and printed now and then. */
export const computing = (rounds: number, { turns = 200, seed = 1, tableBytes = 2048 }: Computing = {}): string => `
  .equ UART, 0x10000000
_start:
  li   s0, ${rounds}
  li   s1, ${seed}
  li   s2, UART
  la   s3, table
round:
  li   t0, ${turns}
1:
  li   t1, 6364136223846793005
  mul  s1, s1, t1
  addi s1, s1, 1021
  srli t1, s1, ${64 - Math.log2(tableBytes)}
  andi t1, t1, -8
  add  t1, t1, s3
  ld   t2, 0(t1)
  add  s1, s1, t2
  sd   s1, 0(t1)
  addi t0, t0, -1
  bnez t0, 1b
  srli t1, s1, 60
  addi t1, t1, 'a'
  sb   t1, 0(s2)
  addi s0, s0, -1
  bnez s0, round
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
  .bss
  .balign 8
table: .zero ${tableBytes}
`;

/** Harts of `meeting`. */
export const MEETING_HARTS = 4;

/**
 * Four harts that work, note the time and what lies in memory that nobody has written, count under an atomic, and meet at a
 * barrier after each round. What hart 0 prints follows from the rounds alone; registers and memory do not.
 */
export const meeting = (rounds: number) => `
  .equ UART, 0x10000000
  .equ HARTS, 4
_start:
  la   s1, pages
  slli t1, a0, 12
  add  s1, s1, t1
  li   s3, 0x80080000
  li   s0, ${rounds}
  li   s2, 0
round:
  li   t2, 2000
1:
  rdtime t3
  sd   t3, 0(s1)
  ld   t4, 0(s3)
  sd   t4, 8(s1)
  addi t2, t2, -1
  bnez t2, 1b
  la   t5, counter
  li   t6, 1
  amoadd.d zero, t6, (t5)
  addi s2, s2, HARTS
2:
  addi s4, s4, 1
  ld   t0, 0(t5)
  blt  t0, s2, 2b
  bnez a0, 3f
  li   t1, UART
  andi t0, s0, 15
  addi t0, t0, 'a'
  sb   t0, 0(t1)
3:
  addi s0, s0, -1
  bnez s0, round
  bnez a0, 4f
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
4:
  j    4b
  .bss
  .balign 4096
counter: .zero 4096
pages:   .zero 4096 * HARTS
`;

/** What hart 0 says in so many rounds. */
export function meetingSays(rounds: number): string {
  return Array.from({ length: rounds }, (_, index) => String.fromCharCode(0x61 + ((rounds - index) & 15))).join("");
}

/**
 * Works to a rhythm: on a paced clock it waits for its timer, unless the work took longer. How long that is follows from what lies in
 * memory that nobody has written; what it prints, from the rounds alone.
 */
export const rhythm = (rounds: number, workTurns: number) => `
  .equ UART, 0x10000000
  .equ CLINT, 0x2000000
  .equ TICKS, 100
_start:
  li   s0, ${rounds}
  li   s1, UART
  li   s2, CLINT + 0x4000
  li   s3, 0x80080000
  li   t0, 0x80           # MTIE; mstatus.MIE stays clear: wfi goes on
  csrw mie, t0
  rdtime s4
round:
  ld   t0, 0(s3)          # nobody has written it
  li   t1, 10
  bnez t0, 1f
  li   t1, ${workTurns}
1:
  addi t1, t1, -1
  bnez t1, 1b
  addi s4, s4, TICKS
  sd   s4, 0(s2)
  rdtime t0
  bgeu t0, s4, 2f
  wfi
  j    3f
2:
  rdtime s4
3:
  andi t0, s0, 15
  addi t0, t0, 'a'
  sb   t0, 0(s1)
  addi s0, s0, -1
  bnez s0, round
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
`;

/** What the machine says that keeps a rhythm. */
export const rhythmSays = meetingSays;
