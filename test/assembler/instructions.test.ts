import test from "node:test";
import { check, checkErrors, checkWord } from "./check.ts";

test("each format encodes its operands", () => {
  checkWord("add a0, t1, s11", 0x01b30533);
  checkWord("addi x5, x6, -2048", 0x80030293);
  checkWord("lw a0, 4(t1)", 0x00432503);
  checkWord("sd t1, -8(t2)", 0xfe63bc23);
  checkWord("lui t0, 0xabcde", 0xabcde2b7);
  checkWord("auipc t0, 1", 0x00001297);
  checkWord("slli t0, t1, 63", 0x03f31293);
  checkWord("sraiw t0, t1, 31", 0x41f3529b);
  checkWord("csrrw t0, mstatus, t1", 0x300312f3);
  checkWord("csrrsi t0, 0x7c0, 31", 0x7c0fe2f3);
  checkWord("amoadd.w a0, a1, (a2)", 0x00b6252f);
  checkWord("amoadd.d.aqrl a0, a1, 0(a2)", 0x06b6352f);
  checkWord("lr.w.aq a0, (a1)", 0x1405a52f);
  checkWord("sc.d.rl a0, a1, (a2)", 0x1ab6352f);
  checkWord("fence rw, w", 0x0310000f);
  checkWord("fence.i", 0x0000100f);
  checkWord("mret", 0x30200073);
  checkWord("mulhsu t0, t1, t2", 0x027322b3);
});

test("mnemonics may be in capitals, registers have two names", () => {
  check("ADDI t0, t1, 1", "93 02 13 00");
  check("addi x5, fp, 1; addi t0, s0, 1", "93 02 14 00 93 02 14 00");
});

test("compressed forms are chosen where gas chooses them", () => {
  checkWord("addi a0, a0, 1", 0x0505);
  checkWord("addi sp, sp, -64", 0x7139);
  checkWord("addi a0, sp, 8", 0x0028);
  checkWord("mv a0, a1", 0x852e);
  checkWord("li a0, -32", 0x5501);
  checkWord("lw a0, 124(a1)", 0x5de8);
  checkWord("ld ra, 504(sp)", 0x70fe);
  checkWord("sd zero, 0(sp)", 0xe002);
  checkWord("add a0, a1, a0", 0x952e);
  checkWord("and s0, s1, s0", 0x8c65);
  checkWord("ret", 0x8082);
  checkWord("jalr t0", 0x9282);
  checkWord("nop", 0x0001);
  checkWord("ebreak", 0x9002);
  checkWord("lui t0, 0xfffe0", 0x7281);
});

test("and not where gas does not", () => {
  checkWord("jalr zero, 0(a0)", 0x00050067);
  checkWord("jal zero, .", 0x0000006f);
  checkWord("add a0, a1, zero", 0x00058533);
  checkWord("mv a0, zero", 0x00000513);
  checkWord("lw a0, 128(a1)", 0x0805a503);
  checkWord("lui sp, 1", 0x00001137);
  checkWord("beq zero, a0, .", 0x00a00063);
});

test(".option norvc and rvc switch them, push and pop bring them back", () => {
  check(".option norvc\nnop", "13 00 00 00");
  check(".option push\n.option norvc\nnop\n.option pop\nnop", "13 00 00 00 01 00");
  check(".option arch, -c\nnop\n.option arch, +c\nnop", "13 00 00 00 01 00");
  check(".option norvc\nunimp", "73 10 00 c0");
  check("unimp", "00 00");
});

test("explicit compressed instructions", () => {
  checkWord("c.addi4spn a0, sp, 8", 0x0028);
  checkWord("c.addi16sp sp, 32", 0x6105);
  checkWord("c.lui a0, 0xfffff", 0x757d);
  checkWord("c.lwsp a0, 4(sp)", 0x4512);
  checkWord("c.nop", 0x0001);
  checkErrors(".option norvc\nc.nop", "2:1: `c.nop` is a compressed instruction, and `.option norvc` holds");
  checkErrors("c.lw a0, 0(t0)", "1:10: this compressed instruction takes only s0, s1 and a0 to a5 (x8 to x15)");
});

test("li takes the shortest way that gas takes", () => {
  check("li t0, 0", "81 42");
  check("li t0, 2047", "93 02 f0 7f");
  check("li t0, 2048", "85 62 9b 82 02 80");
  check("li t0, 0x12345000", "b7 52 34 12");
  check("li a0, 0x7fffffff", "37 05 00 80 7d 35");
  check("li a0, 0x80000000", "1b 05 10 00 7e 05");
  check("li a0, -1", "7d 55");
  check("li a0, 0xffffffffffffffff", "7d 55");
  check("li a0, 0x123456789abcdef0", "37 75 24 00 1b 05 d5 8a 3a 05 13 05 d5 c4 32 05 13 05 75 5e 36 05 13 05 05 ef");
});

test("addresses: la, loads and stores by name, calls", () => {
  check("la a0, x\nx:", "17 05 00 00 13 05 85 00");
  check("lw a0, x\nx:", "17 05 00 00 03 25 85 00");
  check("sd a0, x, t0\nx:", "97 02 00 00 23 b4 a2 00");
  check("call f\nf:", "97 00 00 00 e7 80 80 00");
  check("call t0, f\nf:", "17 03 00 00 e7 02 83 00");
  check("tail f\nf:", "17 03 00 00 67 00 83 00");
  check("jump f, t2\nf:", "97 03 00 00 67 80 83 00");
  check("call f@plt\nf:", "97 00 00 00 e7 80 80 00");
  // The low part is signed, so the high part makes up for it.
  check("la a0, x\n.skip 0x800 - 8 + 2\nx: nop", `17 15 00 00 13 05 25 80 ${"00".repeat(0x7fa)} 01 00`);
});

test("relocation functions", () => {
  check("lui t0, %hi(0x12345fff)\naddi t0, t0, %lo(0x12345fff)", "b7 62 34 12 93 82 f2 ff");
  check("sw a0, %lo(0x7ff)(t0)", "a3 af a2 7e");
  check("1: auipc t0, %pcrel_hi(x)\nlw a0, %pcrel_lo(1b)(t0)\nx:", "97 02 00 00 03 a5 82 00");
  check("1: auipc t0, %pcrel_hi(x)\nsw a0, %pcrel_lo(1b)(t0)\nx:", "97 02 00 00 23 a4 a2 00");
  check("add a0, a1, %lo(0x123)\njr %lo(4)(a0)", "13 85 35 12 67 00 45 00");
  checkErrors("addi a0, a0, %hi(4)", "1:14: `%hi` does not fit this instruction");
  checkErrors(
    "x: la a0, x\nlw a0, %pcrel_lo(y)(a0)\ny:",
    "2:8: %pcrel_lo takes the label of an auipc with %pcrel_hi, and there is none here",
  );
  checkErrors("x: lui a0, %hi(x)", "1:12: %hi reaches only the lowest and highest 2 GiB, not 0x80000000; use `la`");
  checkErrors("la a0, %tprel_hi(x)", "1:8: expected a label, found `%tprel_hi(x)`");
});

test("pseudo-instructions", () => {
  checkWord("not t0, t1", 0xfff34293);
  checkWord("neg t0, t1", 0x406002b3);
  checkWord("sext.w a0, a0", 0x2501);
  checkWord("zext.b t0, t1", 0x0ff37293);
  check("zext.w a0, a0", "02 15 01 91");
  check("sext.h t0, t1", "93 12 03 03 93 d2 02 43");
  checkWord("seqz t0, t1", 0x00133293);
  checkWord("snez t0, t1", 0x006032b3);
  checkWord("sgtu t0, t1, t2", 0x0063b2b3);
  checkWord("csrr t0, mepc", 0x341022f3);
  checkWord("csrw mepc, 3", 0x3411d073);
  checkWord("csrs mie, t0", 0x3042a073);
  checkWord("rdtime t0", 0xc01022f3);
  checkWord("fence", 0x0ff0000f);
  checkWord("fence.tso", 0x8330000f);
  checkWord("pause", 0x0100000f);
  checkWord("and t0, t1, 5", 0x00537293);
  checkWord("sll t0, t1, 5", 0x00531293);
});

test("floating point: rounding modes are optional, and 0 by default where the result is exact", () => {
  checkWord("fadd.s fa0, fa1, fa2", 0x00c5f553);
  checkWord("fadd.s f10, f11, f12, rtz", 0x00c59553);
  checkWord("fsqrt.d fa0, fa1", 0x5a05f553);
  checkWord("fmadd.d fa0, fa1, fa2, fa3, rup", 0x6ac5b543);
  checkWord("fcvt.d.w fa0, a1", 0xd2058553);
  checkWord("fcvt.d.w fa0, a1, rdn", 0xd205a553);
  checkWord("fcvt.d.l fa0, a1", 0xd225f553);
  checkWord("fcvt.w.d a0, fa1, rtz", 0xc2059553);
  checkWord("fld fa0, 8(sp)", 0x2522);
  checkWord("fsd ft0, 8(sp)", 0xa402);
  checkWord("fsd fa0, 8(a0)", 0xa508);
  checkWord("fld ft0, 8(a0)", 0x00853007);
  checkWord("flw fa0, 8(a0)", 0x00852507);
  checkWord("fmv.d fa0, fa1", 0x22b58553);
  checkWord("fgt.d a0, fa0, fa1", 0xa2a59553);
  checkWord("fsrmi 3", 0x0021d073);
  checkWord("fscsr a0, a1", 0x00359573);
  check("flw fa0, x, t0\nx:", "97 02 00 00 07 a5 82 00");
  check("fsd fa0, x, t0\nx:", "97 02 00 00 27 b4 a2 00");
  check("f1: call f1; j fa0; fa0:", "97 00 00 00 e7 80 00 00 09 a0");
  checkErrors("fadd.s fa0, fa1, a2", "1:18: expected a floating-point register, found `a2`");
  checkErrors("add a0, a1, fa2", "1:13: expected a register, found `fa2`");
  checkErrors("fadd.s fa0, fa1, fa2, up", "1:23: expected a rounding mode (rne, rtz, rdn, rup, rmm, dyn), found `up`");
  checkErrors("c.fld ft0, 0(a0)", "1:7: this compressed instruction takes only fs0, fs1 and fa0 to fa5 (f8 to f15)");
});

test(".insn gives what no mnemonic gives", () => {
  checkWord(".insn r CUSTOM_0, 1, 2, a0, a1, a2", 0x04c5950b);
  checkWord(".insn r 0x43, 0, 1, a0, a1, a2, a3", 0x6ac58543);
  checkWord(".insn i OP_IMM, 0, t0, t1, -1", 0xfff30293);
  checkWord(".insn i LOAD, 2, t0, 8(t1)", 0x00832283);
  checkWord(".insn s STORE, 3, t0, -8(t1)", 0xfe533c23);
  check("x: .insn b BRANCH, 1, t0, t1, x", "63 90 62 00");
  checkWord(".insn u LUI, t0, 0xabcde", 0xabcde2b7);
  check("x: .insn j JAL, t0, x", "ef 02 00 00");
  checkWord(".insn 0x00000013", 0x00000013);
  checkWord(".insn 2, 0x0001", 0x0001);
  checkErrors(".insn i OP_IMM, 0, t0, t1, 4096", "1:28: 4096 is out of range: -2048 to 2047");
  checkErrors(".insn 2, 0x13", "1:7: these bits are those of an instruction of 4 bytes");
});
