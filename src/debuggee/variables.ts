import type { ProgramSymbol } from "../assembler/program.ts";
import { INTERRUPT_CAUSES } from "../isa/causes.ts";
import { CSRS, type Csr, decodeCsr } from "../isa/csrs.ts";
import { findRegister, REGISTERS } from "../isa/registers.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { errors } from "./errors.ts";
import type { Surroundings, Value } from "./expression.ts";
import type { Format } from "./expression-parser.ts";
import { ADDRESS, I64, sizeOf, U64, unsignedOfSize } from "./expression-types.ts";
import type { UnwoundFrame } from "./frames.ts";
import type { Inspector } from "./inspector.ts";
import type { ProgramMap } from "./program-map.ts";
import type { VariableNode } from "./protocol.ts";
import { formatValue, hex, readString } from "./value-format.ts";

type Node = Omit<VariableNode, "reference">;

/** Children of a node, made when they are asked for. */
type Children = () => VariableNode[];

/** Symbols of data that are shown; a large program has more, and `evaluate` knows them all. */
const MOST_GLOBALS = 1000;
/** Words of one object that are shown as children. */
const MOST_WORDS = 256;
/** A string is recognised as one when it is at least this long. */
const SHORTEST_STRING = 4;

const MIP = 0x344;
const MIE = 0x304;
const PRIVILEGE_NAMES: Readonly<Record<number, string>> = { 0: "U (user)", 1: "S (supervisor)", 3: "M (machine)" };
const NATURAL: Format = { base: "natural", count: undefined };
/** CSRs of which a hart has many alike and mostly unused: shown one level down. */
const CSR_FAMILIES: readonly { readonly name: string; readonly members: RegExp }[] = [
  { name: "Event counters", members: /^m?hpm(counter|event)\d+$/ },
  { name: "Physical memory protection", members: /^pmp(cfg|addr)\d+$/ },
];

/**
 * What the Variables view shows. References are handles for children; they are valid until the machine moves, when
 * `clear` voids them: a new series of numbers begins, so that an old one is never mistaken for a new one.
 */
export class Variables {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #inspector: Inspector;
  readonly #children = new Map<number, Children>();
  #next = 1;

  constructor(machine: MachineLike, map: ProgramMap, inspector: Inspector) {
    this.#machine = machine;
    this.#map = map;
    this.#inspector = inspector;
  }

  clear(): void {
    this.#children.clear();
  }

  of(reference: number): VariableNode[] {
    const children = this.#children.get(reference);
    if (children === undefined) throw errors.staleReference();
    return children();
  }

  /** `frame` is that of a caller; undefined for the current one. `end` is the newest instant. */
  scopes(hart: number, frame: UnwoundFrame | undefined, end: number) {
    const at = this.#inspector.surroundings(hart, frame);
    const scopes = [
      { name: "Registers", reference: this.#refer(() => this.#registers(at, frame)), expensive: false },
      { name: "CSRs", reference: this.#refer(() => this.#csrs(at, hart)), expensive: false },
      { name: "Machine", reference: this.#refer(() => this.#machineState(at, hart, end)), expensive: false },
    ];
    if (this.#globalSymbols().length > 0) {
      scopes.splice(1, 0, { name: "Globals", reference: this.#refer(() => this.#globals(at)), expensive: true });
    }
    return scopes;
  }

  #refer(children: Children): number {
    const reference = this.#next++;
    this.#children.set(reference, children);
    return reference;
  }

  #leaf(node: Node): VariableNode {
    return { ...node, reference: 0 };
  }

  // ---- registers

  #registers(at: Surroundings, frame: UnwoundFrame | undefined): VariableNode[] {
    const settable = frame === undefined;
    const pc = this.#leaf({
      name: "pc",
      value: this.#inspector.address(at.pc),
      type: ADDRESS.kind,
      evaluateName: "$pc",
      settable,
    });
    const others = REGISTERS.filter(({ number }) => number !== 0).map(({ number, abiName: name }) => {
      const bits = at.register(number);
      const value =
        bits === undefined ? "not known in this caller" : this.#inspector.show({ bits, type: I64 }, NATURAL);
      const known = { name, value, type: `x${number}`, evaluateName: `$${name}` };
      return this.#leaf({ ...known, settable: settable && bits !== undefined });
    });
    return [pc, ...others];
  }

  // ---- CSRs

  #csrs(at: Surroundings, hart: number): VariableNode[] {
    const present = CSRS.filter(({ number }) => at.csr(number) !== undefined);
    const familyOf = ({ name }: Csr) => CSR_FAMILIES.find(({ members }) => members.test(name));
    const single = present.filter((csr) => familyOf(csr) === undefined).map((csr) => this.#csr(csr, hart));
    const families = CSR_FAMILIES.flatMap((family) => {
      const members = present.filter((csr) => familyOf(csr) === family);
      if (members.length === 0) return [];
      const used = members.filter(({ number }) => at.csr(number) !== 0n).length;
      const children = () => members.map((csr) => this.#csr(csr, hart));
      const value = used === 0 ? `${members.length} registers, all zero` : `${members.length} registers`;
      return [{ name: family.name, value, reference: this.#refer(children), settable: false }];
    });
    return [...single, ...families];
  }

  #csr(csr: Csr, hart: number): VariableNode {
    const value = this.#inspector.hart(hart).csr(csr.number) ?? 0n;
    const fields = decodeCsr(csr, value);
    const telling = fields.find(({ name, meaning }) => name === "Code" && meaning !== undefined)?.meaning;
    const text = this.#inspector.show({ bits: value, type: U64 }, NATURAL);
    return {
      name: csr.name,
      value: telling === undefined ? text : `${hex(value)} (${telling})`,
      type: `CSR ${hex(BigInt(csr.number))}`,
      evaluateName: `$${csr.name}`,
      settable: csr.number >> 10 !== 3,
      reference: fields.length === 0 ? 0 : this.#refer(() => this.#csrFields(csr, hart)),
    };
  }

  #csrFields(csr: Csr, hart: number): VariableNode[] {
    const value = this.#inspector.hart(hart).csr(csr.number) ?? 0n;
    return decodeCsr(csr, value).map(({ name, high, low, value: bits, meaning }) =>
      this.#leaf({
        name,
        value: meaning === undefined ? hex(bits) : `${hex(bits)} (${meaning})`,
        type: high === low ? `bit ${low}` : `bits ${high}:${low}`,
        evaluateName: `$${csr.name}.${name}`,
        settable: csr.fields.some((field) => field.name === name && field.access === "read-write"),
      }),
    );
  }

  // ---- machine

  #machineState(at: Surroundings, hart: number, end: number): VariableNode[] {
    const view = this.#inspector.hart(hart);
    const fact = (name: string, value: string, evaluateName?: string) =>
      this.#leaf({ name, value, settable: false, ...(evaluateName !== undefined && { evaluateName }) });
    const ticks = at.time;
    return [
      fact("instant", at.instant === end ? `${at.instant} (the newest)` : `${at.instant} of ${end}`, "instant"),
      fact("mtime", `${ticks} (${(Number(ticks) / 1e7).toFixed(7)} s)`, "mtime"),
      fact("hart", String(hart), "hart"),
      fact("privilege", PRIVILEGE_NAMES[view.privilege] ?? String(view.privilege), "privilege"),
      fact("waiting", view.waiting ? "yes, at wfi" : "no"),
      fact("pending interrupts", this.#interrupts(view.csr(MIP) ?? 0n, view.csr(MIE) ?? 0n)),
      ...this.#machine.describeDevices().map(({ name, address, state }) => ({
        name,
        value: `at ${hex(BigInt(address))}`,
        memoryAddress: BigInt(address),
        settable: false,
        reference: this.#refer(() => Object.entries(state).map(([key, value]) => fact(key, String(value)))),
      })),
    ];
  }

  #interrupts(pending: bigint, enabled: bigint): string {
    const names = INTERRUPT_CAUSES.filter(({ code }) => (pending >> BigInt(code)) & 1n).map(({ code, name }) =>
      (enabled >> BigInt(code)) & 1n ? name : `${name} (not enabled)`,
    );
    return names.length === 0 ? "none" : names.join(", ");
  }

  // ---- the program's data

  #globalSymbols(): readonly ProgramSymbol[] {
    const { symbols } = this.#map;
    const isData = ({ kind, address, section }: ProgramSymbol) =>
      (kind === "object" || (kind === "label" && /^\.s?(data|bss|rodata)/.test(section))) &&
      symbols.segmentOf(address) !== undefined;
    return symbols.all.filter(isData).slice(0, MOST_GLOBALS);
  }

  #globals(at: Surroundings): VariableNode[] {
    return this.#globalSymbols().map((symbol) => this.#global(symbol, at));
  }

  #global(symbol: ProgramSymbol, at: Surroundings): VariableNode {
    const size = this.#sizeOf(symbol);
    const { address, name } = symbol;
    const shared = { name, evaluateName: `*${name}`, memoryAddress: address };
    if (size === 1 || size === 2 || size === 4 || size === 8) {
      const bits = at.read(address, size);
      const type = unsignedOfSize(size);
      const value = bits === undefined ? "no memory" : this.#inspector.show({ bits, type }, NATURAL);
      return this.#leaf({ ...shared, value, type: `u${size * 8}`, size, settable: bits !== undefined });
    }
    const text = readString(address, (byte) => this.#inspector.byteAt(byte));
    const looksLikeText = text !== undefined && text.length >= SHORTEST_STRING + 2 && !/\\x|…$/.test(text);
    return {
      ...shared,
      value: looksLikeText ? text : `${size} bytes at ${hex(address)}`,
      type: "bytes",
      size,
      settable: false,
      reference: this.#refer(() => this.#words(symbol, size, at)),
    };
  }

  #words(symbol: ProgramSymbol, size: number, at: Surroundings): VariableNode[] {
    const width =
      size % 8 === 0 && symbol.address % 8n === 0n ? 8 : size % 4 === 0 && symbol.address % 4n === 0n ? 4 : 1;
    const type = unsignedOfSize(width);
    return Array.from({ length: Math.min(MOST_WORDS, Math.floor(size / width)) }, (_, i) => {
      const address = symbol.address + BigInt(i * width);
      const bits = at.read(address, width);
      return this.#leaf({
        name: `[${i}]`,
        value: bits === undefined ? "no memory" : this.#inspector.show({ bits, type }, NATURAL),
        type: `u${width * 8}`,
        evaluateName: `((u${width * 8}*)&${symbol.name})[${i}]`,
        memoryAddress: address,
        size: width,
        settable: bits !== undefined,
      });
    });
  }

  /** A label's data reaches to the next symbol. */
  #sizeOf({ size, address }: ProgramSymbol): number {
    if (size > 0) return size;
    const segmentEnd = this.#map.symbols.segmentOf(address)?.end ?? address;
    const next = this.#map.symbols.nextAfter(address)?.address;
    return Number((next === undefined || next > segmentEnd ? segmentEnd : next) - address);
  }

  // ---- results of expressions

  /** Children of an array that an expression asked for. */
  array(value: Value, format: Format): number {
    if (format.count === undefined || format.base === "string") return 0;
    return this.#refer(() =>
      this.#inspector.elements(value, format).map((element, i) =>
        this.#leaf({
          name: `[${i}]`,
          value: formatValue(element.bits, element.type, format.base, (address) => this.#map.symbolize(address)),
          type: this.#inspector.typeName(element),
          ...(element.place?.kind === "memory" && {
            evaluateName: `u${sizeOf(element.type) * 8}(${hex(element.place.address)})`,
            memoryAddress: element.place.address,
            size: sizeOf(element.type),
          }),
          settable: true,
        }),
      ),
    );
  }

  /** The expression that names a variable of a reference, for setting it. */
  expressionOf(reference: number, name: string): string {
    const node = this.of(reference).find((candidate) => candidate.name === name);
    if (node === undefined) throw errors.noVariable(name);
    if (!node.settable || node.evaluateName === undefined) throw errors.readOnly(name);
    return node.evaluateName;
  }
}

/** The number of a register by any name, `$` before it or not. */
export function registerNumber(name: string): number {
  const register = findRegister(name.replace(/^\$/, "").toLowerCase());
  if (register === undefined) throw errors.noRegister(name);
  return register.number;
}
