import { encodingOf } from "../random/emitter.ts";
import { RA, ZERO } from "../random/program-writer.ts";
import { AMOS, accessBytes, RESERVED_LOADS, WIDE_MEMORY } from "../random/vocabulary.ts";
import { fence, MSTATUS_CSR, SSTATUS } from "./csr-units.ts";
import * as plan from "./memory-plan.ts";
import { type Area, randomLeaf } from "./page-tables.ts";
import type { PrivilegedWriter } from "./privileged-writer.ts";
import { MACHINE, MSTATUS, SUPERVISOR, USER } from "./segment.ts";

// Units that access memory and fetch through page tables and the PMP.

const LOADS = WIDE_MEMORY.filter((mnemonic) => mnemonic.startsWith("l"));
/** Offsets in a page stay in what is compared of it. */
const REACH = plan.WINDOW_BYTES / 2;

/** A load, store, atomic operation or reservation of an area. */
export function access(writer: PrivilegedWriter): void {
  if (writer.oneIn(6)) return physicalAccess(writer);
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
    access(writer);
    writer.holdingConstant(MSTATUS.MPRV, (rs1) => writer.emit("csrrc", { rd: ZERO, csr: MSTATUS_CSR, rs1 }));
  }
}

/** Entry points of a page of functions; the last lies across its end. */
const FUNCTION_ENTRIES = [0x002, 0x100, 0xffc, 0xffe];

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

/** Another entry for an area, and the fence that makes it known. Not where the fence may be refused. */
export function remap(writer: PrivilegedWriter): void {
  const { segment } = writer;
  if (writer.left || writer.mode === USER) return;
  if (writer.mode !== MACHINE && (segment.mstatus & MSTATUS.TVM) !== 0n) return;
  const candidates = writer.spaces.flatMap((space) => space.areas).filter(({ entry }) => entry !== undefined);
  if (candidates.length === 0) return;
  const area = writer.prng.pick(candidates);
  const { address, level } = area.entry!;
  const leaf = randomLeaf(writer.prng, area.content, level);
  writer.holdingConstant(BigInt(address), (rs1) => {
    writer.holdingConstant(leaf, (rs2) => writer.emit("sd", { rs1, rs2, imm: 0 }));
  });
  if (writer.oneIn(2)) fence(writer);
  else {
    writer.holdingConstant(area.address, (rs1) => writer.raw(0x1200_0073 | (rs1 << 15)));
  }
}
