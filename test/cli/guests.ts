import { file } from "./command.ts";

/** Console (UART 16550 at 0x1000_0000) and test finisher (0x10_0000) of the board. */
const PRELUDE = `
    .equ UART, 0x10000000
    .equ FINISHER, 0x100000
    .macro finish code
    li   t0, FINISHER
    li   t1, (\\code << 16) | 0x3333
    sw   t1, 0(t0)
    .endm
    .globl _start
    .text
_start:
`;

/** Prints a line and ends with exit code 0. */
export const HELLO = () =>
  file(
    "hello.s",
    `${PRELUDE}
    la   a0, message
    li   t0, UART
1:  lbu  t1, 0(a0)
    beqz t1, 2f
    sb   t1, 0(t0)
    addi a0, a0, 1
    j    1b
2:  li   t0, FINISHER
    li   t1, 0x5555
    sw   t1, 0(t0)
    .data
message: .asciz "hello, world\\n"
`,
  );

/** Counts to a number of some thousands, and ends with exit code 7 without a word. */
export const SEVEN = () => file("seven.s", `${PRELUDE} li t2, 100000\n1: addi t2, t2, -1\n bnez t2, 1b\n finish 7\n`);

/** Prints a full stop, to say that it runs, and goes on for ever. */
export const ENDLESS = () =>
  file("endless.s", `${PRELUDE} li t0, UART\n li t1, '.'\n sb t1, 0(t0)\n1: addi t0, t0, 1\n j 1b\n`);

/** Counts its digits thirty times, with half a million steps between two: 150 million in all. */
export const SLOW_COUNT = () =>
  file(
    "slow-count.s",
    `${PRELUDE}
    li   s0, UART
    li   s1, 30
1:  li   s2, '0'
2:  li   t0, 250000
3:  addi t0, t0, -1
    bnez t0, 3b
    sb   s2, 0(s0)
    addi s2, s2, 1
    li   t0, '9' + 1
    bne  s2, t0, 2b
    addi s1, s1, -1
    bnez s1, 1b
    li   t0, '\\n'
    sb   t0, 0(s0)
    li   t0, FINISHER
    li   t1, 0x5555
    sw   t1, 0(t0)
`,
  );

/** Loads from where there is no memory, and has no handler. */
export const TRAP = () => file("trap.s", `${PRELUDE} li t0, 0x20\n nop\n ld a0, 8(t0)\n`);

/** Prints without end. */
export const FLOOD = () => file("flood.s", `${PRELUDE} li t0, UART\n li t1, 'a'\n1: sb t1, 0(t0)\n j 1b\n`);

/** Prints bytes that do not compress, without end. */
export const NOISE = () =>
  file(
    "noise.s",
    `${PRELUDE}
    li   t0, UART
    li   t1, 6364136223846793005
    li   t2, 1442695040888963407
1:  mul  t3, t3, t1
    add  t3, t3, t2
    srli t4, t3, 56
    sb   t4, 0(t0)
    j    1b
`,
  );

/** Prints what is typed; a q ends it with exit code 3. Polls the console. */
export const ECHO = () =>
  file(
    "echo.s",
    `${PRELUDE}
    li   t0, UART
1:  lbu  t1, 5(t0)
    andi t1, t1, 1
    beqz t1, 1b
    lbu  t1, 0(t0)
    sb   t1, 0(t0)
    li   t2, 'q'
    bne  t1, t2, 1b
    finish 3
`,
  );

/** Waits for an interrupt that nothing raises. */
export const WAITS = () => file("waits.s", `${PRELUDE}1: wfi\n j 1b\n`);

/** Writes the numbers from 1000 down to 1 into `counter`, damages its sixth byte, idles, and traps. */
export const DAMAGE = () =>
  file(
    "damage.s",
    `${PRELUDE}
    la   a0, counter
    li   t0, 1000
count:
    sd   t0, 0(a0)
    addi t0, t0, -1
    bnez t0, count
culprit:
    sb   t0, 5(a0)
    li   t1, 3000000
idle:
    addi t1, t1, -1
    bnez t1, idle
    li   t0, UART
    li   t1, 'x'
    sb   t1, 0(t0)
    ld   a0, 0(zero)
    .bss
    .balign 8
    .type counter, @object
    .size counter, 8
counter: .space 8
untouched: .space 8
`,
  );

/**
 * Supervisor mode sees memory at the top of the address space, counts there in `pages_counter`, and idles for long; the run
 * ends in machine mode, which translates nothing.
 */
export const PAGED = () =>
  file(
    "paged.s",
    `${PRELUDE}
    .equ HIGH, 0xffffffff00000000
    la   t0, handler
    csrw mtvec, t0
    li   t0, -1
    csrw pmpaddr0, t0
    li   t0, 0x1f
    csrw pmpcfg0, t0
    # Gigabytes 2 of the lower half and 510 of the upper one are memory.
    la   t1, table
    li   t0, 0x200000cf
    sd   t0, 16(t1)
    li   t2, 510 * 8
    add  t2, t2, t1
    sd   t0, 0(t2)
    srli t1, t1, 12
    li   t0, 8 << 60
    or   t0, t0, t1
    csrw satp, t0
    li   t0, 1 << 11
    csrs mstatus, t0
    li   t0, 1 << 12
    csrc mstatus, t0
    la   t0, supervisor
    csrw mepc, t0
    mret
supervisor:
    la   a0, pages_counter
    li   t0, HIGH
    add  a0, a0, t0
    li   t0, 3
supervisor_count:
    sd   t0, 0(a0)
    addi t0, t0, -1
    bnez t0, supervisor_count
    li   t1, 60000000       # beyond a checkpoint
1:  addi t1, t1, -1
    bnez t1, 1b
    ecall
    .balign 4
handler:
    finish 0
    .data
    .balign 8
    .global pages_counter
pages_counter: .dword 0
    .bss
    .balign 4096
table: .space 4096
`,
  );

/** Writes to each page of 240 MB, which the writer of a recording takes longer for than the guest, and goes on for a while. */
export const FILLS = () =>
  file(
    "fills.s",
    `${PRELUDE} li t0, 0x80400000
 li t1, 0x8f400000
 li t4, 4096
 li t2, 0x9e3779b97f4a7c15
1: mul t3, t0, t2
 sd t3, 0(t0)
 add t0, t0, t4
 bne t0, t1, 1b
 li t2, 300000000
2: addi t2, t2, -1
 bnez t2, 2b
 finish 0
`,
  );

/** Arms the timer 300 ms ahead, waits for it, and ends. */
export const TIMER = () =>
  file(
    "timer.s",
    `_start:
  la   t0, handler
  csrw mtvec, t0
  li   t0, 0x200bff8
  ld   t1, 0(t0)
  li   t2, 3000000
  add  t1, t1, t2
  li   t0, 0x2004000
  sd   t1, 0(t0)
  li   t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
1:  wfi
  j    1b
  .balign 4
handler:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
`,
  );
