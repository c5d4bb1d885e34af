import { ZERO } from "../random/program-writer.ts";
import { AMOS, RESERVED_LOADS } from "../random/vocabulary.ts";
import { MIE, MIP, MSTATUS_CSR, SIE, SIP, SSTATUS } from "./csr-units.ts";
import * as plan from "./memory-plan.ts";
import type { PrivilegedWriter } from "./privileged-writer.ts";
import { MACHINE, type Mode, MSTATUS, SSIP, SUPERVISOR, USER } from "./segment.ts";

// Units that change modes, wait, and raise exceptions.

const MRET = 0x3020_0073;
const SRET = 0x1020_0073;
const MEPC = 0x341;
const SEPC = 0x141;

/** mret or sret to the code behind it, in some mode; from a mode that may not, an illegal instruction. */
export function trapReturn(writer: PrivilegedWriter): void {
  const { prng } = writer;
  const byMachine = writer.mode === MACHINE ? prng.below(3) > 0 : prng.below(8) === 0;
  const to: Mode = prng.pick(byMachine ? [MACHINE, SUPERVISOR, USER] : [SUPERVISOR, USER]);
  const [epc, status, field] = byMachine
    ? [MEPC, MSTATUS_CSR, MSTATUS.MPP]
    : [SEPC, writer.mode === MACHINE ? MSTATUS_CSR : SSTATUS, MSTATUS.SPP];
  const level = byMachine ? BigInt(to) << 11n : BigInt(to) << 8n;
  writer.jumpingBehind(() => {
    writer.holdingConstant(distance(writer, to), (target) => {
      // ra is where the code behind is for the mode that the hart is in now.
      writer.emit("add", { rd: target, rs1: target, rs2: 1 });
      writer.writeCsr(epc, target);
      writer.holdingConstant(field, (rs1) => writer.emit("csrrc", { rd: ZERO, csr: status, rs1 }));
      writer.holdingConstant(level, (rs1) => writer.emit("csrrs", { rd: ZERO, csr: status, rs1 }));
    });
    writer.raw(byMachine ? MRET : SRET);
  });
  const allowed = byMachine ? writer.mode === MACHINE : writer.mode !== USER;
  if (!allowed) return;
  if (to !== MACHINE) writer.left = true;
  writer.mode = to;
}

/** From the code's addresses in the present mode to those in another. */
function distance(writer: PrivilegedWriter, to: Mode): bigint {
  return writer.home(to) - writer.home();
}

const WFI = 0x1050_0073;

/** wfi with an interrupt that is pending and enabled, but not taken: it goes on at once. Elsewhere it is refused. */
export function wait(writer: PrivilegedWriter): void {
  const { segment } = writer;
  if (writer.mode === USER) {
    // A hart that is in supervisor mode all the same would sleep for ever.
    if (segment.mode === USER) writer.raw(WFI);
    return;
  }
  if (writer.left) return;
  if (writer.mode === SUPERVISOR && (segment.mideleg & SSIP) === 0n) return;
  const [status, enable, pending, global] =
    writer.mode === MACHINE ? [MSTATUS_CSR, MIE, MIP, 8] : [SSTATUS, SIE, SIP, 2];
  writer.emit("csrrci", { rd: ZERO, csr: status, uimm: global });
  writer.emit("csrrsi", { rd: ZERO, csr: enable, uimm: 2 });
  writer.emit("csrrsi", { rd: ZERO, csr: pending, uimm: 2 });
  writer.raw(WFI);
}

/** Opcodes that are custom, and words that mean nothing in any extension. */
const CUSTOM = [0x0b, 0x2b, 0x5b, 0x7b];

export function exception(writer: PrivilegedWriter): void {
  const { prng, emitter } = writer;
  switch (prng.below(6)) {
    case 0:
    case 1:
      writer.emit("ecall", {});
      break;
    case 2:
      writer.emit(prng.pick(["ebreak", "c.ebreak"]), {});
      break;
    case 3:
      if (writer.oneIn(3)) emitter.raw(0, 2);
      else writer.raw((prng.next32() & ~0x7f) | prng.pick(CUSTOM));
      break;
    case 4:
      writer.raw(prng.pick([MRET + 0x10_0000, 0xffff_ffff, 0x0000_2073 | (0x8ff << 20)]));
      break;
    default: {
      // Before the page and its protection, the alignment is looked at.
      const area = writer.area("pool");
      const address = (area?.address ?? BigInt(plan.POOL)) + BigInt(1 + 2 * prng.below(8));
      writer.holdingConstant(address, (rs1) =>
        writer.emitRandom(prng.pick(prng.pick([AMOS, RESERVED_LOADS])), { rs1 }),
      );
    }
  }
}
