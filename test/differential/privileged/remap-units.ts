import { fence, invalidate } from "./csr-units.ts";
import { type Area, randomLeaf } from "./page-tables.ts";
import type { PrivilegedWriter } from "./privileged-writer.ts";
import { MACHINE, MSTATUS, USER } from "./segment.ts";

// Units that change page tables, in every way in which memory can be changed, and the fences that make it known.

/** Not where a fence may be refused: what is cached would count then. */
export function remap(writer: PrivilegedWriter): void {
  const { segment, prng } = writer;
  if (writer.left || writer.mode === USER) return;
  if (writer.mode !== MACHINE && (segment.mstatus & MSTATUS.TVM) !== 0n) return;
  const space = prng.pick(writer.spaces);
  if (space.pointers.length > 0 && writer.oneIn(5)) changePointer(writer, prng.pick(space.pointers));
  else {
    const area = writer.area();
    if (area?.entry !== undefined) changeLeaf(writer, area, area.entry);
  }
}

/** A pointer becomes invalid, or valid again. */
function changePointer(writer: PrivilegedWriter, entry: number): void {
  writer.holdingConstant(BigInt(entry), (rs1) => {
    writer.holdingConstant(1n, (rs2) => writer.emit("amoxor.d", { rd: 0, rs1, rs2, aq: 0, rl: 0 }));
  });
  fence(writer);
}

function changeLeaf(writer: PrivilegedWriter, area: Area, { address, level }: NonNullable<Area["entry"]>): void {
  const leaf = randomLeaf(writer.prng, area.content, level);
  writer.holdingConstant(BigInt(address), (rs1) => {
    writer.holdingConstant(leaf, (rs2) => store(writer, rs1, rs2));
  });
  const kind = writer.prng.below(3);
  if (kind === 0) fence(writer);
  else writer.holdingConstant(area.address, (register) => invalidate(writer, register, kind === 1));
}

function store(writer: PrivilegedWriter, rs1: number, rs2: number): void {
  const ordering = { aq: 0, rl: 0 };
  switch (writer.prng.below(6)) {
    case 0:
      writer.emit("amoswap.d", { rd: writer.free(), rs1, rs2, ...ordering });
      break;
    case 1:
      // The flags only, so that the page is the same.
      writer.emit("sb", { rs1, rs2, imm: 0 });
      break;
    case 2: {
      // In halves: nobody walks between them.
      writer.emit("sw", { rs1, rs2, imm: 0 });
      writer.emit("srli", { rd: rs2, rs1: rs2, shamt: 32 });
      writer.emit("sw", { rs1, rs2, imm: 4 });
      break;
    }
    case 3: {
      const rd = writer.free();
      writer.emit("lr.d", { rd, rs1, ...ordering });
      writer.emit("sc.d", { rd, rs1, rs2, ...ordering });
      break;
    }
    default:
      writer.emit("sd", { rs1, rs2, imm: 0 });
  }
}
