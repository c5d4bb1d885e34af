import type { Prng } from "../../src/base/prng.ts";

/** What hot code is written with. */
export interface HotCodeParts {
  readonly emit: (...lines: string[]) => void;
  readonly label: () => string;
  /** Writes something that a random guest does, which may trap, change code or mappings, and uses no register of ours. */
  readonly piece: () => void;
}

/**
 * Loops of random guests that go round often enough to be translated: nested, with several entries, through jumps to
 * addresses in registers, through calls, recursion, tail calls and returns that go elsewhere; and code that changes under
 * them.
 *
 * Registers: s6 and s7 count rounds, s8 and s9 are random bits for the loop's own decisions, s10 and sp are addresses of
 * its own, a6 and a7 the routines'.
 */
export class HotCode {
  readonly #prng: Prng;
  readonly #parts: HotCodeParts;

  constructor(prng: Prng, parts: HotCodeParts) {
    this.#prng = prng;
    this.#parts = parts;
  }

  write(): void {
    const { emit } = this.#parts;
    emit(`addi s8, s1, ${this.#prng.below(2000)}`);
    this.#prng.pick([
      () => this.#plainLoop(),
      () => this.#nested(),
      () => this.#graph("branches"),
      () => this.#graph("branches"),
      () => this.#graph("registers"),
      () => this.#calls(),
      () => this.#calls(),
      () => this.#ownCode(),
      () => this.#patched(),
      () => this.#versions(),
      () => this.#twins(),
    ])();
  }

  #rounds(): number {
    return this.#prng.pick([4, 9, 17, 40]);
  }

  #plainLoop(): void {
    const { emit, label } = this.#parts;
    const again = label();
    emit(`li s6, ${this.#rounds()}`, `${again}:`);
    this.#pieces(2);
    emit("addi s6, s6, -1", `bnez s6, ${again}`);
  }

  #nested(): void {
    const { emit, label } = this.#parts;
    const [outer, inner, out] = [label(), label(), label()];
    emit(`li s6, ${2 + this.#prng.below(5)}`, `${outer}:`, `li s7, ${1 + this.#prng.below(9)}`, `${inner}:`);
    this.#pieces(1);
    this.#stir();
    if (this.#prng.below(2) === 0) emit(`andi s9, s8, ${this.#bit() * 8}`, `bnez s9, ${out}`);
    emit("addi s7, s7, -1", `bnez s7, ${inner}`);
    this.#pieces(1);
    emit("addi s6, s6, -1", `bgtz s6, ${outer}`, `${out}:`);
  }

  /** Any graph of blocks, mostly with loops of several entries, each way out of a block chosen by random bits. */
  #graph(jumps: "branches" | "registers"): void {
    const { emit, label } = this.#parts;
    const prng = this.#prng;
    const blocks = Array.from({ length: 2 + prng.below(5) }, () => label());
    const out = label();
    emit(`li s6, ${this.#rounds() + 10}`);
    if (prng.below(2) === 0) emit(`andi s9, s8, ${this.#bit()}`, `bnez s9, ${prng.pick(blocks)}`);
    for (const block of blocks) {
      emit(`${block}:`);
      if (prng.below(3) === 0) this.#pieces(1);
      this.#stir();
      emit("addi s6, s6, -1", `blez s6, ${out}`);
      const ways = prng.below(3);
      for (let way = 0; way < ways; way++) {
        if (jumps === "branches" || prng.below(2) === 0) {
          emit(`andi s9, s8, ${this.#bit()}`, `${prng.pick(["bnez", "beqz"])} s9, ${prng.pick(blocks)}`);
        } else {
          const over = label();
          emit(`la s10, ${prng.pick(blocks)}`, `andi s9, s8, ${this.#bit()}`, `bnez s9, ${over}`);
          emit(`la s10, ${prng.pick(blocks)}`, `${over}:`, `${prng.pick(["jr s10", "jalr s7, s10", "jr s10"])}`);
        }
      }
      if (prng.below(2) === 0) emit(`j ${prng.pick(blocks)}`);
    }
    emit(`${out}:`);
  }

  #calls(): void {
    const { emit, label } = this.#parts;
    const prng = this.#prng;
    const again = label();
    // Each hart has a stack of its own; whatever was on it when a pc was edited is forgotten.
    emit("la sp, hot_stacks", "add sp, sp, s11");
    emit(`li s6, ${this.#rounds()}`, `${again}:`);
    for (let count = 1 + prng.below(3); count > 0; count--) {
      this.#stir();
      const over = label();
      if (prng.below(3) === 0) emit(`andi s9, s8, ${this.#bit()}`, `bnez s9, ${over}`);
      emit(
        ...prng.pick([
          ["call hot_leaf"],
          ["call hot_leaf"],
          ["call hot_outer"],
          ["call hot_tail"],
          [`li a6, ${prng.below(7)}`, "call hot_recursion"],
          // Comes back behind the next instruction, or in front of this one's successor, as bits have it.
          ["call hot_elsewhere", "addi a7, a7, 1", "addi a7, a7, 2", "addi a7, a7, 4"],
          ["la s10, hot_leaf", "jalr s10"],
          ["la s10, hot_leaf", "li t0, 0x80000000", "add s10, s10, t0", "jalr s10"],
          ["jal t0, hot_alternate"],
          // A return that was never called, to the loop.
          [`la ra, 1f`, "ret", "1:"],
        ]),
      );
      emit(`${over}:`);
    }
    emit("addi s6, s6, -1", `bnez s6, ${again}`);
  }

  /** Stores to the very loop that it is in: whole instructions, or a part of one. */
  #ownCode(): void {
    const { emit, label } = this.#parts;
    const prng = this.#prng;
    const [again, own] = [label(), label()];
    emit("addi s9, s9, 0", `li s6, ${this.#rounds()}`, `${again}:`);
    this.#pieces(1);
    emit(`la s10, ${own}`);
    const whole = prng.below(2) === 0;
    emit(whole ? "lw s7, 0(s10)" : "lhu s7, 2(s10)");
    // Another immediate, and now and then another source register too.
    emit(`li s9, ${whole ? prng.pick([1 << 20, 0x7ff << 20, 1 << 15]) : prng.pick([1 << 4, 0x7ff << 4])}`);
    if (prng.below(2) === 0) {
      const over = label();
      emit(`andi a6, s6, ${prng.pick([1, 3, 7])}`, `bnez a6, ${over}`, "xor s7, s7, s9", `${over}:`);
    } else emit("xor s7, s7, s9");
    emit(whole ? "sw s7, 0(s10)" : "sh s7, 2(s10)");
    emit(".option push", ".option norvc", `${own}: addi s2, s3, 5`, ".option pop");
    emit("addi s6, s6, -1", `bnez s6, ${again}`);
  }

  /** Other immediates in a routine that is called meanwhile, by whole words, halves or bytes; mostly by immediates only. */
  #patched(): void {
    const { emit, label } = this.#parts;
    const prng = this.#prng;
    const [again, over] = [label(), label()];
    const size = prng.pick(["w", "h", "b"]);
    // Bytes from the word's first, of which the highest hold the immediate; now and then other bits of the instruction.
    const first = size === "w" ? 0 : size === "h" ? 2 : 3;
    const bits = size === "w" ? prng.pick([0x7ff << 20, 1 << 20, 1 << 24, 1 << 15]) : prng.pick([1, 16, 0x70]);
    emit(`li s6, ${this.#rounds()}`, `${again}:`, "call hot_patched");
    if (prng.below(2) === 0) this.#pieces(1);
    this.#stir();
    emit(`andi a6, s8, ${prng.pick([0, 1, 6])}`, `bnez a6, ${over}`);
    emit(`la s10, hot_patched + ${4 * prng.below(4) + first}`, `l${size} s7, 0(s10)`, `li s9, ${bits}`);
    emit("xor s7, s7, s9", `s${size} s7, 0(s10)`);
    if (prng.below(2) === 0) emit("fence.i");
    emit(`${over}:`, "addi s6, s6, -1", `bnez s6, ${again}`);
  }

  /** A routine that is now this and now that, and that now and then was written in part when it is called. */
  #versions(): void {
    const { emit, label } = this.#parts;
    const prng = this.#prng;
    const [again, copied] = [label(), label()];
    emit(`li s6, ${this.#rounds()}`, `${again}:`);
    this.#stir();
    // Which of four, by bits; mostly the same as before.
    emit(`andi s9, s8, ${prng.pick([1, 2, 3, 3])}`, "slli s9, s9, 4", "la s10, hot_versions", "add s9, s9, s10");
    emit("la s10, hot_turned");
    const words = [0, 1, 2, 3].slice(prng.below(3));
    for (const word of words) {
      emit(`lw a6, ${word * 4}(s9)`, `sw a6, ${word * 4}(s10)`);
      if (prng.below(6) === 0) emit(`andi a6, s8, ${this.#bit()}`, `bnez a6, ${copied}`);
    }
    emit(`${copied}:`);
    if (prng.below(2) === 0) emit("fence.i");
    for (let calls = 1 + prng.below(3); calls > 0; calls--) emit("call hot_turned");
    emit("addi s6, s6, -1", `bnez s6, ${again}`);
  }

  /** One of two pages, as its entry in the page table has it; the entry changes in the midst of calls. */
  #twins(): void {
    const { emit, label } = this.#parts;
    const prng = this.#prng;
    const [again, over] = [label(), label()];
    emit(`li s6, ${this.#rounds()}`, `${again}:`, "call twin0", "add s2, s2, a7");
    if (prng.below(2) === 0) emit("call twin1");
    emit(`andi s9, s6, ${prng.pick([1, 3, 7])}`, `bnez s9, ${over}`);
    emit("la s10, twins", "srli s10, s10, 12", "andi s10, s10, 511", "slli s10, s10, 3", "la s7, table0");
    // The other page; or it cannot be executed, is not there, or has not been accessed.
    emit("add s10, s10, s7", "ld s7, 0(s10)", `xori s7, s7, ${prng.pick([0x400, 0x400, 0x400, 8, 1, 64])}`);
    emit("sd s7, 0(s10)");
    if (prng.below(2) === 0) emit("sfence.vma");
    emit(`${over}:`, "addi s6, s6, -1", `bnez s6, ${again}`);
  }

  #pieces(most: number): void {
    const { emit, label, piece } = this.#parts;
    for (let count = this.#prng.below(most + 1); count > 0; count--) {
      if (this.#prng.below(3) !== 0) {
        piece();
        continue;
      }
      const over = label();
      this.#stir();
      emit(`andi s9, s8, ${this.#bit()}`, `bnez s9, ${over}`);
      piece();
      emit(`${over}:`);
    }
  }

  /** Other bits in s8. */
  #stir(): void {
    this.#parts.emit("slli s9, s8, 2", "add s8, s8, s9", `addi s8, s8, ${1 + 2 * this.#prng.below(40)}`);
  }

  #bit(): number {
    return 1 << this.#prng.below(6);
  }
}

/** What hot loops call. */
export const HOT_ROUTINES = `
hot_leaf:
  add  s2, s2, a7
  andi a7, s8, 3
  beqz a7, 1f
  xor  s3, s3, s2
1:
  ret
hot_outer:
  addi sp, sp, -16
  sd   ra, 0(sp)
  call hot_leaf
  call hot_leaf
  ld   ra, 0(sp)
  addi sp, sp, 16
  ret
hot_tail:
  addi s2, s2, 3
  andi a7, s8, 8
  bnez a7, hot_leaf
  j    hot_outer
hot_recursion:
  beqz a6, 1f
  addi sp, sp, -16
  sd   ra, 0(sp)
  addi a6, a6, -1
  call hot_recursion
  ld   ra, 0(sp)
  addi sp, sp, 16
  add  s4, s4, a6
1:
  ret
hot_elsewhere:
  .option push
  .option norvc
  andi a7, s8, 4
  add  ra, ra, a7
  ret
  .option pop
hot_alternate:
  addi s5, s5, 7
  jr   t0
  .option push
  .option norvc
hot_patched:
  addi s2, s2, 1
  xori s3, s3, 2
  lui  a7, 3
  addiw s3, s3, 4
  add  s2, s2, a7
  ret
  .balign 16
hot_turned:
  nop
  nop
  nop
  ret
hot_versions:
  addi s2, s2, 1
  xor  s3, s3, s2
  addi s2, s2, 2
  ret
  addi s2, s2, 1
  beq  s3, s2, hot_versions
  addi s2, s2, 2
  ret
  j    hot_versions + 4 - 32
  xor  s3, s3, s2
  lui  a7, 5
  ret
  addi s2, s2, 9
  ret
  addi s2, s2, 2
  j    hot_leaf
  .balign 8192
twins:
  .space 64
twin0:
  addi a7, s6, 1
  ret
  .space 4096 - 64 - 8 - 4
twin1:
  # The last instruction of the page; the other page has one as well.
  j    twin0
  .space 64
  addi a7, s6, 100
  addi a7, a7, 100
  ret
  .space 4096 - 64 - 12 - 4
  j    twins + 4096 + 64
  .option pop
`;

/** A KiB for each hart. */
export const HOT_STACKS = `
  .balign 16
  .space 1024
hot_stacks:
  .space 1024 * 3
`;
