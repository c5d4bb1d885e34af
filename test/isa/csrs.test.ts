import assert from "node:assert/strict";
import { test } from "node:test";
import { causeName, causeOf, EXCEPTION, findCause, INTERRUPT, INTERRUPT_BIT } from "../../src/isa/causes.ts";
import {
  CSRS,
  type CsrExtension,
  csrByNumber,
  csrIsReadOnly,
  csrName,
  csrPrivilege,
  csrWriteMask,
  decodeCsr,
  fieldMask,
  findCsr,
} from "../../src/isa/csrs.ts";
import { abiName, findRegister, REGISTERS } from "../../src/isa/registers.ts";

const MACHINE_ONLY: ReadonlySet<CsrExtension> = new Set(["Machine", "Zicntr"]);
const ALL_MODES: ReadonlySet<CsrExtension> = new Set(["Machine", "Zicntr", "User", "Supervisor"]);

test("registers answer to number, ABI name and alias", () => {
  assert.deepEqual(
    REGISTERS.map((register) => register.number),
    Array.from({ length: 32 }, (_, i) => i),
  );
  for (const register of REGISTERS) {
    assert.equal(findRegister(register.name), register);
    assert.equal(findRegister(register.abiName), register);
  }
  assert.equal(findRegister("fp"), REGISTERS[8]);
  assert.equal(findRegister("x32"), undefined);
  const names = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6";
  assert.equal(REGISTERS.map((_, i) => abiName(i)).join(" "), names);
});

test("CSR fields lie within 64 bits and do not overlap", () => {
  for (const csr of CSRS) {
    assert.ok(csr.number >= 0 && csr.number < 0x1000, csr.name);
    let seen = 0n;
    for (const field of csr.fields) {
      assert.ok(field.high >= field.low && field.high < 64, `${csr.name}.${field.name}`);
      assert.equal(seen & fieldMask(field), 0n, `${csr.name}.${field.name} overlaps another field`);
      seen |= fieldMask(field);
      if (csrIsReadOnly(csr.number)) assert.equal(field.access, "read-only", `${csr.name}.${field.name}`);
    }
    assert.equal(csrByNumber(csr.number), csr);
    assert.equal(findCsr(csr.name), csr);
  }
});

test("a CSR's number says who may access it", () => {
  const privileges = { cycle: "user", fcsr: "user", satp: "supervisor", mstatus: "machine", mhartid: "machine" };
  for (const [name, privilege] of Object.entries(privileges)) {
    assert.equal(csrPrivilege(findCsr(name)!.number), privilege, name);
  }
  assert.ok(csrIsReadOnly(findCsr("mhartid")!.number));
  assert.ok(csrIsReadOnly(findCsr("time")!.number));
  assert.ok(!csrIsReadOnly(findCsr("mstatus")!.number));
});

test("write masks follow from the fields and the extensions", () => {
  const mask = (name: string, extensions = MACHINE_ONLY) => csrWriteMask(findCsr(name)!, extensions);
  assert.equal(mask("mstatus"), 0x88n);
  assert.equal(mask("mstatus", ALL_MODES), 0x7e_19aan);
  assert.equal(mask("mie"), 0x888n);
  assert.equal(mask("mie", ALL_MODES), 0xaaan);
  assert.equal(mask("mip"), 0n);
  assert.equal(mask("mip", ALL_MODES), 0x222n);
  assert.equal(mask("mepc"), 0xffff_ffff_ffff_fffen);
  assert.equal(mask("mscratch"), 0xffff_ffff_ffff_ffffn);
  assert.equal(mask("misa"), 0n);
  assert.equal(mask("mhpmcounter3"), 0n);
  assert.equal(mask("time"), 0n);
});

test("reset values and legal values", () => {
  assert.equal(findCsr("mtvec")!.reset, 0n);
  const { legalize } = findCsr("mtvec")!;
  assert.equal(legalize!(0x8000_0001n, 0n), 0x8000_0001n);
  assert.equal(legalize!(0x8000_0002n, 0x1000n), 0x1000n);
});

test("names and numbers of the families", () => {
  assert.equal(findCsr("mhpmcounter31")!.number, 0xb1f);
  assert.equal(findCsr("mhpmevent3")!.number, 0x323);
  assert.equal(findCsr("hpmcounter3")!.number, 0xc03);
  assert.equal(findCsr("pmpcfg14")!.number, 0x3ae);
  assert.equal(findCsr("pmpcfg15")!.number, 0x3af);
  assert.equal(findCsr("pmpcfg15")!.extension, "RV32");
  assert.equal(findCsr("pmpaddr63")!.number, 0x3ef);
  assert.equal(csrName(0x300), "mstatus");
  assert.equal(csrName(0x7c0), "0x7c0");
});

test("CSR values, field by field", () => {
  const meanings = decodeCsr(findCsr("mstatus")!, 0x1880n)
    .filter((field) => field.value !== 0n)
    .map((field) => `${field.name}=${field.meaning}`);
  assert.deepEqual(meanings, ["MPP=M", "MPIE=enabled"]);
  const code = (mcause: bigint) =>
    decodeCsr(findCsr("mcause")!, mcause).find((field) => field.name === "Code")?.meaning;
  assert.equal(code(5n), "Load access fault");
  assert.equal(code(INTERRUPT_BIT | 7n), "Machine timer interrupt");
  assert.deepEqual(decodeCsr(findCsr("mscratch")!, 5n), []);
});

test("trap causes by value and by name", () => {
  assert.equal(causeOf(2n)?.id, "illegal-instruction");
  assert.equal(causeOf(BigInt(EXCEPTION.storeAccessFault))?.name, "Store/AMO access fault");
  assert.equal(causeOf(INTERRUPT_BIT | BigInt(INTERRUPT.machineTimer))?.id, "machine-timer-interrupt");
  assert.equal(causeOf(10n), undefined);
  assert.equal(causeName(10n), "Reserved exception 10");
  assert.equal(causeName(INTERRUPT_BIT | 2n), "Reserved interrupt 2");
  assert.equal(findCause("store-access-fault")?.code, 7);
  assert.equal(findCause("environment-call-from-m-mode")?.code, 11);
});
