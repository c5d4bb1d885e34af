import type { Prng } from "../../src/base/prng.ts";
import { DATA_PAGES, handlers, PAGE_TABLES, prologue } from "./random-guest-frame.ts";
import { HOT_ROUTINES, HOT_STACKS, HotCode } from "./random-hot-code.ts";

/**
 * Random guests that do what is hard for a machine, over and over, until whoever runs them has enough: interrupts of
 * all three kinds, direct and vectored, wfi, traps, atomics, accesses that straddle pages and the end of memory, data
 * among code, and code that is changed byte by byte at page edges and in the midst of instructions.
 *
 * Registers: s0 data, s1 random bits, s2 to s5 and a0 to a5 values, t0 to t2 addresses; t3 to t6, gp and tp belong to the
 * handler; the others to loops that get hot.
 */
export function randomGuest(prng: Prng, shape: GuestShape): string {
  return new GuestWriter(prng, shape).write();
}

export interface GuestShape {
  readonly harts: number;
  /** Where the guest runs, once it has begun: in lower privileges under page tables that it changes. */
  readonly mode: "machine" | "supervisor" | "user";
}

/** Symbols that tests may want to edit: 4-byte instructions which any `slotWord` may replace. */
export const SLOTS = ["slot0", "slot1", "slot2", "slot3"] as const;

const VALUES = ["s2", "s3", "s4", "s5", "a0", "a1", "a2", "a3", "a4", "a5"];
const BINARY = [
  ...["add", "sub", "xor", "or", "and", "sll", "srl", "sra", "slt", "sltu", "addw", "subw", "sllw", "srlw", "sraw"],
  ...["mul", "mulh", "mulhu", "mulhsu", "div", "divu", "rem", "remu", "mulw", "divw", "remuw"],
];
const EXTENDED = [
  ...[
    "add.uw",
    "sh1add",
    "sh2add.uw",
    "sh3add",
    "andn",
    "orn",
    "xnor",
    "min",
    "maxu",
    "rol",
    "rorw",
    "clmul",
    "clmulh",
  ],
  ...["clmulr", "bclr", "bext", "binv", "bset", "czero.eqz", "czero.nez"],
];
const UNARY = ["clz", "clzw", "ctz", "ctzw", "cpop", "cpopw", "sext.b", "zext.h", "orc.b", "rev8"];
const LOADS = ["lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"];
const STORES = ["sb", "sh", "sw", "sd"];
const ATOMICS = ["amoswap", "amoadd", "amoxor", "amoand", "amoor", "amomin", "amomax", "amominu", "amomaxu"];

/**
 * A word that may stand in a slot: a register-immediate operation, of which every byte may come from another such word.
 * Its upper half is a compressed instruction as well, for those who jump there.
 */
export function slotWord(prng: Prng): number {
  const function3 = prng.pick([0, 4, 6, 7]);
  const rd = 18 + prng.below(4);
  // c.addi to s2..s5; its lowest bits are the upper bits of rs1, which is x18 or x19.
  const upper = ((18 + prng.below(4)) << 7) | (prng.below(4) << 5) | 0b01001;
  return ((upper << 16) | (prng.below(2) << 15) | (function3 << 12) | (rd << 7) | 0x13) >>> 0;
}

class GuestWriter {
  readonly #prng: Prng;
  readonly #shape: GuestShape;
  readonly #lines: string[] = [];
  #labels = 0;

  constructor(prng: Prng, shape: GuestShape) {
    this.#prng = prng;
    this.#shape = shape;
  }

  write(): string {
    const prng = this.#prng;
    this.#emit(
      prologue({
        mode: this.#shape.mode,
        vectored: prng.below(2),
        ticks: 20 + prng.below(300),
        environment: prng.below(4) === 0 ? prng.next32() : 0,
        protectedBytes: 8 << prng.below(10),
        protectedFor: prng.pick([0, 1, 3, 4, 5, 7]),
        delegated: prng.next32(),
      }),
    );
    this.#emit("loop:", "slli t0, s1, 13", "xor s1, s1, t0", "srli t0, s1, 7", "xor s1, s1, t0");
    this.#emit("slli t0, s1, 17", "xor s1, s1, t0");
    const pieces = [
      () => this.#arithmetic(),
      () => this.#arithmetic(),
      () => this.#bits(),
      () => this.#float(),
      () => this.#access(),
      () => this.#randomAccess(),
      () => this.#atomic(),
      () => this.#reserved(),
      () => this.#callSlots(),
      () => this.#patch(),
      ...(this.#shape.mode === "machine" ? [] : [() => this.#paging()]),
    ];
    const hot = new HotCode(prng, {
      emit: (...lines) => this.#emit(...lines),
      label: () => this.#label(),
      piece: () => prng.pick(pieces)(),
    });
    const blocks = [
      () => this.#arithmetic(),
      () => this.#access(),
      () => this.#access(),
      () => this.#randomAccess(),
      () => this.#patch(),
      () => this.#patch(),
      () => this.#callSlots(),
      () => this.#callSlots(),
      () => this.#atomic(),
      () => this.#reserved(),
      () => this.#sleep(),
      () => this.#csr(),
      () => this.#trap(),
      () => this.#uart(),
      () => this.#clint(),
      () => this.#plic(),
      () => this.#spin(),
      () => this.#bits(),
      () => this.#cacheBlock(),
      () => this.#float(),
      ...Array.from({ length: 8 }, () => () => hot.write()),
      ...(this.#shape.harts === 1 ? [] : [() => this.#letOthersRun(), () => this.#letOthersRun()]),
      ...(this.#shape.mode === "machine" ? [] : [() => this.#paging(), () => this.#paging(), () => this.#supervisor()]),
    ];
    for (let count = 14 + prng.below(14); count > 0; count--) {
      if (prng.below(3) === 0) {
        const over = this.#label();
        // A block that not every round comes by.
        this.#emit(`andi t0, s1, ${1 << prng.below(8)}`, `bnez t0, ${over}`);
        prng.pick(blocks)();
        this.#emit(`${over}:`);
      } else prng.pick(blocks)();
    }
    this.#emit("j loop");
    this.#emit(handlers(1 + prng.below(40), this.#shape.mode));
    this.#slots();
    this.#emit(HOT_ROUTINES);
    this.#emit(".bss", ".balign 4096", "data:", `.space 4096 * ${DATA_PAGES}`, PAGE_TABLES, HOT_STACKS);
    return this.#lines.join("\n");
  }

  /** Routines around the slots: in the midst of a page, straddling two, at the end of one, at the beginning. */
  #slots(): void {
    const prng = this.#prng;
    const beforeEdge = [prng.below(2000) * 2 + 64, 2, 4, 0];
    SLOTS.forEach((slot, index) => {
      this.#emit(".option push", ".option norvc", ".balign 4096", `mixed${index}:`);
      const space = 4096 - beforeEdge[index] - 8;
      this.#emit(`.space ${space}`, `routine${index}:`, ...this.#values(2), `${slot}:`, ".option rvc");
      this.#emit(`.4byte ${slotWord(prng)}`, `c.addi s2, ${1 + prng.below(30)}`, "ret", ".option pop");
      // Data right behind the code, mostly in its granule.
      this.#emit(`beside${index}:`, ".space 24");
    });
  }

  #values(count: number): string[] {
    return Array.from(
      { length: count },
      () => `addi ${this.#value()}, ${this.#value()}, ${this.#prng.below(4096) - 2048}`,
    );
  }

  #arithmetic(): void {
    for (let count = 1 + this.#prng.below(6); count > 0; count--) {
      this.#emit(`${this.#prng.pick(BINARY)} ${this.#value()}, ${this.#value()}, ${this.#value()}`);
    }
    this.#emit(`add s${2 + this.#prng.below(4)}, s1, ${this.#value()}`);
  }

  #bits(): void {
    for (let count = 1 + this.#prng.below(4); count > 0; count--) {
      this.#emit(`${this.#prng.pick(EXTENDED)} ${this.#value()}, ${this.#value()}, ${this.#value()}`);
      this.#emit(`${this.#prng.pick(UNARY)} ${this.#value()}, ${this.#value()}`);
    }
  }

  /** Operations on blocks of data, of a page of code (not where there is any: zeros are no way back), of nothing. */
  #cacheBlock(): void {
    const prng = this.#prng;
    const operation = prng.pick(["cbo.zero", "cbo.zero", "cbo.clean", "cbo.flush", "cbo.inval"]);
    const place = prng.below(8);
    if (place === 0) this.#emit(`li t0, ${prng.pick(["RAM_END", "CLINT", "0x1000"])}`);
    else if (place < 4) this.#emit(`la t0, mixed${1 + prng.below(3)} + ${prng.below(64)}`);
    else this.#emit(`la t0, data + ${prng.below(DATA_PAGES * 4096)}`);
    this.#emit(`${operation} (t0)`);
    if (prng.below(4) === 0)
      this.#emit(prng.pick(["prefetch.w 64(t0)", "prefetch.i (t0)", "pause", "ntl.all", "wrs.sto"]));
  }

  #letOthersRun(): void {
    this.#emit(this.#prng.pick(["pause", "pause", "wrs.nto", "wrs.sto"]));
  }

  #float(): void {
    const [a, b, c] = [this.#prng.below(8), this.#prng.below(8), this.#prng.below(8)].map((number) => `ft${number}`);
    this.#emit(
      ...this.#prng.pick([
        [`fcvt.d.l ${a}, ${this.#value()}`, `fmul.d ${b}, ${a}, ${c}`],
        [`fmv.d.x ${a}, ${this.#value()}`, `fadd.d ${b}, ${a}, ${c}`, `csrr ${this.#value()}, fflags`],
        [`fmadd.s ${a}, ${b}, ${c}, ${a}`, `fcvt.w.s ${this.#value()}, ${a}`],
        [`fsd ${a}, 4(s0)`, `flw ${b}, 8(s0)`, `fmv.x.w ${this.#value()}, ${b}`],
        [`fdiv.d ${a}, ${b}, ${c}`, `fsqrt.d ${c}, ${a}`, `feq.d ${this.#value()}, ${a}, ${b}`],
        [`csrw frm, ${this.#value()}`, `fcvt.l.d ${this.#value()}, ${a}`],
      ]),
    );
  }

  /** Changes how a page of data is mapped, with a fence or without; or goes by the other name of all memory. */
  #paging(): void {
    const prng = this.#prng;
    if (prng.below(3) === 0) {
      const place = prng.pick(["data + 4090", "data", "slot1", "slot2", "beside3", "table0 + 64"]);
      this.#emit(`la t0, ${place}`, "li t1, ALIAS", "add t0, t0, t1", `ld ${this.#value()}, 0(t0)`);
      if (!place.startsWith("table")) this.#emit(`li t1, ${slotWord(prng) | 0}`, "sw t1, 0(t0)");
      return;
    }
    const flags = prng.pick([0x01, 0x02, 0x04, 0x06, 0x08, 0x10, 0x20, 0x40, 0x80, 0xc0, 0x100]);
    this.#emit(
      "la t0, data",
      "srli t0, t0, 12",
      "andi t0, t0, 511",
      "slli t0, t0, 3",
      "la t1, table0",
      "add t0, t0, t1",
    );
    const entry = `${8 * prng.below(DATA_PAGES)}(t0)`;
    this.#emit(`ld t1, ${entry}`, `xori t1, t1, ${flags}`, `sd t1, ${entry}`);
    if (prng.below(2) === 0)
      this.#emit(prng.pick(["sfence.vma", "la t0, data\n sfence.vma t0", "sinval.vma t0, zero"]));
    this.#access();
  }

  /** What supervisor mode may do; user mode traps. */
  #supervisor(): void {
    const prng = this.#prng;
    this.#emit(
      ...prng.pick([
        ["csrw satp, zero", ...this.#values(2), "la t0, satp_value", "ld t0, 0(t0)", "csrw satp, t0"],
        ["csrr t0, satp", "li t1, 1 << 44", "xor t0, t0, t1", "csrw satp, t0"],
        [`li t0, 1 << ${prng.pick([18, 19])}`, `${prng.pick(["csrs", "csrc"])} sstatus, t0`],
        ["csrsi sip, 2", ...this.#values(1)],
        [`csrsi sie, 2`, "csrsi sstatus, 2"],
        ["csrci sstatus, 2", ...this.#values(3), "csrsi sstatus, 2"],
        ["csrr t0, time", `addi t0, t0, ${prng.below(20)}`, "csrw stimecmp, t0", "li t0, 32", "csrs sie, t0"],
        [`csrr ${this.#value()}, sip`, `csrr ${this.#value()}, scause`, `csrr ${this.#value()}, sstatus`],
        ["csrw sscratch, s1", `csrr ${this.#value()}, sscratch`],
        ["sret"],
        ["mret"],
        ["ecall"],
      ]),
    );
  }

  /** A place worth an access, in t0. */
  #place(): void {
    const prng = this.#prng;
    const slot = prng.below(SLOTS.length);
    switch (prng.below(6)) {
      case 0:
        this.#emit(`li t0, RAM_END - ${prng.below(16)}`);
        break;
      case 1:
        this.#emit(`la t0, beside${slot} + ${prng.below(24)}`);
        break;
      case 2:
        // Between two pages of code, where nothing is executed.
        this.#emit(`la t0, mixed${slot} + ${prng.below(48)}`);
        break;
      default:
        this.#emit(`la t0, data + ${4096 * prng.below(DATA_PAGES + 1) + prng.below(24) - 12 + 12}`);
        if (prng.below(2) === 0) this.#emit(`addi t0, t0, -${prng.below(12)}`);
    }
  }

  #access(): void {
    this.#place();
    for (let count = 1 + this.#prng.below(3); count > 0; count--) {
      const isLoad = this.#prng.below(2) === 0;
      this.#emit(`${this.#prng.pick(isLoad ? LOADS : STORES)} ${this.#value()}, ${this.#prng.below(9)}(t0)`);
    }
  }

  #randomAccess(): void {
    this.#emit("li t1, 0x1fff", "and t0, s1, t1", "add t0, t0, s0");
    this.#emit(
      `${this.#prng.pick(STORES)} ${this.#value()}, 0(t0)`,
      `${this.#prng.pick(LOADS)} ${this.#value()}, 1(t0)`,
    );
  }

  /** Changes a slot, as a whole or in part; sometimes to be repeated by a loop that has just executed it. */
  #patch(): void {
    const prng = this.#prng;
    const slot = prng.below(SLOTS.length);
    this.#emit(`la t0, slot${slot}`, `li t1, ${slotWord(prng) | 0}`);
    switch (prng.below(5)) {
      case 0:
        this.#emit("sw t1, 0(t0)");
        break;
      case 1:
        this.#emit("srli t1, t1, 16", "sh t1, 2(t0)");
        break;
      case 2: {
        const byte = prng.below(4);
        this.#emit(`srli t1, t1, ${8 * byte}`, `sb t1, ${byte}(t0)`);
        break;
      }
      case 3:
        // With the instructions behind it, which stay as they are.
        this.#emit("ld t2, 0(t0)", "srli t2, t2, 32", "slli t2, t2, 32", "slli t1, t1, 32", "srli t1, t1, 32");
        this.#emit("or t1, t1, t2", "sd t1, 0(t0)");
        break;
      default:
        this.#emit("sh t1, 0(t0)");
    }
    if (prng.below(3) === 0) this.#emit("fence.i");
    if (prng.below(2) === 0) this.#emit(`call routine${slot}`);
  }

  #callSlots(): void {
    const slot = this.#prng.below(SLOTS.length);
    // Into the upper half of the slot's instruction, now and then.
    if (this.#prng.below(4) === 0) this.#emit(`la t0, slot${slot} + 2`, "jalr t0");
    else this.#emit(`call routine${slot}`);
  }

  #atomic(): void {
    const prng = this.#prng;
    const where = prng.below(6);
    if (where === 0) this.#emit("li t0, CLINT");
    else if (where === 1) this.#place();
    else this.#emit(`la t0, ${prng.pick(["data + 4088", "data", "beside0", "beside2", "mixed1"])}`, "andi t0, t0, -8");
    for (let count = 1 + prng.below(2); count > 0; count--) {
      this.#emit(`${prng.pick(ATOMICS)}.${prng.pick(["w", "d"])} ${this.#value()}, ${this.#value()}, (t0)`);
    }
  }

  #reserved(): void {
    const prng = this.#prng;
    const size = prng.pick(["w", "d"]);
    this.#emit(`la t0, ${prng.pick(["data + 4088", "data + 64", "beside1", "mixed3"])}`, "andi t0, t0, -8");
    this.#emit(`lr.${size} ${this.#value()}, (t0)`);
    if (prng.below(3) === 0) this.#emit(`sw ${this.#value()}, 0(t0)`);
    this.#emit(`sc.${prng.below(4) === 0 ? "w" : size} ${this.#value()}, ${this.#value()}, (t0)`);
  }

  /** The handler always sets another deadline, so that there is one. */
  #sleep(): void {
    const below = (limit: number) => this.#prng.below(limit);
    this.#emit("li t1, MTIE", "csrs mie, t1");
    if (below(2) === 0) {
      this.#emit("li t0, MTIME", "ld t1, 0(t0)", `addi t1, t1, ${below(30)}`, "li t0, MTIMECMP", "sd t1, 0(t0)");
    }
    const masked = below(3) === 0;
    if (masked) this.#emit("csrci mstatus, 8");
    this.#emit("wfi");
    if (masked && below(2) === 0) this.#emit(`csrr ${this.#value()}, mip`);
    this.#emit("csrsi mstatus, 8");
  }

  #csr(): void {
    const prng = this.#prng;
    const [rd, rs1] = [this.#value(), this.#value()];
    this.#emit(
      ...prng.pick([
        [`csrrw ${rd}, mscratch, ${rs1}`],
        [`csrrc ${rd}, mscratch, ${rs1}`],
        [`csrr ${rd}, mcycle`, `csrr ${this.#value()}, minstret`, `csrr ${this.#value()}, time`],
        [`csrw mcycle, ${rs1}`, `csrr ${rd}, cycle`],
        [`csrw minstret, ${rs1}`, "nop", `csrr ${rd}, instret`],
        [`csrr ${rd}, mip`, `csrr ${this.#value()}, mstatus`],
        ["csrrsi zero, mtvec, 1"],
        ["csrrci zero, mtvec, 1"],
        ["csrci mstatus, 8", ...this.#values(3), "csrsi mstatus, 8"],
        ["li t0, MEIE", `${prng.pick(["csrs", "csrc"])} mie, t0`],
        ["csrrsi zero, mie, 8"],
        [`csrw 0x7c0, ${rs1}`],
      ]),
    );
  }

  #trap(): void {
    const prng = this.#prng;
    this.#emit(
      ...prng.pick([
        ["ecall"],
        ["ebreak"],
        [".4byte 0xffffffff"],
        [".4byte 0x0000000b"],
        ["li t0, 0x1000", `${prng.pick([...LOADS, ...STORES])} ${this.#value()}, ${prng.below(64)}(t0)`],
        ["la t0, data + 1", `lr.w ${this.#value()}, (t0)`],
        ["li t0, 0x40000000", "jalr t0"],
        ["li t0, RAM_END", "jalr t0"],
      ]),
    );
  }

  #uart(): void {
    const prng = this.#prng;
    const byte = (value: number, register: number) => [`li t1, ${value}`, `sb t1, ${register}(t0)`];
    this.#emit("li t0, UART");
    this.#emit(
      ...prng.pick([
        byte(0x41 + prng.below(26), 0),
        byte(0x61 + prng.below(26), 0),
        byte(prng.below(4), 1),
        byte(prng.pick([0, 1, 3, 5, 7, 0xc1]), 2),
        [...byte(16, 4), ...byte(prng.below(256), 0), ...byte(0, 4)],
        byte(prng.below(256), 7),
        [`lbu ${this.#value()}, ${prng.below(8)}(t0)`],
        [`lw ${this.#value()}, 4(t0)`],
      ]),
    );
  }

  #clint(): void {
    const prng = this.#prng;
    this.#emit(
      ...prng.pick([
        [`li t0, CLINT + ${4 * prng.below(this.#shape.harts)}`, `li t1, ${prng.below(2)}`, "sw t1, 0(t0)"],
        [`li t0, CLINT + ${4 * prng.below(this.#shape.harts)}`, "li t1, 1", "sw t1, 0(t0)", "csrsi mie, 8"],
        // A deadline that has passed, and one in parts.
        ["li t0, MTIMECMP", `li t1, ${prng.below(100)}`, "sd t1, 0(t0)"],
        ["li t0, MTIMECMP", "li t1, -1", "sw t1, 4(t0)", "li t2, 100", "sw t2, 0(t0)", "sw zero, 4(t0)"],
        ["li t0, MTIME", `ld ${this.#value()}, 0(t0)`, `lw ${this.#value()}, 4(t0)`],
        [
          "li t0, MTIME",
          `li t1, ${prng.pick(["0", "1000", "-3", "0x7fffffffffffffff", "0x80000000"])}`,
          "sd t1, 0(t0)",
        ],
      ]),
    );
  }

  #plic(): void {
    const prng = this.#prng;
    this.#emit(
      ...prng.pick([
        ["li t0, PLIC + 0x200000", `li t1, ${prng.below(3)}`, "sw t1, 0(t0)"],
        ["li t0, PLIC + 0x2000", `li t1, ${prng.pick([0, 1, 1, 1])} << 10`, "sw t1, 0(t0)"],
        ["li t0, PLIC + 0x1000", `lw ${this.#value()}, 0(t0)`],
        ["li t0, PLIC + 0x200004", "csrci mstatus, 8", "lw t1, 0(t0)", "sw t1, 0(t0)", "csrsi mstatus, 8"],
      ]),
    );
  }

  #spin(): void {
    const again = this.#label();
    this.#emit(`li t0, ${2 + this.#prng.below(30)}`, `${again}:`);
    if (this.#prng.below(2) === 0) this.#emit("sd t0, 8(s0)", `ld ${this.#value()}, 4(s0)`);
    this.#emit("addi t0, t0, -1", `bnez t0, ${again}`);
  }

  #value(): string {
    return this.#prng.pick(VALUES);
  }

  #label(): string {
    return `place${this.#labels++}`;
  }

  #emit(...lines: string[]): void {
    this.#lines.push(...lines);
  }
}
