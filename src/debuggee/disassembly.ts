import type { VirtualAddress } from "../base/brand.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { type CodeWord, codeWord, fetch } from "./code.ts";
import type { Inspector } from "./inspector.ts";
import type { ProgramMap } from "./program-map.ts";
import type { DisassembledLine } from "./protocol.ts";

/** Instructions that one request may ask for. */
export const MOST_INSTRUCTIONS = 10_000;
/** Going back, the nearest known beginning of an instruction is looked for this far away. */
const FARTHEST_ANCHOR = 4096n;
/** Without one, decoding is tried from every place this far back, and the first that fits is taken. */
const TRIAL_BYTES = 64n;
const ADDRESS_SPACE = 1n << 64n;

/** Disassembles memory as it is now, forwards and backwards from an address. */
export class Disassembler {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #inspector: Inspector;
  /** In whose address space the lines are. */
  #hart = 0;

  constructor(machine: MachineLike, map: ProgramMap, inspector: Inspector) {
    this.#machine = machine;
    this.#map = map;
    this.#inspector = inspector;
  }

  /**
   * Exactly `count` lines, the first `offset` instructions from `address`. Where there is no memory, or no place for an
   * instruction, stand lines that are not valid.
   */
  lines(address: bigint, offset: number, count: number, hart: number): DisassembledLine[] {
    this.#hart = hart;
    const wanted = Math.min(Math.max(0, count), MOST_INSTRUCTIONS);
    if (offset >= 0) {
      const all = this.#forward(address, Math.min(offset, MOST_INSTRUCTIONS) + wanted);
      return all.slice(-wanted || all.length).map((code) => this.#line(code));
    }
    const before = this.#backward(address, Math.min(-offset, MOST_INSTRUCTIONS));
    const all = [...before, ...this.#forward(address, Math.max(0, wanted - before.length))];
    return all.slice(0, wanted).map((code) => this.#line(code));
  }

  #forward(address: bigint, count: number): Piece[] {
    const pieces: Piece[] = [];
    for (let at = address; pieces.length < count; ) {
      const code = fetch(this.#machine, at, this.#hart);
      pieces.push(code ?? { address: at, length: 2, word: undefined });
      at = (at + BigInt(code?.length ?? 2)) % ADDRESS_SPACE;
    }
    return pieces;
  }

  /** `count` instructions that end where `address` begins, in order. */
  #backward(address: bigint, count: number): Piece[] {
    let pieces: Piece[] = [];
    let end = address;
    while (pieces.length < count) {
      const chain = this.#chainTo(end);
      if (chain.length === 0) {
        const at = (end - 2n + ADDRESS_SPACE) % ADDRESS_SPACE;
        pieces = [{ address: at, length: 2, word: undefined }, ...pieces];
        end = at;
      } else {
        pieces = [...chain, ...pieces];
        end = chain[0].address;
      }
    }
    return pieces.slice(-count);
  }

  /** Instructions one behind the other, the last ending at `end`; none where memory ends or nothing fits. */
  #chainTo(end: bigint): CodeWord[] {
    for (const anchor of this.#anchors(end)) {
      const chain = this.#chain(anchor, end);
      if (chain !== undefined) return chain;
    }
    const farthest = end > TRIAL_BYTES ? end - TRIAL_BYTES : 0n;
    for (let start = farthest + ((end - farthest) % 2n); start < end; start += 2n) {
      const chain = this.#chain(start, end);
      if (chain !== undefined) return chain;
    }
    return [];
  }

  /** Places below `end` at which an instruction is known to begin, the farthest first. */
  #anchors(end: bigint): bigint[] {
    const row = this.#map.lines.rowBefore(end);
    const symbol = this.#map.symbols.nearest(end - 1n)?.symbol.address;
    return [symbol, row]
      .filter((anchor) => anchor !== undefined && anchor < end && end - anchor <= FARTHEST_ANCHOR)
      .map((anchor): bigint => anchor ?? 0n)
      .sort((a, b) => (a < b ? -1 : 1));
  }

  #chain(start: bigint, end: bigint): CodeWord[] | undefined {
    const bytes = this.#machine.peek(start as VirtualAddress, Number(end - start), this.#hart);
    const chain: CodeWord[] = [];
    for (let at = 0; at < bytes.length; ) {
      const code = codeWord(start + BigInt(at), bytes.slice(at, at + 4));
      if (code === undefined) return undefined;
      chain.push(code);
      at += code.length;
    }
    return chain;
  }

  #line(piece: Piece): DisassembledLine {
    const { address, length, word } = piece;
    if (word === undefined) return { address, bytes: "", text: "no memory", valid: false };
    const symbol = this.#map.symbols.isExecutable(address) ? this.#map.describe(address) : undefined;
    const source = this.#map.position(address);
    return {
      address,
      bytes: word.toString(16).padStart(length * 2, "0"),
      text: this.#inspector.instructionText(word, address),
      ...(symbol !== undefined && { symbol }),
      ...(source !== undefined && { source }),
      valid: piece.decoded !== undefined,
    };
  }
}

interface Piece extends Omit<CodeWord, "word" | "decoded"> {
  readonly word: number | undefined;
  readonly decoded?: CodeWord["decoded"];
}
