import { assert } from "../base/assert.ts";
import type { Decoded } from "../isa/instruction.ts";
import type { AccessSize, ProductPart, Semantics, Signedness, SystemOperation } from "../isa/semantics.ts";
import type { Exception, Hart, Turn } from "./hart.ts";
import { NO_RESERVATION } from "./hart.ts";
import { OracleFloat } from "./oracle-float.ts";

/** Memory as an instruction sees it. Values are unsigned; an exception ends the instruction. */
export interface DataPort {
  read(address: bigint, size: AccessSize): bigint | Exception;
  /** Undefined when it was done. */
  write(address: bigint, size: AccessSize, value: bigint): Exception | undefined;
  /** What a read of the address would raise. */
  probeRead(address: bigint, size: AccessSize): Exception | undefined;
  /** What a write to the address would raise; for reads that belong to a read-modify-write. */
  probeWrite(address: bigint, size: AccessSize): Exception | undefined;
  /** Physical address of what a load-reserved or store-conditional accesses. */
  reservable(address: bigint, size: AccessSize, access: "read" | "write"): bigint | Exception;
}

/** Thrown inside one instruction's reading and caught by `OracleReading.execute`; never seen outside. */
class Fault {
  readonly exception: Exception;
  constructor(exception: Exception) {
    this.exception = exception;
  }
}

const INSTRUCTION_ADDRESS_MISALIGNED = 0;
const ILLEGAL_INSTRUCTION = 2;
const LOAD_ADDRESS_MISALIGNED = 4;
const STORE_ADDRESS_MISALIGNED = 6;
const STORE_ACCESS_FAULT = 7;

export type OracleOutcome =
  | { readonly kind: "retired" }
  | { readonly kind: "exception"; readonly exception: Exception }
  | { readonly kind: "system"; readonly operation: SystemOperation };

/**
 * The reading of the instruction table over bigints: each value an unsigned 64-bit integer, each operation as the
 * manual words it. Slow and plain, the judge in tests and the one who executes the rare cases of the fast engines.
 */
export class OracleReading implements Semantics<bigint> {
  readonly float: OracleFloat;
  readonly #turn: Turn;
  readonly #port: DataPort;
  readonly #instructionAlignment: 2 | 4;
  #decoded: Decoded | undefined;
  #next = 0n;
  #system: SystemOperation | undefined;

  constructor(turn: Turn, port: DataPort, instructionAlignment: 2 | 4) {
    this.#turn = turn;
    this.#instructionAlignment = instructionAlignment;
    this.#port = port;
    const illegal = (): never => {
      throw new Fault({ cause: ILLEGAL_INSTRUCTION, tval: BigInt(this.#fields.word) });
    };
    this.float = new OracleFloat(turn, () => this.#fields, illegal);
  }

  get #hart(): Hart {
    return this.#turn.hart;
  }

  /** Executes one instruction at the hart's pc. On an exception nothing has changed; "system" is the caller's to do. */
  execute(decoded: Decoded): OracleOutcome {
    this.#decoded = decoded;
    this.#next = unsigned(this.#hart.pc + BigInt(decoded.length));
    this.#system = undefined;
    try {
      decoded.instruction.semantics(this);
    } catch (thrown) {
      if (thrown instanceof Fault) return { kind: "exception", exception: thrown.exception };
      throw thrown;
    }
    if (this.#system !== undefined) return { kind: "system", operation: this.#system };
    this.#hart.pc = this.#next;
    return { kind: "retired" };
  }

  get rs1(): bigint {
    return this.#hart.register(this.#fields.rs1);
  }
  get rs2(): bigint {
    return this.#hart.register(this.#fields.rs2);
  }
  get imm(): bigint {
    return unsigned(BigInt(this.#fields.imm));
  }
  get pc(): bigint {
    return this.#hart.pc;
  }
  get nextPc(): bigint {
    return unsigned(this.#hart.pc + BigInt(this.#fields.length));
  }
  writeRd(value: bigint): void {
    this.#hart.setRegister(this.#fields.rd, value);
  }
  constant(value: bigint): bigint {
    return unsigned(value);
  }

  add(a: bigint, b: bigint): bigint {
    return unsigned(a + b);
  }
  subtract(a: bigint, b: bigint): bigint {
    return unsigned(a - b);
  }
  and(a: bigint, b: bigint): bigint {
    return a & b;
  }
  or(a: bigint, b: bigint): bigint {
    return a | b;
  }
  xor(a: bigint, b: bigint): bigint {
    return a ^ b;
  }
  shiftLeft(a: bigint, amount: bigint): bigint {
    return unsigned(a << (amount & 63n));
  }
  shiftRightLogical(a: bigint, amount: bigint): bigint {
    return a >> (amount & 63n);
  }
  shiftRightArithmetic(a: bigint, amount: bigint): bigint {
    return unsigned(signed(a) >> (amount & 63n));
  }
  rotateLeft(a: bigint, amount: bigint): bigint {
    return unsigned((a << (amount & 63n)) | (a >> (64n - (amount & 63n))));
  }
  rotateRight(a: bigint, amount: bigint): bigint {
    return this.rotateLeft(a, -amount);
  }
  countLeadingZeros(a: bigint): bigint {
    return a === 0n ? 64n : 64n - BigInt(a.toString(2).length);
  }
  countTrailingZeros(a: bigint): bigint {
    return a === 0n ? 64n : BigInt(/0*$/.exec(a.toString(2))![0].length);
  }
  populationCount(a: bigint): bigint {
    return BigInt(a.toString(2).replaceAll("0", "").length);
  }
  reverseBytes(a: bigint): bigint {
    return BYTE_NUMBERS.reduce((sum, byte) => sum | (byteOf(a, byte) << (8n * (7n - byte))), 0n);
  }
  orCombineBytes(a: bigint): bigint {
    return BYTE_NUMBERS.reduce((sum, byte) => (byteOf(a, byte) === 0n ? sum : sum | (255n << (8n * byte))), 0n);
  }
  multiply(a: bigint, b: bigint): bigint {
    return unsigned(a * b);
  }
  multiplyHigh(a: bigint, b: bigint, signedness: "signed" | "unsigned" | "mixed"): bigint {
    const left = signedness === "unsigned" ? a : signed(a);
    const right = signedness === "signed" ? signed(b) : b;
    return unsigned((left * right) >> 64n);
  }
  carryLessMultiply(a: bigint, b: bigint, part: ProductPart): bigint {
    let product = 0n;
    for (let bit = 0n; bit < 64n; bit++) if ((b >> bit) & 1n) product ^= a << bit;
    return unsigned(product >> { low: 0n, high: 64n, reversed: 63n }[part]);
  }
  divide(a: bigint, b: bigint, signedness: Signedness): bigint {
    if (b === 0n) return unsigned(-1n);
    return signedness === "unsigned" ? a / b : unsigned(signed(a) / signed(b));
  }
  remainder(a: bigint, b: bigint, signedness: Signedness): bigint {
    if (b === 0n) return a;
    return signedness === "unsigned" ? a % b : unsigned(signed(a) % signed(b));
  }
  equal(a: bigint, b: bigint): bigint {
    return a === b ? 1n : 0n;
  }
  lessThan(a: bigint, b: bigint, signedness: Signedness): bigint {
    return (signedness === "unsigned" ? a < b : signed(a) < signed(b)) ? 1n : 0n;
  }
  not(condition: bigint): bigint {
    return condition === 0n ? 1n : 0n;
  }
  signExtend(value: bigint, bits: 8 | 16 | 32): bigint {
    return unsigned(BigInt.asIntN(bits, value));
  }
  zeroExtend(value: bigint, bits: 8 | 16 | 32): bigint {
    return BigInt.asUintN(bits, value);
  }
  select(condition: bigint, ifTrue: bigint, ifFalse: bigint): bigint {
    return condition === 0n ? ifFalse : ifTrue;
  }

  load(size: AccessSize, extension: Signedness, address: bigint): bigint {
    const value = this.#read(size, address);
    return extension === "signed" ? unsigned(BigInt.asIntN(size * 8, value)) : value;
  }
  store(size: AccessSize, address: bigint, value: bigint): void {
    raise(this.#port.write(address, size, BigInt.asUintN(size * 8, value)));
  }
  loadReserved(size: 4 | 8, address: bigint): bigint {
    requireAligned(address, size, LOAD_ADDRESS_MISALIGNED);
    const value = this.load(size, "signed", address);
    this.#hart.reservation = this.#physical(address, size, "read");
    return value;
  }
  /** Without any reservation nothing is accessed; with one for another place, what a store would raise is raised. */
  storeConditional(size: 4 | 8, address: bigint, value: bigint): bigint {
    requireAligned(address, size, STORE_ADDRESS_MISALIGNED);
    const { reservation } = this.#hart;
    const holds = reservation !== NO_RESERVATION && reservation === this.#physical(address, size, "write");
    if (holds) this.store(size, address, value);
    this.#hart.reservation = NO_RESERVATION;
    return holds ? 0n : 1n;
  }
  atomic(size: 4 | 8, address: bigint, update: (old: bigint) => bigint): bigint {
    requireAligned(address, size, STORE_ADDRESS_MISALIGNED);
    raise(this.#port.probeWrite(address, size));
    const read = this.#port.read(address, size);
    // Also where reading is what fails (a device that does not take this size), the fault is that of a store.
    if (typeof read !== "bigint") throw new Fault({ ...read, cause: STORE_ACCESS_FAULT });
    const old = unsigned(BigInt.asIntN(size * 8, read));
    this.store(size, address, update(old));
    return old;
  }

  prefetch(): void {}

  jump(target: bigint): void {
    requireAligned(target, this.#instructionAlignment, INSTRUCTION_ADDRESS_MISALIGNED);
    this.#next = target;
  }
  branch(condition: bigint, target: bigint): void {
    if (condition !== 0n) this.jump(target);
  }
  fence(): void {}
  system(operation: SystemOperation): void {
    this.#system = operation;
  }

  get #fields(): Decoded {
    assert(this.#decoded !== undefined, "no instruction is being executed");
    return this.#decoded;
  }

  #physical(address: bigint, size: AccessSize, access: "read" | "write"): bigint {
    const physical = this.#port.reservable(address, size, access);
    if (typeof physical === "bigint") return physical;
    throw new Fault(physical);
  }

  #read(size: AccessSize, address: bigint): bigint {
    const value = this.#port.read(address, size);
    if (typeof value === "bigint") return value;
    throw new Fault(value);
  }
}

const BYTE_NUMBERS = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n];

function byteOf(value: bigint, byte: bigint): bigint {
  return (value >> (8n * byte)) & 255n;
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function raise(exception: Exception | undefined): void {
  if (exception !== undefined) throw new Fault(exception);
}

function requireAligned(address: bigint, size: number, cause: number): void {
  if ((address & BigInt(size - 1)) !== 0n) throw new Fault({ cause, tval: address });
}
