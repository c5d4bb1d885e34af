import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { MAX_HARTS } from "../../src/machine/configuration.ts";
import { TURN_STEPS } from "../../src/machine/harts.ts";
import type { Checkpoint } from "../../src/machine/machine-interface.ts";
import { Guest, physical, program, ScriptedInlet } from "./guests.ts";

const ENGINES = ["oracle", "interpreter", "translator"] as const;
const EXIT = `
end:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1: j   1b
`;

/** Hart 0 reserves a doubleword and ends its turn; hart 1 does `disturbance`; what hart 0's sc gives is in its s0. */
function reserving(disturbance: string, size: "w" | "d" = "d"): string {
  return `
_start:
  la   s1, word
  li   s2, 0x2a
  bnez a0, other
  lr.${size} t1, (s1)
  pause
  sc.${size} s0, s2, (s1)
${EXIT}
other:
${disturbance}
1: pause
  j    1b
  .data
  .balign 64
  .dword 0, 0, 0
word:
  .dword 0, 0, 0, 0, 0
  .bss
  .balign 4096
table: .space 4096
queue: .space 4096
`;
}

/** Machine mode reaches the gigabyte of RAM at address 0 by the privilege that MPRV lends it. */
const ALIAS = `
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  la   t1, table
  li   t0, 0x200000cf
  sd   t0, 0(t1)
  srli t1, t1, 12
  li   t0, 8 << 60
  or   t0, t0, t1
  csrw satp, t0
  li   t0, 1 << 12
  csrc mstatus, t0
  li   t0, (1 << 11) | (1 << 17)
  csrs mstatus, t0
  li   t0, 0x80000000
  sub  s3, s1, t0
`;

/** The entropy device writes eight random bytes \`offset\` bytes behind the word, in the course of the store that notifies it. */
const dma = (offset: number): string => `
  li   a0, 0x10001000
  la   a1, queue
  li   t0, 3
  sw   t0, 0x70(a0)
  li   t0, 1
  sw   t0, 0x24(a0)
  sw   t0, 0x20(a0)
  li   t0, 11
  sw   t0, 0x70(a0)
  li   t0, 8
  sw   t0, 0x38(a0)
  sw   a1, 0x80(a0)
  addi t0, a1, 128
  sw   t0, 0x90(a0)
  addi t0, a1, 256
  sw   t0, 0xa0(a0)
  li   t0, 1
  sw   t0, 0x44(a0)
  li   t0, 15
  sw   t0, 0x70(a0)
  addi t0, s1, ${offset}
  sd   t0, 0(a1)
  li   t0, 8
  sw   t0, 8(a1)
  li   t0, 2
  sh   t0, 12(a1)
  li   t0, 1
  sh   t0, 130(a1)
  sw   zero, 0x50(a0)
`;

const DISTURBANCES: readonly { what: string; code: string; breaks: boolean }[] = [
  { what: "nothing", code: "", breaks: false },
  { what: "a load", code: "ld t0, (s1)", breaks: false },
  { what: "a store to it", code: "sd s2, (s1)", breaks: true },
  { what: "a store of what is there already", code: "sd zero, (s1)", breaks: true },
  { what: "its first byte", code: "sb s2, (s1)", breaks: true },
  { what: "its last byte", code: "sb s2, 7(s1)", breaks: true },
  { what: "the byte before", code: "sb s2, -1(s1)", breaks: false },
  { what: "the byte behind", code: "sb s2, 8(s1)", breaks: false },
  { what: "the neighbours", code: "sd s2, -8(s1)\n sd s2, 8(s1)", breaks: false },
  { what: "a misaligned store that ends in it", code: "sd s2, -4(s1)", breaks: true },
  { what: "a misaligned store that begins in it", code: "sw s2, 6(s1)", breaks: true },
  { what: "an AMO", code: "amoadd.w t0, zero, (s1)", breaks: true },
  { what: "an AMO beside", code: "addi t2, s1, 8\n amoadd.d t0, s2, (t2)", breaks: false },
  { what: "another hart's reservation", code: "lr.d t0, (s1)", breaks: false },
  { what: "another hart's sc", code: "lr.d t0, (s1)\n sc.d t0, s2, (s1)", breaks: true },
  { what: "another hart's sc that fails", code: "sc.d t0, s2, (s1)", breaks: false },
  { what: "its cache block cleared", code: "cbo.zero (s1)", breaks: true },
  { what: "a cache block behind", code: "addi t2, s1, 64\n cbo.zero (t2)", breaks: false },
  { what: "a floating-point store", code: "li t0, 3 << 13\n csrs mstatus, t0\n fsd fa0, (s1)", breaks: true },
  { what: "a store by another virtual address", code: `${ALIAS}\n sd s2, (s3)`, breaks: true },
  { what: "a store beside it by another virtual address", code: `${ALIAS}\n sd s2, 8(s3)`, breaks: false },
  { what: "a device", code: dma(0), breaks: true },
  { what: "a device beside it", code: dma(8), breaks: false },
];

for (const engine of ENGINES) {
  test(`${engine}: what breaks a reservation is a write to its doubleword by somebody else, and nothing beside it`, () => {
    for (const { what, code, breaks } of DISTURBANCES) {
      for (const [size, before] of [
        ["d", ""],
        ["w", ""],
        // With the page's write tag set before there is a reservation on it.
        ...(engine === "oracle" ? [] : ([["d", "sd zero, 24(s1)"]] as const)),
      ] as const) {
        const source = reserving(code, size).replace("  bnez a0", `  ${before}\n  bnez a0`);
        const guest = new Guest(source, engine, { harts: 2 });
        assert.equal(guest.run(100_000).kind, "finished", what);
        assert.equal(guest.register(8), breaks ? 1n : 0n, `${what}, lr.${size}`);
      }
    }
  });

  test(`${engine}: the hart's own stores leave its reservation, its traps and what the user edits do not`, () => {
    const own = (code: string): string => `
_start:
  la   t0, handler
  csrw mtvec, t0
  la   s1, word
  lr.d t1, (s1)
  ${code}
edited:
  sc.d s0, s1, (s1)
  ${EXIT}
  .balign 4
handler:
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
  .data
  .balign 16
word: .dword 0, 0`;
    const outcome = (guest: Guest): bigint => {
      assert.equal(guest.run(1000).kind, "finished");
      return guest.register(8);
    };
    assert.equal(outcome(new Guest(own("sd zero, (s1)"), engine)), 0n);
    assert.equal(outcome(new Guest(own("ecall"), engine)), 1n);
    for (const [offset, expected] of [
      [0, 1n],
      [7, 1n],
      [8, 0n],
      [-1, 0n],
    ] as const) {
      const guest = new Guest(own("nop"), engine);
      guest.stops({ breakpoints: [guest.at("edited")] });
      assert.equal(guest.run(1000).kind, "breakpoint");
      const address = physical((guest.at("word") + BigInt(offset)) as never);
      const edit = { target: "memory", address, bytes: Uint8Array.of(0) } as const;
      guest.machine.inlet = new ScriptedInlet([{ kind: "edit", instant: guest.machine.instant, edit }]);
      assert.equal(outcome(guest), expected, `edit at ${offset}`);
    }
  });
}

const SPINNING = `
_start:
1: addi s0, s0, 1
  j    1b`;

test("a turn is ten thousand steps, in the order of the harts", () => {
  for (const engine of ENGINES) {
    const guest = new Guest(SPINNING, engine, { harts: 3 });
    for (const [at, hart] of [
      [1, 0],
      [TURN_STEPS - 1, 0],
      [TURN_STEPS, 1],
      [2 * TURN_STEPS - 1, 1],
      [2 * TURN_STEPS, 2],
      [3 * TURN_STEPS, 0],
    ]) {
      guest.run(at);
      assert.equal(guest.machine.currentHart, hart, `instant ${at}`);
    }
    const counts = guest.machine.harts.map((hart) => hart.register(8));
    assert.deepEqual(
      counts,
      [1, 2, 3].map(() => BigInt(TURN_STEPS / 2)),
    );
  }
});

test("pause and the waits for reservations end a turn; alone, a hart goes on", () => {
  for (const instruction of ["pause", "wrs.nto", "wrs.sto"]) {
    const source = `
_start:
  nop
  ${instruction}
1: addi s0, s0, 1
  j    1b`;
    for (const engine of ENGINES) {
      const guest = new Guest(source, engine, { harts: 2 });
      const order: number[] = [];
      for (let at = 0; at < 5; at++) {
        guest.run(at);
        order.push(guest.machine.currentHart);
      }
      assert.deepEqual(order, [0, 0, 1, 1, 0], `${instruction}, ${engine}`);
      const alone = new Guest(source, engine);
      alone.run(4);
      assert.equal(alone.register(8), 1n, instruction);
    }
  }
});

test("a hart that waits has no turn until an interrupt is there for it; when all wait the machine does", () => {
  const source = `
_start:
  csrwi mie, 8
  bnez a0, sleep
  li   t0, 25000
1: addi t0, t0, -1
  bnez t0, 1b
  li   t0, 0x02000004       # msip of hart 1
  li   t1, 1
  sw   t1, (t0)
sleep:
  wfi
awake:
  addi s0, s0, 1
  li   t0, 0x02000000
  slli t1, a0, 2
  add  t0, t0, t1
  sw   zero, (t0)
  j    sleep`;
  const states = ENGINES.map((engine) => {
    const guest = new Guest(source, engine, { harts: 2 });
    guest.run(30_000);
    assert.equal(guest.machine.harts[1].waiting, true);
    assert.equal(guest.machine.currentHart, 0, "nobody else wants the turn");
    guest.stops({ breakpoints: [guest.at("awake")] });
    assert.deepEqual(guest.run(200_000), { kind: "breakpoint", hart: 1, pc: guest.at("awake") });
    assert.deepEqual(guest.run(200_000), { kind: "waiting" });
    assert.deepEqual(
      guest.machine.harts.map((hart) => [hart.register(8), hart.waiting]),
      [
        [0n, true],
        [1n, true],
      ],
    );
    return guest.machine.digest();
  });
  assert.deepEqual(new Set(states).size, 1);
});

test("what a hart counts are its own steps", () => {
  const guest = new Guest(SPINNING, "interpreter", { harts: 2 });
  guest.run(TURN_STEPS + 1234);
  const [MCYCLE, MINSTRET] = [0xb00, 0xb02];
  for (const csr of [MCYCLE, MINSTRET]) {
    assert.deepEqual(
      guest.machine.harts.map((hart) => hart.csr(csr)),
      [BigInt(TURN_STEPS), 1234n],
    );
  }
});

/**
 * In every round each hart adds to a counter under a lock by lr and sc; the last one to come to the barrier, by an AMO, wakes
 * all by an interrupt that each waits for. The counter is the exit code.
 */
const TOGETHER = (harts: number, rounds: number): string => `
  .equ MSIP, 0x02000000
_start:
  la   s1, shared
  li   s2, 1                # round
  li   s3, MSIP
  slli t0, a0, 2
  add  s4, s3, t0           # my msip
  li   s5, ${harts}
  csrwi mie, 8
round:
  li   t1, 1
1: lr.w t0, (s1)
  bnez t0, 2f
  sc.w t0, t1, (s1)
  beqz t0, 3f
2: pause
  j    1b
3: ld  t0, 8(s1)
  addi t0, t0, 1
  sd   t0, 8(s1)
  fence
  sw   zero, (s1)
  addi t2, s1, 16
  li   t0, 1
  amoadd.d t0, t0, (t2)
  addi t0, t0, 1
  mul  t1, s2, s5
  bne  t0, t1, 5f
  mv   t0, s5
  mv   t1, s3
  li   t2, 1
4: sw  t2, (t1)
  addi t1, t1, 4
  addi t0, t0, -1
  bnez t0, 4b
5: lw  t0, (s4)
  bnez t0, 6f
  wfi
  j    5b
6: sw  zero, (s4)
  addi s2, s2, 1
  li   t0, ${rounds}
  ble  s2, t0, round
  bnez a0, 7f
  ld   t1, 8(s1)
  slli t1, t1, 16
  li   t0, 0x3333
  or   t1, t1, t0
  li   t0, 0x100000
  sw   t1, (t0)
7: wfi
  j    7b
  .data
  .balign 64
shared:
  .dword 0, 0, 0`;

test("1 to 8 harts: locks, interrupts and waits give one state at an instant, by any engine, slices and checkpoints", () => {
  const ROUNDS = 6;
  for (let harts = 1; harts <= MAX_HARTS; harts++) {
    const source = program(TOGETHER(harts, ROUNDS));
    const oracle = new Guest(source, "oracle", { harts });
    const prng = new Prng(harts);
    const digests = new Map<number, string>();
    let finished = false;
    while (!finished) {
      finished = oracle.run(oracle.machine.instant + 1 + prng.below(200)).kind === "finished";
      digests.set(oracle.machine.instant, oracle.machine.digest());
      assert.ok(oracle.machine.instant < 1_000_000, `${harts} harts: an end`);
    }
    const end = oracle.machine.instant;
    assert.deepEqual(oracle.run(), { kind: "finished", exitCode: harts * ROUNDS, reset: false }, `${harts} harts`);

    for (const engine of ["interpreter", "translator"] as const) {
      const whole = new Guest(source, engine, { harts });
      whole.run();
      assert.deepEqual([whole.machine.instant, whole.machine.digest()], [end, digests.get(end)], `${harts}, ${engine}`);
    }

    const cut = new Guest(source, "translator", { harts });
    const saved: Checkpoint[] = [];
    for (const [at, digest] of digests) {
      while (cut.machine.instant < at) cut.run(Math.min(at, cut.machine.instant + 1 + prng.below(97)));
      assert.equal(cut.machine.digest(), digest, `${harts} harts, instant ${at}`);
      if (prng.below(8) === 0) saved.push(cut.machine.checkpoint());
    }
    for (const checkpoint of saved.reverse()) {
      cut.machine.restore(checkpoint);
      assert.equal(
        cut.machine.digest(),
        digests.get(checkpoint.instant),
        `${harts} harts, back at ${checkpoint.instant}`,
      );
      const next = [...digests.keys()].find((at) => at > checkpoint.instant) ?? end;
      cut.run(instant(next));
      assert.equal(cut.machine.digest(), digests.get(next), `${harts} harts, from ${checkpoint.instant} to ${next}`);
    }
  }
});
