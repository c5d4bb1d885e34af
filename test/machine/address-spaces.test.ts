import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheGroupChoice, EngineChoice } from "../../src/machine/configuration.ts";
import { Guest } from "./guests.ts";

const PROCESSES = 6;
const TURNS = 200;

/**
 * Processes that share a kernel take turns: satp, a fence, eight pages of data counted up, ecall. Before each turn the kernel
 * lets two of the process's pages change places.
 */
const PROCESSES_IN_TURNS = `
  .equ POOL, 0x80100000
  .equ FIRST, 0x80200000
_start:
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  li   t0, 0xffff
  csrw medeleg, t0
  li   s0, ${PROCESSES}
  li   s1, POOL
  li   s2, FIRST
  li   t3, 4096
each:
  # The kernel has the lowest and the third GiB to itself; the second leads to the pages of the process.
  li   t2, 0xcf
  sd   t2, 0(s1)
  li   t2, (0x80000000 >> 2) | 0xcf
  sd   t2, 16(s1)
  add  t4, s1, t3
  srli t2, t4, 2
  ori  t2, t2, 1
  sd   t2, 8(s1)
  add  t5, t4, t3
  srli t2, t5, 2
  ori  t2, t2, 1
  sd   t2, 0(t4)
  la   t2, user
  srli t2, t2, 2
  ori  t2, t2, 0xdb
  sd   t2, 0(t5)
  li   t6, 8
1:
  addi t5, t5, 8
  srli t2, s2, 2
  ori  t2, t2, 0xd7
  sd   t2, 0(t5)
  add  s2, s2, t3
  addi t6, t6, -1
  bnez t6, 1b
  add  s1, t4, t3
  add  s1, s1, t3
  addi s0, s0, -1
  bnez s0, each
  la   t0, next
  csrw stvec, t0
  csrw mepc, t0
  li   t0, 1 << 11
  csrs mstatus, t0
  li   t0, 1 << 12
  csrc mstatus, t0
  li   s3, ${TURNS}
  li   s4, 0
  mret
  .balign 4
next:
  beqz s3, done
  addi s3, s3, -1
  addi s4, s4, 1
  li   t0, ${PROCESSES}
  blt  s4, t0, 1f
  li   s4, 0
1:
  slli t1, s4, 1
  add  t1, t1, s4
  li   t0, POOL >> 12
  add  t0, t0, t1
  slli t2, t0, 12
  li   t1, 0x2000
  add  t2, t2, t1
  ld   t3, 8(t2)
  ld   t4, 24(t2)
  sd   t4, 8(t2)
  sd   t3, 24(t2)
  li   t1, 8
  slli t1, t1, 60
  or   t0, t0, t1
  csrw satp, t0
  sfence.vma
  li   t0, 0x40000000
  csrw sepc, t0
  li   t0, 1 << 8
  csrc sstatus, t0
  sret
done:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1:
  j    1b
  .balign 4096
user:
  li   a0, 0x40001000
  li   a1, 0x1000
  li   a2, 8
1:
  ld   a3, 0(a0)
  add  a3, a3, a2
  sd   a3, 0(a0)
  add  a0, a0, a1
  addi a2, a2, -1
  bnez a2, 1b
  ecall
  .balign 4096
`;

function run(engine: EngineChoice, cacheGroup: CacheGroupChoice) {
  const guest = new Guest(PROCESSES_IN_TURNS, engine, { memoryBytes: 4 * 1024 * 1024 }, [], cacheGroup);
  const digests: string[] = [];
  for (let at = 1000; ; at += 1777) {
    const stop = guest.run(at);
    digests.push(guest.machine.digest());
    if (stop.kind === "finished") break;
    assert.equal(stop.kind, "reached");
  }
  return { digests, counters: guest.machine.cacheGroup };
}

test("processes in turns: the same states with the cache group, without it, and by the oracle", () => {
  const [kept, dropped, oracle] = [run("interpreter", "on"), run("interpreter", "off"), run("oracle", "on")];
  assert.ok(kept.digests.length > 5);
  assert.deepEqual(dropped.digests, kept.digests);
  assert.deepEqual(oracle.digests, kept.digests);
});

test("processes in turns: their translations are found again, and only what changed is dropped", () => {
  const { counters } = run("interpreter", "on");
  // The processes, and the addresses of machine mode.
  assert.equal(counters.elements, PROCESSES + 1);
  assert.equal(counters.fences, TURNS);
  assert.deepEqual([counters.flushes, counters.voidedContexts, counters.evictions], [0, 0, 0]);
  // Two pages of a process lose their translation each time it comes back.
  assert.equal(counters.droppedTranslations, 2 * (TURNS - PROCESSES));
  const { counters: off } = run("interpreter", "off");
  assert.equal(off.flushes, 2 * TURNS);
  assert.ok(off.walks > 5 * counters.walks, `${off.walks} walks instead of ${counters.walks}`);
});
