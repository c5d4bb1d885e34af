import assert from "node:assert/strict";
import { test } from "node:test";
import { Guest } from "./guests.ts";

const ENGINES = ["oracle", "interpreter", "translator"] as const;
const [MSTATUS, MCAUSE, MEPC, SCAUSE, SEPC, STVAL] = [0x300, 0x342, 0x341, 0x142, 0x141, 0x143];
const MIP = 0x344;

/** Everything may be accessed; supervisor mode then begins at `supervisor`. */
const ENTER_SUPERVISOR = `
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  li   t0, 3 << 11
  csrc mstatus, t0
  li   t0, 1 << 11
  csrs mstatus, t0
  la   t0, supervisor
  csrw mepc, t0
  mret
`;

const HANDLERS = `
  .balign 4
machine_handler:
  j    machine_handler
  .balign 4
supervisor_handler:
  j    supervisor_handler
`;

test("interrupts are taken in the manual's order, whichever are pending, and vectored ones at their own entry", () => {
  // All that can be raised without a device behind the PLIC.
  const source = `
_start:
  la   sp, taken
  la   t0, vectors + 1
  csrw mtvec, t0
  li   t0, 0x222            # SSIP, STIP, SEIP
  csrw mip, t0
  li   t0, 0x02000000
  li   t1, 1
  sw   t1, 0(t0)            # MSIP
  li   t0, 0x02004000
  sd   zero, 0(t0)          # MTIP
  li   t0, 0xaaa
  csrw mie, t0
  csrsi mstatus, 8
1: j   1b
  .balign 4
vectors:
  .option norvc
${Array.from({ length: 12 }, (_, code) => `  j    entry${code}`).join("\n")}
${Array.from({ length: 12 }, (_, code) => `entry${code}:\n  li   a0, ${code}\n  j    note`).join("\n")}
note:
  sb   a0, 0(sp)
  addi sp, sp, 1
  li   t0, 1
  sll  t0, t0, a0
  csrc mie, t0
  mret
  .data
taken: .zero 16`;
  for (const engine of ENGINES) {
    const guest = new Guest(source, engine);
    guest.run(1000);
    assert.deepEqual(guest.machine.peek(guest.at("taken"), 6), [3, 7, 9, 1, 5, 0], engine);
  }
});

test("what is delegated goes to supervisor mode from there, and to machine mode from machine mode", () => {
  const source = `
_start:
  la   t0, machine_handler
  csrw mtvec, t0
  la   t0, supervisor_handler
  csrw stvec, t0
  li   t0, 1 << 2
  csrw medeleg, t0
  bnez a0, in_machine
${ENTER_SUPERVISOR}
supervisor:
  csrr t0, mscratch
in_machine:
  csrw mhartid, zero
${HANDLERS}`;
  for (const engine of ENGINES) {
    const guest = new Guest(source, engine);
    guest.stops({ breakpoints: [guest.at("supervisor_handler")] });
    assert.equal(guest.run(1000).kind, "breakpoint");
    const [hart] = guest.machine.harts;
    assert.deepEqual([hart.csr(SCAUSE), hart.csr(SEPC), hart.privilege], [2n, guest.at("supervisor"), 1]);
    assert.equal(hart.csr(STVAL), 0x340022f3n, "the instruction's bits");
    const other = new Guest(source, engine, { harts: 2 });
    other.stops({ breakpoints: [other.at("machine_handler")] });
    assert.deepEqual(other.run(100_000), { kind: "breakpoint", hart: 1, pc: other.at("machine_handler") });
    assert.equal(other.machine.harts[1].csr(MEPC), other.at("in_machine"));
  }
});

/** Supervisor mode has a vector that cannot be fetched; `medeleg` says who is to handle that. */
const LOST = (delegated: number, machineVector: string): string => `
_start:
  ${machineVector}
  csrw mtvec, t0
  li   t0, 0x1000
  csrw stvec, t0
  li   t0, ${delegated}
  csrw medeleg, t0
${ENTER_SUPERVISOR}
supervisor:
  ecall
${HANDLERS}`;
const [FETCH_FAULT, CALL] = [1 << 1, 1 << 9];

test("a trap of supervisor mode whose vector faults is machine mode's, when that is to handle the fault and can", () => {
  for (const engine of ENGINES) {
    const guest = new Guest(LOST(CALL, "la t0, machine_handler"), engine);
    guest.stops({ breakpoints: [guest.at("machine_handler")] });
    assert.equal(guest.run(1000).kind, "breakpoint", engine);
    const [hart] = guest.machine.harts;
    assert.deepEqual([hart.csr(SCAUSE), hart.csr(SEPC)], [9n, guest.at("supervisor")]);
    assert.deepEqual([hart.csr(MCAUSE), hart.csr(MEPC)], [1n, 0x1000n]);
  }
});

test("it stops the run, with the state before it, when supervisor mode or nobody was to handle that as well", () => {
  for (const engine of ENGINES) {
    for (const guest of [
      new Guest(LOST(CALL | FETCH_FAULT, "la t0, machine_handler"), engine),
      new Guest(LOST(CALL, "li t0, 0"), engine),
    ]) {
      const stop = { kind: "unhandled-trap", hart: 0, cause: 9, tval: 0n };
      assert.deepEqual(guest.run(1000), stop, engine);
      const [hart] = guest.machine.harts;
      assert.deepEqual([hart.pc, hart.privilege], [guest.at("supervisor"), 1]);
      assert.deepEqual(guest.run(guest.machine.instant + 1000), stop, "and again when resumed");
    }
  }
});

test("a return to less than machine mode ends MPRV, and MPP holds the least privilege that there is", () => {
  const source = `
_start:
  li   t0, 1 << 17
  csrs mstatus, t0
${ENTER_SUPERVISOR}
supervisor:
  nop`;
  const [MPRV, MPP] = [1n << 17n, 3n << 11n];
  for (const engine of ENGINES) {
    const guest = new Guest(source, engine);
    guest.stops({ breakpoints: [guest.at("supervisor")] });
    assert.equal(guest.run(1000).kind, "breakpoint");
    assert.equal((guest.machine.harts[0].csr(MSTATUS) ?? 0n) & (MPRV | MPP), 0n);
  }
});

test("a read-modify-write of mip does not turn a device's line into software's", () => {
  const source = `
_start:
  li   t0, 0x0c000000
  li   t1, 1
  sw   t1, 40(t0)           # priority of the UART
  li   t0, 0x0c002080
  li   t1, 1 << 10
  sw   t1, 0(t0)            # for supervisor mode of hart 0
  li   t0, 0x10000000
  li   t1, 2
  sb   t1, 1(t0)            # the transmitter is empty
raised:
  csrsi mip, 2
  sb   zero, 1(t0)
  li   t0, 0x0c201004
  lw   t1, 0(t0)            # claimed: no longer pending
lowered:
  nop`;
  for (const engine of ENGINES) {
    const guest = new Guest(source, engine);
    guest.stops({ breakpoints: [guest.at("raised"), guest.at("lowered")] });
    guest.run(1000);
    const [hart] = guest.machine.harts;
    assert.equal(hart.csr(MIP), 0x200n, engine);
    guest.run(1000);
    assert.equal(hart.csr(MIP), 0x2n, engine);
  }
});
