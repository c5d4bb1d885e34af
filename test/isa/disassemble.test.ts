import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../src/isa/decode.ts";
import { describe, describeDecoded } from "../../src/isa/describe.ts";
import { disassembleWord } from "../../src/isa/disassemble.ts";
import { registersOf } from "../../src/isa/effects.ts";
import { findInstruction } from "../../src/isa/table.ts";

const PC = 0x8000_0000n;

/** Word, text with aliases, exact text, meaning. */
const CASES: readonly (readonly [number, string, string, string])[] = [
  [0x0000_0013, "nop", "addi zero,zero,0", "nothing"],
  [0xfe01_0113, "addi sp,sp,-32", "addi sp,sp,-32", "sp <- sp - 32"],
  [0x1141, "addi sp,sp,-16", "c.addi sp,-16", "sp <- sp - 16"],
  [0x7179, "addi sp,sp,-48", "c.addi16sp sp,-48", "sp <- sp - 48"],
  [0x4501, "li a0,0", "c.li a0,0", "a0 <- 0"],
  [0x852e, "mv a0,a1", "c.mv a0,a1", "a0 <- a1"],
  [0x8082, "ret", "c.jr ra", "jump to ra & ~1"],
  [0x9502, "jalr a0", "c.jalr a0", "jump to a0 & ~1; ra <- 0x80000002"],
  [0x0045_0067, "jr 4(a0)", "jalr zero,4(a0)", "jump to (a0 + 4) & ~1"],
  [0xe406, "sd ra,8(sp)", "c.sdsp ra,8(sp)", "mem64[sp + 8] <- ra"],
  [0x0000_0517, "auipc a0,0x0", "auipc a0,0x0", "a0 <- 0x80000000"],
  [0x757d, "lui a0,0xfffff", "c.lui a0,0xfffff", "a0 <- -4096"],
  [0xb7fd, "j 0x7fffffee", "c.j 0x7fffffee", "jump to 0x7fffffee"],
  [0xfea7_16e3, "bne a4,a0,0x7fffffec", "bne a4,a0,0x7fffffec", "if a4 != a0: jump to 0x7fffffec"],
  [0x0005_8463, "beqz a1,0x80000008", "beq a1,zero,0x80000008", "if a1 == 0: jump to 0x80000008"],
  [0x3000_25f3, "csrr a1,mstatus", "csrrs a1,mstatus,zero", "a1 <- mstatus"],
  [0x3000_a073, "csrs mstatus,ra", "csrrs zero,mstatus,ra", "mstatus <- mstatus | ra"],
  [0x3044_7573, "csrrci a0,mie,8", "csrrci a0,mie,8", "a0, mie <- mie, mie & ~8"],
  [0xc010_2573, "rdtime a0", "csrrs a0,time,zero", "a0 <- time"],
  [0x7c05_9573, "csrrw a0,0x7c0,a1", "csrrw a0,0x7c0,a1", "a0, 0x7c0 <- 0x7c0, a1"],
  [
    0x06b6_252f,
    "amoadd.w.aqrl a0,a1,(a2)",
    "amoadd.w.aqrl a0,a1,(a2)",
    "old <- sext(mem32[a2]); mem32[a2] <- old + a1; a0 <- old",
  ],
  [0x0ff0_000f, "fence", "fence iorw,iorw", "order memory accesses"],
  [0x8330_000f, "fence.tso", "fence.tso", "order memory accesses"],
  [0x0100_000f, "pause", "pause", "let other harts run"],
  [0x4045_d51b, "sraiw a0,a1,0x4", "sraiw a0,a1,0x4", "a0 <- sext32(a1) >> 4"],
  [0x0805_853b, "zext.w a0,a1", "add.uw a0,a1,zero", "a0 <- zext32(a1)"],
  [0x20c5_e53b, "sh3add.uw a0,a1,a2", "sh3add.uw a0,a1,a2", "a0 <- a2 + (zext32(a1) << 3)"],
  [0x40c5_f533, "andn a0,a1,a2", "andn a0,a1,a2", "a0 <- a1 & ~a2"],
  [0x6005_951b, "clzw a0,a1", "clzw a0,a1", "a0 <- clz(zext32(a1)) - 32"],
  [0x0ac5_c533, "min a0,a1,a2", "min a0,a1,a2", "a0 <- a1 < a2 ? a1 : a2"],
  [0x0ac5_b533, "clmulh a0,a1,a2", "clmulh a0,a1,a2", "a0 <- clmul(a1, a2)[127:64]"],
  [0x4835_1513, "bclri a0,a0,0x3", "bclri a0,a0,0x3", "a0 <- a0 & ~(1 << 3)"],
  [0x0ec5_d533, "czero.eqz a0,a1,a2", "czero.eqz a0,a1,a2", "a0 <- a2 == 0 ? 0 : a1"],
  [0x0215_6013, "prefetch.r 32(a0)", "prefetch.r 32(a0)", "hint: block of a0 + 32 soon used for loads"],
  [0x0045_200f, "cbo.zero (a0)", "cbo.zero (a0)", "mem512[a0 & ~63] <- 0"],
  [0x0020_0033, "ntl.p1", "add zero,zero,sp", "nothing"],
  [0x900a, "c.ntl.p1", "c.add zero,sp", "nothing"],
  [0x1205_0073, "sfence.vma a0", "sfence.vma a0,zero", "order page-table stores before translations of a0"],
  [0x16b5_0073, "sinval.vma a0,a1", "sinval.vma a0,a1", "drop translations of a0 in address space a1"],
  [0x00c5_f553, "fadd.s fa0,fa1,fa2", "fadd.s fa0,fa1,fa2", "fa0 <- fa1 + fa2"],
  [0x02c5_9553, "fadd.d fa0,fa1,fa2,rtz", "fadd.d fa0,fa1,fa2,rtz", "fa0 <- rtz(fa1 + fa2)"],
  [0x6ac5_f54b, "fnmsub.d fa0,fa1,fa2,fa3", "fnmsub.d fa0,fa1,fa2,fa3", "fa0 <- -fa1 * fa2 + fa3"],
  [0x6ac5_f547, "fmsub.d fa0,fa1,fa2,fa3", "fmsub.d fa0,fa1,fa2,fa3", "fa0 <- fa1 * fa2 - fa3"],
  [0xc205_9553, "fcvt.w.d a0,fa1,rtz", "fcvt.w.d a0,fa1,rtz", "a0 <- sext32(rtz(int32(fa1)))"],
  [0x4205_8553, "fcvt.d.s fa0,fa1", "fcvt.d.s fa0,fa1", "fa0 <- rne(double(fa1))"],
  [0x22b5_a553, "fabs.d fa0,fa1", "fsgnjx.d fa0,fa1,fa1", "fa0 <- abs(fa1)"],
  [0x22c5_9553, "fsgnjn.d fa0,fa1,fa2", "fsgnjn.d fa0,fa1,fa2", "fa0 <- copysign(fa1, -fa2)"],
  [0xa2b5_2553, "feq.d a0,fa0,fa1", "feq.d a0,fa0,fa1", "a0 <- fa0 == fa1"],
  [0x2508, "fld fa0,8(a0)", "c.fld fa0,8(a0)", "fa0 <- mem64[a0 + 8]"],
  [0x0021_d073, "fsrmi zero,3", "csrrwi zero,frm,3", "frm <- 3"],
  [0x3020_0073, "mret", "mret", "mstatus.MIE <- mstatus.MPIE; privilege <- mstatus.MPP; jump to mepc"],
];

test("words as text and as meaning", () => {
  for (const [word, text, exact, meaning] of CASES) {
    assert.equal(disassembleWord(word, { pc: PC }).text, text);
    assert.equal(disassembleWord(word, { pc: PC, aliases: false }).text, exact);
    assert.equal(describeDecoded(decode(word)!, PC).join("; "), meaning);
  }
});

test("what is no instruction is shown as data, and zero by its name", () => {
  assert.equal(disassembleWord(0).text, "unimp");
  assert.equal(disassembleWord(0, { aliases: false }).text, "c.unimp");
  assert.equal(disassembleWord(0x8000).text, ".half 0x8000");
  assert.equal(disassembleWord(0xffff_ffff).text, ".word 0xffffffff");
  assert.equal(disassembleWord(-1).text, ".word 0xffffffff");
  assert.equal(disassembleWord(0x12b5_a52f).text, ".word 0x12b5a52f");
});

test("targets: relative without pc, wrapping, named by the symbolizer", () => {
  assert.equal(disassembleWord(0xb7fd).text, "j .-18");
  assert.equal(disassembleWord(0x0005_8463).text, "beqz a1,.+8");
  const wrapped = disassembleWord(0xb7fd, { pc: 0n });
  assert.equal(wrapped.target, 0xffff_ffff_ffff_ffeen);
  const named = disassembleWord(0x0005_8463, { pc: PC, symbolize: (address) => (address === PC + 8n ? "done" : "?") });
  assert.deepEqual(named, {
    mnemonic: "beqz",
    operands: "a1,0x80000008 <done>",
    text: "beqz a1,0x80000008 <done>",
    target: PC + 8n,
  });
});

test("meanings over operand names", () => {
  const meaning = (mnemonic: string) => describe(findInstruction(mnemonic)!).join("; ");
  assert.equal(meaning("lw"), "rd <- sext(mem32[rs1 + imm])");
  assert.equal(meaning("bgeu"), "if rs1 >=u rs2: jump to pc + imm");
  assert.equal(meaning("jalr"), "jump to (rs1 + imm) & ~1; rd <- pc + 4");
  assert.equal(meaning("srlw"), "rd <- sext32(zext32(rs1) >>u (rs2 & 31))");
  assert.equal(meaning("sc.d"), "if reserved: mem64[rs1] <- rs2; rd <- reserved ? 0 : 1");
  assert.equal(meaning("amomaxu.d"), "old <- mem64[rs1]; mem64[rs1] <- old <u rs2 ? rs2 : old; rd <- old");
  assert.equal(meaning("csrrw"), "rd, csr <- csr, rs1");
  assert.equal(meaning("fnmadd.d"), "frd <- -frs1 * frs2 - frs3");
  assert.equal(meaning("fsw"), "mem32[rs1 + imm] <- frs2");
  assert.equal(meaning("fcvt.s.lu"), "frd <- single(uint64(rs1))");
});

test("registers of a decoded instruction, without x0", () => {
  assert.deepEqual(registersOf(decode(0xe406)!), { reads: [2, 1], writes: undefined });
  assert.deepEqual(registersOf(decode(0x0000_0013)!), { reads: [], writes: undefined });
  assert.deepEqual(registersOf(decode(0x852e)!), { reads: [11], writes: 10 });
  assert.deepEqual(registersOf(decode(0x3044_7573)!), { reads: [], writes: 10 });
});
