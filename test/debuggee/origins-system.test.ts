import assert from "node:assert/strict";
import test from "node:test";
import { virtualAddress } from "../../src/base/brand.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { Origin } from "../../src/debuggee/origin-protocol.ts";
import type { MachineConfiguration } from "../../src/machine/configuration.ts";
import type { DiskImage } from "../../src/machine/disks.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { Guest, program, symbol } from "../machine/guests.ts";
import { GUEST_SECTORS, virtioGuest } from "../machine/virtio-guest.ts";
import { finish } from "./harness.ts";

/** Values that go from hart to hart, through address spaces, handlers and devices. */

interface Run {
  readonly debuggee: Debuggee;
  readonly timeline: Timeline;
  address(name: string): bigint;
  origin(place: string, hart?: number, at?: number): Origin;
}

/** A guest that has run until it waits for ever at `done`. */
function run(
  source: string,
  board: Partial<MachineConfiguration> = {},
  { disks = [], input }: { readonly disks?: readonly DiskImage[]; readonly input?: string } = {},
): Run {
  const guest = program(source);
  const { machine } = new Guest(guest, "auto", board, disks);
  const timeline = Timeline.record(machine);
  const debuggee = new Debuggee({ timeline, history: timeline.history, programs: [guest], emit: () => {} });
  if (input !== undefined) {
    finish(timeline.forward({ stops: NO_STOPS, limit: 2000 as typeof timeline.end }));
    timeline.input(new TextEncoder().encode(input));
  }
  const done = symbol(guest, "done");
  const stop = finish(timeline.forward({ stops: { ...NO_STOPS, breakpoints: [done] } }));
  assert.equal(stop.kind, "breakpoint");
  const { now } = timeline;
  return {
    ...{ debuggee, timeline },
    address: (name) => symbol(guest, name),
    origin: (place, hart = 0, at = now) => {
      const found = finish(debuggee.origin(place, hart, { at }));
      assert.equal(timeline.now, now, "the timeline stays where it is");
      return found;
    },
  };
}

/** Harts and instructions, newest first, and how it ends. */
function told({ steps, end }: Origin): string[] {
  return [...steps.map(({ hart, text }) => `${hart}: ${text}`), end.kind];
}

test("a value that harts pass on through shared memory", () => {
  const b = run(
    `
_start:
  csrr t0, mhartid
  la   t1, first
  la   t2, second
  bnez t0, relay
wait:
  ld   a0, 0(t2)
  beqz a0, wait
  mv   a1, a0
done:
  j    done
relay:
  li   t3, 1
  bne  t0, t3, author
1:
  ld   a2, 0(t1)
  beqz a2, 1b
  amoswap.d zero, a2, (t2)
parked:
  j    parked
author:
  li   a3, 42
  sd   a3, 0(t1)
  j    parked
  .balign 8
first: .dword 0
second: .dword 0
`,
    { harts: 3 },
  );
  assert.deepEqual(told(b.origin("a1")), [
    "0: mv a1,a0",
    "0: ld a0,0(t2)",
    "1: amoswap.d zero,a2,(t2)",
    "1: ld a2,0(t1)",
    "2: sd a3,0(t1)",
    "2: li a3,42",
    "constant",
  ]);
  assert.equal(b.origin("t0", 2).end.kind, "csr", "each hart has its own registers");
  assert.equal(b.origin("a3", 0).end.kind, "reset");
});

test("a hart that has waited for long: nothing of it is traced while it did", () => {
  const b = run(
    `
_start:
  csrr t0, mhartid
  bnez t0, waits
  li   t1, 2000000
1:
  addi t1, t1, -1
  bnez t1, 1b
done:
  j    done
waits:
  li   a0, 5
  csrw mie, zero
1:
  wfi
  j    1b
`,
    { harts: 2 },
  );
  assert.deepEqual(told(b.origin("a0", 1)), ["1: li a0,5", "constant"]);
  assert.equal(b.origin("t1", 1).end.kind, "reset");
  assert.deepEqual(told(b.origin("t0", 1)), ["1: csrr t0,mhartid", "csr"]);
});

/** Supervisor mode, with memory at its own address, and 2 GiB higher once more. */
const SUPERVISOR = (body: string, environment = "0", flags = "0xcf") => `
_start:
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  li   t0, ${environment}
  csrw menvcfg, t0
  la   t0, root
  li   t1, 0x200000cf
  sd   t1, 16(t0)
  li   t1, 0x20000000 | ${flags}
  sd   t1, 32(t0)
  srli t0, t0, 12
  li   t1, 8 << 60
  or   t0, t0, t1
  csrw satp, t0
  la   t0, supervisor
  csrw mepc, t0
  li   t0, 0x1800
  csrc mstatus, t0
  li   t0, 0x800
  csrs mstatus, t0
  mret
supervisor:
  li   s0, 0x80000000
${body}
done:
  j    done
  .balign 8
cell: .dword 0
  .balign 4096
root: .space 4096
`;

test("two virtual addresses of one page are one place", () => {
  const b = run(
    SUPERVISOR(`
  la   t0, cell
  add  t1, t0, s0
  li   a0, 7
  sd   a0, 0(t1)
  ld   a1, 0(t0)`),
  );
  const found = b.origin("a1");
  assert.deepEqual(told(found), ["0: ld a1,0(t0)", "0: sd a0,0(t1)", "0: li a0,7", "constant"]);
  const [load, store] = found.steps;
  assert.equal(load.operands[0].place.address, b.address("cell"));
  assert.equal(store.operands[1].value, b.address("cell") + 0x8000_0000n, "it was written by its other address");
  assert.equal(b.origin(`*(u64*)${b.address("cell") + 0x8000_0000n}`).steps[0].text, "sd a0,0(t1)");
});

test("bits that a page-table walk has set are not an instruction's", () => {
  const body = `
  la   t0, cell
  add  t1, t0, s0
  ld   a0, 0(t1)
  la   t2, root
  ld   a1, 32(t2)`;
  const isa = "rv64imac_zicsr_zifencei_svadu";
  const b = run(SUPERVISOR(body, "1 << 61", "0x0f"), { isa });
  const found = b.origin("a1");
  assert.equal(found.value, 0x2000_004fn);
  assert.deepEqual(told(found), ["0: ld a1,32(t2)", "walk"]);
  assert.match(found.end.sentence, /^The walk of the page tables set bit A or D of this entry at instant \d+\.$/);
});

test("an interrupt's handler passes a value on through its frame, and is what wrote the trap's CSRs", () => {
  const b = run(`
  .equ MTIMECMP, 0x02004000
_start:
  la   t0, handler
  csrw mtvec, t0
  la   t0, frame
  csrw mscratch, t0
  li   t0, MTIMECMP
  li   t1, 3
  sd   t1, 0(t0)
  li   t0, 1 << 7
  csrw mie, t0
  li   s0, 1000
  li   a0, 31
  csrsi mstatus, 8
1:
  addi s0, s0, -1
  bnez s0, 1b
  mv   a1, a0
done:
  j    done
  .balign 4
handler:
  csrrw sp, mscratch, sp
  sd   a0, 0(sp)
  csrr a0, mcause
  csrr a2, mepc
  li   a0, MTIMECMP
  sd   a0, 0(a0)
  ld   a0, 0(sp)
  csrrw sp, mscratch, sp
  mret
  .balign 8
frame: .space 16
`);
  assert.deepEqual(told(b.origin("a1")), [
    "0: mv a1,a0",
    "0: ld a0,0(sp)",
    "0: sd a0,0(sp)",
    "0: li a0,31",
    "constant",
  ]);
  const pc = b.origin("a2");
  assert.deepEqual(told(pc), ["0: csrr a2,mepc", "trap"]);
  assert.match(pc.end.sentence, /“Machine timer interrupt”, which interrupted hart 0 at (_start|0x|1)/);
  const taken = pc.end.instant ?? assert.fail("no instant");
  finish(b.debuggee.seek(taken));
  assert.equal(b.timeline.machine.harts[0].pc, b.address("handler"), "there the interrupt has been taken");
  finish(b.debuggee.seek(taken - 1));
  assert.notEqual(b.timeline.machine.harts[0].pc, b.address("handler"));
});

test("what devices write to memory when the guest tells them to", () => {
  const sizeBytes = GUEST_SECTORS * 512;
  const disk: DiskImage = { sizeBytes, read: (_offset, length) => new Uint8Array(length).fill(3) };
  const source = virtioGuest({ transport: "modern", entropy: true, rounds: 2 }).replace("\nround:", "\nround:\ndone:");
  const b = run(source, { disks: [{ sizeBytes, readOnly: false }] }, { disks: [disk] });
  // On to where the random number has been fetched, and the sector read.
  const answer = b.address("status");
  const second = finish(
    b.timeline.forward({ stops: { ...NO_STOPS, breakpoints: [virtualAddress(b.address("done"))] } }),
  );
  assert.equal(second.kind, "breakpoint");
  const status = finish(b.debuggee.origin(`*(u8*)${answer}`, 0));
  assert.deepEqual(told(status).slice(-1), ["dma"]);
  assert.match(status.end.sentence, /^virtio0 block wrote it to memory when `sw zero,80\(a0\)` in \S+ told it to\.$/);
  assert.equal(status.end.device, "virtio0 block");
  const random = finish(b.debuggee.origin("s3", 0));
  assert.deepEqual(
    [random.steps[0].text, random.end.kind, random.end.device],
    ["ld s3,0(t0)", "dma", "virtio1 entropy"],
  );
  const write = finish(b.debuggee.lastWrite(answer, 1)) ?? assert.fail("no write");
  assert.equal(write.by, undefined, "the store that told it");
});

test("what a device writes to memory when something arrives", () => {
  const b = run(
    `
_start:
  li   t0, 0x10001000
  li   t1, 1
  sw   t1, 0x70(t0)
  li   t1, 3
  sw   t1, 0x70(t0)
  li   t1, 1
  sw   t1, 0x24(t0)
  sw   t1, 0x20(t0)
  li   t1, 11
  sw   t1, 0x70(t0)
  sw   zero, 0x30(t0)
  li   t1, 8
  sw   t1, 0x38(t0)
  la   t1, descriptors
  sw   t1, 0x80(t0)
  la   t2, available
  sw   t2, 0x90(t0)
  la   t3, used
  sw   t3, 0xa0(t0)
  la   s0, buffer
  sd   s0, 0(t1)
  li   t4, 16
  sw   t4, 8(t1)
  li   t4, 2
  sh   t4, 12(t1)
  li   t4, 1
  sh   t4, 2(t2)
  sw   t4, 0x44(t0)
  li   t1, 15
  sw   t1, 0x70(t0)
  sw   zero, 0x50(t0)
1:
  lbu  a0, 1(s0)
  beqz a0, 1b
  mv   a1, a0
done:
  j    done
  .balign 16
descriptors: .space 128
available: .space 32
  .balign 8
used: .space 128
buffer: .space 16
`,
    { console: "virtio" },
    { input: "Hi" },
  );
  const found = b.origin("a1");
  assert.deepEqual(told(found), ["0: mv a1,a0", "0: lbu a0,1(s0)", "dma"]);
  assert.equal(found.value, 0x69n);
  assert.match(
    found.end.sentence,
    /^The virtio console wrote 2 bytes at 0x\w+ when input arrived, at instant 200[01]\.$/,
  );
  const write = finish(b.debuggee.lastWrite(b.address("buffer"), 1)) ?? assert.fail("no write");
  assert.deepEqual([write.by, write.instant, write.value], ["device", found.end.instant, 0x6948n]);
});
