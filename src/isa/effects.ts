import type { FloatSemantics, FloatSize } from "./float-semantics.ts";
import type { Decoded, Instruction } from "./instruction.ts";
import type { AccessSize, Semantics, Signedness, SystemOperation } from "./semantics.ts";

/** What an instruction does to the machine, without values: for planning, and for proofs over the table. */
export interface Effects {
  readonly readsRs1: boolean;
  readonly readsRs2: boolean;
  readonly readsPc: boolean;
  readonly writesRd: boolean;
  readonly readsFloatRs1: boolean;
  readonly readsFloatRs2: boolean;
  readonly readsFloatRs3: boolean;
  readonly writesFloatRd: boolean;
  /** Depends on the rounding mode, and faults when that is a reserved one. */
  readonly rounds: boolean;
  /** May set bits of fflags. */
  readonly raisesFlags: boolean;
  /** An illegal instruction when mstatus.FS is off. */
  readonly requiresFloat: boolean;
  readonly memory: "none" | "load" | "store" | "atomic";
  /** Bytes of the memory access; 0 for none. */
  readonly size: 0 | AccessSize;
  /** Where a load or store goes, and what is written to rd, when it is a sum that can be followed. */
  readonly address: Sum | undefined;
  readonly result: Sum | undefined;
  /** May raise a synchronous exception (fetching it aside). */
  readonly mayFault: boolean;
  readonly jump: "never" | "maybe" | "always";
  readonly system: SystemOperation | undefined;
  /** The next instruction need not be the one behind it, or the hart's mode may have changed: jumps, branches, system. */
  readonly endsBlock: boolean;
  /** Every effect in order. What may fault and what writes architectural state stand here as they happen. */
  readonly order: readonly Effect[];
}

export type Sum = "rs1 + imm" | "rs1 + rs2";

export type Effect = { readonly kind: "read" | "fault" | "write"; readonly what: string };

const memo = new Map<Instruction, Effects>();

/** The effects of an instruction whatever its operands; computed once. */
export function effectsOf(instruction: Instruction): Effects {
  let effects = memo.get(instruction);
  if (effects === undefined) {
    const reading = new EffectsReading();
    instruction.semantics(reading);
    effects = reading.finish();
    memo.set(instruction, effects);
  }
  return effects;
}

/** Integer registers that a decoded instruction reads, and the one that it writes; x0 is neither read nor written. */
export function registersOf(decoded: Decoded): { reads: number[]; writes: number | undefined } {
  const effects = effectsOf(decoded.instruction);
  const reads = new Set<number>();
  if (effects.readsRs1 && decoded.rs1 !== 0) reads.add(decoded.rs1);
  if (effects.readsRs2 && decoded.rs2 !== 0) reads.add(decoded.rs2);
  return { reads: [...reads], writes: effects.writesRd && decoded.rd !== 0 ? decoded.rd : undefined };
}

/** Registers that the routine behind a system operation reads. */
const OPERANDS: Readonly<Partial<Record<SystemOperation, readonly ("rs1" | "rs2")[]>>> = {
  csrrw: ["rs1"],
  csrrs: ["rs1"],
  csrrc: ["rs1"],
  "sfence.vma": ["rs1", "rs2"],
  "sinval.vma": ["rs1", "rs2"],
  "cbo.inval": ["rs1"],
  "cbo.clean": ["rs1"],
  "cbo.flush": ["rs1"],
  "cbo.zero": ["rs1"],
};

/** What matters is that somebody asked for a value; what it is is known of operands and of sums of two of them only. */
type Value = "value" | "rs1" | "rs2" | "imm" | Sum;
const VALUE: Value = "value";

class EffectsReading implements Semantics<Value> {
  readonly #order: Effect[] = [];
  #memory: Effects["memory"] = "none";
  #size: Effects["size"] = 0;
  #address: Sum | undefined;
  #result: Sum | undefined;
  #jump: Effects["jump"] = "never";
  #system: SystemOperation | undefined;

  get rs1(): Value {
    this.#read("rs1");
    return "rs1";
  }
  get rs2(): Value {
    this.#read("rs2");
    return "rs2";
  }
  get imm(): Value {
    return "imm";
  }
  get pc(): Value {
    return this.#read("pc");
  }
  get nextPc(): Value {
    return this.#read("pc");
  }

  writeRd(value: Value): void {
    this.#result = sumIn(value);
    this.#write("rd");
  }
  constant(_value: bigint): Value {
    return VALUE;
  }

  add(a: Value, b: Value): Value {
    return a !== "rs1" ? VALUE : b === "imm" ? "rs1 + imm" : b === "rs2" ? "rs1 + rs2" : VALUE;
  }
  subtract = pureTwo;
  and = pureTwo;
  or = pureTwo;
  xor = pureTwo;
  shiftLeft = pureTwo;
  shiftRightLogical = pureTwo;
  shiftRightArithmetic = pureTwo;
  rotateLeft = pureTwo;
  rotateRight = pureTwo;
  countLeadingZeros = pureOne;
  countTrailingZeros = pureOne;
  populationCount = pureOne;
  reverseBytes = pureOne;
  orCombineBytes = pureOne;
  multiply = pureTwo;
  multiplyHigh = pureTwo;
  carryLessMultiply = pureTwo;
  divide = pureTwo;
  remainder = pureTwo;
  equal = pureTwo;
  lessThan = pureTwo;
  not = pureOne;
  signExtend = pureOne;
  zeroExtend = pureOne;
  select = pureThree;

  load(size: AccessSize, _extension: Signedness, address: Value): Value {
    this.#access("load", size, address);
    return VALUE;
  }
  store(size: AccessSize, address: Value, _value: Value): void {
    this.#access("store", size, address);
    this.#write("memory");
  }
  loadReserved(size: 4 | 8, _address: Value): Value {
    this.#access("load", size);
    this.#write("reservation");
    return VALUE;
  }
  storeConditional(size: 4 | 8, _address: Value, _value: Value): Value {
    this.#access("store", size);
    this.#write("memory");
    this.#write("reservation");
    return VALUE;
  }
  atomic(size: 4 | 8, _address: Value, update: (old: Value) => Value): Value {
    this.#access("atomic", size);
    update(VALUE);
    this.#write("memory");
    return VALUE;
  }

  prefetch(_use: "execute" | "read" | "write", _address: Value): void {}

  jump(_target: Value): void {
    this.#jump = "always";
    this.#order.push({ kind: "fault", what: "target" });
    this.#write("pc");
  }
  branch(_condition: Value, _target: Value): void {
    this.#jump = "maybe";
    this.#order.push({ kind: "fault", what: "target" });
    this.#write("pc");
  }

  readonly float = new EffectsOfFloat(this.#order);

  fence(): void {}
  system(operation: SystemOperation): void {
    this.#system = operation;
    if (operation !== "fence.i" && operation !== "pause") this.#order.push({ kind: "fault", what: operation });
    // The routine behind these reads and writes registers itself, after all its checks.
    for (const source of OPERANDS[operation] ?? []) this.#read(source);
    if (operation.startsWith("csr")) {
      this.#write("csr");
      this.#write("rd");
    }
  }

  finish(): Effects {
    const order = this.#order;
    const has = (kind: Effect["kind"], what: string) =>
      order.some((effect) => effect.kind === kind && effect.what === what);
    const reads = (what: string) => has("read", what);
    return {
      readsRs1: reads("rs1"),
      readsRs2: reads("rs2"),
      readsPc: reads("pc"),
      writesRd: has("write", "rd"),
      readsFloatRs1: reads("frs1"),
      readsFloatRs2: reads("frs2"),
      readsFloatRs3: reads("frs3"),
      writesFloatRd: has("write", "frd"),
      rounds: has("fault", "rounding mode"),
      raisesFlags: has("write", "fflags"),
      requiresFloat: has("fault", "float"),
      memory: this.#memory,
      size: this.#size,
      address: this.#address,
      result: this.#result,
      mayFault: order.some((effect) => effect.kind === "fault"),
      jump: this.#jump,
      system: this.#system,
      endsBlock: this.#jump !== "never" || this.#system !== undefined,
      order,
    };
  }

  #read(what: string): Value {
    this.#order.push({ kind: "read", what });
    return VALUE;
  }
  #write(what: string): void {
    this.#order.push({ kind: "write", what });
  }
  #access(kind: "load" | "store" | "atomic", size: AccessSize, address: Value = VALUE): void {
    this.#memory = kind;
    this.#size = size;
    this.#address = sumIn(address);
    this.#order.push({ kind: "fault", what: kind });
  }
}

class EffectsOfFloat implements FloatSemantics<Value> {
  readonly #order: Effect[];

  constructor(order: Effect[]) {
    this.#order = order;
  }

  require(): void {
    this.#order.push({ kind: "fault", what: "float" });
  }
  get mode(): Value {
    this.#order.push({ kind: "fault", what: "rounding mode" });
    return VALUE;
  }
  rs1(_size: FloatSize): Value {
    return this.#read("frs1");
  }
  rs2(_size: FloatSize): Value {
    return this.#read("frs2");
  }
  rs3(_size: FloatSize): Value {
    return this.#read("frs3");
  }
  writeRd(_size: FloatSize, _value: Value): void {
    this.#order.push({ kind: "write", what: "frd" });
  }

  arithmetic = this.#raising;
  squareRoot = this.#raising;
  multiplyAdd = this.#raising;
  choose = this.#raising;
  compare = this.#raising;
  toInteger = this.#raising;
  fromInteger = this.#raising;
  resize = this.#raising;
  classify(): Value {
    return VALUE;
  }
  injectSign(): Value {
    return VALUE;
  }

  #read(what: string): Value {
    this.#order.push({ kind: "read", what });
    return VALUE;
  }
  #raising(): Value {
    this.#order.push({ kind: "write", what: "fflags" });
    return VALUE;
  }
}

function sumIn(value: Value): Sum | undefined {
  return value === "rs1 + imm" || value === "rs1 + rs2" ? value : undefined;
}

function pureOne(_a: Value): Value {
  return VALUE;
}

function pureTwo(_a: Value, _b: Value): Value {
  return VALUE;
}

function pureThree(_a: Value, _b: Value, _c: Value): Value {
  return VALUE;
}
