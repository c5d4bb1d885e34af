import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { runUnderFirmware } from "./firmware-guest.ts";

const OK = 0n;
const NOT_SUPPORTED = -2n;
const INVALID_PARAM = -3n;
const INVALID_ADDRESS = -5n;
const ALREADY_AVAILABLE = -6n;

const FINISHED = { kind: "finished", exitCode: 0, reset: false };

function unsigned(pairs: readonly (readonly bigint[])[]): bigint[][] {
  return pairs.map((pair) => pair.map((value) => BigInt.asUintN(64, value)));
}

/** Runs calls on hart 0 and compares what they answer. */
function check(source: string, expected: readonly (readonly bigint[])[], harts = 1): void {
  for (const engine of ["auto", "oracle"] as const) {
    const { stop, notes, console } = runUnderFirmware(`guest:\n${source}\n shut_down`, { harts, engine });
    assert.deepEqual(stop, FINISHED, console);
    assert.deepEqual(notes(0), unsigned(expected), engine);
  }
}

test("base says what there is, and probes answer honestly", () => {
  const probe = (extension: string) => `li a0, ${extension}\n sbi BASE, 3\n`;
  const there = ["0", "8", "BASE", "TIME", "IPI", "RFENCE", "HSM", "SRST", "DBCN", "PMU", "0x9000000"];
  const absent = ["9", "0x53555350", "0x43505043", "0x4e41434c", "0x535441", "0x46574654"];
  check(
    `sbi BASE, 0\n sbi BASE, 1\n sbi BASE, 2\n sbi BASE, 4\n sbi BASE, 6\n sbi BASE, 7\n ${[...there, ...absent].map(probe).join("")}`,
    [
      [OK, 0x200_0000n],
      [OK, 0x4849_4e44n],
      [OK, 1n],
      [OK, 0n],
      [OK, 0n],
      [NOT_SUPPORTED, 0n],
      ...there.map(() => [OK, 1n]),
      ...absent.map(() => [OK, 0n]),
    ],
  );
});

test("what does not exist is not supported", () => {
  check(
    ["0x12345678, 0", "TIME, 1", "IPI, 1", "RFENCE, 3", "HSM, 4", "SRST, 1", "DBCN, 3", "PMU, 9", "9, 0"]
      .map((call) => `sbi ${call}\n`)
      .join(""),
    Array.from({ length: 9 }, () => [NOT_SUPPORTED, 0n]),
  );
});

test("a hart's area for pages that are not ready lies in memory, is aligned, and is nobody else's", () => {
  const register = (address: string, size: string) => `li a0, ${address}\n li a1, ${size}\n sbi 0x9000000, 0\n`;
  check(
    [
      register("0x80300080", "128"),
      register("0x80300000", "4096"),
      register("0", "0"),
      register("0x80300000", "127"),
      register("0x80300040", "128"),
      register("0x80000000", "128"),
      register("0x8000ff80", "128"),
      register("0x10000000", "128"),
      register("0xfffffffffffff000", "128"),
      "li a0, 0x80300080\n li a1, 128\n sbi 0x9000000, 1\n",
    ].join(""),
    [
      ...[OK, OK, OK, INVALID_PARAM, INVALID_ADDRESS, INVALID_ADDRESS, INVALID_ADDRESS].map((code) => [code, 0n]),
      ...[INVALID_ADDRESS, INVALID_ADDRESS, NOT_SUPPORTED].map((code) => [code, 0n]),
    ],
  );
});

test("a call changes a0 and a1 only", () => {
  const others = ["ra", "sp", "gp", "tp", "t2", "s0", "s1", "a2", "a3", "a4", "a5", "s2", "s5", "s10", "t3", "t6"];
  check(
    `${others.map((name, index) => `li ${name}, ${1000 + index}\n`).join("")}
    li a0, 1
    li a1, 0
    sbi RFENCE, 1
    ${others.map((name) => `note ${name}\n`).join("")}`,
    [[OK, 0n], ...others.map((_, index) => [BigInt(1000 + index), 0n])],
  );
});

test("the console writes, byte by byte and as a whole; addresses that are none are invalid", () => {
  const source = `guest:
    li a0, 7
    la a1, buffer
    li a2, 0
    sbi DBCN, 0
    li a0, '!'
    sbi DBCN, 2
    li a0, 0
    la a1, buffer
    li a2, 0
    sbi DBCN, 0
    li a0, 7
    la a1, buffer
    li a2, 1
    sbi DBCN, 0
    li a0, 4
    li a1, 0x80000000
    li a2, 0
    sbi DBCN, 0
    li a0, 4
    li a1, 0x8000fffd
    li a2, 0
    sbi DBCN, 0
    li a0, 8
    li a1, 0x40000000
    li a2, 0
    sbi DBCN, 0
    li a0, 8
    li a1, 0x83fffffe
    li a2, 0
    sbi DBCN, 0
    li a0, -1
    li a1, 0x80300000
    li a2, 0
    sbi DBCN, 0
    shut_down`;
  const { stop, notes, console } = runUnderFirmware(source);
  assert.deepEqual(stop, FINISHED);
  // Two bytes of zero lie at the end of memory, in front of the address that is none.
  assert.equal(console, "console!\0\0");
  assert.deepEqual(
    notes(0),
    unsigned([
      [OK, 7n],
      [OK, 0n],
      [OK, 0n],
      ...Array.from({ length: 4 }, () => [INVALID_PARAM, 0n]),
      [OK, 2n],
      [INVALID_PARAM, 0n],
    ]),
  );
});

test("the console reads what is there, and loses nothing to an address that is none", () => {
  const source = `guest:
1:  lw t1, ready
    addi t1, t1, 1
    sw t1, ready, t2
    li t2, 2000
    blt t1, t2, 1b
    li a0, 8
    li a1, 0x40000000
    li a2, 0
    sbi DBCN, 1
    li a0, 2
    la a1, buffer
    li a2, 0
    sbi DBCN, 1
    li a0, 5
    la a1, buffer + 2
    li a2, 0
    sbi DBCN, 1
    li a0, 5
    la a1, buffer
    li a2, 0
    sbi DBCN, 1
    li a7, 2
    ecall
    note a0
    li a0, 7
    la a1, buffer
    li a2, 0
    sbi DBCN, 0
    shut_down
    .data
ready: .word 0`;
  const input = [{ kind: "console-input" as const, instant: 100 as Instant, bytes: new TextEncoder().encode("abc") }];
  const { stop, notes, console } = runUnderFirmware(source, { input });
  assert.deepEqual(stop, FINISHED);
  assert.deepEqual(
    notes(0).slice(0, 5),
    unsigned([
      [INVALID_PARAM, 0n],
      [OK, 2n],
      [OK, 1n],
      [OK, 0n],
      [-1n, 0n],
    ]),
  );
  assert.equal(console, "abcsole");
});

const TIMER_INTERRUPT = [0x8000_0000_0000_0005n, 0n];
const SOFTWARE_INTERRUPT = [0x8000_0000_0000_0001n, 0n];

test("the timer interrupts supervisor mode when it is due, once; a new time takes back one that is due", () => {
  check(
    `csrr a0, time
    addi a0, a0, 200
    sbi TIME, 0
    li t0, 1 << 5
    csrs sie, t0
    csrsi sstatus, 2
    wfi
    li a0, 0
    sbi TIME, 0
1:  csrr t0, sip
    andi t0, t0, 1 << 5
    beqz t0, 1b
    note t0
    li a0, -1
    sbi TIME, 0
    csrr t0, sip
    andi t0, t0, 1 << 5
    note t0`,
    [[OK, 0n], TIMER_INTERRUPT, [OK, 0n], [32n, 0n], [OK, 0n], [0n, 0n]],
  );
});

test("legacy calls do as they did, and leave a1 alone", () => {
  const source = `guest:
    li a0, 'x'
    li a1, 77
    li a7, 1
    ecall
    note a0, a1
    li a0, 0
    li a7, 4
    ecall
    note a0, a1
    csrr t0, sip
    note t0
    li a7, 3
    ecall
    csrr t0, sip
    note t0
    la a0, mask
    li a7, 5
    ecall
    note a0, a1
    la a0, mask
    li a2, 4096
    li a3, 0
    li a7, 6
    ecall
    note a0, a1
    li a7, 8
    ecall
    .data
    .balign 8
mask: .dword 1`;
  const { stop, notes, console } = runUnderFirmware(source);
  assert.deepEqual(stop, FINISHED);
  assert.equal(console, "x");
  assert.deepEqual(notes(0), [
    [0n, 77n],
    [0n, 77n],
    [2n, 0n],
    [0n, 0n],
    [0n, 77n],
    [0n, 77n],
  ]);
});

test("an interrupt between harts reaches those that are named, and the caller", () => {
  check(
    `csrsi sie, 2
    li a0, 1
    li a1, 0
    sbi IPI, 0
    csrsi sstatus, 2
    nop
    csrci sstatus, 2
    li a0, 0
    li a1, -1
    sbi IPI, 0
    li a0, 2
    li a1, 0
    sbi IPI, 0
    li a0, 1
    li a1, 8
    sbi IPI, 0
    li a0, 1
    li a1, 63
    sbi IPI, 0`,
    [[OK, 0n], SOFTWARE_INTERRUPT, [OK, 0n], [INVALID_PARAM, 0n], [INVALID_PARAM, 0n], [INVALID_PARAM, 0n]],
  );
});

test("harts are started, report themselves, fence for each other, and stop", () => {
  const source = `guest:
    li a0, 1
    sbi HSM, 2
    li a0, 1
    la a1, second
    li a2, 4242
    sbi HSM, 0
    li a0, 1
    la a1, second
    sbi HSM, 0
    li a0, 2
    la a1, second
    sbi HSM, 0
    li a0, 1
    li a1, 0x80000100
    sbi HSM, 0
1:  lw t0, state
    beqz t0, 1b
    li a0, 1
    sbi HSM, 2
    # Both harts fence for each other a hundred times, at the same time.
    li s0, 100
2:  li a0, 3
    li a1, 0
    li a2, 0x1000
    li a3, 0x3000
    li a4, 7
    li a7, RFENCE
    andi a6, s0, 1
    addi a6, a6, 1
    ecall
    bnez a0, failed
    addi s0, s0, -1
    bnez s0, 2b
    li t0, 2
    la t1, state
    amoor.w.aqrl zero, t0, (t1)
3:  li a0, 1
    li a7, HSM
    li a6, 2
    ecall
    li t0, 1
    bne a1, t0, 3b
    note a1
    # A stopped hart is not waited for, and can be started again.
    li a0, 0
    li a1, -1
    sbi RFENCE, 0
    li a0, 1
    la a1, third
    sbi HSM, 0
4:  wfi
    j 4b
failed:
    li a0, 0
    li a1, 1
    sbi SRST, 0
second:
    note a0, a1
    csrr t0, satp
    note t0
    li t0, 1
    la t1, state
    amoor.w.aqrl zero, t0, (t1)
    li s0, 100
5:  li a0, 1
    li a1, 0
    li a7, RFENCE
    li a6, 0
    ecall
    bnez a0, failed
    addi s0, s0, -1
    bnez s0, 5b
6:  lw t0, state
    li t1, 3
    bne t0, t1, 6b
    li a7, HSM
    li a6, 1
    ecall
    j failed
third:
    shut_down
    .data
    .balign 8
state: .dword 0
    .text`;
  for (const engine of ["auto", "oracle"] as const) {
    const { stop, notes, console } = runUnderFirmware(source.replace("second:", "second:\n results_of a0"), {
      harts: 2,
      engine,
    });
    assert.deepEqual(stop, FINISHED, console);
    assert.deepEqual(
      notes(0),
      unsigned([
        [OK, 1n],
        [OK, 0n],
        [ALREADY_AVAILABLE, 0n],
        [INVALID_PARAM, 0n],
        [INVALID_ADDRESS, 0n],
        [OK, 0n],
        [1n, 0n],
        [OK, 0n],
        [OK, 0n],
      ]),
    );
    assert.deepEqual(notes(1).slice(0, 2), [
      [1n, 4242n],
      [0n, 0n],
    ]);
  }
});

test("a hart suspends until an interrupt that it has enabled, and resumes here or there", () => {
  check(
    `li t0, 1 << 5
    csrs sie, t0
    csrr a0, time
    addi a0, a0, 100
    sbi TIME, 0
    li a0, 0
    sbi HSM, 3
    csrr a0, time
    addi a0, a0, 100
    sbi TIME, 0
    li a0, 0x80000000
    la a1, resumed
    li a2, 99
    sbi HSM, 3
resumed:
    results_of a0
    addi s11, s11, 48
    note a1
    csrr t0, sie
    note t0
    li a0, 1
    sbi HSM, 3
    li a0, 0x80000000
    li a1, 0x80200001
    sbi HSM, 3`,
    [
      [OK, 0n],
      [OK, 0n],
      [OK, 0n],
      [99n, 0n],
      [32n, 0n],
      [INVALID_PARAM, 0n],
      [INVALID_ADDRESS, 0n],
    ],
  );
});

for (const [what, type, reason, stop] of [
  ["shutdown", 0, 0, FINISHED],
  ["shutdown after a failure", 0, 1, { kind: "finished", exitCode: 1, reset: false }],
  ["cold reboot", 1, 0, { kind: "finished", exitCode: 0, reset: true }],
  ["warm reboot", 2, 1, { kind: "finished", exitCode: 0, reset: true }],
] as const) {
  test(`system reset: ${what}`, () => {
    const outcome = runUnderFirmware(`guest:\n li a0, ${type}\n li a1, ${reason}\n sbi SRST, 0`);
    assert.deepEqual(outcome.stop, stop);
  });
}

test("system reset of another kind is refused", () => {
  check("li a0, 3\n li a1, 0\n sbi SRST, 0\n li a0, 0\n li a1, 2\n sbi SRST, 0", [
    [INVALID_PARAM, 0n],
    [INVALID_PARAM, 0n],
  ]);
});

test("supervisor mode handles its own exceptions, and reaches neither the firmware nor the CLINT", () => {
  check(
    `.option norvc
    li a0, 0x80000000
    ld a1, 0(a0)
    li a0, 0x80001000
    sd a1, 0(a0)
    li a0, 0x2000000
    lw a1, 0(a0)
    csrr a1, mstatus
    ebreak`,
    [
      [5n, 0x8000_0000n],
      [7n, 0x8000_1000n],
      [5n, 0x0200_0000n],
      [2n, 0x3000_25f3n],
      [3n, 0n],
    ],
  );
});

test("counters stub: there are none", () => {
  check("sbi PMU, 0\n li a0, 0\n sbi PMU, 1\n sbi PMU, 2\n sbi PMU, 3\n sbi PMU, 7", [
    [OK, 0n],
    [INVALID_PARAM, 0n],
    [NOT_SUPPORTED, 0n],
    [INVALID_PARAM, 0n],
    [NOT_SUPPORTED, 0n],
  ]);
});
