import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { CSRS, findCsr } from "../../src/isa/csrs.ts";
import { encode, parseEncoding } from "../../src/isa/encoding.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import type { Edit } from "../../src/machine/inlet.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { CODE, placeWords, randomRegisters, TwoEngines } from "./two-engines.ts";

/**
 * What generated code does of system instructions and traps by itself, against the oracle: memory is full of system
 * instructions that run into each other, in all privileges, with traps delegated or not, with translation on or off.
 * HINDCAST_SEED=123 repeats one case.
 */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 1);
const CASES = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 100_000 : 300;

const INSTRUCTIONS = 64;
/** Two pages of code, and a root table that maps RAM where it is, for everybody who may see it, in 1 GiB pages. */
const TABLES = [RAM_BASE + 0x4000, RAM_BASE + 0x5000];
const PTE = { all: 0xcf, user: 0x10 };
const SV39 = 8n << 60n;

const word = (text: string, operands: Readonly<Record<string, number>>): number =>
  encode(parseEncoding(text), operands);

/** What kernels access, more often than the rest. */
const USUAL = [
  ...["sscratch", "sepc", "scause", "stval", "stvec", "sstatus", "sie", "sip", "satp", "mstatus", "mscratch", "mepc"],
  ...["time", "cycle", "instret", "mie", "mip", "medeleg", "mideleg", "mcounteren", "scounteren", "mtvec", "stimecmp"],
  ...["menvcfg", "mcycle", "minstret", "fcsr", "time", "cycle", "instret"],
].map((name) => findCsr(name)!.number);

function randomInstruction(prng: Prng): number {
  const kind = prng.below(20);
  const [ecall, ebreak, mret, sret, fence, fenceI, wfi] = [
    ...[0x0000_0073, 0x0010_0073, 0x3020_0073, 0x1020_0073, 0x1200_0073, 0x0000_100f, 0x1050_0073],
  ];
  if (kind < 11) return csrInstruction(prng);
  if (kind === 11) return ecall;
  if (kind === 12) return [mret, mret, ebreak][prng.below(3)];
  if (kind === 13) return sret;
  if (kind === 14) return [fence, fence, fenceI, wfi][prng.below(4)];
  // A load and a store through whatever is in a register, and a sum.
  if (kind === 15) return word("imm[11:0] rs1 011 rd 0000011", { rd: prng.below(32), rs1: prng.below(32), imm: 0 });
  if (kind === 16) {
    return word("imm[11:5] rs2 rs1 011 imm[4:0] 0100011", { rs1: prng.below(32), rs2: prng.below(32), imm: 0 });
  }
  if (kind === 17) return prng.below(2) === 0 ? 0 : 0xffff_ffff;
  return word("imm[11:0] rs1 000 rd 0010011", { rd: prng.below(32), rs1: prng.below(32), imm: prng.below(8) });
}

function csrInstruction(prng: Prng): number {
  const number = prng.below(4) === 0 ? CSRS[prng.below(CSRS.length)].number : prng.pick(USUAL);
  const source = prng.below(3) === 0 ? 0 : prng.below(32);
  // csrrw, csrrs, csrrc, and the same with an immediate.
  const kind = prng.pick([1, 2, 3, 5, 6, 7]);
  return ((number << 20) | (source << 15) | (kind << 12) | (prng.below(32) << 7) | 0x73) >>> 0;
}

/** Values that mean something to CSRs: addresses of code, bits of status, roots of tables. */
function usefulRegisters(prng: Prng): Edit[] {
  return randomRegisters(prng).map((edit, index) => {
    if (edit.target !== "register") return edit;
    const value = [
      () => BigInt(CODE + 4 * prng.below(INSTRUCTIONS)),
      () => SV39 | (BigInt(TABLES[prng.below(2)]) >> 12n),
      () => 1n << BigInt(prng.below(24)),
      () => BigInt(RAM_BASE + 0x8000 + 8 * prng.below(64)),
      () => prng.next64(),
    ][(index + prng.below(5)) % 5]();
    return { ...edit, value };
  });
}

function tables(): Edit[] {
  return TABLES.map((address, index) => {
    const bytes = new Uint8Array(4096);
    const entry = ((BigInt(RAM_BASE) >> 12n) << 10n) | BigInt(PTE.all | (index === 1 ? PTE.user : 0));
    new DataView(bytes.buffer).setBigUint64((RAM_BASE / 2 ** 30) * 8, entry, true);
    return { target: "memory", address, bytes } as Edit;
  });
}

function check(engines: TwoEngines, seed: number): void {
  const prng = new Prng(seed);
  const words = Array.from({ length: INSTRUCTIONS }, () => ({ word: randomInstruction(prng), length: 4 }));
  const csr = (name: string, value: bigint): Edit => ({ target: "csr", hart: 0, csr: findCsr(name)!.number, value });
  const inCode = () => BigInt(CODE + 4 * prng.below(INSTRUCTIONS));
  const either = (value: bigint) => (prng.below(2) === 0 ? value : prng.next64());
  const state: Edit[] = [
    ...usefulRegisters(prng),
    ...tables(),
    placeWords(CODE, words),
    { target: "pc", hart: 0, value: inCode() },
    ...[csr("mtvec", inCode()), csr("stvec", inCode()), csr("mepc", inCode()), csr("sepc", inCode())],
    ...[csr("medeleg", either(0xffffn)), csr("mideleg", either(0x222n)), csr("mie", either(0n))],
    ...[csr("mstatus", prng.next64() & ~(prng.below(4) === 0 ? 0n : 1n << 17n)), csr("mip", either(0n))],
    ...[csr("mcounteren", either(7n)), csr("scounteren", either(7n)), csr("stimecmp", either(0n))],
    ...[csr("menvcfg", either(1n << 63n)), csr("satp", prng.below(2) === 0 ? 0n : SV39 | (BigInt(TABLES[0]) >> 12n))],
    ...[csr("pmpaddr0", (1n << 54n) - 1n), csr("pmpcfg0", prng.below(8) === 0 ? 0n : 0x1fn)],
  ];
  engines.check(state, 400, () => `HINDCAST_SEED=${seed}`);
  // The same code again, from a state that is partly new: contexts are found again, loops become hot.
  for (let round = 0; round < 3; round++) {
    const again: Edit[] = [{ target: "pc", hart: 0, value: inCode() }, ...usefulRegisters(prng)];
    engines.check(again, 100 + prng.below(300), () => `HINDCAST_SEED=${seed}`);
  }
}

for (const engine of ["interpreter", "translator"] satisfies EngineChoice[]) {
  test(`system instructions and traps do the same in the oracle and in the ${engine}`, () => {
    const engines = new TwoEngines(engine);
    for (let seed = FIRST; seed < FIRST + CASES; seed++) check(engines, seed);
  });
}
