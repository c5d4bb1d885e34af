import assert from "node:assert/strict";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Instant, PhysicalAddress } from "../../src/base/brand.ts";
import { planBoot } from "../../src/boot/boot-plan.ts";
import { describeHart } from "../../src/boot/hart-description.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { MachineStop } from "../../src/machine/stop.ts";
import { ScriptedInlet } from "../machine/guests.ts";
import { configuration } from "./support.ts";

const KERNEL_BASE = 0x8020_0000;
const RESULTS_PER_HART = 32;
/** Far more than any of these guests needs. */
const MOST_STEPS = 5_000_000;

/**
 * What comes before a guest in supervisor mode. `sbi extension, function` calls the firmware and notes what it answers;
 * `note register` notes a register and a zero. Hart 0 begins at `guest`.
 */
const PRELUDE = `
    .equ BASE, 0x10
    .equ TIME, 0x54494d45
    .equ IPI, 0x735049
    .equ RFENCE, 0x52464e43
    .equ HSM, 0x48534d
    .equ SRST, 0x53525354
    .equ DBCN, 0x4442434e
    .equ PMU, 0x504d55
    .macro note first, second=zero
    sd \\first, 0(s11)
    sd \\second, 8(s11)
    addi s11, s11, 16
    .endm
    .macro sbi extension, function
    li a7, \\extension
    li a6, \\function
    ecall
    note a0, a1
    .endm
    .macro results_of hart
    la s11, results
    slli t0, \\hart, 9
    add s11, s11, t0
    .endm
    .macro shut_down
    li a0, 0
    li a1, 0
    sbi SRST, 0
    .endm
    .globl _start
_start:
    results_of a0
    la t0, trap
    csrw stvec, t0
    j guest
    # Notes why, and goes on behind the instruction, or clears the interrupt.
    .balign 4
trap:
    csrr t0, scause
    csrr t1, stval
    note t0, t1
    bltz t0, 1f
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
1:
    csrw sie, zero
    csrci sip, 2
    sret
    .data
    .balign 8
results:
    .rept ${RESULTS_PER_HART} * 2 * 2
    .dword 0x5555555555555555
    .endr
buffer: .ascii "console"
    .text
`;

export interface Outcome {
  readonly stop: MachineStop;
  readonly console: string;
  /** What each hart noted: [a0, a1] of every call, [scause, stval] of every trap. */
  readonly notes: (hart: number) => bigint[][];
  readonly machine: Machine;
}

/** Runs a guest in supervisor mode under the built-in firmware. */
export function runUnderFirmware(
  source: string,
  { harts = 1, engine = "auto", input = [] }: { harts?: number; engine?: EngineChoice; input?: MachineEvent[] } = {},
): Outcome {
  const { program, errors } = assemble(PRELUDE + source, { file: "guest.s", textAddress: BigInt(KERNEL_BASE) });
  assert.deepEqual(errors, []);
  const chosen = configuration({ harts });
  const kernel = { name: "guest", program: program! };
  const { image } = planBoot({ configuration: chosen, hart: describeHart(chosen), kernel, firmware: "sbi" });
  const machine = new Machine(chosen, engine);
  machine.load(image);
  let console = "";
  machine.outlet = {
    ...machine.outlet,
    consoleOutput: (_instant, byte) => {
      console += String.fromCharCode(byte);
    },
  };
  machine.inlet = new ScriptedInlet(input);
  const stop = machine.run(MOST_STEPS as Instant, { departing: false });
  const results = Number(program!.symbols.find(({ name }) => name === "results")!.address);
  const notes = (hart: number) => {
    const sizeBytes = RESULTS_PER_HART * 16;
    const bytes = machine.peekPhysical((results + hart * sizeBytes) as PhysicalAddress, sizeBytes);
    const view = new DataView(Uint8Array.from(bytes as number[]).buffer);
    const pairs = Array.from({ length: RESULTS_PER_HART }, (_, index) => [
      view.getBigUint64(index * 16, true),
      view.getBigUint64(index * 16 + 8, true),
    ]);
    return pairs.slice(
      0,
      pairs.findIndex(([first]) => first === 0x5555_5555_5555_5555n),
    );
  };
  return { stop, console, notes, machine };
}
