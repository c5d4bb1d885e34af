import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { physicalAddress } from "../../src/base/brand.ts";
import { findFloatRegister, findRegister } from "../../src/isa/registers.ts";
import { CODE, TwoEngines } from "./two-engines.ts";

/**
 * Programs of a few lines on both engines, from a hart out of reset: floating point is off until `ON` has run. What traps
 * ends with a0 = mcause and a1 = mtval. That values and flags are right for all operands is test/differential/float's
 * business; this is about everything around them.
 */
const ON = "li t0, 1 << 13; csrs mstatus, t0;";
const STEPS = 200;
const BOX = 0xffff_ffff_0000_0000n;
const QUIET_SINGLE = BOX | 0x7fc0_0000n;
const QUIET_DOUBLE = 0x7ff8_0000_0000_0000n;
const ONE = 0x3ff0_0000_0000_0000n;
const ONE_SINGLE = BOX | 0x3f80_0000n;
const FS_DIRTY = 3n << 13n;
const SD = 1n << 63n;
const ILLEGAL = 2n;
const [NX, UF, OF, DZ, NV] = [1n, 2n, 4n, 8n, 16n];

function run(source: string, expected: Readonly<Record<string, bigint>>): void {
  const text = `
  la t1, trapped
  csrw mtvec, t1
  ${source.replaceAll(";", "\n  ")}
end: j end
  .balign 4
trapped: csrr a0, mcause
  csrr a1, mtval
  j end
  .balign 8
data: .dword 0x3ff0000000000000, 0x7ff0000000000001, 0x3f8000007f800001, 0
`;
  const { program, errors } = assemble(text, { file: "float.s" });
  assert.ok(program, errors.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  const engines = new TwoEngines("interpreter");
  const { bytes } = program.segments[0];
  engines.check(
    [
      { target: "memory", address: physicalAddress(CODE), bytes },
      { target: "pc", hart: 0, value: BigInt(CODE) },
    ],
    STEPS,
    () => source,
  );
  const [hart] = engines.other.machine.harts;
  for (const [name, value] of Object.entries(expected)) {
    const float = findFloatRegister(name);
    const found = float ? hart.floatRegister(float.number) : hart.register(findRegister(name)!.number);
    assert.equal(`${name} ${found.toString(16)}`, `${name} ${BigInt.asUintN(64, value).toString(16)}`, source);
  }
}

test("what is off is an illegal instruction, with the instruction in mtval", () => {
  for (const [instruction, word] of [
    ["fadd.d fa0, fa1, fa2", 0x02c5_f553n],
    ["fld fa0, 0(zero)", 0x0000_3507n],
    ["fsw fa0, 0(zero)", 0x00a0_2027n],
    ["fmv.x.d a2, fa0", 0xe205_0653n],
    ["feq.s a2, fa0, fa1", 0xa0b5_2653n],
    ["fclass.d a2, fa0", 0xe205_1653n],
    ["c.fsdsp fa0, 0(sp)", 0xa02an],
    ["frflags a2", 0x0010_2673n],
    ["fsrmi a2, 0", 0x0020_5673n],
    ["csrw fcsr, zero", 0x0030_1073n],
  ] as const) {
    run(`li a2, 7; ${instruction}`, { a0: ILLEGAL, a1: word, a2: 7n });
  }
});

test("reserved rounding modes: written to frm they stay, and trap where they are used", () => {
  for (const mode of [5, 6, 7]) {
    run(`${ON} fsrmi ${mode}; frrm a2; fadd.d fa0, fa1, fa2`, { a0: ILLEGAL, a1: 0x02c5_f553n, a2: BigInt(mode) });
    run(`${ON} fsrmi ${mode}; fcvt.d.w fa0, a1, dyn`, { a0: ILLEGAL, a1: 0xd205_f553n });
    // An instruction with a mode of its own, or with none, does not look.
    run(`${ON} fsrmi ${mode}; li a3, 1; fcvt.d.w fa0, a3, rne; fsgnj.d fa1, fa0, fa0`, { fa0: ONE, fa1: ONE });
  }
  for (const mode of [5n, 6n]) {
    const word = 0x02c5_0553n | (mode << 12n);
    run(`${ON} .insn 0x${word.toString(16)}`, { a0: ILLEGAL, a1: word });
  }
});

test("fcsr, frm and fflags are one register", () => {
  run(`${ON} li t0, -1; fscsr t0; frcsr a2; frrm a3; frflags a4`, { a2: 0xffn, a3: 7n, a4: 0x1fn });
  run(`${ON} fsrmi 3; fsflagsi 9; frcsr a2; fsrmi a3, 0; frcsr a4`, { a2: 0x69n, a3: 3n, a4: 9n });
  run(`${ON} li t0, 0xff; csrs fflags, t0; csrc frm, t0; frcsr a2`, { a2: 0x1fn });
});

test("FS becomes dirty with a register or a flag, and SD shows it", () => {
  const state = "csrr a2, mstatus; li a4, 3 << 13; and a3, a2, a4; srli a2, a2, 63";
  const dirty = { a2: 1n, a3: FS_DIRTY };
  const clean = { a2: 0n, a3: 1n << 13n };
  run(`${ON} ${state}`, clean);
  run(`${ON} fmv.x.d t0, fa0; fsd fa0, data, t1; feq.d t0, fa0, fa1; fclass.s t0, fa0; frcsr t0; ${state}`, clean);
  for (const change of ["fmv.d.x fa0, zero", "flw fa0, data, t1", "fsflags zero", "fadd.s fa0, fa1, fa2"]) {
    run(`${ON} ${change}; ${state}`, dirty);
  }
  // A flag is a change when it was not set before: 1/3 to an integer.
  const third = `li t0, 0x3fd5555555555555; fmv.d.x fa0, t0; li t2, 3 << 13; csrc mstatus, t2; ${ON}`;
  run(`${ON} ${third} fcvt.w.d a5, fa0, rtz; ${state}`, { ...dirty, a5: 0n });
  run(`${ON} fsflagsi 1; ${third} fcvt.w.d a5, fa0, rtz; ${state}`, clean);
});

test("a single is boxed in ones, and one that is not is the canonical NaN", () => {
  run(`${ON} li t0, 0x3f800000; fmv.w.x fa0, t0; fmv.x.d a2, fa0`, { fa0: ONE_SINGLE, a2: ONE_SINGLE });
  run(`${ON} li t0, 0x3f800000; fmv.d.x fa0, t0; fadd.s fa1, fa0, fa0; frflags a2`, { fa1: QUIET_SINGLE, a2: 0n });
  run(`${ON} li t0, 0x3f800000; fmv.d.x fa0, t0; fsgnjn.s fa1, fa0, fa0`, { fa1: BOX | 0xffc0_0000n });
  run(`${ON} li t0, 0x3f800000; fmv.d.x fa0, t0; fclass.s a2, fa0; fcvt.d.s fa1, fa0`, {
    a2: 1n << 9n,
    fa1: QUIET_DOUBLE,
  });
  run(`${ON} li t0, 0x3f800000; fmv.d.x fa0, t0; fmv.x.w a2, fa0`, { a2: 0x3f80_0000n });
  run(`${ON} li t0, -1; fmv.w.x fa0, t0; fmv.x.w a2, fa0`, { fa0: -1n, a2: -1n });
});

test("loads, stores and moves keep every bit; what computes makes the canonical NaN", () => {
  run(`${ON} fld fa0, data + 8, t1; la t1, data; fsd fa0, 24(t1); ld a2, 24(t1); frflags a3`, {
    fa0: 0x7ff0_0000_0000_0001n,
    a2: 0x7ff0_0000_0000_0001n,
    a3: 0n,
  });
  run(`${ON} flw fa0, data + 16, t1; la t1, data; fsw fa0, 24(t1); ld a2, 24(t1); frflags a3`, {
    fa0: BOX | 0x7f80_0001n,
    a2: 0x7f80_0001n,
    a3: 0n,
  });
  run(`${ON} fld fa0, data + 8, t1; fld fa1, data, t1; fadd.d fa2, fa0, fa1; frflags a3`, {
    fa2: QUIET_DOUBLE,
    a3: NV,
  });
  run(`${ON} fld fa0, data + 8, t1; fmv.d fa1, fa0; fneg.d fa2, fa0; fabs.d fa3, fa2`, {
    fa1: 0x7ff0_0000_0000_0001n,
    fa2: 0xfff0_0000_0000_0001n,
    fa3: 0x7ff0_0000_0000_0001n,
  });
});

test("loads and stores straddle pages, and fault as others do", () => {
  run(
    `${ON} li t1, 0x80005ffc; li t2, 0x3ff0000000000000; fmv.d.x fa0, t2; fsd fa0, 0(t1); fld fa1, 0(t1); lw a2, 4(t1)`,
    {
      fa1: ONE,
      a2: 0x3ff0_0000n,
    },
  );
  run(`${ON} fld fa0, data, t1; li t1, 0x80005ffe; fsw fa0, 0(t1); flw fa1, 0(t1)`, { fa1: BOX });
  run(`${ON} li t1, 0x70000000; fld fa0, 8(t1)`, { a0: 5n, a1: 0x7000_0008n, fa0: 0n });
  run(`${ON} li t1, 0x70000000; fsw fa0, 4(t1)`, { a0: 7n, a1: 0x7000_0004n });
});

test("f0 is a register like the others, and x0 drops what is written to it", () => {
  run(`${ON} li t0, 1; fcvt.d.w ft0, t0; fadd.d ft0, ft0, ft0; fcvt.w.d a2, ft0`, {
    ft0: 0x4000_0000_0000_0000n,
    a2: 2n,
  });
  run(`${ON} li t0, 1; fcvt.d.w ft0, t0; feq.d zero, ft0, ft0; mv a2, zero`, { a2: 0n, zero: 0n });
});

test("edges by hand: overflow, underflow, division by zero, invalid operands, fused rounding", () => {
  const two = (a: bigint, b: bigint) => `li t0, ${a}; fmv.d.x fa0, t0; li t0, ${b}; fmv.d.x fa1, t0;`;
  const greatest = 0x7fef_ffff_ffff_ffffn;
  const infinity = 0x7ff0_0000_0000_0000n;
  const smallestNormal = 0x0010_0000_0000_0000n;
  run(`${ON} ${two(greatest, greatest)} fadd.d fa2, fa0, fa1; frflags a2`, { fa2: infinity, a2: OF | NX });
  run(`${ON} ${two(greatest, greatest)} fadd.d fa2, fa0, fa1, rtz; frflags a2`, { fa2: greatest, a2: OF | NX });
  run(`${ON} ${two(1n, 0x3fe0_0000_0000_0000n)} fmul.d fa2, fa0, fa1; frflags a2`, { fa2: 0n, a2: UF | NX });
  run(`${ON} ${two(1n, 0x3fe0_0000_0000_0000n)} fmul.d fa2, fa0, fa1, rup; frflags a2`, { fa2: 1n, a2: UF | NX });
  run(`${ON} ${two(smallestNormal, ONE)} fmul.d fa2, fa0, fa1; frflags a2`, { fa2: smallestNormal, a2: 0n });
  run(`${ON} ${two(ONE, 0n)} fdiv.d fa2, fa0, fa1; frflags a2`, { fa2: infinity, a2: DZ });
  run(`${ON} ${two(0n, 0n)} fdiv.d fa2, fa0, fa1; frflags a2`, { fa2: QUIET_DOUBLE, a2: NV });
  run(`${ON} ${two(ONE, ONE)} fsub.d fa2, fa0, fa1, rdn; frflags a2`, { fa2: SD, a2: 0n });
  // Tininess is detected after rounding: (1 - 2^-53) * smallest normal rounds up to it, and is not tiny only in as far as
  // 53 bits of an unbounded exponent round up, too.
  run(`${ON} ${two(smallestNormal, 0x3fef_ffff_ffff_ffffn)} fmul.d fa2, fa0, fa1; frflags a2`, {
    fa2: smallestNormal,
    a2: UF | NX,
  });
  // (1 + 2^-52)^2 - (1 + 2^-51) is 2^-104 when rounded once, and 0 when rounded twice.
  run(
    `${ON} ${two(ONE + 1n, ONE + 2n)} fmsub.d fa2, fa0, fa0, fa1; frflags a2; fmul.d fa3, fa0, fa0; fsub.d fa3, fa3, fa1`,
    { fa2: BigInt(1023 - 104) << 52n, a2: 0n, fa3: 0n },
  );
  run(`${ON} ${two(SD, 0n)} fmin.d fa2, fa1, fa0; fmax.d fa3, fa0, fa1`, { fa2: SD, fa3: 0n });
  run(`${ON} ${two(QUIET_DOUBLE, ONE)} fmin.d fa2, fa0, fa1; frflags a2; flt.d a3, fa0, fa1; frflags a4`, {
    fa2: ONE,
    a2: 0n,
    a3: 0n,
    a4: NV,
  });
  run(`${ON} ${two(QUIET_DOUBLE, infinity)} fcvt.w.d a2, fa0; fcvt.lu.d a3, fa1; fcvt.wu.d a4, fa0; frflags a5`, {
    a2: 0x7fff_ffffn,
    a3: -1n,
    a4: -1n,
    a5: NV,
  });
});
