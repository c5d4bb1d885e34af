import { assert } from "../base/assert.ts";
import type { PhysicalAddress } from "../base/brand.ts";
import type { Decoded } from "../isa/instruction.ts";
import { provenanceOf, type ValueSource } from "../isa/provenance.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import { type CodeWord, codeWord, fetch } from "./code.ts";
import { type Cell, type MemoryCell, memoryCell } from "./origin-cells.ts";
import type { OriginOperand, OriginStep } from "./origin-protocol.ts";

/** How an instruction came by what it wrote. */
export interface ValueFlow {
  readonly how: OriginStep["how"];
  readonly operands: readonly { readonly cell: Cell; readonly role: OriginOperand["role"] }[];
  /** The access goes through the stack or frame pointer, as those of saved registers do. */
  readonly onStack: boolean;
  /** Nothing but whether a reservation held. */
  readonly isReservation: boolean;
}

const SP = 2;
const S0 = 8;
const MACHINE_MODE = 3;

/** The instruction at a hart's pc. Machine mode's code is where its address says, whatever MPRV lends to its data. */
export function instructionAt(machine: MachineLike, view: HartView): CodeWord | undefined {
  if (view.privilege !== MACHINE_MODE) return fetch(machine, view.pc, view.id);
  return codeWord(view.pc, machine.peekPhysical(Number(view.pc) as PhysicalAddress, 4));
}

/** The memory that the instruction at the hart's pc reads or writes, as it says itself; undefined: none. */
export function accessedMemory(
  { instruction, rs1, imm }: Decoded,
  view: HartView,
  machine: MachineLike,
): MemoryCell | undefined {
  const { access } = provenanceOf(instruction);
  if (access === undefined) return undefined;
  const address = view.register(rs1) + (access.hasOffset ? BigInt(imm) : 0n);
  return memoryCell(machine, address, access.size, view.id);
}

/** What the instruction at the hart's pc makes the value of that it writes to a register, to memory, or to a CSR. */
export function flowInto(target: Cell["kind"], decoded: Decoded, view: HartView, machine: MachineLike): ValueFlow {
  const { instruction, rs1, rs2, rs3, imm } = decoded;
  const { result, floatResult, stored, access, system } = provenanceOf(instruction);
  const register = (number: number): Cell[] => (number === 0 ? [] : [{ kind: "integer", number }]);
  const float = (number: number): Cell[] => [{ kind: "float", number }];
  const memory = (): Cell[] => {
    const accessed = accessedMemory(decoded, view, machine);
    assert(accessed !== undefined, "a value from memory without an access");
    return [accessed];
  };
  const cells: Record<ValueSource, () => Cell[]> = {
    rs1: () => register(rs1),
    rs2: () => register(rs2),
    frs1: () => float(rs1),
    frs2: () => float(rs2),
    frs3: () => float(rs3),
    memory,
    reservation: () => [],
  };
  if (system?.startsWith("csr")) return csrFlow(target, system, { rs1, imm }, view);
  const sources = target === "memory" ? stored : target === "float" ? floatResult : result;
  const values = ORDER.filter((source) => sources?.has(source)).flatMap((source) => cells[source]());
  // cbo.zero is a routine of its own; what it stores is a constant.
  const addresses = access === undefined && system !== "cbo.zero" ? [] : register(rs1);
  const isExchange = stored !== undefined && result !== undefined && instruction.mnemonic.startsWith("amo");
  return {
    how: howOf(target, distinct(values), { isExchange, isOffset: instruction.mnemonic === "addi" && imm !== 0 }),
    operands: [
      ...distinct(values).map((cell) => ({ cell, role: "value" as const })),
      ...addresses.map((cell) => ({ cell, role: "address" as const })),
    ],
    onStack: access?.size === 8 && (rs1 === SP || rs1 === S0),
    isReservation: sources?.has("reservation") === true,
  };
}

const ORDER: readonly ValueSource[] = ["rs1", "rs2", "frs1", "frs2", "frs3", "memory", "reservation"];

function howOf(
  target: Cell["kind"],
  values: readonly Cell[],
  { isExchange, isOffset }: { isExchange: boolean; isOffset: boolean },
): OriginStep["how"] {
  const [value, ...more] = values;
  if (value === undefined) return "constant";
  if (more.length > 0) return "computed";
  if (isExchange) return "exchange";
  if (target === "memory") return "store";
  if (value.kind === "memory") return "load";
  return isOffset ? "offset" : "copy";
}

/** rd gets what the CSR held; the CSR gets the operand, or bits of it beside its own. */
function csrFlow(
  target: Cell["kind"],
  system: string,
  { rs1, imm }: { rs1: number; imm: number },
  view: HartView,
): ValueFlow {
  const csr: Cell = { kind: "csr", number: imm };
  const operand: Cell[] = system.endsWith("i") || rs1 === 0 ? [] : [{ kind: "integer", number: rs1 }];
  const isReplaced = system.startsWith("csrrw");
  const cells = target !== "csr" ? [csr] : isReplaced ? operand : [...operand, csr];
  assert(view.csr(imm) !== undefined, "an instruction has read a CSR that there is not");
  return {
    how: cells.length === 0 ? "constant" : cells.length > 1 ? "computed" : "exchange",
    operands: cells.map((cell) => ({ cell, role: "value" })),
    onStack: false,
    isReservation: false,
  };
}

function distinct(cells: readonly Cell[]): Cell[] {
  return cells.filter(
    (cell, index) =>
      cell.kind === "memory" ||
      cells.findIndex((other) => other.kind === cell.kind && "number" in other && other.number === cell.number) ===
        index,
  );
}

/** An index or offset, beside which the other operand of an addition is the pointer. */
const LARGEST_OFFSET = 1n << 24n;
const SUMS = /^(add|sub|add\.uw|sh[123]add(\.uw)?)$/;
/** What gives one of its operands, or may leave it as it is. */
const CHOICES = /^((min|max)u?|and|or)$|^czero\.|^f(min|max|sgnj[nx]?)\.|^amo(min|max|and|or)/;

/**
 * The operand that a value plainly is, of an instruction with several: the one that a choice gave, the one that nothing was added
 * to, or the pointer of a sum with a small number.
 */
export function plainOperand(
  mnemonic: string,
  values: readonly (bigint | undefined)[],
  result: bigint,
): number | undefined {
  if (values.length <= 1) return values.length === 1 ? 0 : undefined;
  const equal = values.flatMap((value, index) => (value === result ? [index] : []));
  const others = (index: number) => values.filter((_, other) => other !== index);
  if (equal.length === 1 && (CHOICES.test(mnemonic) || others(equal[0]).every((value) => value === 0n)))
    return equal[0];
  if (!SUMS.test(mnemonic)) return undefined;
  const pointers = values.flatMap((value, index) => (value !== undefined && !isSmall(value) ? [index] : []));
  return pointers.length === 1 ? pointers[0] : undefined;
}

function isSmall(bits: bigint): boolean {
  const value = BigInt.asIntN(64, bits);
  return value > -LARGEST_OFFSET && value < LARGEST_OFFSET;
}
