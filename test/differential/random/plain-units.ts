import { encodingOf } from "./emitter.ts";
import { type ProgramWriter, SP } from "./program-writer.ts";
import { AMOS, ARITHMETIC, accessBytes, COMPRESSED_ARITHMETIC, MEMORY } from "./vocabulary.ts";
import { type CaseWriter, POINTERS, WINDOW_BYTES } from "./writer.ts";

// Units of a program that go straight on.

export function arithmetic(writer: ProgramWriter): void {
  const mnemonic = writer.prng.pick(ARITHMETIC);
  if (mnemonic === "ctzw") trailingZeros(writer);
  else writer.emitRandom(mnemonic);
}

/** ctzw of a word that has a 1: for others QEMU 7.2 counts on in the upper half. */
function trailingZeros(writer: ProgramWriter): void {
  const rs1 = writer.free();
  writer.emit("bseti", { rd: rs1, rs1, shamt: writer.prng.below(32) });
  writer.emitRandom("ctzw", { rs1 });
}

export function compressedArithmetic(writer: CaseWriter): void {
  const mnemonic = writer.prng.pick(COMPRESSED_ARITHMETIC);
  if (mnemonic === "c.addi16sp") stackPointer(writer);
  else writer.emitRandom(mnemonic);
}

/** Moves sp, looks at it, and points it into the window again. */
export function stackPointer(writer: CaseWriter): void {
  writer.emitRandom("c.addi16sp");
  writer.emit("c.mv", { rd: writer.free(), rs2: SP });
  writer.setPointer(SP);
}

export function constant(writer: ProgramWriter): void {
  writer.constant(writer.free(), writer.value());
}

/** A load or store of the window: often misaligned, now and then across its page boundary. */
export function memory(writer: CaseWriter): void {
  if (writer.oneIn(6)) writer.setPointer(writer.prng.pick(POINTERS));
  const mnemonic = writer.prng.pick(MEMORY);
  const bytes = accessBytes(mnemonic);
  const { fields } = encodingOf(mnemonic);
  const base = fields.find(({ name }) => name === "rs1");
  const offset = fields.find(({ name }) => name === "imm" || name === "uimm")!;
  const pointer = base === undefined ? SP : writer.prng.pick(base.prime ? POINTERS.slice(1) : POINTERS);
  const aligned = !writer.oneIn(3);
  for (;;) {
    const displacement = writer.fieldValue(offset);
    const target = writer.pointerOffset(pointer) + displacement;
    if (target < 0 || target + bytes > WINDOW_BYTES) continue;
    if (aligned && target % bytes !== 0) continue;
    const given: Record<string, number> = { [offset.name]: displacement };
    if (base !== undefined) given.rs1 = pointer;
    writer.emitRandom(mnemonic, given);
    return;
  }
}

export function atomic(writer: CaseWriter): void {
  const mnemonic = writer.prng.pick(AMOS);
  writer.emitRandom(mnemonic, { rs1: writer.windowAddress(accessBytes(mnemonic)) });
}

/** lr and sc: at once, with work between, with a failing sc between, without an lr, with a second sc. */
export function reservation(writer: CaseWriter): void {
  const size = writer.prng.pick(["w", "d"]);
  const rs1 = writer.windowAddress(8);
  writer.holding([rs1], () => {
    const variant = writer.prng.below(5);
    if (variant !== 0) writer.emitRandom(`lr.${size}`, { rs1 });
    if (variant === 1) arithmetic(writer);
    if (variant === 2) writer.emitRandom(`sc.${size}`, { rs1: writer.windowAddress(8) });
    writer.emitRandom(`sc.${size}`, { rs1 });
    if (variant === 3) writer.emitRandom(`sc.${size}`, { rs1 });
  });
}
