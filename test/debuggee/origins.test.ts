import assert from "node:assert/strict";
import test from "node:test";
import type { Origin, OriginOptions } from "../../src/debuggee/origin-protocol.ts";
import { ROUNDS } from "./guests.ts";
import { type Bench, bench, breakAt, finish, lineOf, onLine } from "./harness.ts";

/** A guest that has come to its line `# @here`. */
function at(source: string, board: Parameters<typeof bench>[2] = {}, marker = "here"): Bench {
  const b = bench(source, {}, board);
  breakAt(b, [{ at: onLine(lineOf(source, marker)) }]);
  const stopped = finish(b.debuggee.resume());
  assert.equal(stopped.reason, "breakpoint", stopped.description);
  return b;
}

function origin(b: Bench, place: string, options: OriginOptions = {}, hart = 0): Origin {
  const { instant } = b.machine;
  const found = finish(b.debuggee.origin(place, hart, options));
  assert.equal(b.machine.instant, instant, "the timeline stays where it is");
  return found;
}

/** The chain as text: instructions, newest first, and how it ends. */
function told({ steps, end }: Origin): string[] {
  return [...steps.map(({ text }) => text), end.kind];
}

function address({ program }: Bench, name: string): bigint {
  return program.symbols.find((symbol) => symbol.name === name)?.address ?? assert.fail(name);
}

const MACHINE = `
        .text
        .globl  _start
_start:
        la      sp, stack_top
`;
const DATA = `
        .data
        .balign 16
cell:   .dword  0
pair:   .dword  0x1122334455667788, 0
        .bss
        .balign 16
        .space  256
stack_top:
        .space  16
`;
const guest = (body: string) => `${MACHINE}${body}\nend:    j end                   # @end\n${DATA}`;

test("through moves, sums, saved registers and memory, to the constant", () => {
  const source = guest(`
        la      t0, cell
        li      t1, 0x80000200
        sd      t1, 0(t0)
        ld      s1, 0(t0)
        call    clobber
        mv      a1, s1
        addi    sp, sp, -16
        sd      a1, 8(sp)
        li      a1, 0
        ld      a2, 8(sp)
        addi    sp, sp, 16
        li      t2, 24
        add     a3, t2, a2
        addi    a5, a3, -8
        nop                             # @here
        j       end
        .type   clobber, @function
clobber:
        addi    sp, sp, -16
        sd      s1, 0(sp)
        li      s1, 99
        ld      s1, 0(sp)
        addi    sp, sp, 16
        ret
        .size   clobber, .-clobber`);
  const b = at(source);
  const found = origin(b, "a5");
  assert.deepEqual(told(found), [
    "addi a5,a3,-8",
    "add a3,t2,a2",
    "ld a2,8(sp)",
    "sd a1,8(sp)",
    "mv a1,s1",
    "ld s1,0(sp)",
    "sd s1,0(sp)",
    "ld s1,0(t0)",
    "sd t1,0(t0)",
    ...found.steps.slice(9).map(({ text }) => text),
    "constant",
  ]);
  assert.equal(found.value, 0x8000_0210n);
  assert.equal(found.steps[0].value, 0x8000_0210n);
  assert.equal(found.steps[2].value, 0x8000_01f8n + 0x8n);
  assert.deepEqual(
    found.steps.slice(0, 3).map(({ how, sentence }) => [how, sentence]),
    [
      ["offset", "a5 is a3 - 8"],
      ["computed", "a3 was computed of t2 and a2"],
      ["load", `a2 was loaded from ${found.steps[2].operands[0].place.name} (8 bytes)`],
    ],
  );
  assert.equal(found.steps[1].follows, 1, "the pointer of the sum");
  assert.equal(found.steps[4].source?.line, lineOf(source, "here") - 9);
  assert.ok(found.steps.every(({ instant }, index) => index === 0 || instant < found.steps[index - 1].instant));
});

test("where chains end: constants, calls, zero, computations, reset", () => {
  const b = at(
    guest(`
        li      t2, 24
        la      t1, cell
        xor     a6, t1, t2
        li      a7, 0x12345678
        lui     s2, 0x12345
        call    1f
1:      sd      zero, 8(sp)
        ld      s3, 8(sp)
        nop                             # @here`),
  );
  assert.deepEqual(told(origin(b, "t2")), ["li t2,24", "constant"]);
  assert.deepEqual(told(origin(b, "a7")).at(-1), "constant");
  assert.equal(origin(b, "a7").steps.length, 2, "the upper bits, and the lower ones added");
  assert.deepEqual(told(origin(b, "s2")), ["lui s2,0x12345", "constant"]);
  assert.match(origin(b, "ra").end.sentence, /return address/);
  assert.deepEqual(told(origin(b, "zero")), ["constant"]);
  assert.deepEqual(told(origin(b, "s3")), ["ld s3,8(sp)", "sd zero,8(sp)", "constant"]);
  const computed = origin(b, "a6");
  assert.equal(computed.end.kind, "computed");
  assert.match(computed.end.sentence, /^`xor a6,t1,t2` computed it of t1 and t2\.$/);
  assert.deepEqual(told(origin(b, "s11")), ["reset"]);
  assert.equal(origin(b, "a0").end.kind, "reset");
  assert.throws(() => origin(b, "q9"), { code: "expression" });
  assert.throws(() => origin(b, "pc"), { code: "no-origin" });
  assert.throws(() => origin(b, "a0", { at: 1e9 }), { code: "no-instant" });
  assert.throws(() => origin(b, "a0", {}, 3), { code: "no-hart" });
});

test("a block of zeros that cbo.zero wrote is a constant of its own", () => {
  const b = at(
    guest(`
        la      t0, pair
        sd      t0, 0(t0)
        cbo.zero (t0)
        ld      a0, 0(t0)
        nop                             # @here`),
  );
  const found = origin(b, "a0");
  assert.deepEqual(told(found), ["ld a0,0(t0)", "cbo.zero (t0)", "constant"]);
  assert.deepEqual(
    found.steps[1].operands.map(({ place, role }) => [place.name, role]),
    [["t0", "address"]],
  );
});

test("a tree unfolds the operands; each operand can be asked for at its step", () => {
  const b = at(
    guest(`
        li      t0, 3
        slli    t1, t0, 4
        li      t2, 5
        mul     a0, t1, t2
        nop                             # @here`),
  );
  const tree = origin(b, "a0", { depth: 1 });
  assert.deepEqual(told(tree), ["mul a0,t1,t2", "computed"]);
  const [{ operands, instant }] = tree.steps;
  assert.deepEqual(
    operands.map(({ place, value, role, origin: from }) => [place.name, value, role, from && told(from)]),
    [
      ["t1", 48n, "value", ["slli t1,t0,0x4", "li t0,3", "constant"]],
      ["t2", 5n, "value", ["li t2,5", "constant"]],
    ],
  );
  assert.equal(origin(b, "a0").steps[0].operands[0].origin, undefined);
  assert.deepEqual(told(origin(b, "t1", { at: instant })), ["slli t1,t0,0x4", "li t0,3", "constant"]);
});

test("parts of words: the bytes that a store left alone are told, and can be followed", () => {
  const b = at(
    guest(`
        la      t0, pair
        li      t1, 0xabcd
        sh      t1, 2(t0)
        ld      a0, 0(t0)
        lbu     a1, 3(t0)
        lbu     a2, 7(t0)
        nop                             # @here`),
  );
  const whole = origin(b, "a0", { depth: 1 });
  assert.equal(whole.value, 0x1122_3344_abcd_7788n);
  assert.deepEqual(told(whole).slice(0, 2), ["ld a0,0(t0)", "sh t1,2(t0)"]);
  const store = whole.steps[1];
  assert.equal(store.note, "It wrote 2 of the 8 bytes; the others are older.");
  assert.deepEqual(
    store.operands.map(({ place, role, value, origin: from }) => [
      place.name,
      place.length,
      role,
      value,
      from?.end.kind,
    ]),
    [
      ["t1", undefined, "value", 0xabcdn, undefined],
      ["t0", undefined, "address", address(b, "pair"), undefined],
      ["pair", 2, "rest", 0x7788n, "image"],
      ["pair+0x4", 4, "rest", 0x1122_3344n, "image"],
    ],
  );
  assert.deepEqual(told(origin(b, "a1")).slice(0, 2), ["lbu a1,3(t0)", "sh t1,2(t0)"]);
  const untouched = origin(b, "a2");
  assert.deepEqual(told(untouched), ["lbu a2,7(t0)", "image"]);
  assert.match(untouched.end.sentence, /initial contents of guest\.s \(pair\+0x7, section \.data\)/);
  assert.equal(origin(b, "*pair").steps[0].text, "sh t1,2(t0)");
  assert.equal(origin(b, "pair", { length: 1 }).end.kind, "image");
  assert.equal(
    origin(b, `phys:0x${(address(b, "pair") + 2n).toString(16)}`, { length: 2 }).steps[0].text,
    "sh t1,2(t0)",
  );
  assert.match(origin(b, "*stack_top").end.sentence, /zeros of guest\.s/);
});

test("atomic operations exchange and compute; sc tells of its reservation", () => {
  const b = at(
    guest(`
        la      t0, cell
        li      t1, 7
        li      t2, 5
        amoswap.d a0, t1, (t0)
        amoadd.d a1, t2, (t0)
        lr.d    a2, (t0)
        addi    a3, a2, 1
        sc.d    a4, a3, (t0)
        ld      a5, 0(t0)
        nop                             # @here`),
  );
  assert.deepEqual(told(origin(b, "a0")), ["amoswap.d a0,t1,(t0)", "image"]);
  assert.deepEqual(told(origin(b, "a1")), ["amoadd.d a1,t2,(t0)", "amoswap.d a0,t1,(t0)", "li t1,7", "constant"]);
  const sum = origin(b, "a5", { depth: 1 });
  assert.deepEqual(told(sum), [
    "ld a5,0(t0)",
    "sc.d a4,a3,(t0)",
    "addi a3,a2,1",
    "lr.d a2,(t0)",
    "amoadd.d a1,t2,(t0)",
    "computed",
  ]);
  assert.deepEqual(
    sum.steps[4].operands
      .filter(({ role }) => role === "value")
      .map(({ place, origin: from }) => [place.name, from?.end.kind]),
    [
      ["t2", "constant"],
      ["cell", "constant"],
    ],
  );
  assert.deepEqual(told(origin(b, "a4")), ["sc.d a4,a3,(t0)", "reservation"]);
});

test("floating point: through fld, fsd and fmv, and what is computed", () => {
  const b = at(
    guest(`
        li      t0, 1 << 13
        csrs    mstatus, t0
        la      t1, pair
        fld     fa0, 0(t1)
        fmv.d   fa1, fa0
        fsd     fa1, 8(t1)
        ld      a0, 8(t1)
        fmv.d.x fa2, a0
        fadd.d  fa3, fa2, fa0
        nop                             # @here`),
  );
  const chain = ["fmv.d.x fa2,a0", "ld a0,8(t1)", "fsd fa1,8(t1)", "fmv.d fa1,fa0", "fld fa0,0(t1)", "image"];
  assert.deepEqual(told(origin(b, "fa2")), chain);
  assert.deepEqual(told(origin(b, "fa3")), ["fadd.d fa3,fa2,fa0", "computed"]);
  assert.equal(origin(b, "fs11").end.kind, "reset");
});

test("compressed forms, CSR exchanges and a trap frame: what a handler saves and restores is still the same value", () => {
  const source = `
        .option rvc
        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, handler
        csrw    mtvec, t0
        la      t0, frame
        csrw    mscratch, t0
        c.li    s0, 21
        c.mv    a4, s0
        ecall
        mv      a5, a4                  # @back
        nop                             # @here
1:      j       1b
        .balign 4
handler:
        csrrw   sp, mscratch, sp        # @swap
        sd      a4, 0(sp)
        csrr    a4, mscratch
        sd      a4, 8(sp)
        csrr    a4, mepc
        addi    a4, a4, 4
        csrw    mepc, a4                # @resume
        ld      a4, 0(sp)
        csrrw   sp, mscratch, sp
        mret
        .data
        .balign 16
frame:  .space  32
        .space  128
stack_top:
`;
  const b = at(source);
  assert.deepEqual(told(origin(b, "a5")), [
    "mv a5,a4",
    "ld a4,0(sp)",
    "sd a4,0(sp)",
    "mv a4,s0",
    "li s0,21",
    "constant",
  ]);
  const sp = origin(b, "sp");
  assert.deepEqual(told(sp).slice(0, 2), ["csrrw sp,mscratch,sp", "csrrw sp,mscratch,sp"]);
  assert.deepEqual(
    sp.steps.slice(0, 2).map(({ how, place }) => [how, place.name]),
    [
      ["exchange", "sp"],
      ["exchange", "mscratch"],
    ],
  );
  assert.equal(sp.end.kind, "constant");
  assert.deepEqual(told(origin(b, "mscratch")).slice(0, 2), ["csrrw sp,mscratch,sp", "csrrw sp,mscratch,sp"]);
  const epc = origin(b, "mepc");
  assert.deepEqual(told(epc), ["csrw mepc,a4", "addi a4,a4,4", "csrr a4,mepc", "trap"]);
  assert.match(
    epc.end.sentence,
    /^mepc was written by the trap “Environment call from M-mode”, which hart 0 met at _start\+0x/,
  );
  assert.equal(origin(b, "mcause").end.kind, "trap");
  assert.equal(origin(b, "mstatus").end.kind, "csr");
});

test("a last write is any: also of the user's and of those that come with events", () => {
  const b = bench(ROUNDS);
  finish(b.debuggee.resume());
  const cell = address(b, "result");
  const stored = finish(b.debuggee.lastWrite(cell, 8)) ?? assert.fail("no write");
  assert.equal(stored.by, undefined);
  const read = finish(b.debuggee.lastRead(cell, 8));
  assert.ok(read === undefined || read.instant < b.machine.instant);
  b.debuggee.writeMemory(cell, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  b.debuggee.setExpression("s5", "77", 0);
  const { instant } = b.machine;
  const edited = finish(b.debuggee.lastWrite(cell + 1n, 1)) ?? assert.fail("no write");
  assert.deepEqual([edited.by, edited.instant, edited.value], ["edit", instant, 0x0807_0605_0403_0201n]);
  assert.deepEqual(told(origin(b, "*result")), ["edit"]);
  assert.deepEqual(told(origin(b, "s5")), ["edit"]);
  assert.match(origin(b, "s5").end.sentence, /^The user set s5 at instant \d+\.$/);
  assert.equal(origin(b, "*result", { at: instant - 1 }).steps[0].instant, stored.instant);
});

test("devices: a byte of console input, another register, a counter", () => {
  const source = guest(`
        li      t0, 0x10000000
1:      lbu     t1, 5(t0)
        andi    t1, t1, 1
        beqz    t1, 1b
        lbu     a0, 0(t0)
        mv      a1, a0
        lbu     a2, 5(t0)
        csrr    a3, cycle
        csrr    a4, mhartid
        nop                             # @here`);
  const b = bench(source);
  breakAt(b, [{ at: onLine(lineOf(source, "here")) }]);
  const motion = b.debuggee.resume();
  motion.next();
  b.debuggee.input(Uint8Array.of(0x51));
  finish(motion);
  const input = origin(b, "a1");
  assert.deepEqual(told(input), ["mv a1,a0", "lbu a0,0(t0)", "input"]);
  assert.match(input.end.sentence, /^It is a byte of console input \('Q'\), which arrived at instant \d+\.$/);
  assert.ok((input.end.instant ?? 0) > 0 && (input.end.instant ?? 0) <= input.steps[1].instant);
  const status = origin(b, "a2");
  assert.deepEqual([status.end.kind, status.end.device], ["device", "uart16550"]);
  assert.deepEqual(told(origin(b, "a3")), ["rdcycle a3", "csr"]);
  assert.match(origin(b, "a3").end.sentence, /counts by itself/);
  assert.deepEqual(told(origin(b, "a4")), ["csrr a4,mhartid", "csr"]);
});
