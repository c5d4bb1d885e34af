import type { VirtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { disassembleWord } from "../isa/disassemble.ts";
import type { HartView, MachineLike, Translation } from "../machine/machine-interface.ts";
import type { Condition, Watch } from "../machine/stop.ts";
import type { BreakpointCompiler } from "./breakpoints.ts";
import { fetch, readNumber, readPhysicalNumber } from "./code.ts";
import { conditionOf } from "./condition.ts";
import { errors } from "./errors.ts";
import {
  type CallArgument,
  type CompiledExpression,
  compileExpression,
  isTrue,
  type Scope,
  type Surroundings,
  type Value,
} from "./expression.ts";
import { type Format, parseExpression } from "./expression-parser.ts";
import { isPhysical, pointee, sizeOf, typeName } from "./expression-types.ts";
import type { UnwoundFrame } from "./frames.ts";
import { currentHart } from "./hart-turns.ts";
import { translationText, walkText } from "./page-tables.ts";
import { physicalRanges } from "./physical-ranges.ts";
import type { ProgramMap } from "./program-map.ts";
import type { AddressUse } from "./protocol.ts";
import { formatValue, hex, readString } from "./value-format.ts";

/** Elements of an array that fit one line of text; more are shown as children. */
const MOST_ELEMENTS_IN_LINE = 16;

const SATP = 0x180;
/** Harts with floating point have it. */
const FCSR = 0x003;

/** Looks at the machine through the eyes of expressions: compiles, evaluates, shows. */
export class Inspector implements BreakpointCompiler<Surroundings> {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #scope: Scope;
  readonly #current: Surroundings[] = [];
  readonly #calling: Surroundings[] = [];
  /** Calls functions of the guest, for those who may. */
  caller: Caller | undefined;
  /** The hart that the last stop was about: whose address space is meant where none is named. */
  focus: number;

  constructor(machine: MachineLike, map: ProgramMap) {
    this.#machine = machine;
    this.#map = map;
    this.focus = currentHart(machine);
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

  /** The same for expressions that may call functions of the guest. */
  callingSurroundings(hart: number, frame?: UnwoundFrame): Surroundings {
    const view = this.hart(hart);
    const call: Caller = (address, values, hasFloat) => {
      if (this.caller === undefined || hart !== currentHart(this.#machine)) throw errors.noCall("The function");
      return this.caller(address, values, hasFloat);
    };
    if (frame !== undefined) return new HartSurroundings(this.#machine, view, frame, call);
    this.#calling[hart] ??= new HartSurroundings(this.#machine, view, undefined, call);
    return this.#calling[hart];
  }

  compile(text: string): CompiledExpression {
    return compileExpression(text, this.#scope);
  }

  condition(text: string, calls?: "calls"): (at: Surroundings) => boolean {
    const compiled = this.valueOnly(text);
    if (compiled.calls && calls === undefined) throw errors.callsInReplayOnly(text);
    return (at) => isTrue(compiled.evaluate(at));
  }

  machineCondition(text: string): Condition | undefined {
    return conditionOf(parseExpression(text).root, this.#scope);
  }

  text(expression: string, calls?: "calls"): (at: Surroundings) => string {
    const compiled = this.valueOnly(expression);
    if (compiled.calls && calls === undefined) throw errors.callsInReplayOnly(expression);
    return (at) => this.show(compiled.evaluate(at), compiled.format, at.hart);
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

  isMemory(address: bigint, hart = 0): boolean {
    return this.byteAt(address, hart) !== undefined;
  }

  byteAt(address: bigint, hart = 0): number | undefined {
    return this.#machine.peek(BigInt.asUintN(64, address) as VirtualAddress, 1, hart)[0];
  }

  placeOfCode(address: bigint): "memory" | "not mapped" | "none" {
    if (this.#machine.harts.some(({ id }) => this.isMemory(address, id))) return "memory";
    // Where harts can translate addresses, what is not mapped now may be mapped later.
    return this.#machine.harts[0].csr(SATP) === undefined ? "none" : "not mapped";
  }

  ranges(address: bigint, length: number, use: AddressUse | undefined): Pick<Watch, "address" | "length">[] {
    const space = use === "physical" ? use : this.hart(use?.hart ?? this.focus).id;
    return physicalRanges(this.#machine, BigInt.asUintN(64, address), length, space);
  }

  translate(address: bigint, hart: number): Translation {
    return this.#machine.translate(BigInt.asUintN(64, address) as VirtualAddress, hart);
  }

  /** The value as text; memory that the text needs is what `hart` sees. */
  show(value: Value, format: Format, hart = 0): string {
    const { walk } = value;
    if (walk !== undefined && format.base === "natural" && format.count === undefined) {
      return walk.whole ? walkText(walk.address, walk.translation) : translationText(walk.translation);
    }
    if (format.base === "string") return this.#showString(value, hart);
    if (format.base === "instruction") return this.#showInstruction(value.bits, hart);
    if (format.count === undefined) {
      return formatValue(value.bits, value.type, format.base, (address) => this.#map.symbolize(address));
    }
    const shown = this.elements(value, { ...format, count: Math.min(format.count, MOST_ELEMENTS_IN_LINE) }, hart);
    const more = format.count > MOST_ELEMENTS_IN_LINE ? ", …" : "";
    return `{${shown.map((element) => this.show(element, { ...format, count: undefined })).join(", ")}${more}}`;
  }

  /** Elements of an array: from the place of a value on, or from where an address points. Ends where memory does. */
  elements(value: Value, format: Format, hart = 0): Value[] {
    const inPlace = value.place?.kind === "memory" ? value.place : undefined;
    const type = inPlace === undefined ? pointee(value.type) : value.type;
    const start = inPlace === undefined ? value.bits : inPlace.address;
    const physical = inPlace === undefined ? isPhysical(value.type) : inPlace.physical === true;
    const size = sizeOf(type);
    const elements: Value[] = [];
    for (let i = 0; i < (format.count ?? 0); i++) {
      const address = BigInt.asUintN(64, start + BigInt(i * size));
      const bits = physical
        ? readPhysicalNumber(this.#machine, address, size)
        : readNumber(this.#machine, address, size, hart);
      if (bits === undefined) break;
      elements.push({ bits, type, place: { kind: "memory", address, size, ...(physical && { physical }) } });
    }
    if (elements.length === 0) throw errors.unreadable(start, size);
    return elements;
  }

  /** A value of one byte is the string's first; anything else is its address. */
  #showString({ bits, type, place }: Value, hart: number): string {
    const inPlace = place?.kind === "memory" && sizeOf(type) === 1 ? place : undefined;
    const address = inPlace === undefined ? bits : inPlace.address;
    const physical = inPlace === undefined ? isPhysical(type) : inPlace.physical === true;
    const physicalByte = (at: bigint) => {
      const byte = readPhysicalNumber(this.#machine, at, 1);
      return byte === undefined ? undefined : Number(byte);
    };
    const text = readString(address, physical ? physicalByte : (at) => this.byteAt(at, hart));
    if (text === undefined) throw errors.unreadable(address, 1);
    return text;
  }

  #showInstruction(address: bigint, hart: number): string {
    const code = fetch(this.#machine, address, hart);
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
/** `hasFloat`: the hart has registers for floating-point arguments. */
export type Caller = (address: bigint, values: readonly CallArgument[], hasFloat: boolean) => bigint;

class HartSurroundings implements Surroundings {
  readonly hart: number;
  readonly #machine: MachineLike;
  readonly #view: HartView;
  readonly #frame: UnwoundFrame | undefined;
  readonly call?: (address: bigint, values: readonly CallArgument[]) => bigint;

  constructor(machine: MachineLike, view: HartView, frame: UnwoundFrame | undefined, caller?: Caller) {
    this.hart = view.id;
    if (caller !== undefined) {
      this.call = (address, values) => caller(address, values, view.csr(FCSR) !== undefined);
    }
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
  floatRegister(index: number): bigint | undefined {
    return this.#view.csr(FCSR) === undefined ? undefined : this.#view.floatRegister(index);
  }
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    return readNumber(this.#machine, address, size, this.hart);
  }
  readPhysical(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    return readPhysicalNumber(this.#machine, address, size);
  }
  translate(address: bigint): Translation {
    return this.#machine.translate(BigInt.asUintN(64, address) as VirtualAddress, this.hart);
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
  floatRegister: () => undefined,
  readPhysical: () => undefined,
  translate: () => {
    throw errors.noRegister("satp in a constant");
  },
  instant: 0,
  time: 0n,
  hart: 0,
  privilege: 3,
};
