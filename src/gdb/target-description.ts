import { csrByNumber } from "../isa/csrs.ts";
import { abiName, floatAbiName } from "../isa/registers.ts";
import { FIRST_CSR, FIRST_FLOAT, FLOATS, INSTANT, INTEGERS, PC, PRIVILEGE } from "./registers.ts";

/** What a machine's harts have. */
export interface RegisterSet {
  readonly floats: boolean;
  /** Numbers of the CSRs. */
  readonly csrs: readonly number[];
}

/** Registers that hold addresses, so that the client shows them with symbols. */
const POINTERS: Readonly<Record<string, string>> = {
  ra: "code_ptr",
  sp: "data_ptr",
  gp: "data_ptr",
  tp: "data_ptr",
  fp: "data_ptr",
};

/** CSRs whose lowest bits, where they mean something else, are zero most of the time. */
const CODE_POINTERS: ReadonlySet<string> = new Set(["mepc", "sepc", "mtvec", "stvec"]);

/** GDB looks for these in its floating-point feature. */
const FLOAT_CSRS: ReadonlySet<number> = new Set([0x001, 0x002, 0x003]);

/**
 * The harts' registers for `qXfer:features:read` (GDB manual, appendix G "Target Descriptions", G.5.12 "RISC-V
 * Features"), from the tables of src/isa. CSRs with fields become flags, so that `info registers mstatus` names them.
 */
export function targetDescription({ floats, csrs }: RegisterSet): string {
  const floatCsrs = csrs.filter((number) => FLOAT_CSRS.has(number));
  const features = [
    feature("org.gnu.gdb.riscv.cpu", integerRegisters()),
    ...(floats
      ? [feature("org.gnu.gdb.riscv.fpu", [FLOAT_TYPE, ...floatRegisters(), ...floatCsrs.map(smallCsr)])]
      : []),
    feature("org.gnu.gdb.riscv.csr", csrs.filter((number) => !floats || !FLOAT_CSRS.has(number)).flatMap(csrRegister)),
    feature("org.gnu.gdb.riscv.virtual", [
      register({ name: "priv", number: PRIVILEGE, type: "int", group: "general" }),
    ]),
    feature("org.hindcast.time", [register({ name: "instant", number: INSTANT, type: "uint64", group: "general" })]),
  ];
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    "<target>",
    "<architecture>riscv:rv64</architecture>",
    ...features,
    "</target>",
    "",
  ].join("\n");
}

function feature(name: string, parts: readonly string[]): string {
  return [`<feature name="${name}">`, ...parts, "</feature>"].join("\n");
}

interface Description {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly bits?: number;
  readonly group?: string;
}

/** What is not of the calling convention is not saved around a call of the client's: writing it back would be an edit. */
function register({ name, number, type, bits = 64, group }: Description): string {
  const options = group === undefined ? "" : ` group="${group}"`;
  const kept = number < FIRST_CSR ? "" : ' save-restore="no"';
  return `<reg name="${name}" bitsize="${bits}" regnum="${number}" type="${type}"${options}${kept}/>`;
}

function integerRegisters(): string[] {
  const integers = Array.from({ length: INTEGERS }, (_, number) => {
    // GDB's own name of x8.
    const name = number === 8 ? "fp" : abiName(number);
    return register({ name, number, type: POINTERS[name] ?? "int" });
  });
  return [...integers, register({ name: "pc", number: PC, type: "code_ptr" })];
}

const FLOAT_TYPE =
  '<union id="riscv_double"><field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>';

function floatRegisters(): string[] {
  return Array.from({ length: FLOATS }, (_, index) =>
    register({ name: floatAbiName(index), number: FIRST_FLOAT + index, type: "riscv_double" }),
  );
}

function smallCsr(number: number): string {
  return register({ name: csrByNumber(number)?.name ?? "", number: FIRST_CSR + number, type: "int", group: "float" });
}

function csrRegister(number: number): string[] {
  const csr = csrByNumber(number);
  if (csr === undefined) return [];
  const described = { name: csr.name, number: FIRST_CSR + number, group: "csr" };
  if (CODE_POINTERS.has(csr.name)) return [register({ ...described, type: "code_ptr" })];
  if (csr.fields.length < 2) return [register({ ...described, type: "uint64" })];
  const id = `${csr.name}_fields`;
  const fields = [...csr.fields]
    .sort((a, b) => a.low - b.low)
    .map(({ name, high, low }) => `<field name="${name}" start="${low}" end="${high}"/>`);
  return [`<flags id="${id}" size="8">${fields.join("")}</flags>`, register({ ...described, type: id })];
}
