import type { FloatSemantics, FloatSize } from "./float-semantics.ts";
import type { Instruction } from "./instruction.ts";
import type { AccessSize, Semantics, SystemOperation } from "./semantics.ts";

/** Where a value that an instruction writes can come from. "memory" is what it reads there, before it writes. */
export type ValueSource = "rs1" | "rs2" | "frs1" | "frs2" | "frs3" | "memory" | "reservation";

/** What an instruction makes its values of: the flow of data, without values and without what only decides where. */
export interface Provenance {
  /** Of what goes to the integer destination; undefined: it writes none. CSR instructions are not told here. */
  readonly result: ReadonlySet<ValueSource> | undefined;
  readonly floatResult: ReadonlySet<ValueSource> | undefined;
  /** Of what goes to memory. */
  readonly stored: ReadonlySet<ValueSource> | undefined;
  /** The access to memory; the address is rs1, and the immediate where `hasOffset`. */
  readonly access: { readonly size: AccessSize; readonly hasOffset: boolean } | undefined;
  readonly system: SystemOperation | undefined;
}

const memo = new Map<Instruction, Provenance>();

/** Computed once for each instruction. */
export function provenanceOf(instruction: Instruction): Provenance {
  let provenance = memo.get(instruction);
  if (provenance === undefined) {
    const reading = new ProvenanceReading();
    instruction.semantics(reading);
    provenance = reading.provenance();
    memo.set(instruction, provenance);
  }
  return provenance;
}

type Sources = ReadonlySet<ValueSource>;

/** Of constants, the pc, and the rounding mode. */
const NOTHING: Sources = new Set();

class ProvenanceReading implements Semantics<Sources> {
  #result: Sources | undefined;
  #stored: Sources | undefined;
  #access: Provenance["access"];
  #system: SystemOperation | undefined;
  #hasOffset = false;

  readonly rs1: Sources = new Set(["rs1"]);
  readonly rs2: Sources = new Set(["rs2"]);
  get imm(): Sources {
    this.#hasOffset = true;
    return NOTHING;
  }
  readonly pc = NOTHING;
  readonly nextPc = NOTHING;

  writeRd(value: Sources): void {
    this.#result = value;
  }
  constant = nothing;

  add = all;
  subtract = all;
  and = all;
  or = all;
  xor = all;
  shiftLeft = all;
  shiftRightLogical = all;
  shiftRightArithmetic = all;
  rotateLeft = all;
  rotateRight = all;
  countLeadingZeros = all;
  countTrailingZeros = all;
  populationCount = all;
  reverseBytes = all;
  orCombineBytes = all;
  multiply = two;
  multiplyHigh = two;
  carryLessMultiply = two;
  divide = two;
  remainder = two;
  equal = all;
  lessThan = two;
  not = all;
  signExtend = first;
  zeroExtend = first;
  select = all;

  load(size: AccessSize): Sources {
    return this.#reads(size);
  }
  store(size: AccessSize, _address: Sources, value: Sources): void {
    this.#access = { size, hasOffset: this.#hasOffset };
    this.#stored = value;
  }
  loadReserved(size: 4 | 8): Sources {
    return this.#reads(size);
  }
  storeConditional(size: 4 | 8, _address: Sources, value: Sources): Sources {
    this.#access = { size, hasOffset: false };
    this.#stored = value;
    return new Set(["reservation"]);
  }
  atomic(size: 4 | 8, _address: Sources, update: (old: Sources) => Sources): Sources {
    const old = this.#reads(size);
    this.#stored = update(old);
    return old;
  }

  prefetch(): void {}
  jump(): void {}
  branch(): void {}
  fence(): void {}
  readonly float = new ProvenanceOfFloat();

  system(operation: SystemOperation): void {
    this.#system = operation;
  }

  provenance(): Provenance {
    const [result, stored, access, system] = [this.#result, this.#stored, this.#access, this.#system];
    return { result, floatResult: this.float.result, stored, access, system };
  }

  #reads(size: AccessSize): Sources {
    this.#access = { size, hasOffset: this.#hasOffset };
    return new Set(["memory"]);
  }
}

class ProvenanceOfFloat implements FloatSemantics<Sources> {
  result: Sources | undefined;

  require(): void {}
  readonly mode = NOTHING;
  rs1(): Sources {
    return new Set(["frs1"]);
  }
  rs2(): Sources {
    return new Set(["frs2"]);
  }
  rs3(): Sources {
    return new Set(["frs3"]);
  }
  writeRd(_size: FloatSize, value: Sources): void {
    this.result = value;
  }

  arithmetic(_operation: unknown, _size: FloatSize, a: Sources, b: Sources): Sources {
    return all(a, b);
  }
  squareRoot(_size: FloatSize, a: Sources): Sources {
    return a;
  }
  multiplyAdd(_size: FloatSize, a: Sources, b: Sources, c: Sources): Sources {
    return all(a, b, c);
  }
  choose(_choice: unknown, _size: FloatSize, a: Sources, b: Sources): Sources {
    return all(a, b);
  }
  compare(_relation: unknown, _size: FloatSize, a: Sources, b: Sources): Sources {
    return all(a, b);
  }
  classify(_size: FloatSize, a: Sources): Sources {
    return a;
  }
  toInteger(_size: FloatSize, _format: unknown, a: Sources): Sources {
    return a;
  }
  fromInteger(_size: FloatSize, _format: unknown, a: Sources): Sources {
    return a;
  }
  resize(_from: FloatSize, _to: FloatSize, a: Sources): Sources {
    return a;
  }
  injectSign(_sign: unknown, _size: FloatSize, a: Sources, b: Sources): Sources {
    return all(a, b);
  }
}

function nothing(): Sources {
  return NOTHING;
}

function first(a: Sources): Sources {
  return a;
}

function two(a: Sources, b: Sources): Sources {
  return all(a, b);
}

function all(...values: readonly Sources[]): Sources {
  return new Set(values.flatMap((value) => [...value]));
}
