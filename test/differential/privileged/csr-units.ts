import { arithmetic } from "../random/plain-units.ts";
import { ZERO } from "../random/program-writer.ts";
import { CSR_FORMS, CSR_IMMEDIATE_FORMS, CSR_REGISTER_FORMS } from "../random/vocabulary.ts";
import * as plan from "./memory-plan.ts";
import type { PrivilegedWriter } from "./privileged-writer.ts";
import { randomEntry } from "./protection.ts";
import {
  delegation,
  MACHINE,
  MENVCFG_PBMTE,
  MENVCFG_STCE,
  MSTATUS,
  NEVER,
  SUPERVISOR,
  SUPERVISOR_INTERRUPTS,
  USER,
} from "./segment.ts";

// Units that read and write CSRs, from whatever mode they are met in.

const LAST_FLOAT_CSR = 0x003;
const STIMECMP = 0x14d;
const SATP = 0x180;
export const SSTATUS = 0x100;
export const SIE = 0x104;
export const SIP = 0x144;
export const MSTATUS_CSR = 0x300;
export const MIE = 0x304;
export const MIP = 0x344;
const MENVCFG = 0x30a;
const PMPCFG0 = 0x3a0;
const PMPADDR0 = 0x3b0;

/** What both machines keep of a register, and what may be written to it. All ones where nothing is said. */
interface Register {
  readonly csr: number;
  /** Of what is read; the rest is dropped. */
  readonly compared?: bigint;
  /** Of what is written. */
  readonly written?: bigint;
}

const SSTATUS_BITS = MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.SPP | MSTATUS.FS | MSTATUS.SUM | MSTATUS.MXR;
/** Without MPRV: QEMU 7.2 keeps translations that it has made with it, also for fetches, and does not clear it in xRET. */
const MSTATUS_BITS = Object.values(MSTATUS).reduce((sum, bit) => sum | bit) & ~MSTATUS.MPRV;
const INTERRUPTS = 0xaaan;
const COUNTERS = 7n;

const REGISTERS: readonly Register[] = [
  { csr: SSTATUS, compared: SSTATUS_BITS, written: SSTATUS_BITS },
  { csr: SSTATUS, compared: SSTATUS_BITS, written: SSTATUS_BITS },
  { csr: SIE, compared: INTERRUPTS, written: INTERRUPTS },
  { csr: SIP, compared: INTERRUPTS, written: INTERRUPTS },
  // fflags, frm, fcsr: as floating point lets them.
  { csr: 0x001 },
  { csr: 0x002 },
  { csr: 0x003 },
  // scounteren, sscratch, sepc, scause, stval
  { csr: 0x106, compared: COUNTERS, written: COUNTERS },
  { csr: 0x140 },
  { csr: 0x141, compared: -2n, written: -2n },
  { csr: 0x142 },
  { csr: 0x143 },
  { csr: MSTATUS_CSR, compared: MSTATUS_BITS, written: MSTATUS_BITS },
  { csr: MSTATUS_CSR, compared: MSTATUS_BITS, written: MSTATUS_BITS },
  // mideleg, mie, mip, mcounteren, mscratch, mepc, mcause, mtval
  { csr: 0x303, compared: SUPERVISOR_INTERRUPTS, written: SUPERVISOR_INTERRUPTS },
  { csr: MIE, compared: INTERRUPTS, written: INTERRUPTS },
  { csr: MIP, compared: INTERRUPTS, written: SUPERVISOR_INTERRUPTS },
  { csr: 0x306, compared: COUNTERS, written: COUNTERS },
  { csr: 0x340 },
  { csr: 0x341, compared: -2n, written: -2n },
  { csr: 0x342 },
  { csr: 0x343 },
  // senvcfg
  { csr: 0x10a, compared: 1n, written: 1n },
];

/** The mode that a CSR's number wants. */
const csrPrivilege = (csr: number) => (csr >> 8) & 3;

/** Only ever read: misa, mvendorid, marchid, mimpid, mhartid, mconfigptr. */
const CONSTANTS = [0x301, 0xf11, 0xf12, 0xf13, 0xf14, 0xf15];
/** Read by whoever the counter enables let; what they hold is not the same on both machines. */
const COUNTER_CSRS = [0xc00, 0xc01, 0xc02, 0xb00, 0xb02];
/** Custom numbers, and those of extensions and of a width that neither hart has. */
const ABSENT = [
  ...[0x7c0, 0x5c0, 0xbc0, 0xfc0, 0x800, 0x9c0, 0xac0, 0xdc0, 0xec0],
  ...[0x200, 0x204, 0x244, 0x280, 0x600, 0x602, 0x643, 0x680, 0xe12, 0x34a, 0x34b],
  ...[0x3a1, 0x3a3, 0x3a4, 0x3c0, 0x3ef, 0x747, 0x757, 0x310, 0xc80, 0xb80, 0x15d],
  ...[0x000, 0x005, 0x040, 0x045, 0x102, 0x103, 0x008, 0xc20, 0x7b0, 0x7b2],
];

export function csr(writer: PrivilegedWriter): void {
  // Nearly all that user mode tries is refused in the same way.
  if (writer.mode === USER && !writer.oneIn(3)) return arithmetic(writer);
  switch (writer.prng.below(12)) {
    case 0:
      return readOnly(writer);
    case 1:
      return counter(writer);
    case 2:
      return writer.emitRandom(writer.prng.pick(CSR_FORMS), { csr: writer.prng.pick(ABSENT) });
    case 3:
      return satp(writer);
    case 4:
      return timer(writer);
    case 5:
      return writer.prng.below(2) === 0 ? delegate(writer) : environment(writer);
    case 6:
      return protection(writer);
    case 7:
      return vectors(writer);
    default:
      return ordinary(writer);
  }
}

function ordinary(writer: PrivilegedWriter): void {
  const { prng } = writer;
  const permitted = REGISTERS.filter(({ csr }) => csrPrivilege(csr) <= writer.mode);
  const register = prng.pick(writer.oneIn(4) ? REGISTERS : permitted);
  const rd = writer.oneIn(6) ? ZERO : writer.lasting();
  const kind = prng.below(16);
  if (kind < 4) {
    // Five bits reach SIE, MIE, and the software interrupts.
    const wanted = register.written === undefined ? 31 : Number(register.written & 31n);
    writer.emit(prng.pick(CSR_IMMEDIATE_FORMS), { rd, csr: register.csr, uimm: prng.below(32) & wanted });
  } else if (kind < 7) writer.emit(prng.pick(["csrrs", "csrrc"]), { rd, csr: register.csr, rs1: ZERO });
  else {
    const form = prng.pick(CSR_REGISTER_FORMS);
    const value = operand(writer, register, form);
    writer.holdingConstant(value, (rs1) => writer.emit(form, { rd, csr: register.csr, rs1 }));
  }
  keepCompared(writer, rd, register.compared);
}

function operand(writer: PrivilegedWriter, { csr, written }: Register, form: string): bigint {
  const { prng } = writer;
  let value = writer.value();
  // Setting or clearing nothing writes all the same, which only QEMU 7.2 denies: floating-point state is dirty then.
  if (written === undefined) return csr <= LAST_FLOAT_CSR && value === 0n ? 1n : value;
  value = prng.next64() & written;
  if (csr !== MSTATUS_CSR) return value;
  // MPP: of the values that it cannot hold, each machine makes what it likes.
  value &= ~MSTATUS.MPP;
  if (form === "csrrw") return value | (BigInt(prng.pick([0, 1, 3])) << 11n);
  return writer.oneIn(2) ? value : value | MSTATUS.MPP;
}

function keepCompared(writer: PrivilegedWriter, rd: number, compared: bigint | undefined): void {
  if (compared === undefined || rd === ZERO) return;
  writer.holding([rd], () => {
    writer.holdingConstant(compared, (mask) => writer.emit("and", { rd, rs1: rd, rs2: mask }));
  });
}

function readOnly(writer: PrivilegedWriter): void {
  const csr = writer.prng.pick(CONSTANTS);
  const rd = writer.free();
  if (csr !== 0x301 && writer.oneIn(2)) writer.emitRandom("csrrw", { rd, csr });
  else writer.emit("csrrs", { rd, csr, rs1: ZERO });
  // Which letters misa shows is the configuration's.
  if (csr === 0x301) writer.emit("addi", { rd, rs1: ZERO, imm: 0 });
}

function counter(writer: PrivilegedWriter): void {
  const rd = writer.free();
  writer.emit("csrrs", { rd, csr: writer.prng.pick(COUNTER_CSRS), rs1: ZERO });
  writer.emit("addi", { rd, rs1: ZERO, imm: 0 });
}

function satp(writer: PrivilegedWriter): void {
  const { prng, segment } = writer;
  const choices = writer.spaces.map((space) => space.satp);
  // With an unsupported mode nothing changes.
  choices.push((BigInt(prng.pick([1, 2, 7, 11, 12, 15])) << 60n) | (prng.next64() >> 4n));
  if (!segment.translated) choices.push(0n);
  const rd = writer.lasting();
  if (writer.oneIn(3)) writer.emit("csrrs", { rd, csr: SATP, rs1: ZERO });
  else writer.holdingConstant(prng.pick(choices), (rs1) => writer.emit("csrrw", { rd, csr: SATP, rs1 }));
  if (writer.oneIn(2)) fence(writer);
}

/** stimecmp. With STCE clear QEMU 7.2 lets machine mode change STIP through it: only what traps is tried then. */
function timer(writer: PrivilegedWriter): void {
  if ((writer.segment.menvcfg & MENVCFG_STCE) === 0n && writer.segment.mode === MACHINE) return;
  const rd = writer.lasting();
  if (writer.oneIn(3)) writer.emit("csrrs", { rd, csr: STIMECMP, rs1: ZERO });
  else {
    const value = writer.prng.pick([0n, NEVER]);
    writer.holdingConstant(value, (rs1) => writer.emit("csrrw", { rd, csr: STIMECMP, rs1 }));
  }
}

function delegate(writer: PrivilegedWriter): void {
  const rd = writer.lasting();
  const value = delegation(writer.prng, writer.service);
  writer.holdingConstant(value, (rs1) => writer.emit("csrrw", { rd, csr: 0x302, rs1 }));
  keepCompared(writer, rd, 0xb3ffn);
}

/** menvcfg. What owns mip.STIP stays as it is, as QEMU 7.2 does not look again, and so do memory types. */
function environment(writer: PrivilegedWriter): void {
  const rd = writer.lasting();
  const stays = writer.segment.menvcfg & ~1n;
  const value = stays | (writer.prng.next64() & 1n);
  writer.holdingConstant(value, (rs1) => writer.emit("csrrw", { rd, csr: MENVCFG, rs1 }));
  keepCompared(writer, rd, MENVCFG_STCE | MENVCFG_PBMTE | 1n);
  fence(writer);
}

/** One of the random entries of the PMP, or of the configuration, which is read only: its bytes belong together. */
function protection(writer: PrivilegedWriter): void {
  const { prng, segment } = writer;
  const rd = writer.lasting();
  if (writer.oneIn(3)) {
    writer.emit("csrrs", { rd, csr: PMPCFG0 + prng.pick([0, 2]), rs1: ZERO });
    return;
  }
  // A range that ends where one of the other kinds did is cut in odd places.
  const { grain } = segment.protection;
  if (grain === "none" || grain === "coarse") return;
  const index = 5 + prng.below(6);
  let address: bigint;
  do [address] = randomEntry(prng, grain, 0n);
  while (address >= BigInt(plan.BATCH / 4));
  writer.holdingConstant(address, (rs1) => writer.emit("csrrw", { rd, csr: PMPADDR0 + index, rs1 }));
  keepCompared(writer, rd, (1n << 54n) - 1n);
  fence(writer);
}

/** Writes any value to stvec or mtvec, reads back what it kept, and puts the handlers back. Nothing between them traps. */
function vectors(writer: PrivilegedWriter): void {
  const csr = writer.prng.pick([0x105, 0x305]);
  const operand = writer.lasting();
  const saved = writer.lasting(operand);
  writer.holding([operand, saved], () => {
    const status = writer.mode === MACHINE ? MSTATUS_CSR : SSTATUS;
    const enabled = writer.lasting();
    writer.holding([enabled], () => {
      writer.emit("csrrci", { rd: enabled, csr: status, uimm: 10 });
      writer.emit("andi", { rd: enabled, rs1: enabled, imm: 10 });
      writer.constant(operand, writer.value());
      writer.emit("csrrw", { rd: saved, csr, rs1: operand });
      writer.emit("csrrw", { rd: operand, csr, rs1: saved });
      writer.emit("csrrs", { rd: ZERO, csr: status, rs1: enabled });
    });
  });
}

const SFENCE_VMA = 0x1200_0073;

/** sfence.vma of everything. */
export function fence(writer: PrivilegedWriter): void {
  writer.raw(SFENCE_VMA);
}

const SINVAL_VMA = 0x1600_0073;
const SFENCE_W_INVAL = 0x1800_0073;
const SFENCE_INVAL_IR = 0x1810_0073;

/** Makes what changed of the entries for an address known: by one instruction, or by Svinval's three. */
export function invalidate(writer: PrivilegedWriter, address: number, inParts: boolean): void {
  const operands = address << 15;
  if (!inParts) writer.raw(SFENCE_VMA | operands);
  else for (const part of [SFENCE_W_INVAL, SINVAL_VMA | operands, SFENCE_INVAL_IR]) writer.raw(part);
}

/** sfence.vma with operands, for some address or address space only, or for all; now and then in parts. */
export function someFence(writer: PrivilegedWriter): void {
  const rs1 = writer.oneIn(2) ? ZERO : writer.any();
  const rs2 = writer.oneIn(2) ? ZERO : writer.any();
  // Refused, QEMU 7.2's sinval.vma leaves tval 0; its other two are not refused to user mode.
  const refused = writer.mode === SUPERVISOR ? (writer.segment.mstatus & MSTATUS.TVM) !== 0n || writer.left : true;
  if ((refused && writer.mode !== MACHINE) || writer.oneIn(2)) writer.raw(SFENCE_VMA | (rs2 << 20) | (rs1 << 15));
  else invalidate(writer, rs1, true);
}
