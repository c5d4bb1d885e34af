import type { ProgramSymbol } from "../assembler/program.ts";
import { type Csr, decodeCsr } from "../isa/csrs.ts";
import { FLOAT_REGISTERS, findRegister, REGISTERS } from "../isa/registers.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import {
  csrGroups,
  csrSummary,
  PROTECTION_GROUP,
  pendingInterrupts,
  protections,
  protectionText,
} from "./csr-groups.ts";
import { errors } from "./errors.ts";
import type { Surroundings, Value } from "./expression.ts";
import { floatText, isBoxedSingle } from "./expression-floats.ts";
import type { Format } from "./expression-parser.ts";
import { ADDRESS, F32, F64, I64, normalize, sizeOf, U64, unsignedOfSize } from "./expression-types.ts";
import type { UnwoundFrame } from "./frames.ts";
import type { Inspector } from "./inspector.ts";
import { addressSpaceOf, entryText, type PageEntry, walkEntries } from "./page-tables.ts";
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

const SATP = 0x180;
const PRIVILEGE_NAMES: Readonly<Record<number, string>> = { 0: "U (user)", 1: "S (supervisor)", 3: "M (machine)" };
const NATURAL: Format = { base: "natural", count: undefined };
/**
 * What the Variables view shows. References are handles for children; they are valid until the machine moves, when
 * `clear` voids them: a new series of numbers begins, so that an old one is never mistaken for a new one.
 */
export class Variables {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #inspector: Inspector;
  readonly #children = new Map<number, { readonly hart: number; readonly list: Children }>();
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
    return children.list();
  }

  /** `frame` is that of a caller; undefined for the current one. `end` is the newest instant. */
  scopes(hart: number, frame: UnwoundFrame | undefined, end: number) {
    const at = this.#inspector.surroundings(hart, frame);
    const scopes = [
      { name: "Registers", reference: this.#refer(hart, () => this.#registers(at, frame)), expensive: false },
      { name: "CSRs", reference: this.#refer(hart, () => this.#csrs(at, hart)), expensive: false },
      { name: "Machine", reference: this.#refer(hart, () => this.#machineState(at, hart, end)), expensive: false },
    ];
    // What a caller had in these registers is not known: callees may change most of them.
    if (frame === undefined && at.floatRegister(0) !== undefined) {
      scopes.splice(1, 0, {
        name: "Floating point",
        reference: this.#refer(hart, () => this.#floats(at)),
        expensive: false,
      });
    }
    if (this.#globalSymbols().length > 0) {
      scopes.splice(1, 0, { name: "Globals", reference: this.#refer(hart, () => this.#globals(at)), expensive: true });
    }
    return scopes;
  }

  #refer(hart: number, list: Children): number {
    const reference = this.#next++;
    this.#children.set(reference, { hart, list });
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

  // ---- floating point

  /** The value that each register seems to hold; its readings and bits one level down. */
  #floats(at: Surroundings): VariableNode[] {
    return FLOAT_REGISTERS.map(({ abiName: name, number: register }) => {
      const bits = at.floatRegister(register) ?? 0n;
      const single = isBoxedSingle(bits);
      const type = single ? F32 : F64;
      const value = this.#inspector.show({ bits: normalize(type, bits), type }, NATURAL);
      return {
        name,
        value: single ? `${value} single` : value,
        type: `f${register}`,
        evaluateName: `$${name}`,
        settable: true,
        reference: this.#refer(at.hart, () => this.#floatViews(at, name, register)),
      };
    });
  }

  #floatViews(at: Surroundings, name: string, register: number): VariableNode[] {
    const bits = at.floatRegister(register) ?? 0n;
    const view = (part: string, type: string, value: string) =>
      this.#leaf({ name: part, value, type, evaluateName: `$${name}.${part}`, settable: true });
    return [
      view("d", "double", floatText(F64, bits)),
      view(
        "s",
        "single",
        isBoxedSingle(bits) ? floatText(F32, bits) : `${floatText(F32, bits)} (not boxed: reads as NaN)`,
      ),
      view("x", "bits", `0x${bits.toString(16).padStart(16, "0")}`),
    ];
  }

  // ---- CSRs

  #csrs(at: Surroundings, hart: number): VariableNode[] {
    return csrGroups((number) => at.csr(number) !== undefined).map(({ name, csrs }) => ({
      name,
      value: this.#groupText(name, csrs, at),
      settable: false,
      reference: this.#refer(hart, () =>
        name === PROTECTION_GROUP ? this.#protection(csrs, hart) : csrs.map((csr) => this.#csr(csr, hart)),
      ),
    }));
  }

  #groupText(name: string, csrs: readonly Csr[], at: Surroundings): string {
    if (name === PROTECTION_GROUP) {
      const { length } = protections(at);
      return length === 0 ? "no entry is on" : length === 1 ? "1 entry" : `${length} entries`;
    }
    return csrs.some(({ number }) => at.csr(number) !== 0n)
      ? `${csrs.length} registers`
      : `${csrs.length} registers, all zero`;
  }

  /** The entries as ranges, and one level down the registers that say so. */
  #protection(csrs: readonly Csr[], hart: number): VariableNode[] {
    const ranges = protections(this.#inspector.hart(hart)).map((entry) =>
      this.#leaf({ name: `[${entry.entry}]`, value: protectionText(entry), settable: false }),
    );
    const registers = () => csrs.map((csr) => this.#csr(csr, hart));
    const value = `${csrs.length} registers`;
    return [...ranges, { name: "Registers", value, settable: false, reference: this.#refer(hart, registers) }];
  }

  #csr(csr: Csr, hart: number): VariableNode {
    const value = this.#inspector.hart(hart).csr(csr.number) ?? 0n;
    const fields = decodeCsr(csr, value);
    const summary = csrSummary(csr, value);
    const symbol = this.#map.symbolize(value);
    const text =
      fields.length === 0 || value === 0n ? this.#inspector.show({ bits: value, type: U64 }, NATURAL) : hex(value);
    const named = symbol === undefined || fields.length === 0 ? text : `${text} <${symbol}>`;
    return {
      name: csr.name,
      value: summary === "" ? named : `${named === "0x0 (0)" ? "0x0" : named} (${summary})`,
      type: `CSR ${hex(BigInt(csr.number))}`,
      evaluateName: `$${csr.name}`,
      settable: csr.number >> 10 !== 3,
      reference: fields.length === 0 ? 0 : this.#refer(hart, () => this.#csrFields(csr, hart)),
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
      ...this.#translationFacts(view),
      fact("pending interrupts", pendingInterrupts(view).join(", ") || "none"),
      ...this.#machine.describeDevices().map(({ name, address, state }) => ({
        name,
        value: `at ${hex(BigInt(address))}`,
        memoryAddress: BigInt(address),
        physical: true,
        settable: false,
        reference: this.#refer(hart, () => Object.entries(state).map(([key, value]) => fact(key, String(value)))),
      })),
    ];
  }

  #translationFacts(view: HartView): VariableNode[] {
    const satp = view.csr(SATP);
    if (satp === undefined) return [];
    const { scheme, asid, root } = addressSpaceOf(satp);
    const value = scheme === "bare" ? "bare: addresses are physical" : `${scheme}, root ${hex(root)}, ASID ${asid}`;
    return [this.#leaf({ name: "address space", value, evaluateName: "satp", settable: false })];
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
    const text = readString(address, (byte) => this.#inspector.byteAt(byte, at.hart));
    const looksLikeText = text !== undefined && text.length >= SHORTEST_STRING + 2 && !/\\x|…$/.test(text);
    return {
      ...shared,
      value: looksLikeText ? text : `${size} bytes at ${hex(address)}`,
      type: "bytes",
      size,
      settable: false,
      reference: this.#refer(at.hart, () => this.#words(symbol, size, at)),
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

  /** Children of what an expression asked for: elements of an array, levels of a walk through page tables. */
  children(value: Value, format: Format, hart: number): number {
    const { walk } = value;
    if (walk !== undefined && format.base === "natural" && walk.translation.entries.length > 0) {
      return this.#refer(hart, () =>
        walkEntries(walk.address, walk.translation).map((entry) => this.#pageEntry(entry)),
      );
    }
    if (format.count === undefined || format.base === "string") return 0;
    return this.#refer(hart, () =>
      this.#inspector.elements(value, format, hart).map((element, i) =>
        this.#leaf({
          name: `[${i}]`,
          value: formatValue(element.bits, element.type, format.base, (address) => this.#map.symbolize(address)),
          type: this.#inspector.typeName(element),
          ...this.#elementPlace(element),
          settable: true,
        }),
      ),
    );
  }

  #elementPlace({ place, type }: Value) {
    if (place?.kind !== "memory") return {};
    const { address, physical } = place;
    const where = physical ? `phys(${hex(address)})` : hex(address);
    const name = type.kind === "float" ? `f${type.size * 8}` : `u${sizeOf(type) * 8}`;
    return {
      evaluateName: `${name}(${where})`,
      memoryAddress: address,
      size: sizeOf(type),
      ...(physical && { physical }),
    };
  }

  #pageEntry(entry: PageEntry): VariableNode {
    const { level, index, address } = entry;
    return this.#leaf({
      name: `level ${level} [${index}]`,
      value: entryText(entry),
      type: "page table entry",
      evaluateName: `u64(phys(${hex(address)}))`,
      memoryAddress: address,
      physical: true,
      size: 8,
      settable: false,
    });
  }

  /** The expression that names a variable of a reference, for setting it. */
  expressionOf(reference: number, name: string): { readonly expression: string; readonly hart: number } {
    const node = this.of(reference).find((candidate) => candidate.name === name);
    if (node === undefined) throw errors.noVariable(name);
    if (!node.settable || node.evaluateName === undefined) throw errors.readOnly(name);
    return { expression: node.evaluateName, hart: this.#children.get(reference)?.hart ?? 0 };
  }
}

/** The number of a register by any name, `$` before it or not. */
export function registerNumber(name: string): number {
  const register = findRegister(name.replace(/^\$/, "").toLowerCase());
  if (register === undefined) throw errors.noRegister(name);
  return register.number;
}
