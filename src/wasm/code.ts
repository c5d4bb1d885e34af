import { assert } from "../base/assert.ts";
import { Bytes } from "./bytes.ts";
import {
  type BlockType,
  OP,
  type Opcode,
  SATURATING_PREFIX,
  SIMD_PREFIX,
  type SimdOpcode,
  type ValueType,
  VOID,
} from "./opcodes.ts";

/** A local variable of the function that is being written. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** The target of a branch: how deep the block or loop lies that it belongs to. */
export interface Label {
  readonly depth: number;
}

/** A piece of a function's body. */
export interface Fragment {
  readonly bytes: Uint8Array;
  readonly depth: number;
}

/**
 * Writes the body of one function. Methods append instructions in the order of the text format; operands are on
 * WebAssembly's stack. Blocks are closed with `end`, and branches name their `Label` instead of a relative depth.
 */
export class Code {
  #body = new Bytes();
  readonly #parameters: readonly ValueType[];
  readonly #locals: ValueType[] = [];
  #depth = 0;

  constructor(parameters: readonly ValueType[]) {
    this.#parameters = parameters;
  }

  parameter(index: number): Local {
    assert(index < this.#parameters.length, "no such parameter");
    return { index, type: this.#parameters[index] };
  }

  local(type: ValueType): Local {
    this.#locals.push(type);
    return { index: this.#parameters.length + this.#locals.length - 1, type };
  }

  op(...opcodes: Opcode[]): this {
    for (const opcode of opcodes) this.#body.byte(opcode);
    return this;
  }

  /** A vector instruction; `lane` for those that name one. */
  simd(opcode: SimdOpcode, lane?: number): this {
    this.#body.byte(SIMD_PREFIX);
    this.#body.unsigned(opcode);
    if (lane !== undefined) this.#body.byte(lane);
    return this;
  }

  /** A double towards zero to 64 bits: what is beyond the range becomes its end, NaN becomes 0. */
  truncateSaturating(signed: boolean): this {
    this.#body.byte(SATURATING_PREFIX);
    this.#body.unsigned(signed ? 6 : 7);
    return this;
  }

  i32(value: number): this {
    this.#body.byte(OP.i32_const);
    this.#body.signed32(value);
    return this;
  }

  i64(value: bigint): this {
    this.#body.byte(OP.i64_const);
    this.#body.signed(value);
    return this;
  }

  f32(value: number): this {
    this.#body.byte(OP.f32_const);
    this.#body.bytes(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  f64(value: number): this {
    this.#body.byte(OP.f64_const);
    this.#body.bytes(new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  get(local: Local): this {
    return this.#indexed(OP.local_get, local.index);
  }

  set(local: Local): this {
    return this.#indexed(OP.local_set, local.index);
  }

  tee(local: Local): this {
    return this.#indexed(OP.local_tee, local.index);
  }

  /** A load or store: the address is on the stack, `offset` is added to it without wrapping. No alignment is promised. */
  memory(opcode: Opcode, offset: number): this {
    this.#body.byte(opcode);
    this.#body.byte(0);
    this.#body.unsigned(offset);
    return this;
  }

  block(type: BlockType = VOID): Label {
    return this.#open(OP.block, type);
  }

  loop(type: BlockType = VOID): Label {
    return this.#open(OP.loop, type);
  }

  if(type: BlockType = VOID): Label {
    return this.#open(OP.if, type);
  }

  else(): this {
    return this.op(OP.else);
  }

  end(): this {
    this.#depth--;
    assert(this.#depth >= 0, "end without a block");
    return this.op(OP.end);
  }

  branch(label: Label): this {
    return this.#indexed(OP.br, this.#relative(label));
  }

  branchIf(label: Label): this {
    return this.#indexed(OP.br_if, this.#relative(label));
  }

  branchTable(labels: readonly Label[], otherwise: Label): this {
    this.#body.byte(OP.br_table);
    this.#body.unsigned(labels.length);
    for (const label of labels) this.#body.unsigned(this.#relative(label));
    this.#body.unsigned(this.#relative(otherwise));
    return this;
  }

  call(functionIndex: number): this {
    return this.#indexed(OP.call, functionIndex);
  }

  /** Calls through the table: the arguments and the slot are on the stack. */
  callIndirect(type: number): this {
    return this.#indexed(OP.call_indirect, type).#raw(0);
  }

  /** Likewise, and the callee returns to our caller. */
  returnCallIndirect(type: number): this {
    return this.#indexed(OP.return_call_indirect, type).#raw(0);
  }

  /** Writes something that will stand later in the function, at the same depth: see `attach`. */
  detached(write: () => void): Fragment {
    const [body, depth] = [this.#body, this.#depth];
    this.#body = new Bytes();
    write();
    assert(this.#depth === depth, "a block is open at the end of a fragment");
    const fragment = { bytes: this.#body.view(), depth };
    this.#body = body;
    return fragment;
  }

  attach({ bytes, depth }: Fragment): this {
    assert(this.#depth === depth, "a fragment stands at another depth than it was written for");
    this.#body.bytes(bytes);
    return this;
  }

  /** The encoded function: local declarations, body, final `end`. */
  finish(): Uint8Array {
    assert(this.#depth === 0, "a block is open at the end of the function");
    const out = new Bytes();
    out.unsigned(this.#locals.length);
    for (const type of this.#locals) {
      out.unsigned(1);
      out.byte(type);
    }
    out.bytes(this.#body.view());
    out.byte(OP.end);
    return out.view();
  }

  #indexed(opcode: Opcode, index: number): this {
    this.#body.byte(opcode);
    this.#body.unsigned(index);
    return this;
  }

  #raw(byte: number): this {
    this.#body.byte(byte);
    return this;
  }

  #open(opcode: Opcode, type: BlockType): Label {
    this.#body.byte(opcode);
    this.#body.byte(type);
    this.#depth++;
    return { depth: this.#depth };
  }

  #relative(label: Label): number {
    assert(label.depth <= this.#depth, "branch to a block that is closed");
    return this.#depth - label.depth;
  }
}
