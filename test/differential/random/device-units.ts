import { ZERO } from "./program-writer.ts";
import type { CaseWriter } from "./writer.ts";

// Units of a program that talk to devices: accesses of every size, what registers keep, what reading them does.

const LOADS: readonly (readonly [mnemonic: string, bytes: number])[] = [
  ...([
    ["lb", 1],
    ["lbu", 1],
    ["lh", 2],
    ["lhu", 2],
    ["lw", 4],
    ["lwu", 4],
    ["ld", 8],
  ] as const),
];
const STORES: readonly (readonly [mnemonic: string, bytes: number])[] = [
  ...([
    ["sb", 1],
    ["sh", 2],
    ["sw", 4],
    ["sd", 8],
  ] as const),
];

const MSTATUS = 0x300;
const MSTATUS_MIE = 8;
const MIP = 0x344;

/** Holds a register with a device's address, and one with a random value, while accesses are made. Interrupts are off. */
function withDevice(writer: CaseWriter, address: number, use: (base: number, value: number) => void): void {
  const base = writer.lasting();
  const value = writer.lasting(base);
  writer.emit("csrrci", { rd: ZERO, csr: MSTATUS, uimm: MSTATUS_MIE });
  writer.constant(base, BigInt(address));
  writer.constant(value, writer.value());
  writer.holding([base, value], () => use(base, value));
}

const UART = 0x1000_0000;
const IER = 1;
const IIR_FCR = 2;
const LCR = 3;
const MCR = 4;
const MSR = 6;
const SCR = 7;
const LCR_DIVISOR_LATCH = 0x80;

/** The serial port, byte by byte. Nothing is sent: what the harness prints must stay readable. */
export function uart(writer: CaseWriter): void {
  const { prng } = writer;
  withDevice(writer, UART, (base, value) => {
    const write = (offset: number, byte: number) => {
      writer.emit("addi", { rd: value, rs1: ZERO, imm: byte });
      writer.emit("sb", { rs1: base, rs2: value, imm: offset });
    };
    const read = (offset: number) =>
      writer.emit(prng.pick(["lb", "lbu"]), { rd: writer.free(), rs1: base, imm: offset });
    const reset = () => {
      for (const offset of [LCR, IER, MCR, SCR]) write(offset, 0);
      write(IIR_FCR, 7);
      for (const offset of [IIR_FCR, MSR]) writer.emit("lbu", { rd: ZERO, rs1: base, imm: offset });
    };
    reset();
    let latch = false;
    for (let accesses = 2 + prng.below(12); accesses > 0; accesses--) {
      if (writer.oneIn(2)) {
        read(prng.below(8));
        continue;
      }
      const offset = prng.below(8);
      // While the divisor latch is open this sets the speed; otherwise it sends.
      if (offset === 0 && !latch) continue;
      const byte = prng.below(256);
      if (offset === LCR) latch = (byte & LCR_DIVISOR_LATCH) !== 0;
      write(offset, byte);
    }
    reset();
  });
}

const CLINT = 0x200_0000;
const MSIP = 0;
const MTIMECMP = 0x4000;
/** msip and mtimecmp of harts that exist and of some that do not; mtime is left out: it is another on every run. */
const CLINT_OFFSETS = [
  ...[MSIP, MSIP, MSIP, MSIP, MTIMECMP, MTIMECMP, MTIMECMP, MTIMECMP + 4, MTIMECMP + 4],
  ...[MSIP + 4, 0x40, 0x3ffc, MTIMECMP + 8, MTIMECMP + 0x14, 0x8000],
];

export function clint(writer: CaseWriter): void {
  withDevice(writer, CLINT, (base, value) => {
    anyAccesses(writer, base, value, CLINT, CLINT_OFFSETS);
    // As the harness had it: no interrupt pending.
    writer.constant(base, BigInt(CLINT));
    writer.emit("sw", { rs1: base, rs2: ZERO, imm: MSIP });
    writer.constant(base, BigInt(CLINT + MTIMECMP));
    writer.constant(value, -1n);
    writer.emit("sd", { rs1: base, rs2: value, imm: 0 });
  });
}

const PLIC = 0xc00_0000;
const PLIC_PENDING = 0x1000;
const PLIC_ENABLE = 0x2000;
const PLIC_THRESHOLD = 0x20_0000;
const PLIC_CLAIM = 0x20_0004;
const UART_SOURCE = 10;
const UART_PRIORITY = UART_SOURCE * 4;

/**
 * The interrupt controller, by itself and with the serial port: whose transmitter asks for an interrupt, is claimed and
 * completed, without the hart taking it.
 */
export function plic(writer: CaseWriter): void {
  const { prng } = writer;
  const uart = writer.lasting();
  withDevice(writer, PLIC, (base, value) => {
    const at = (offset: number) => writer.constant(base, BigInt(PLIC + offset));
    const put = (offset: number, word: bigint) => {
      at(offset);
      writer.constant(value, word);
      writer.emit("sw", { rs1: base, rs2: value, imm: 0 });
    };
    const get = (offset: number) => {
      at(offset);
      writer.emit(prng.pick(["lw", "lwu"]), { rd: writer.free(), rs1: base, imm: 0 });
    };
    const setTransmitterInterrupt = (enabled: boolean) => {
      writer.constant(uart, BigInt(UART));
      writer.constant(value, enabled ? 2n : 0n);
      writer.emit("sb", { rs1: uart, rs2: value, imm: IER });
    };
    const offsets = [0, 4, UART_PRIORITY, 95 * 4, 96 * 4, PLIC_PENDING, PLIC_PENDING + 4, PLIC_ENABLE, PLIC_ENABLE + 4];
    writer.holding([uart], () => {
      put(UART_PRIORITY, BigInt(prng.below(8)));
      // Source 0 does not exist, and its bit is zero; QEMU's can be set.
      put(PLIC_ENABLE, BigInt(writer.oneIn(4) ? prng.next32() & ~1 : 1 << UART_SOURCE));
      put(PLIC_THRESHOLD, BigInt(prng.below(8)));
      setTransmitterInterrupt(writer.oneIn(2));
      for (let accesses = prng.below(5); accesses > 0; accesses--) {
        if (writer.oneIn(2)) get(prng.pick([...offsets, PLIC_THRESHOLD]));
        else put(prng.pick([0, 4, UART_PRIORITY, 95 * 4]), BigInt(prng.next32()));
      }
      get(PLIC_PENDING);
      writer.emit("csrrs", { rd: writer.free(), csr: MIP, rs1: ZERO });
      // A claim does not look at the threshold, says the manual; QEMU's does.
      put(PLIC_THRESHOLD, 0n);
      get(PLIC_CLAIM);
      get(PLIC_PENDING);
      writer.emit("csrrs", { rd: writer.free(), csr: MIP, rs1: ZERO });
      setTransmitterInterrupt(false);
      put(PLIC_CLAIM, BigInt(UART_SOURCE));
      get(PLIC_PENDING);
      for (const offset of [0, 4, UART_PRIORITY, 95 * 4, PLIC_ENABLE, PLIC_THRESHOLD]) put(offset, 0n);
    });
  });
}

const FINISHER = 0x10_0000;

/** The test finisher, with values that end nothing. */
export function finisher(writer: CaseWriter): void {
  withDevice(writer, FINISHER, (base, value) => {
    writer.constant(value, writer.prng.pick([0n, 1n, 0x1234n, 0xffff_0000n]));
    anyAccesses(writer, base, value, FINISHER, [0, 4, 8, 0xff8]);
  });
}

function anyAccesses(
  writer: CaseWriter,
  base: number,
  value: number,
  device: number,
  offsets: readonly number[],
): void {
  const { prng } = writer;
  for (let accesses = 1 + prng.below(8); accesses > 0; accesses--) {
    const [mnemonic, bytes] = prng.pick(prng.below(2) === 0 ? LOADS : STORES);
    const offset = prng.pick(offsets) & -bytes;
    writer.constant(base, BigInt(device + offset));
    if (mnemonic.startsWith("l")) writer.emit(mnemonic, { rd: writer.free(), rs1: base, imm: 0 });
    else writer.emit(mnemonic, { rs1: base, rs2: value, imm: 0 });
  }
}
