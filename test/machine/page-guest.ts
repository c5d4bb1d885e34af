export interface Listening {
  readonly delegates?: boolean;
  /** A label, or "none". */
  readonly handler?: string;
  /** What is still to be done in machine mode; t1 has the address of the area. */
  readonly last?: string;
}

/**
 * What a guest does in machine mode before it can be told of pages: it registers its `area`, opens all of memory and delegates the
 * exception to supervisor mode; then it goes on at `inside` in user mode.
 */
export function listening(
  inside: string,
  { delegates = true, handler = "handler", last = "" }: Listening = {},
): string {
  return `
  li   t0, 0x102000
  la   t1, area
  sd   t1, 0(t0)
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  li   t0, ${delegates ? "1 << 24" : "0"}
  csrw medeleg, t0
  ${handler === "none" ? "li t0, 0" : `la t0, ${handler}`}
  csrw stvec, t0
  li   t0, 3 << 11
  csrc mstatus, t0
  la   t0, ${inside}
  csrw mepc, t0
  ${last}
  mret
  .balign 16`;
}
