import assert from "node:assert/strict";
import { test } from "node:test";
import { Guest } from "../machine/guests.ts";

// The storm found it: a store to the page-table entry of the very page that is being executed. The interpreter went on in
// the page until it left it, which was earlier or later with the slices.

const INSTRUCTION_PAGE_FAULT = 12n;
const MCAUSE = 0x342;
const MEPC = 0x341;

const GUEST = `
_start:
  la   t0, handler
  csrw mtvec, t0
  la   t0, table
  li   t1, 0x200000cf
  sd   t1, 16(t0)        # 0x80000000 and its gigapage
  srli t1, t0, 12
  li   t2, 8 << 60
  or   t1, t1, t2
  csrw satp, t1
  li   t1, -1
  csrw pmpaddr0, t1
  li   t1, 0x1f
  csrw pmpcfg0, t1
  li   t1, 1 << 11
  csrs mstatus, t1
  li   t1, 1 << 12
  csrc mstatus, t1
  la   t1, mapped
  csrw mepc, t1
  mret
mapped:
  addi a0, a0, 1
  sd   zero, 16(t0)
gone:
  addi a0, a0, 2
  addi a0, a0, 4
  j    mapped
  .balign 4
handler:
  j    handler
  .bss
  .balign 4096
table: .space 4096`;

test("a page that unmaps itself is not executed further, wherever slices end", () => {
  for (const engine of ["oracle", "interpreter", "translator"] as const) {
    for (const slice of [1, 2, 3, 1000]) {
      const guest = new Guest(GUEST, engine, { modes: "msu" });
      while (guest.machine.instant < 60) guest.run(Math.min(60, guest.machine.instant + slice));
      const [hart] = guest.machine.harts;
      assert.equal(hart.csr(MCAUSE), INSTRUCTION_PAGE_FAULT, `${engine}, slices of ${slice}`);
      assert.equal(hart.csr(MEPC), guest.at("gone"), `${engine}, slices of ${slice}`);
      assert.equal(guest.register(10), 1n, `${engine}, slices of ${slice}`);
    }
  }
});
