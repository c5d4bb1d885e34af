import type { Fields } from "./emitter.ts";
import { arithmetic } from "./plain-units.ts";
import { type ProgramWriter, RA, ZERO } from "./program-writer.ts";
import { BRANCHES, SHORT_BRANCHES } from "./vocabulary.ts";

// Units of a program that jump: forward, or back a counted number of times.

/** Emits this many random units; the generator passes it in. */
export type Block = (units: number) => void;

/** A forward branch over a few units. */
export function condition(writer: ProgramWriter, block: Block): void {
  const { emitter, prng } = writer;
  // The compressed forms reach 256 bytes: only instructions of known length are jumped over.
  const short = writer.oneIn(4);
  const operands: Fields = short
    ? { rs1: 8 + prng.below(8) }
    : { rs1: writer.any(), rs2: writer.oneIn(8) ? ZERO : writer.any() };
  const branch = emitter.emitUnfinished(prng.pick(short ? SHORT_BRANCHES : BRANCHES), operands);
  if (short) {
    arithmetic(writer);
    // Executed when the branch is not taken: hints that do nothing.
    for (let count = prng.below(writer.oneIn(4) ? 100 : 8); count > 0; count--) writer.emitRandom("c.nop");
  } else writer.maybe(() => block(1 + prng.below(3)));
  emitter.patchTarget(branch);
}

export function loop(writer: ProgramWriter, block: Block): void {
  const { emitter, prng } = writer;
  const counter = writer.lasting();
  writer.holding([counter], () => {
    writer.constant(counter, BigInt(1 + prng.below(4)));
    const head = emitter.here;
    writer.maybe(() => block(1 + prng.below(3)));
    closeLoop(writer, counter, head);
  });
}

export function closeLoop({ emitter }: ProgramWriter, counter: number, head: number): void {
  emitter.emit("addi", { rd: counter, rs1: counter, imm: -1 });
  emitter.patchTarget(emitter.emitUnfinished("bne", { rs1: counter, rs2: ZERO }), head);
}

/** Halfwords that a jump skips: mostly a few, now and then so many that the higher bits of its distance are used. */
function skipped(writer: ProgramWriter): void {
  writer.junk(writer.oneIn(8) ? MOST_SKIPPED : 8);
}

/** Within the 2 KiB that c.j reaches. */
const MOST_SKIPPED = 1000;

/** A jump over bytes that mean nothing. */
export function jump(writer: ProgramWriter): void {
  const { emitter, prng } = writer;
  const link = writer.oneIn(3) ? ZERO : writer.free();
  switch (prng.below(4)) {
    case 0: {
      const jump = emitter.emitUnfinished("c.j", {});
      skipped(writer);
      emitter.patchTarget(jump);
      break;
    }
    case 1: {
      const jump = emitter.emitUnfinished("jal", { rd: link });
      skipped(writer);
      emitter.patchTarget(jump);
      break;
    }
    case 2: {
      const { base, from } = addressHere(writer);
      const jump = emitter.emitUnfinished("jalr", { rd: link, rs1: base });
      skipped(writer);
      // The lowest bit of the sum is dropped, whatever it is.
      emitter.patchImmediate(jump, emitter.here - from + prng.below(2));
      break;
    }
    default: {
      const { base, from } = addressHere(writer);
      const addition = emitter.emitUnfinished("addi", { rd: base, rs1: base });
      emitter.emit(writer.isFree(RA) && writer.oneIn(2) ? "c.jalr" : "c.jr", { rs1: base });
      skipped(writer);
      emitter.patchImmediate(addition, emitter.here - from + prng.below(2));
    }
  }
}

/** There and back: a jump forward, one backward to what was jumped over, and one forward again. */
export function detour(writer: ProgramWriter): void {
  const { emitter, prng } = writer;
  const there = emitter.emitUnfinished("jal", { rd: ZERO });
  const middle = emitter.here;
  arithmetic(writer);
  const out = emitter.emitUnfinished("jal", { rd: ZERO });
  const back = prng.pick(["c.j", "c.beqz", "beq", "bgeu", "jal"]);
  // What lies between must be within the reach of the way back.
  if (back === "jal" && writer.takeFarJump()) emitter.skip(MOST_SKIPPED * 2 + prng.below(FAR_BYTES));
  else writer.junk(back === "c.beqz" ? 100 : MOST_SKIPPED);
  emitter.patchTarget(there);
  let operands: Fields = {};
  if (back === "jal") operands = { rd: ZERO };
  else if (back === "c.beqz") {
    operands = { rs1: writer.free(true) };
    emitter.emit("c.li", { rd: operands.rs1, imm: 0 });
  } else if (back !== "c.j") operands = { rs1: ZERO, rs2: ZERO };
  emitter.patchTarget(emitter.emitUnfinished(back, operands), middle);
  emitter.patchTarget(out);
}

/** Far enough for the bits of jal's distance above the twelfth. */
const FAR_BYTES = 14_000;

/** A register with the address of the instruction that sets it. */
function addressHere(writer: ProgramWriter): { base: number; from: number } {
  const base = writer.free();
  const from = writer.emitter.here;
  writer.emit("auipc", { rd: base, imm: 0 });
  return { base, from };
}

/** A function, jumped over and then called. */
export function call(writer: ProgramWriter, block: Block): void {
  const { emitter, prng } = writer;
  const link = writer.isFree(RA) && writer.oneIn(2) ? RA : writer.lasting();
  const over = emitter.emitUnfinished("jal", { rd: ZERO });
  const entry = emitter.here;
  writer.holding([link], () => {
    writer.maybe(() => block(1 + prng.below(3)));
    if (writer.oneIn(2)) emitter.emit("c.jr", { rs1: link });
    else emitter.emit("jalr", { rd: ZERO, rs1: link, imm: 0 });
  });
  emitter.patchTarget(over);
  emitter.patchTarget(emitter.emitUnfinished("jal", { rd: link }), entry);
}

const MSTATUS = 0x300;
const MSTATUS_MPP = 0x1800n;
const MEPC = 0x341;

/** The way back from a trap, used as a jump. */
export function machineReturn(writer: ProgramWriter): void {
  const { emitter } = writer;
  // An mret leaves the least privilege there is in MPP. Here that is machine mode; QEMU 7.2 writes user mode all the same.
  const privilege = writer.free();
  writer.constant(privilege, MSTATUS_MPP);
  emitter.emit("csrrs", { rd: ZERO, csr: MSTATUS, rs1: privilege });
  const { base, from } = addressHere(writer);
  const addition = emitter.emitUnfinished("addi", { rd: base, rs1: base });
  emitter.emit("csrrw", { rd: ZERO, csr: MEPC, rs1: base });
  emitter.emit("mret", {});
  writer.junk(4);
  emitter.patchImmediate(addition, emitter.here - from);
}
