import { arithmetic } from "../random/plain-units.ts";
import { addressOfAccess } from "./access-units.ts";
import type { PrivilegedWriter } from "./privileged-writer.ts";

// Units that touch floating-point state: whether they may, and that they have, is mstatus.FS's business.

const LOADS = ["flw", "fld"];
const STORES = ["fsw", "fsd"];
/** They write a floating-point register, so that FS becomes dirty on both machines. */
const WRITING = ["fadd.d", "fsub.s", "fmul.d", "fsgnj.d", "fmv.d.x", "fmv.w.x", "fcvt.d.l", "fcvt.s.w", "fmin.d"];
/** They read one only. */
const READING = ["fmv.x.d", "fmv.x.w", "fclass.d"];

export function float(writer: PrivilegedWriter): void {
  const { prng } = writer;
  if (!writer.hasFloat) return arithmetic(writer);
  switch (prng.below(4)) {
    case 0:
      writer.emitRandom(prng.pick(WRITING));
      break;
    case 1:
      writer.emitRandom(prng.pick(READING));
      break;
    default: {
      const mnemonic = prng.pick(prng.pick([LOADS, STORES]));
      const address = addressOfAccess(writer, mnemonic.endsWith("d") ? 8 : 4, mnemonic.startsWith("fl"));
      if (address === undefined) return;
      writer.holdingConstant(address, (rs1) => writer.emitRandom(mnemonic, { rs1, imm: 0 }));
    }
  }
}
