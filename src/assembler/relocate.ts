import type { Field } from "../isa/encoding.ts";
import { parseEncoding } from "../isa/encoding.ts";
import { findCompressed } from "../isa/table.ts";
import { encodingOf } from "./emit.ts";
import { type Expression, evaluate } from "./expression.ts";
import { leb128 } from "./relax.ts";
import { addressOf, type Branch, type Chunk, type Fixup, type Section } from "./section.ts";
import type { Session } from "./session.ts";
import type { Span } from "./source.ts";

/** The bytes of the sections, with everything in them that depends on addresses. */
export function fillSections(session: Session, sections: readonly Section[]): Map<Section, Uint8Array> {
  const images = new Map<Section, Uint8Array>();
  for (const section of sections) {
    if (section.flags.noBits) continue;
    images.set(section, sectionImage(session, section));
  }
  const upperParts = new Map<bigint, UpperPart>();
  const fill = (wanted: (fixup: Fixup) => boolean): void => {
    for (const [section, image] of images) {
      const view = new DataView(image.buffer);
      for (const fixup of section.fixups) if (wanted(fixup)) applyFixup(session, view, fixup, upperParts);
    }
  };
  // %pcrel_lo takes its value from the %pcrel_hi that it names, which may stand further down.
  fill((fixup) => !fixup.kind.startsWith("pcrel-lo"));
  fill((fixup) => fixup.kind.startsWith("pcrel-lo"));
  return images;
}

function sectionImage(session: Session, section: Section): Uint8Array {
  const image = new Uint8Array(section.size);
  for (const chunk of section.chunks) {
    image.set(section.bytesOf(chunk), chunk.offset);
    if (chunk.tail !== undefined && chunk.tailSize > 0) writeTail(session, image, chunk);
  }
  return image;
}

function writeTail(session: Session, image: Uint8Array, chunk: Chunk): void {
  const tail = chunk.tail!;
  const start = chunk.offset + chunk.length;
  const end = start + chunk.tailSize;
  switch (tail.kind) {
    case "branch":
      writeBranch(session, new DataView(image.buffer), start, chunk, tail.branch);
      return;
    case "align":
      if (tail.fill === undefined && tail.code) writeNops(image, start, end);
      else writePattern(image, start, end, BigInt(tail.fill ?? 0), tail.fillSize);
      return;
    case "space":
      writePattern(image, start, end, tail.value, tail.unit);
      return;
    case "fill":
    case "org":
      image.fill(tail.value, start, end);
      return;
    case "leb128": {
      const result = evaluate(tail.value, "final");
      if (result.ok) image.set(leb128(result.value, tail.signed, chunk.tailSize), start);
      return;
    }
  }
}

/** No-operations as GNU `as` lays them: a stray zero byte, then a 16-bit one, then 32-bit ones. */
function writeNops(image: Uint8Array, start: number, end: number): void {
  let at = start;
  if ((end - at) % 2 === 1) image[at++] = 0;
  if ((end - at) % 4 === 2) {
    image[at] = 0x01;
    at += 2;
  }
  for (; at < end; at += 4) image[at] = 0x13;
}

/** Repeats the low `size` bytes of `value`; what is left over at the start stays zero. */
function writePattern(image: Uint8Array, start: number, end: number, value: bigint, size: number): void {
  if (value === 0n || size === 0) return;
  const first = start + ((end - start) % size);
  for (let byte = 0; byte < size && first < end; byte++)
    image[first + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
  // Doubling what is there already is fast for fills of any length.
  for (let done = size; first + done < end; done *= 2)
    image.copyWithin(first + done, first, Math.min(first + done, end - done));
}

function immediateField(mnemonic: string): Field {
  const compressed = findCompressed(mnemonic);
  const encoding = compressed ? parseEncoding(compressed.encoding) : encodingOf(mnemonic);
  return encoding.fields.find((field) => field.kind === "immediate")!;
}

const BRANCH_FIELD = immediateField("beq");
const JUMP_FIELD = immediateField("jal");
const COMPRESSED_BRANCH_FIELD = immediateField("c.beqz");
const COMPRESSED_JUMP_FIELD = immediateField("c.j");

/** The bits of a value, in the places where the field has them. */
function scatter(field: Field, value: number): number {
  let word = 0;
  for (const { wordBit, valueBit, width } of field.pieces) {
    word |= ((value >> valueBit) & ((1 << width) - 1)) << wordBit;
  }
  return word;
}

/** Flips the condition of a branch: the lowest bit of its function, in both lengths. */
const INVERT = 1 << 12;
const INVERT_COMPRESSED = 1 << 13;
const JAL_ZERO = 0x6f;

function writeBranch(session: Session, view: DataView, at: number, chunk: Chunk, branch: Branch): void {
  const { word, compressed, conditional } = branch;
  const address = chunk.section.address + BigInt(at);
  const size = chunk.tailSize;
  if (size === 2) {
    const field = conditional ? COMPRESSED_BRANCH_FIELD : COMPRESSED_JUMP_FIELD;
    const distance = distanceTo(session, branch.target, branch.span, address, field);
    view.setUint16(at, compressed! | scatter(field, distance), true);
  } else if (size === 4) {
    const field = conditional ? BRANCH_FIELD : JUMP_FIELD;
    view.setUint32(at, word | scatter(field, distanceTo(session, branch.target, branch.span, address, field)), true);
  } else {
    // The inverted branch steps over a jump that reaches further.
    const jump = at + size - 4;
    if (size === 6) {
      view.setUint16(at, (compressed! ^ INVERT_COMPRESSED) | scatter(COMPRESSED_BRANCH_FIELD, size), true);
    } else {
      view.setUint32(at, (word ^ INVERT) | scatter(BRANCH_FIELD, size), true);
    }
    const from = chunk.section.address + BigInt(jump);
    const distance = distanceTo(session, branch.target, branch.span, from, JUMP_FIELD);
    view.setUint32(jump, JAL_ZERO | scatter(JUMP_FIELD, distance), true);
  }
}

/** The distance of a target, if the field can hold it; otherwise 0, reported. */
function distanceTo(session: Session, target: Expression, span: Span, from: bigint, field: Field): number {
  const value = finalValue(session, target, span);
  if (value === undefined) return 0;
  const distance = BigInt.asIntN(64, value - from);
  const reach = 1n << BigInt(field.bits - 1);
  if (distance < -reach || distance >= reach) {
    const hint = field === JUMP_FIELD ? "; `call`, `tail` and `jump` reach 2 GiB" : "";
    session.diagnostics.error(span, `the target is ${distance} bytes away, and this reaches ${reach}${hint}`);
  } else if (distance % 2n !== 0n) {
    session.diagnostics.error(span, "the target is at an odd address");
  } else return Number(distance);
  return 0;
}

function finalValue(session: Session, expression: Expression, span: Span): bigint | undefined {
  const result = evaluate(expression, "final");
  if (result.ok) return result.value;
  session.diagnostics.error(result.span ?? span, result.message);
  return undefined;
}

/** What an auipc adds, for the instructions that add the rest. */
interface UpperPart {
  readonly low: number;
}

const STORE_FIELD = immediateField("sw");
const LOAD_FIELD = immediateField("lw");
const AUIPC_TO_LUI = 0x17 ^ 0x37;

function applyFixup(session: Session, view: DataView, fixup: Fixup, upperParts: Map<bigint, UpperPart>): void {
  const { kind, place, span } = fixup;
  const at = place.chunk.offset + place.offset;
  const address = addressOf(place);
  if (kind === "branch" || kind === "jump") {
    const field = kind === "branch" ? BRANCH_FIELD : JUMP_FIELD;
    return addBits(view, at, scatter(field, distanceTo(session, fixup.value, span, address, field)));
  }
  const value = finalValue(session, fixup.value, span);
  if (value === undefined) {
    if (kind === "pcrel-hi20") upperParts.set(address, { low: 0 });
    return;
  }
  switch (kind) {
    case "data8":
    case "data16":
    case "data32":
    case "data64":
      return writeDatum(session, view, at, Number(kind.slice(4)), value, span);
    case "hi20": {
      if (!fitsUpper(value)) {
        const text = `0x${BigInt.asUintN(64, value).toString(16)}`;
        session.diagnostics.error(span, `%hi reaches only the lowest and highest 2 GiB, not ${text}; use \`la\``);
        return;
      }
      return addBits(view, at, upper(value));
    }
    case "lo12":
      return addBits(view, at, scatter(LOAD_FIELD, Number(value & 0xfffn)));
    case "lo12-store":
      return addBits(view, at, scatter(STORE_FIELD, Number(value & 0xfffn)));
    case "pcrel-hi20": {
      let distance = BigInt.asIntN(64, value - address);
      if (!fitsUpper(distance) && fitsUpper(BigInt.asIntN(64, value))) {
        // Too far from here but near zero, like a weak symbol that nothing defines: lui reaches it.
        view.setUint32(at, view.getUint32(at, true) ^ AUIPC_TO_LUI, true);
        distance = BigInt.asIntN(64, value);
      } else if (!fitsUpper(distance)) {
        session.diagnostics.error(span, `the address is ${distance} bytes away, and auipc reaches 2 GiB`);
      }
      upperParts.set(address, { low: Number(distance & 0xfffn) });
      return addBits(view, at, upper(distance));
    }
    default: {
      const part = upperParts.get(value);
      if (part === undefined) {
        session.diagnostics.error(span, "%pcrel_lo takes the label of an auipc with %pcrel_hi, and there is none here");
        return;
      }
      return addBits(view, at, scatter(kind === "pcrel-lo12" ? LOAD_FIELD : STORE_FIELD, part.low));
    }
  }
}

function addBits(view: DataView, at: number, bits: number): void {
  view.setUint32(at, view.getUint32(at, true) | bits, true);
}

/** The 20 bits of lui or auipc, in place, such that adding the sign-extended low 12 gives the value. */
function upper(value: bigint): number {
  return Number(BigInt.asIntN(32, value + 0x800n)) & ~0xfff;
}

function fitsUpper(value: bigint): boolean {
  const high = value + 0x800n;
  return BigInt.asIntN(32, high) === high;
}

function writeDatum(session: Session, view: DataView, at: number, bits: number, value: bigint, span: Span): void {
  const signed = BigInt.asIntN(64, value);
  if (bits < 64 && (signed < -(1n << BigInt(bits - 1)) || signed >= 1n << BigInt(bits))) {
    session.diagnostics.error(span, `0x${BigInt.asUintN(64, value).toString(16)} does not fit ${bits} bits`);
    return;
  }
  for (let byte = 0; byte < bits / 8; byte++) view.setUint8(at + byte, Number((signed >> BigInt(8 * byte)) & 0xffn));
}
