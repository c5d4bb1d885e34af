import assert from "node:assert/strict";
import { physicalAddress, type VirtualAddress, virtualAddress } from "../../src/base/brand.ts";
import type { Prng } from "../../src/base/prng.ts";
import { DEFAULT_CONFIGURATION, type EngineChoice, FULL_ISA } from "../../src/machine/configuration.ts";
import type { Edit, MachineEvent } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import { CLINT_BASE, PLIC_BASE, RAM_BASE, UART0_BASE } from "../../src/machine/memory-map.ts";
import type { MachineStop } from "../../src/machine/stop.ts";

const MEMORY_BYTES = 256 * 1024;
export const CODE = RAM_BASE + 0x1000;

/** A machine whose state a test sets by edits, as a user would. */
export class EditedMachine {
  readonly machine: Machine;
  output = "";
  #events: MachineEvent[] = [];

  constructor(engine: EngineChoice) {
    this.machine = new Machine({ ...DEFAULT_CONFIGURATION, isa: FULL_ISA, memoryBytes: MEMORY_BYTES }, engine);
    this.machine.inlet = { take: () => this.#events.shift(), horizon: () => Number.POSITIVE_INFINITY };
    this.machine.outlet = {
      consoleOutput: (_instant, byte) => {
        this.output += String.fromCharCode(byte);
      },
    };
  }

  edit(edits: readonly Edit[]): void {
    const { instant } = this.machine;
    this.#events = edits.map((edit) => ({ kind: "edit", instant, edit }));
    this.run(0);
  }

  run(steps: number): MachineStop {
    return this.machine.run((this.machine.instant + steps) as never, { departing: true });
  }
}

/** The oracle and a fast engine, given the same edits and steps, compared after each. */
export class TwoEngines {
  readonly oracle = new EditedMachine("oracle");
  readonly other: EditedMachine;
  readonly #name: EngineChoice;

  constructor(engine: EngineChoice) {
    this.#name = engine;
    this.other = new EditedMachine(engine);
  }

  /** Runs up to `steps` steps from the edited state; fails with `what` where the engines differ. */
  check(edits: readonly Edit[], steps: number, what: () => string): MachineStop {
    const stops = [this.oracle, this.other].map((engine) => {
      engine.edit(edits);
      return engine.run(steps);
    });
    assert.deepEqual(stops[1], stops[0], what());
    const [oracle, other] = [this.oracle.machine, this.other.machine];
    assert.equal(other.instant, oracle.instant, what());
    if (other.digest() !== oracle.digest()) assert.fail(`${what()}: ${difference(oracle, other, this.#name)}`);
    assert.equal(this.other.output, this.oracle.output, what());
    return stops[0];
  }
}

function difference(oracle: Machine, other: Machine, name: EngineChoice): string {
  const differences: string[] = [];
  const [a, b] = [oracle.harts[0], other.harts[0]];
  if (a.pc !== b.pc) differences.push(`pc oracle ${a.pc.toString(16)} ${name} ${b.pc.toString(16)}`);
  for (let index = 0; index < 32; index++) {
    const [x, y] = [a.register(index), b.register(index)];
    if (x !== y) differences.push(`x${index} oracle ${x.toString(16)} ${name} ${y.toString(16)}`);
    const [f, g] = [a.floatRegister(index), b.floatRegister(index)];
    if (f !== g) differences.push(`f${index} oracle ${f.toString(16)} ${name} ${g.toString(16)}`);
  }
  const [left, right] = [oracle, other].map((machine) => machine.peek(address(RAM_BASE), MEMORY_BYTES));
  const at = left.findIndex((byte, index) => byte !== right[index]);
  if (at >= 0) differences.push(`memory at ${(RAM_BASE + at).toString(16)}: oracle ${left[at]} ${name} ${right[at]}`);
  return differences.join("; ") || "registers and memory are equal: CSRs, devices or counters differ";
}

export function address(value: number): VirtualAddress {
  return virtualAddress(BigInt(value));
}

export function placeWords(at: number, words: readonly { word: number; length: number }[]): Edit {
  const bytes = words.flatMap(({ word, length }) => Array.from({ length }, (_, byte) => (word >>> (8 * byte)) & 0xff));
  return { target: "memory", address: physicalAddress(at), bytes: Uint8Array.from(bytes) };
}

const INTERESTING = [
  0n,
  1n,
  2n,
  -1n,
  -2n,
  1n << 31n,
  -(1n << 31n),
  (1n << 31n) - 1n,
  1n << 63n,
  (1n << 63n) - 1n,
  0xffff_ffffn,
];

/** A register value: corner cases of arithmetic, addresses of memory and devices, and anything. */
export function registerValue(prng: Prng): bigint {
  switch (prng.below(6)) {
    case 0:
      return BigInt.asUintN(64, prng.pick(INTERESTING));
    case 1:
      return BigInt(RAM_BASE + 0x2000 + prng.below(0x1_0000) * 8);
    case 2:
      return BigInt(RAM_BASE + prng.below(MEMORY_BYTES));
    case 3:
      // Page edges and the ends of memory, where accesses straddle.
      return BigInt(RAM_BASE + prng.below(MEMORY_BYTES / 4096 + 1) * 4096 - 4 + prng.below(8));
    case 4:
      return BigInt(
        prng.pick([UART0_BASE, CLINT_BASE, CLINT_BASE + 0x4000, CLINT_BASE + 0xbff8, PLIC_BASE]) + prng.below(16),
      );
    default:
      return prng.next64() >> BigInt(prng.below(64));
  }
}

export function randomRegisters(prng: Prng): Edit[] {
  return Array.from({ length: 31 }, (_, index) => ({
    target: "register",
    hart: 0,
    register: index + 1,
    value: registerValue(prng),
  }));
}
