import { decode } from "../../../src/isa/decode.ts";
import { closeLoop } from "./control-units.ts";
import { encodeWord, encodingOf } from "./emitter.ts";
import { RA, ZERO } from "./program-writer.ts";
import {
  ABSENT,
  AMOS,
  accessBytes,
  CSR_FORMS,
  CSR_IMMEDIATE_FORMS,
  CSR_REGISTER_FORMS,
  RESERVED_LOADS,
  WIDE_MEMORY,
} from "./vocabulary.ts";
import type { CaseWriter } from "./writer.ts";

// Units of a program that meet the privileged architecture: CSRs, traps, interrupts, changed code.

/** Neither memory nor a device, on QEMU's board and on ours. The last is outside the physical address space. */
const NOWHERE = [0x700_0000n, 0x9000_0000n, 0x1_0000_0000n, 0xff_0000_0000n, -4096n];
const CLINT_MSIP = 0x200_0000n;

const MSTATUS = 0x300;
const MISA = 0x301;
const MIE = 0x304;
const MTVEC = 0x305;
const MEPC = 0x341;
const MIP = 0x344;
/** mscratch, mcause and mtval hold any value that is written to them. */
const FREE_CSRS = [0x340, 0x342, 0x343];
/** Read as the same constant on both machines: mvendorid, marchid, mimpid, mhartid, mconfigptr. */
const CONSTANT_CSRS = [0xf11, 0xf12, 0xf13, 0xf14, 0xf15];
/** Numbers left to custom use, and registers of modes and extensions that neither hart has. */
const ABSENT_CSRS = [0x7c0, 0x5c0, 0xbc0, 0xfc0, 0x800, 0x001, 0x002, 0x003, 0x100, 0x141, 0x180, 0x600, 0x000, 0x040];

/** MIE and MPIE: the bits of mstatus that both harts implement. */
const MSTATUS_INTERRUPT_BITS = 0x88;
const MIE_MACHINE_BITS = 0x888;
const MSTATUS_MIE = 8;
const MIE_MSIE = 8;

export function csr(writer: CaseWriter): void {
  const { prng } = writer;
  const rd = writer.free();
  switch (prng.below(7)) {
    case 0: {
      const operand = writer.free();
      writer.constant(operand, BigInt(prng.next32() & MSTATUS_INTERRUPT_BITS));
      writer.emit(prng.pick(["csrrs", "csrrc"]), { rd, csr: MSTATUS, rs1: operand });
      writer.emit("andi", { rd, rs1: rd, imm: MSTATUS_INTERRUPT_BITS });
      break;
    }
    case 1: {
      const operand = writer.free();
      writer.constant(operand, BigInt(prng.next32() & MIE_MACHINE_BITS));
      writer.emit(prng.pick(CSR_REGISTER_FORMS), { rd, csr: MIE, rs1: operand });
      break;
    }
    case 2: {
      // mepc drops its lowest bit; QEMU 7.2 keeps it, so that it gets even values only.
      const operand = writer.free();
      writer.emit("andi", { rd: operand, rs1: writer.any(), imm: -2 });
      writer.emit(prng.pick(CSR_REGISTER_FORMS), { rd, csr: MEPC, rs1: operand });
      break;
    }
    case 3: {
      // A set or clear of nothing does not write, so that even a read-only register may be named.
      const csr = prng.pick([MISA, MIP, ...CONSTANT_CSRS]);
      if (writer.oneIn(2)) writer.emit(prng.pick(["csrrs", "csrrc"]), { rd, csr, rs1: ZERO });
      else writer.emit(prng.pick(["csrrsi", "csrrci"]), { rd, csr, uimm: 0 });
      break;
    }
    case 4:
      writer.emitRandom(prng.pick(CSR_FORMS), { csr: prng.pick(FREE_CSRS) });
      break;
    case 5:
      // A set or clear through a register that is not x0 writes, even when it holds 0; QEMU 7.2 goes by the value.
      writer.emitRandom(prng.pick(["csrrw", ...CSR_IMMEDIATE_FORMS]), { csr: prng.pick(CONSTANT_CSRS) });
      break;
    default:
      writer.emitRandom(prng.pick(CSR_FORMS), { csr: prng.pick(ABSENT_CSRS) });
  }
}

/** Writes any value to mtvec, reads back what it kept, and puts the handler back. Nothing in between can trap. */
export function trapVector(writer: CaseWriter): void {
  const operand = writer.lasting();
  const saved = writer.lasting(operand);
  writer.constant(operand, writer.value());
  writer.emit("csrrw", { rd: saved, csr: MTVEC, rs1: operand });
  writer.emit("csrrw", { rd: operand, csr: MTVEC, rs1: saved });
}

/** A software interrupt that is taken. QEMU looks for interrupts between its blocks, hence the fence.i, which ends one. */
export function softwareInterrupt(writer: CaseWriter): void {
  raiseSoftwareInterrupt(writer, () => {
    writer.emit("csrrsi", { rd: ZERO, csr: MSTATUS, uimm: MSTATUS_MIE });
    writer.emit("fence.i", {});
    for (let count = 3; count > 0; count--) writer.emit("c.nop", { imm: 0 });
  });
}

/** wfi with an interrupt that is pending and masked: it goes on at once, and nothing is taken. */
export function wait(writer: CaseWriter): void {
  raiseSoftwareInterrupt(writer, () => {
    writer.emit("wfi", {});
    writer.emit("csrrs", { rd: writer.free(), csr: MIP, rs1: ZERO });
  });
}

function raiseSoftwareInterrupt(writer: CaseWriter, meanwhile: () => void): void {
  const address = writer.lasting();
  const one = writer.lasting(address);
  writer.constant(address, CLINT_MSIP);
  writer.constant(one, 1n);
  writer.holding([address], () => {
    writer.emit("csrrci", { rd: ZERO, csr: MSTATUS, uimm: MSTATUS_MIE });
    writer.emit("csrrwi", { rd: ZERO, csr: MIE, uimm: MIE_MSIE });
    writer.emit("sw", { rs1: address, rs2: one, imm: 0 });
    meanwhile();
    writer.emit("csrrci", { rd: ZERO, csr: MSTATUS, uimm: MSTATUS_MIE });
    writer.emit("csrrwi", { rd: ZERO, csr: MIE, uimm: 0 });
    writer.emit("sw", { rs1: address, rs2: ZERO, imm: 0 });
  });
}

export function trap(writer: CaseWriter): void {
  switch (writer.prng.below(9)) {
    case 0:
      writer.emit("ecall", {});
      break;
    case 1:
      writer.emit(writer.prng.pick(["ebreak", "c.ebreak"]), {});
      break;
    case 2:
    case 3:
      illegal(writer);
      break;
    case 4:
      writer.emitRandom(writer.prng.pick(ABSENT));
      break;
    case 5:
    case 6:
      unmapped(writer);
      break;
    case 7:
      misalignedAtomic(writer);
      break;
    default:
      jumpToNowhere(writer);
  }
}

/** Major opcodes that our hart does not have, and those where most encodings are taken. */
const OPCODES = [0x0b, 0x2b, 0x5b, 0x7b, 0x07, 0x27, 0x43, 0x53, 0x57, 0x77, 0x6b, 0x73, 0x33, 0x3b, 0x1b, 0x2f];

/** A word that our decoder refuses. */
function illegal({ prng, emitter }: CaseWriter): void {
  for (;;) {
    const bits = prng.next32();
    if (prng.below(3) === 0) {
      const half = prng.below(8) === 0 ? 0 : bits & 0xffff;
      if ((half & 3) === 3 || decode(half) !== undefined) continue;
      emitter.raw(half, 2);
      return;
    }
    const word = ((bits & ~0x7f) | prng.pick(OPCODES)) >>> 0;
    if (decode(word) !== undefined) continue;
    emitter.raw(word, 4);
    return;
  }
}

/** A load, store or atomic operation where nothing is. Aligned: QEMU 7.2 reports a part of a misaligned one. */
function unmapped(writer: CaseWriter): void {
  const mnemonic = writer.prng.pick([...WIDE_MEMORY, ...AMOS, ...RESERVED_LOADS]);
  const rs1 = writer.free();
  writer.constant(rs1, writer.prng.pick(NOWHERE) + BigInt(8 * writer.prng.below(64)));
  const given: Record<string, number> = { rs1 };
  if (encodingOf(mnemonic).fields.some(({ name }) => name === "imm")) given.imm = 8 * writer.prng.below(16);
  writer.emitRandom(mnemonic, given);
}

/** Not sc: without a reservation for the address QEMU lets it fail before it looks at the alignment. */
function misalignedAtomic(writer: CaseWriter): void {
  const mnemonic = writer.prng.pick([...AMOS, ...RESERVED_LOADS]);
  const bytes = accessBytes(mnemonic);
  writer.emitRandom(mnemonic, { rs1: writer.windowAddress(bytes, 1 + writer.prng.below(bytes - 1)) });
}

/** The handler comes back through ra. */
function jumpToNowhere(writer: CaseWriter): void {
  if (!writer.isFree(RA)) return;
  const target = writer.free();
  writer.constant(target, writer.prng.pick(NOWHERE) + BigInt(writer.prng.below(256)));
  if (writer.oneIn(2)) writer.emit("c.jalr", { rs1: target });
  else writer.emit("jalr", { rd: RA, rs1: target, imm: writer.prng.below(64) });
}

/** Of the 32-bit kind, and not relative to pc. */
const REPLACEMENTS = ["addi", "xori", "add", "sub", "mulh", "sltu", "slliw", "divu"];

/** Code that changes an instruction that it has executed, and executes it again: all of it, or its last bytes. */
export function changedCode(writer: CaseWriter): void {
  const { emitter, prng } = writer;
  const counter = writer.lasting();
  const address = writer.lasting(counter);
  writer.holding([counter, address], () => {
    const word = writer.lasting();
    writer.constant(counter, 2n);
    const slot = emitter.here;
    // With other upper bits an addi is still one: another immediate, and perhaps another source.
    writer.emitRandom("addi");
    writer.holding([word], () => {
      const replacement = prng.pick(REPLACEMENTS);
      writer.constant(word, BigInt(encodeWord(replacement, writer.fields(replacement)) | 0));
      writer.address(address, slot);
      const [store, imm] = prng.pick<[string, number]>([
        ["sw", 0],
        ["sh", 2],
        ["sb", 3],
      ]);
      writer.emit(store, { rs1: address, rs2: word, imm });
      writer.emit("fence.i", {});
    });
    closeLoop(writer, counter, slot);
  });
}
