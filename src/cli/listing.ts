import type { Program, Segment } from "../assembler/program.ts";
import { instructionLength } from "../isa/decode.ts";
import { disassembleWord } from "../isa/disassemble.ts";
import type { Place, Places } from "./places.ts";

/** One instruction, or data in the midst of code. */
export interface ListedInstruction extends Place {
  readonly address: bigint;
  /** As they lie in memory, hexadecimal: `13 05 00 00`. */
  readonly bytes: string;
  readonly text: string;
  /** The symbols that begin here. */
  readonly labels: readonly string[];
}

/** This many zero bytes in a row are padding, not code: objdump leaves out as many. */
const SKIPPED_ZERO_BYTES = 16;

/** The instructions of a program in order of address. */
export function* listProgram(program: Program, places: Places): Generator<ListedInstruction | "skipped"> {
  const code = program.segments.filter(({ executable }) => executable);
  code.sort((a, b) => (a.virtualAddress < b.virtualAddress ? -1 : 1));
  for (const segment of code) yield* listSegment(segment, places);
}

function* listSegment({ bytes, virtualAddress }: Segment, places: Places): Generator<ListedInstruction | "skipped"> {
  for (let offset = 0; offset < bytes.length; ) {
    const zeros = zeroRun(bytes, offset, (at) => places.symbols.at(virtualAddress + BigInt(at)).length > 0);
    if (zeros >= SKIPPED_ZERO_BYTES) {
      yield "skipped";
      offset += zeros;
      continue;
    }
    const address = virtualAddress + BigInt(offset);
    const listed = inObject(address, places)
      ? datum(bytes, offset)
      : instructionAt(bytes, offset, address, (target) => places.symbols.describe(target));
    const shown = Array.from(bytes.subarray(offset, offset + listed.length), (byte) =>
      byte.toString(16).padStart(2, "0"),
    );
    yield {
      ...places.at(address),
      address,
      bytes: shown.join(" "),
      text: listed.text,
      labels: places.symbols.at(address).map(({ name }) => name),
    };
    offset += listed.length;
  }
}

/** Zero bytes from `offset` on, up to the next symbol. */
function zeroRun(bytes: Uint8Array, offset: number, isSymbol: (offset: number) => boolean): number {
  let end = offset;
  while (end < bytes.length && bytes[end] === 0 && (end === offset || !isSymbol(end))) end++;
  return end - offset;
}

/** Linkers put read-only data into the segment of the code: a symbol that says "object" says it is no code. */
function inObject(address: bigint, places: Places): boolean {
  return places.symbols.nearest(address)?.symbol.kind === "object";
}

function instructionAt(
  bytes: Uint8Array,
  offset: number,
  pc: bigint,
  symbolize: (address: bigint) => string | undefined,
): { length: number; text: string } {
  if (bytes.length - offset < 2) return { length: 1, text: `.byte 0x${bytes[offset].toString(16).padStart(2, "0")}` };
  const half = bytes[offset] | (bytes[offset + 1] << 8);
  const length = Math.min(instructionLength(half), bytes.length - offset);
  if (length !== 4) return { length: 2, text: disassembleWord(half & 0xffff, { pc, symbolize }).text };
  const word = (half | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) >>> 0;
  return { length, text: disassembleWord(word, { pc, symbolize }).text };
}

function datum(bytes: Uint8Array, offset: number): { length: number; text: string } {
  const length = bytes.length - offset >= 4 ? 4 : 1;
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + bytes[offset + index];
  return { length, text: `${length === 4 ? ".word" : ".byte"} 0x${value.toString(16).padStart(2 * length, "0")}` };
}
