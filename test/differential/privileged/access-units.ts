import { encodingOf } from "../random/emitter.ts";
import { RA, ZERO } from "../random/program-writer.ts";
import { AMOS, accessBytes, RESERVED_LOADS, WIDE_MEMORY } from "../random/vocabulary.ts";
import { MSTATUS_CSR, SSTATUS } from "./csr-units.ts";
import * as plan from "./memory-plan.ts";
import type { Area } from "./page-tables.ts";
import type { PrivilegedWriter } from "./privileged-writer.ts";
import { MACHINE, MSTATUS, SUPERVISOR, USER } from "./segment.ts";

// Units that access memory and fetch through page tables and the PMP.

const LOADS = WIDE_MEMORY.filter((mnemonic) => mnemonic.startsWith("l"));
/** Offsets in a page stay in what is compared of it. */
const REACH = plan.WINDOW_BYTES / 2;

/** A load, store, atomic operation or reservation. */
export function access(writer: PrivilegedWriter): void {
  // Machine mode finds nothing at the areas' addresses.
  if (writer.mode === MACHINE ? !writer.oneIn(5) : writer.oneIn(6)) physicalAccess(writer);
  else areaAccess(writer);
}

function areaAccess(writer: PrivilegedWriter): void {
  const mnemonic = pickMnemonic(writer);
  const isLoad = LOADS.includes(mnemonic);
  const address = addressOfAccess(writer, accessBytes(mnemonic), isLoad, mayMisalign(mnemonic));
  if (address !== undefined) emitAccess(writer, mnemonic, address);
}

/** Where an access of an area may go, across its end or misaligned where both machines do the same then. */
export function addressOfAccess(
  writer: PrivilegedWriter,
  bytes: number,
  isLoad: boolean,
  mayMisalign = true,
): bigint | undefined {
  // Functions are not stored to.
  const area = writer.area("pool", "nowhere", "strongbox", ...(isLoad ? (["functions"] as const) : []));
  if (area === undefined) return undefined;
  const { grain } = writer.segment.protection;
  // QEMU 7.2 reports another address of a misaligned access where nothing is, and sees no PMP entry in the middle of one.
  const misaligned =
    mayMisalign &&
    writer.segment.translated &&
    writer.segment.mode !== MACHINE &&
    grain !== "fine" &&
    area.content !== "nowhere" &&
    area.content !== "strongbox" &&
    writer.oneIn(2);
  // It also takes the physical page behind for that of the other half.
  const straddling = misaligned && area.straddles && area.content === "pool" && grain === "none";
  return area.address + BigInt(offsetIn(writer, bytes, misaligned, straddling));
}

/** The same, of the pool at its own address: machine mode's, and supervisor mode's in every address space. */
function physicalAccess(writer: PrivilegedWriter): void {
  const mnemonic = pickMnemonic(writer);
  const page = plan.POOL + writer.prng.below(plan.POOL_PAGES) * plan.PAGE;
  const misaligned =
    mayMisalign(mnemonic) && ["none", "page"].includes(writer.segment.protection.grain) && writer.oneIn(2);
  const offset = offsetIn(writer, accessBytes(mnemonic), misaligned, false);
  emitAccess(writer, mnemonic, BigInt(page + offset));
}

function pickMnemonic({ prng }: PrivilegedWriter): string {
  const kind = prng.below(10);
  if (kind === 0) return prng.pick(RESERVED_LOADS);
  return kind < 3 ? prng.pick(AMOS) : prng.pick(WIDE_MEMORY);
}

const mayMisalign = (mnemonic: string) => !mnemonic.includes(".");

function offsetIn(writer: PrivilegedWriter, bytes: number, misaligned: boolean, straddling: boolean): number {
  const { prng } = writer;
  if (straddling && bytes > 1 && writer.oneIn(3)) return plan.PAGE - 1 - prng.below(bytes - 1);
  const low = prng.below(REACH / bytes - 1) * bytes;
  const displacement = misaligned ? prng.below(bytes) : 0;
  return writer.oneIn(2) ? low + displacement : plan.PAGE - bytes - low - (low === 0 ? 0 : displacement);
}

function emitAccess(writer: PrivilegedWriter, mnemonic: string, address: bigint): void {
  const immediate = encodingOf(mnemonic).fields.some(({ name }) => name === "imm") ? writer.prng.below(64) - 32 : 0;
  writer.holdingConstant(BigInt.asUintN(64, address - BigInt(immediate)), (rs1) => {
    writer.emitRandom(mnemonic, immediateFields(mnemonic, rs1, immediate));
  });
}

function immediateFields(mnemonic: string, rs1: number, imm: number): Record<string, number> {
  return encodingOf(mnemonic).fields.some(({ name }) => name === "imm") ? { rs1, imm } : { rs1 };
}

/** lr and sc on memory that is there for every mode but user mode. */
export function reservation(writer: PrivilegedWriter): void {
  const size = writer.prng.pick(["w", "d"]);
  const address = writer.mode === USER ? writer.area("pool")?.address : BigInt(plan.POOL);
  if (address === undefined) return;
  writer.holdingConstant(address + BigInt(writer.prng.below(REACH / 8) * 8), (rs1) => {
    // One of another place may be left: with it an sc that fails may trap, or not.
    writer.emitRandom(`lr.${size}`, { rs1 });
    // A trap takes a reservation away.
    if (writer.oneIn(5)) writer.emit("ecall", {});
    writer.emitRandom(`sc.${size}`, { rs1 });
    if (writer.oneIn(5)) writer.emitRandom(`sc.${size}`, { rs1 });
  });
}

/**
 * Loads and stores of machine mode with the privilege of another. Each sets MPRV and MPP anew: QEMU 7.2 uses the
 * translations made for one MPP for the next, which a trap brings about.
 */
export function modifiedPrivilege(writer: PrivilegedWriter): void {
  const { prng } = writer;
  const bits = MSTATUS.MPRV | MSTATUS.MPP | MSTATUS.SUM | MSTATUS.MXR;
  for (let count = 1 + prng.below(4); count > 0; count--) {
    const mode = BigInt(prng.pick([USER, SUPERVISOR])) << 11n;
    const wanted = (prng.next64() & (MSTATUS.SUM | MSTATUS.MXR)) | MSTATUS.MPRV | mode;
    writer.holdingConstant(bits, (rs1) => writer.emit("csrrc", { rd: ZERO, csr: MSTATUS_CSR, rs1 }));
    writer.holdingConstant(wanted, (rs1) => writer.emit("csrrs", { rd: ZERO, csr: MSTATUS_CSR, rs1 }));
    areaAccess(writer);
    writer.holdingConstant(MSTATUS.MPRV, (rs1) => writer.emit("csrrc", { rd: ZERO, csr: MSTATUS_CSR, rs1 }));
  }
}

/** Entry points of a page of functions; the last lies across its end. */
const FUNCTION_ENTRIES = [0x002, plan.FUNCTION_CHANGED, 0xffc, 0xffe];

/** A call through an area: of a function, or of what is not there. */
export function call(writer: PrivilegedWriter): void {
  const area = writer.area("functions", "nowhere") ?? writer.area();
  if (area === undefined) return;
  // The pool is no code. Where it would be found to be, nobody goes.
  if (area.content === "pool" || area.content === "strongbox") return;
  callArea(writer, area);
}

function callArea(writer: PrivilegedWriter, area: Area): void {
  // QEMU 7.2 aborts where an instruction begins at the end of a page that is no memory.
  const straddles = area.straddles && writer.segment.translated && writer.mode !== MACHINE;
  const entries = straddles ? FUNCTION_ENTRIES : FUNCTION_ENTRIES.slice(0, 2);
  // What QEMU 7.2 has translated for a load by SUM, it uses for fetches, too. A change of SUM makes it forget.
  if (writer.segment.mode !== USER) {
    writer.holdingConstant(MSTATUS.SUM, (rs1) => {
      writer.emit("csrrc", { rd: ZERO, csr: SSTATUS, rs1 });
      if (writer.oneIn(2)) writer.emit("csrrs", { rd: ZERO, csr: SSTATUS, rs1 });
    });
  }
  const target = writer.lasting();
  writer.holding([target], () => {
    writer.constant(target, area.address + BigInt(writer.prng.pick(entries)));
    writer.emit("jalr", { rd: RA, rs1: target, imm: 0 });
  });
}

/** c.addi a1 without its immediate. */
const C_ADDI_A1 = 0x0581;

/** Changes a function through one mapping, and calls it through another. */
export function changeFunction(writer: PrivilegedWriter): void {
  const { prng } = writer;
  const area = writer.area("functions");
  const own = plan.FUNCTIONS + prng.below(plan.FUNCTION_PAGES) * plan.PAGE;
  const page = area === undefined || (writer.mode !== USER && writer.oneIn(2)) ? BigInt(own) : area.address;
  writer.holdingConstant(page + BigInt(plan.FUNCTION_CHANGED), (rs1) => {
    writer.holdingConstant(BigInt(C_ADDI_A1 + (1 + prng.below(31)) * 4), (rs2) => {
      writer.emit("sh", { rs1, rs2, imm: 0 });
    });
  });
  writer.emit("fence.i", {});
  call(writer);
}

/** Goes on through another mapping of the same code, when there is one for this mode. */
export function otherHome(writer: PrivilegedWriter): void {
  const target = writer.lasting();
  writer.holding([target], () => {
    writer.jumpingBehind(() => {
      writer.constant(target, BigInt(plan.USER_DISTANCE));
      // Without translation, below the code's addresses there are devices on QEMU's board.
      const down = writer.mode === USER && writer.segment.translated;
      writer.emit(down ? "sub" : "add", { rd: target, rs1: RA, rs2: target });
      writer.emit("jalr", { rd: ZERO, rs1: target, imm: 0 });
    });
  });
}
