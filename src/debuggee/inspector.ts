import type { VirtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { disassembleWord } from "../isa/disassemble.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import type { BreakpointCompiler } from "./breakpoints.ts";
import { fetch, readNumber } from "./code.ts";
import { errors } from "./errors.ts";
import {
  type CompiledExpression,
  compileExpression,
  isTrue,
  type Scope,
  type Surroundings,
  type Value,
} from "./expression.ts";
import type { Format } from "./expression-parser.ts";
import { pointee, sizeOf, typeName } from "./expression-types.ts";
import type { UnwoundFrame } from "./frames.ts";
import type { ProgramMap } from "./program-map.ts";
import { formatValue, hex, readString } from "./value-format.ts";

/** Elements of an array that fit one line of text; more are shown as children. */
const MOST_ELEMENTS_IN_LINE = 16;

/** Looks at the machine through the eyes of expressions: compiles, evaluates, shows. */
export class Inspector implements BreakpointCompiler<Surroundings> {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #scope: Scope;
  readonly #current: Surroundings[] = [];

  constructor(machine: MachineLike, map: ProgramMap) {
    this.#machine = machine;
    this.#map = map;
    this.#scope = {
      symbol: (name) => {
        const symbol = map.symbols.named(name);
        return symbol && { address: symbol.address, size: symbol.size, constant: symbol.kind === "absolute" };
      },
    };
  }

  hart(id: number): HartView {
    const view = this.#machine.harts[id];
    if (view === undefined) throw errors.noHart(id);
    return view;
  }

  /** What expressions see on a hart; in a caller's frame, its registers. */
  surroundings(hart: number, frame?: UnwoundFrame): Surroundings {
    const view = this.hart(hart);
    if (frame !== undefined) return new HartSurroundings(this.#machine, view, frame);
    // Conditions ask at every hit, perhaps a million times: there is one object for each hart, which follows it.
    this.#current[hart] ??= new HartSurroundings(this.#machine, view, undefined);
    return this.#current[hart];
  }

  compile(text: string): CompiledExpression {
    return compileExpression(text, this.#scope);
  }

  condition(text: string): (at: Surroundings) => boolean {
    const compiled = this.valueOnly(text);
    return (at) => isTrue(compiled.evaluate(at));
  }

  text(expression: string): (at: Surroundings) => string {
    const compiled = this.valueOnly(expression);
    return (at) => this.show(compiled.evaluate(at), compiled.format);
  }

  /** `a0 = 5` for a condition is always a mistake for `==`, and must not change the machine. */
  valueOnly(text: string): CompiledExpression {
    const compiled = this.compile(text);
    if (compiled.assigned === undefined) return compiled;
    throw errors.expression(text, text.indexOf("=") + 1, 'An assignment cannot stand here (equality is "==")');
  }

  constant(expression: string): bigint | undefined {
    try {
      return this.compile(expression).evaluate(NOWHERE).bits;
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }

  isMemory(address: bigint): boolean {
    return this.byteAt(address) !== undefined;
  }

  byteAt(address: bigint): number | undefined {
    return this.#machine.peek(BigInt.asUintN(64, address) as VirtualAddress, 1)[0];
  }

  /** The value as text. */
  show(value: Value, format: Format): string {
    if (format.base === "string") return this.#showString(value);
    if (format.base === "instruction") return this.#showInstruction(value.bits);
    if (format.count === undefined) {
      return formatValue(value.bits, value.type, format.base, (address) => this.#map.symbolize(address));
    }
    const shown = this.elements(value, { ...format, count: Math.min(format.count, MOST_ELEMENTS_IN_LINE) });
    const more = format.count > MOST_ELEMENTS_IN_LINE ? ", …" : "";
    return `{${shown.map((element) => this.show(element, { ...format, count: undefined })).join(", ")}${more}}`;
  }

  /** Elements of an array: from the place of a value on, or from where an address points. Ends where memory does. */
  elements(value: Value, format: Format): Value[] {
    const inPlace = value.place?.kind === "memory" ? value.place : undefined;
    const type = inPlace === undefined ? pointee(value.type) : value.type;
    const start = inPlace === undefined ? value.bits : inPlace.address;
    const size = sizeOf(type);
    const elements: Value[] = [];
    for (let i = 0; i < (format.count ?? 0); i++) {
      const address = BigInt.asUintN(64, start + BigInt(i * size));
      const bits = readNumber(this.#machine, address, size);
      if (bits === undefined) break;
      elements.push({ bits, type, place: { kind: "memory", address, size } });
    }
    if (elements.length === 0) throw errors.unreadable(start, size);
    return elements;
  }

  /** A value of one byte is the string's first; anything else is its address. */
  #showString({ bits, type, place }: Value): string {
    const address = place?.kind === "memory" && sizeOf(type) === 1 ? place.address : bits;
    const text = readString(address, (at) => this.byteAt(at));
    if (text === undefined) throw errors.unreadable(address, 1);
    return text;
  }

  #showInstruction(address: bigint): string {
    const code = fetch(this.#machine, address);
    if (code === undefined) throw errors.unreadable(address, 4);
    return this.instructionText(code.word, address);
  }

  instructionText(word: number, address: bigint): string {
    return disassembleWord(word, { pc: address, symbolize: (target) => this.#map.symbolize(target) }).text;
  }

  typeName(value: Value): string {
    return typeName(value.type);
  }

  /** `0x80001000 <buffer+0x10>`, or the bare number. */
  address(value: bigint): string {
    const name = this.#map.symbolize(value);
    return name === undefined ? hex(value) : `${hex(value)} <${name}>`;
  }
}

/** A hart as it is whenever it is looked at. */
class HartSurroundings implements Surroundings {
  readonly hart: number;
  readonly #machine: MachineLike;
  readonly #view: HartView;
  readonly #frame: UnwoundFrame | undefined;

  constructor(machine: MachineLike, view: HartView, frame: UnwoundFrame | undefined) {
    this.hart = view.id;
    this.#machine = machine;
    this.#view = view;
    this.#frame = frame;
  }

  register(index: number): bigint | undefined {
    return this.#frame === undefined ? this.#view.register(index) : this.#frame.register(index);
  }
  get pc(): bigint {
    return this.#frame === undefined ? this.#view.pc : this.#frame.pc;
  }
  csr(number: number): bigint | undefined {
    return this.#view.csr(number);
  }
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    return readNumber(this.#machine, address, size);
  }
  get instant(): number {
    return this.#machine.instant;
  }
  get time(): bigint {
    return this.#machine.time;
  }
  get privilege(): number {
    return this.#view.privilege;
  }
}

/** Surroundings of constants: whoever asks them for anything is no constant. */
const NOWHERE: Surroundings = {
  register: () => undefined,
  get pc(): bigint {
    throw errors.noRegister("pc in a constant");
  },
  csr: () => undefined,
  read: () => undefined,
  instant: 0,
  time: 0n,
  hart: 0,
  privilege: 3,
};
