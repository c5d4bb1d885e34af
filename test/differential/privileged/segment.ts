import type { Prng } from "../../../src/base/prng.ts";
import type { AddressSpace } from "./address-space.ts";
import * as plan from "./memory-plan.ts";
import { type Protection, randomProtection } from "./protection.ts";

/** Privilege modes by their numbers. */
export const USER = 0;
export const SUPERVISOR = 1;
export const MACHINE = 3;
export type Mode = typeof USER | typeof SUPERVISOR | typeof MACHINE;

export const MSTATUS = {
  SIE: 1n << 1n,
  MIE: 1n << 3n,
  SPIE: 1n << 5n,
  MPIE: 1n << 7n,
  SPP: 1n << 8n,
  MPP: 3n << 11n,
  FS: 3n << 13n,
  MPRV: 1n << 17n,
  SUM: 1n << 18n,
  MXR: 1n << 19n,
  TVM: 1n << 20n,
  TW: 1n << 21n,
  TSR: 1n << 22n,
} as const;
const MPP_SHIFT = 11n;

export const SSIP = 1n << 1n;
const INTERRUPTS = 0xaaan;
export const SUPERVISOR_INTERRUPTS = 0x222n;
/** What can be delegated, and the one pair that QEMU 7.2 confuses for atomic operations: access faults. */
const DELEGABLE = 0xb3ffn;
const LOAD_ACCESS_FAULT = 1n << 5n;
const STORE_ACCESS_FAULT = 1n << 7n;

export const MENVCFG_STCE = 1n << 63n;
export const MENVCFG_PBMTE = 1n << 62n;
/** A and D bits are updated by hardware: QEMU 7.2 knows nothing else. */
export const MENVCFG_ADUE = 1n << 61n;
const MENVCFG_FIOM = 1n;
export const NEVER = (1n << 64n) - 1n;

/** Exceptions that supervisor mode's handlers can ask for service by: illegal instruction, ebreak, ecall. */
export const SERVICES = [9, 3, 2] as const;
export type Service = (typeof SERVICES)[number];

/** What holds when a segment of a case begins: the harness writes it all. */
export interface Segment {
  readonly mode: Mode;
  readonly mtvecMode: bigint;
  readonly msip: bigint;
  readonly mtimecmp: bigint;
  /** Contexts of the PLIC that see an interrupt: bit 0 machine mode, bit 1 supervisor mode. */
  readonly external: bigint;
  readonly mstatus: bigint;
  readonly menvcfg: bigint;
  readonly senvcfg: bigint;
  readonly stimecmp: bigint;
  readonly stvec: bigint;
  readonly medeleg: bigint;
  readonly mideleg: bigint;
  readonly mie: bigint;
  readonly mip: bigint;
  readonly mcounteren: bigint;
  readonly scounteren: bigint;
  readonly sscratch: bigint;
  readonly satp: bigint;
  readonly protection: Protection;
  /** Whether addresses are translated from beginning to end; then they may be misaligned wherever they lead. */
  readonly translated: boolean;
}

export function randomSegment(
  prng: Prng,
  service: Service,
  spaces: readonly AddressSpace[],
  slot: number,
  tables: readonly number[],
  hasPbmt: boolean,
): Segment {
  const oneIn = (count: number) => prng.below(count) === 0;
  const some = (mask: bigint) => prng.next64() & mask;
  const mode = prng.pick([MACHINE, SUPERVISOR, SUPERVISOR, USER, USER] as const);
  let mstatus = BigInt(mode) << MPP_SHIFT;
  mstatus |= some(MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.MPIE | MSTATUS.SPP | MSTATUS.SUM | MSTATUS.MXR | MSTATUS.FS);
  // Traps of virtualisation would make most of a segment alike.
  for (const bit of [MSTATUS.TVM, MSTATUS.TW, MSTATUS.TSR]) if (oneIn(5)) mstatus |= bit;
  const translated = !oneIn(6);
  return {
    mode,
    mtvecMode: BigInt(prng.below(2)),
    msip: oneIn(6) ? 1n : 0n,
    mtimecmp: oneIn(6) ? 0n : NEVER,
    external: oneIn(5) ? BigInt(1 + prng.below(3)) : 0n,
    mstatus,
    menvcfg: MENVCFG_ADUE | some(MENVCFG_FIOM) | (oneIn(2) ? MENVCFG_STCE : 0n) | (hasPbmt ? MENVCFG_PBMTE : 0n),
    senvcfg: some(MENVCFG_FIOM),
    stimecmp: oneIn(5) ? 0n : NEVER,
    stvec: supervisorVectors(service) | BigInt(prng.below(2)),
    medeleg: oneIn(4) ? 0n : delegation(prng, service),
    mideleg: oneIn(4) ? 0n : some(SUPERVISOR_INTERRUPTS),
    mie: oneIn(2) ? 0n : some(INTERRUPTS),
    mip: oneIn(2) ? 0n : some(SUPERVISOR_INTERRUPTS),
    mcounteren: some(7n),
    scounteren: some(7n),
    sscratch: prng.next64(),
    satp: translated ? prng.pick(spaces).satp : 0n,
    protection: randomProtection(prng, slot, tables),
    translated,
  };
}

/** A random medeleg that lets supervisor mode's requests through. */
export function delegation(prng: Prng, service: Service): bigint {
  let value = prng.next64() & DELEGABLE & ~(1n << BigInt(service)) & ~STORE_ACCESS_FAULT;
  if ((value & LOAD_ACCESS_FAULT) !== 0n) value |= STORE_ACCESS_FAULT;
  return value;
}

function supervisorVectors(service: Service): bigint {
  return BigInt(plan.HANDLERS + SERVICES.indexOf(service) * plan.HANDLER_SET_BYTES);
}

/** The segment's words in harness.S's order, up to `entry` and the offset of its end. */
export function segmentWords(segment: Segment, entry: bigint, endOffset: number): bigint[] {
  return [
    ...[entry, BigInt(endOffset), segment.mtvecMode, segment.msip, segment.mtimecmp, segment.mstatus, segment.external],
    ...[segment.menvcfg, segment.senvcfg, segment.stimecmp, segment.stvec, segment.medeleg, segment.mideleg],
    ...[segment.mie, segment.mip, segment.mcounteren, segment.scounteren, segment.sscratch, segment.satp],
    ...segment.protection.addresses,
    ...segment.protection.configuration,
  ];
}

export function describeSegment(segment: Segment, entry: bigint): string {
  const shown = Object.entries(segment)
    .filter(([, value]) => typeof value === "bigint")
    .map(([name, value]) => `${name} ${(value as bigint).toString(16)}`);
  const { addresses, configuration } = segment.protection;
  const cover = addresses.map((address, index) => {
    const byte = (configuration[index >> 3] >> BigInt((index & 7) * 8)) & 0xffn;
    return byte === 0n ? "" : ` ${index}:${byte.toString(16)}@${(address << 2n).toString(16)}`;
  });
  return `segment from ${entry.toString(16)}, mode ${segment.mode}: ${shown.join(", ")}, pmp${cover.join("")}`;
}
