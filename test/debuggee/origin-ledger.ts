import assert from "node:assert/strict";
import type { Program } from "../../src/assembler/program.ts";
import type { Instant, PhysicalAddress, VirtualAddress } from "../../src/base/brand.ts";
import { codeWord } from "../../src/debuggee/code.ts";
import { effectsOf } from "../../src/isa/effects.ts";
import type { Decoded } from "../../src/isa/instruction.ts";
import type { MachineConfiguration } from "../../src/machine/configuration.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import type { Machine } from "../../src/machine/machine.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import type { WatchHit } from "../../src/machine/stop.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { Guest, ScriptedInlet } from "../machine/guests.ts";

const EXCEPTIONS = Array.from({ length: 16 }, (_, cause) => cause);

/** Who wrote: a step, by the instant before it, or the user on arrival at an instant. */
export interface Entry {
  readonly instant: number;
  readonly by: "step" | "edit";
}

/** A step that retired. */
export interface LedgerStep {
  readonly hart: number;
  readonly pc: bigint;
  readonly decoded: Decoded | undefined;
}

export const CSRS = [0x340, 0x140];

/**
 * A run taken by the oracle step by step, with a book of who wrote each register of each hart and each byte of memory, all of
 * them, from single steps, effects and watches over all of RAM: nothing that the search for origins uses.
 */
export class Ledger {
  readonly steps: (LedgerStep | undefined)[] = [];
  readonly #entries = new Map<string, Entry[]>();

  constructor(
    program: Program,
    configuration: Partial<MachineConfiguration> & { readonly memoryBytes: number },
    events: readonly MachineEvent[],
    most: number,
  ) {
    const judge = new Guest(program, "oracle", configuration);
    const { machine } = judge;
    machine.inlet = new ScriptedInlet(events);
    judge.stops({
      watches: Array.from({ length: configuration.memoryBytes / PAGE_BYTES }, (_, page) => ({
        address: (RAM_BASE + page * PAGE_BYTES) as PhysicalAddress,
        ...{ length: PAGE_BYTES, access: "write" },
      })),
      exceptions: EXCEPTIONS,
    });
    judge.run(0);
    this.#noteEdits(events, 0);
    while (this.steps.length < most && this.#step(judge, machine)) this.#noteEdits(events, machine.instant);
  }

  get end(): number {
    return this.steps.length;
  }

  /** The last entry in the state at an instant. */
  last(key: string, at: number): Entry | undefined {
    return this.#entries.get(key)?.findLast(({ by, instant }) => (by === "edit" ? instant <= at : instant < at));
  }

  /** Everything that was written there in [from, to). */
  between(keys: readonly string[], from: number, to: number): Entry[] {
    return keys.flatMap((key) =>
      (this.#entries.get(key) ?? []).filter(({ instant }) => instant >= from && instant < to),
    );
  }

  /** The newest entry of several, as of the bytes of a word. */
  lastOf(keys: readonly string[], at: number): Entry | undefined {
    const entries = keys.flatMap((key) => this.last(key, at) ?? []);
    return entries.reduce<Entry | undefined>((a, b) => (a === undefined || isLater(b, a) ? b : a), undefined);
  }

  /** False at the end of the run. */
  #step(judge: Guest, machine: Machine): boolean {
    const instant = machine.instant;
    const hart = machine.currentHart;
    const { pc } = machine.harts[hart];
    const decoded = codeWord(pc, this.#code(machine, pc))?.decoded;
    let stop = judge.run(instant + 1, false);
    const trapped = stop.kind === "exception";
    // Where its bytes go follows from the page tables before the step.
    if (trapped) stop = judge.run(instant + 1, true);
    if (machine.instant === instant) return false;
    this.steps.push(trapped ? undefined : { hart, pc, decoded });
    if (stop.kind === "watch") this.#noteMemory(machine, stop.hits, instant);
    if (!trapped && decoded !== undefined) this.#noteRegisters(hart, decoded, instant);
    return true;
  }

  #code(machine: Machine, pc: VirtualAddress): (number | undefined)[] {
    const { privilege } = machine.harts[machine.currentHart];
    return privilege === 3 ? machine.peekPhysical(Number(pc) as PhysicalAddress, 4) : machine.peek(pc, 4);
  }

  #noteRegisters(hart: number, decoded: Decoded, instant: number): void {
    const { writesRd, writesFloatRd, system } = effectsOf(decoded.instruction);
    if (writesRd && decoded.rd !== 0) this.#note(`x${decoded.rd} ${hart}`, { instant, by: "step" });
    if (writesFloatRd) this.#note(`f${decoded.rd} ${hart}`, { instant, by: "step" });
    if (system?.startsWith("csr") && (system.startsWith("csrrw") || decoded.rs1 !== 0)) {
      this.#note(`c${decoded.imm} ${hart}`, { instant, by: "step" });
    }
  }

  /** The guest changes no page table by the store that a hit is of. */
  #noteMemory(machine: Machine, hits: readonly WatchHit[], instant: number): void {
    for (const { address, size, hart, access } of hits) {
      if (access !== "write") continue;
      for (let byte = 0; byte < size; byte++) {
        const { physicalAddress } = machine.translate((address + BigInt(byte)) as VirtualAddress, hart);
        assert(physicalAddress !== undefined, "a store to nowhere");
        this.#note(`m${physicalAddress}`, { instant, by: "step" });
      }
    }
  }

  #noteEdits(events: readonly MachineEvent[], instant: number): void {
    for (const event of events) {
      if (event.kind !== "edit" || event.instant !== (instant as Instant)) continue;
      const { edit } = event;
      const entry = { instant, by: "edit" } as const;
      if (edit.target === "register") this.#note(`x${edit.register} ${edit.hart}`, entry);
      if (edit.target === "float-register") this.#note(`f${edit.register} ${edit.hart}`, entry);
      if (edit.target === "csr") this.#note(`c${edit.csr} ${edit.hart}`, entry);
      if (edit.target !== "memory") continue;
      edit.bytes.forEach((_, index) => {
        this.#note(`m${edit.address + index}`, entry);
      });
    }
  }

  #note(key: string, entry: Entry): void {
    const entries = this.#entries.get(key);
    if (entries === undefined) this.#entries.set(key, [entry]);
    else entries.push(entry);
  }
}

/** An edit comes on arrival, in front of the step of its instant and behind that of the one before. */
function isLater(a: Entry, b: Entry): boolean {
  return a.instant > b.instant || (a.instant === b.instant && a.by === "step" && b.by === "edit");
}
