import type { GuestShape } from "./random-guest.ts";

// What random guests begin with, and what takes their traps. t3 to t6, gp and tp belong to the handlers.

/** Pages of data at `data`. */
export const DATA_PAGES = 3;

export interface Beginning {
  readonly mode: GuestShape["mode"];
  /** 1 for vectored interrupts. */
  readonly vectored: number;
  /** When the first timer interrupt comes. */
  readonly ticks: number;
  /** Bits of menvcfg: which cache-block operations lower privileges may use. */
  readonly environment: number;
  /** A part of the data that physical memory protection treats otherwise: a power of two of bytes, from 8 up. */
  readonly protectedBytes: number;
  /** What lower privileges may do there: bits of pmpcfg. */
  readonly protectedFor: number;
  /** Bits of medeleg, of those that supervisor mode can handle. */
  readonly delegated: number;
}

export const prologue = (beginning: Beginning): string => `
  .equ UART, 0x10000000
  .equ CLINT, 0x02000000
  .equ MTIMECMP, 0x02004000
  .equ MTIME, 0x0200bff8
  .equ PLIC, 0x0c000000
  .equ MTIE, 1 << 7
  .equ MEIE, 1 << 11
  # Added to an address of memory it gives its other name under translation.
  .equ ALIAS, 0x80000000
  .option arch, +zba, +zbb
  .text
_start:
  la   t0, vectors + ${beginning.vectored}
  csrw mtvec, t0
  la   s0, data
  li   s1, 0x9e3779b97f4a7c15
  csrr t2, mhartid
  add  s1, s1, t2
  slli s11, t2, 10
  li   t0, UART
  li   t1, 1
  sb   t1, 1(t0)
  li   t0, PLIC
  sw   t1, 40(t0)
  li   t0, PLIC + 0x2000
  li   t1, 1 << 10
  sw   t1, 0(t0)
  slli t2, t2, 3
  li   t0, MTIMECMP
  add  t0, t0, t2
  li   t1, ${beginning.ticks}
  sd   t1, 0(t0)
  li   t0, 1 << 13
  csrs mstatus, t0
  li   t0, MTIE | MEIE | 8
  csrw mie, t0
${beginning.mode === "machine" ? "  csrsi mstatus, 8" : descent(beginning)}
`;

/**
 * Page tables, a first descent to `loop`. Memory is mapped in pages of 4 KiB where it is, and as a gigapage at another
 * address; devices are a gigapage. Supervisor mode handles some of its own traps; it could not execute pages of user mode.
 */
function descent({ mode, environment, protectedBytes, protectedFor, delegated }: Beginning): string {
  const [flags, previous] = mode === "user" ? [0xdf, 0] : [0xcf, 1 << 11];
  const handled = mode === "user" ? 0 : delegated & 0xb1fd;
  return `
  la   t0, table2
  li   t1, ${flags}
  sd   t1, 0(t0)
  li   t1, 0x20000000 | ${flags}
  sd   t1, 32(t0)
  la   t1, table1
  srli t1, t1, 2
  ori  t1, t1, 1
  sd   t1, 16(t0)
  srli t1, t0, 12
  li   t0, 8 << 60
  or   t1, t1, t0
  la   t0, satp_value
  sd   t1, 0(t0)
  csrw satp, t1
  la   t0, table1
  la   t1, table0
  srli t1, t1, 2
  ori  t1, t1, 1
  sd   t1, 0(t0)
  la   t0, table0
  li   t1, 0x20000000 | ${flags}
  li   t2, RAM_END - 0x80000000
  srli t2, t2, 12
1:
  sd   t1, 0(t0)
  addi t0, t0, 8
  addi t1, t1, 1024
  addi t2, t2, -1
  bnez t2, 1b
  la   t0, data + ${2 * protectedBytes}
  srli t0, t0, 2
  ori  t0, t0, ${protectedBytes / 8 - 1}
  csrw pmpaddr0, t0
  li   t0, -1
  csrw pmpaddr1, t0
  csrw mcounteren, t0
  csrw scounteren, t0
  csrw senvcfg, t0
  li   t1, ${environment & 0xf0}
  xor  t0, t0, t1
  csrw menvcfg, t0
  li   t0, 0x1f18 | ${protectedFor & 7}
  csrw pmpcfg0, t0
  la   t0, supervisor
  csrw stvec, t0
  li   t0, ${handled}
  csrw medeleg, t0
  li   t0, ${mode === "user" ? 0 : 0x22}
  csrw mideleg, t0
  li   t0, 0x1800
  csrc mstatus, t0
  li   t0, ${previous} | 0x82
  csrs mstatus, t0
  la   t0, loop
  csrw mepc, t0
  mret`;
}

export const PAGE_TABLES = `
  .balign 4096
table0: .space 4096
table1: .space 4096
table2: .space 4096
satp_value: .space 8`;

/** Synchronous exceptions skip the instruction, or return when it could not be fetched. */
export const handlers = (ticks: number, mode: GuestShape["mode"]): string => `
  .balign 4
  .option push
  .option norvc
vectors:
  j    dispatch
  j    dispatch
  j    dispatch
  j    software
  j    dispatch
  j    dispatch
  j    dispatch
  j    timer
  j    dispatch
  j    dispatch
  j    dispatch
  j    external
  .option pop
dispatch:
  csrr t3, mcause
  bltz t3, interrupt
  csrr t4, mepc
${skip("m", mode)}
interrupt:
  andi t3, t3, 15
  addi t4, t3, -3
  beqz t4, software
  addi t4, t3, -7
  beqz t4, timer
external:
  li   t3, PLIC + 0x200004
  lw   t4, 0(t3)
  li   t5, UART
  lbu  t6, 2(t5)
  lbu  t6, 5(t5)
  andi t6, t6, 1
  beqz t6, 1f
  lbu  t6, 0(t5)
  sb   t6, 0(t5)
1:
  sw   t4, 0(t3)
  mret
software:
  csrr t4, mhartid
  slli t4, t4, 2
  li   t3, CLINT
  add  t3, t3, t4
  sw   zero, 0(t3)
  mret
timer:
  li   t3, MTIME
  ld   t4, 0(t3)
  addi t4, t4, ${ticks}
  csrr t5, mhartid
  slli t5, t5, 3
  li   t3, MTIMECMP
  add  t3, t3, t5
  sd   t4, 0(t3)
  mret
  .balign 4
supervisor:
  csrr t3, scause
  bltz t3, 1f
  csrr t4, sepc
${skip("s", mode)}
1:
  csrci sip, 2
  csrr t4, time
  addi t4, t4, ${ticks}
  csrw stimecmp, t4
  sret
`;

/**
 * The cause is in t3, the address in t4, which may be memory's other name. A call that went nowhere returns; where
 * supervisor mode fell into user mode, which has no pages here, it is supervisor mode that goes on.
 */
function skip(level: "m" | "s", mode: GuestShape["mode"]): string {
  const privilege = level === "m" ? "li t3, 1 << 11\n  csrs mstatus, t3" : "li t3, 1 << 8\n  csrs sstatus, t3";
  return `
  addi t3, t3, -1
  beqz t3, unfetched_${level}
  addi t3, t3, -11
  beqz t3, unfetched_${level}
  slli t3, t4, 47
  srli t3, t3, 47
  li   t5, 0x80000000
  or   t3, t3, t5
  lhu  t3, 0(t3)
  andi t3, t3, 3
  addi t3, t3, -3
  addi t4, t4, 2
  bnez t3, 2f
  addi t4, t4, 2
2:
  csrw ${level}epc, t4
  ${level}ret
unfetched_${level}:
  ${mode === "supervisor" ? privilege : ""}
  csrw ${level}epc, ra
  ${level}ret`;
}
