import assert from "node:assert/strict";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";
import type { Instant, PhysicalAddress, VirtualAddress } from "../../src/base/brand.ts";
import type { CompilerSetup, RegionCompiler } from "../../src/cpu/region-compiler.ts";
import {
  type CacheGroupChoice,
  DEFAULT_CONFIGURATION,
  type EngineChoice,
  type MachineConfiguration,
} from "../../src/machine/configuration.ts";
import type { DiskImage } from "../../src/machine/disks.ts";
import type { Inlet, MachineEvent } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Residency } from "../../src/machine/residency.ts";
import { type MachineStop, NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";

export function program(source: string): Program {
  const assembly = assemble(source, { file: "guest.s" });
  assert.deepEqual(assembly.errors, []);
  assert.ok(assembly.program !== undefined);
  return assembly.program;
}

export function symbol(of: Program, name: string): VirtualAddress {
  const found = of.symbols.find((candidate) => candidate.name === name);
  assert.ok(found !== undefined, `no symbol ${name}`);
  return found.address;
}

/** Where an address is in a machine that does not translate it. */
export function physical(address: VirtualAddress): PhysicalAddress {
  return Number(address) as PhysicalAddress;
}

/** Delivers a fixed list of events, wherever the machine is sent: an inlet that replays. */
export class ScriptedInlet implements Inlet {
  readonly #events: readonly MachineEvent[];
  #next = 0;

  constructor(events: readonly MachineEvent[]) {
    this.#events = events;
  }

  take(instant: Instant): MachineEvent | undefined {
    const event = this.#events[this.#next];
    if (event?.instant !== instant) return undefined;
    this.#next++;
    return event;
  }

  horizon(instant: Instant): number {
    return this.#events.find((event) => event.instant > instant)?.instant ?? Number.POSITIVE_INFINITY;
  }

  /** The machine was restored to an instant whose events it has had. */
  rewind(instant: Instant): void {
    this.#next = this.#events.filter((event) => event.instant <= instant).length;
  }
}

export const SMALL: MachineConfiguration = { ...DEFAULT_CONFIGURATION, memoryBytes: 1024 * 1024 };

/** A machine with a guest loaded, whose console is collected. */
export class Guest {
  readonly machine: Machine;
  readonly program: Program;
  output = "";
  outputInstants: number[] = [];

  constructor(
    source: string | Program,
    engine: EngineChoice = "auto",
    configuration: Partial<MachineConfiguration> = {},
    disks: readonly DiskImage[] = [],
    cacheGroup: CacheGroupChoice = "on",
    compiler?: (setup: CompilerSetup) => RegionCompiler,
    residency?: Residency,
  ) {
    this.program = typeof source === "string" ? program(source) : source;
    this.machine = new Machine({ ...SMALL, ...configuration }, engine, disks, cacheGroup, compiler, residency);
    this.machine.outlet = {
      consoleOutput: (instant, byte) => {
        this.output += String.fromCharCode(byte);
        this.outputInstants.push(instant);
      },
    };
    this.machine.load(this.program);
  }

  at(name: string): VirtualAddress {
    return symbol(this.program, name);
  }

  stops(stops: Partial<StopConditions>): void {
    this.machine.setStops({ ...NO_STOPS, ...stops });
  }

  /** Runs until `until`, or a stop. */
  run(until = Number.MAX_SAFE_INTEGER, departing = true): MachineStop {
    return this.machine.run(until as Instant, { departing });
  }

  step(steps = 1): MachineStop {
    return this.run(this.machine.instant + steps);
  }

  register(index: number): bigint {
    return this.machine.harts[0].register(index);
  }

  word(address: VirtualAddress): bigint {
    const bytes = this.machine.peek(address, 8).map((byte) => byte ?? 0);
    return new DataView(Uint8Array.from(bytes).buffer).getBigUint64(0, true);
  }
}

/** Works for a while: sums, stores over several pages, calls, prints a line now and then, ends with exit code 7. */
export const WORKER = `
  .equ UART, 0x10000000
_start:
  la   sp, stack_top
  li   s0, 400            # rounds
  la   s1, table
  li   s2, 1
round:
  li   t0, 64
1:
  slli t1, s2, 13
  xor  s2, s2, t1
  srli t1, s2, 7
  xor  s2, s2, t1
  slli t1, s2, 17
  xor  s2, s2, t1
  andi t2, s2, 0x3f8
  slli t3, t0, 9
  add  t2, t2, t3
  add  t2, t2, s1
  ld   t4, 0(t2)
  add  t4, t4, s2
  sd   t4, 0(t2)
  amoadd.w t5, t0, (s1)
  addi t0, t0, -1
  bnez t0, 1b
  andi t0, s0, 63
  bnez t0, 2f
  la   a0, message
  call print
2:
  addi s0, s0, -1
  bnez s0, round
  li   t0, 0x100000
  li   t1, (7 << 16) | 0x3333
  sw   t1, 0(t0)
3:
  j    3b
print:
  addi sp, sp, -16
  sd   ra, 8(sp)
  sd   s0, 0(sp)
  mv   s0, a0
1:
  lbu  a0, 0(s0)
  beqz a0, 2f
  call put
  addi s0, s0, 1
  j    1b
2:
  ld   s0, 0(sp)
  ld   ra, 8(sp)
  addi sp, sp, 16
  ret
put:
  li   t0, UART
  sb   a0, 0(t0)
  ret
  .data
message:
  .asciz "tick\\n"
  .bss
  .balign 4096
table:
  .space 65536
stack:
  .space 1024
stack_top:
`;

/** Counts timer interrupts at wfi, and echoes what arrives on the console, until it has seen a "q". */
export const INTERRUPTS = `
  .equ UART, 0x10000000
  .equ PLIC, 0x0c000000
  .equ MTIMECMP, 0x02004000
  .equ MTIME, 0x0200bff8
_start:
  la   t0, handler
  csrw mtvec, t0
  li   t0, UART
  li   t1, 1
  sb   t1, 1(t0)
  li   t0, PLIC
  sw   t1, 40(t0)
  li   t0, PLIC + 0x2000
  li   t1, 1 << 10
  sw   t1, 0(t0)
  call arm
  li   t0, (1 << 7) | (1 << 11)
  csrw mie, t0
  csrsi mstatus, 8
sleep:
  wfi
  j    sleep
arm:
  li   t0, MTIME
  ld   t1, 0(t0)
  addi t1, t1, 500
  li   t0, MTIMECMP
  sd   t1, 0(t0)
  ret
  .balign 4
handler:
  csrr t0, mcause
  andi t0, t0, 15
  li   t1, 7
  bne  t0, t1, external
  la   t0, ticks
  ld   t1, 0(t0)
  addi t1, t1, 1
  sd   t1, 0(t0)
  mv   s1, ra
  call arm
  mv   ra, s1
  mret
external:
  li   t2, PLIC + 0x200004
  lw   t3, 0(t2)
  li   t0, UART
  lbu  t1, 0(t0)
  sb   t1, 0(t0)
  li   t4, 'q'
  beq  t1, t4, quit
  sw   t3, 0(t2)
  mret
quit:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
  j    quit
  .data
  .balign 8
ticks:
  .dword 0
`;

/** Another number in s1 (by t6): Marsaglia's xorshift of 64 bits. */
export const XORSHIFT = `\
  slli t6, s1, 13
  xor  s1, s1, t6
  srli t6, s1, 7
  xor  s1, s1, t6
  slli t6, s1, 17
  xor  s1, s1, t6`;
