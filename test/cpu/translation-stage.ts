import { frameOffset } from "../../src/base/brand.ts";
import { AddressTranslation, type CacheGroupChoice, type TranslationState } from "../../src/cpu/address-translation.ts";
import type { TranslationTable } from "../../src/cpu/cache-group.ts";
import { type AccessContext, PageWalk } from "../../src/cpu/page-walk.ts";
import type { AccessKind } from "../../src/cpu/pmp.ts";
import { Pmp } from "../../src/cpu/pmp.ts";
import * as layout from "../../src/memory/layout.ts";
import { defineMaintenance, type Maintenance } from "../../src/memory/maintenance-code.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";
import { defineSlowPath, fastPathCheck, hostAddress } from "../../src/memory/translation-code.ts";
import { Code } from "../../src/wasm/code.ts";
import { IMPORT_MODULE, ModuleBuilder } from "../../src/wasm/module.ts";
import { I32, I64, OP } from "../../src/wasm/opcodes.ts";

export const RAM_BASE = 0x8000_0000;
export const RAM_BYTES = 8 * 1024 * 1024;
export const OPEN = new Pmp([0x1f, ...Array(15).fill(0)], [(1n << 54n) - 1n, ...Array(15).fill(0n)]);

const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128 } as const;
export const RWAD = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D;
export const USER = PTE.U;

interface Generated extends Maintenance {
  /** (va, write) -> host address, by the fast path or what the slow path gives; 0: not plain RAM. */
  probe(va: bigint, write: number): number;
}

/** The translation of addresses without a machine: memory, the cache group, and the generated code between them. */
export class TranslationStage {
  readonly memory = new PhysicalMemory(RAM_BASE, RAM_BYTES);
  readonly translation: AddressTranslation;
  readonly #generated: Generated;

  constructor(choice: CacheGroupChoice = "on") {
    this.translation = new AddressTranslation(this.memory, () => this.#generated, {
      updated: (entry) => this.translation.overwritten(entry, 8),
      remapped: () => {},
      choice,
    });
    const imports = {
      memory: this.memory.memory,
      load: () => 0n,
      store: () => 0,
      translate: (low: number, high: number, write: number) => this.translation.placeForCode(low, high, write),
    };
    const module = new WebAssembly.Module(this.#module());
    this.#generated = new WebAssembly.Instance(module, { [IMPORT_MODULE]: imports }).exports as unknown as Generated;
  }

  select(state: Partial<TranslationState>): void {
    this.translation.select({
      ...{ privilege: 1, status: 0, satpLow: 0, satpHigh: 0, environmentHigh: 0, hasNapot: true, pmp: OPEN },
      ...state,
    });
  }

  /** Offset in RAM where an access of generated code ends up; -1 when it is left to the access in full. */
  probe(va: bigint, access: "read" | "write"): number {
    const host = this.#generated.probe(va, access === "write" ? 1 : 0);
    return host === 0 ? -1 : (host >>> 0) - this.memory.layout.ram;
  }

  /** Stores as an instruction does by the way in full. */
  store(offset: number, value: bigint): void {
    this.memory.write(frameOffset(offset), 8, value);
    this.translation.overwritten(frameOffset(offset), 8);
  }

  /** Where an access ends up by a walk of the tables as they are now; -1 when it faults, or is not allowed on all of the page. */
  walk(va: bigint, access: AccessKind, context: AccessContext): number {
    // It changes nothing: an entry that the hart would set A or D in counts as mapped.
    const walk = new PageWalk(this.memory, undefined);
    if (walk.walk(Number(va & 0xffff_ffffn), Number(va >> 32n), access, context) !== "mapped") return -1;
    const offset = walk.physical - RAM_BASE;
    if (!(offset >= 0 && offset < RAM_BYTES)) return -1;
    const page = walk.physical - (walk.physical % 4096);
    return context.pmp.allowsPage(page, access, context.privilege) ? offset : -1;
  }

  /** Sentences about cached translations that are not what a walk gives. */
  faults(): string[] {
    return this.translation.group.valid.flatMap((table) =>
      Array.from({ length: layout.TRANSLATION_ENTRIES }, (_, index) => this.#faultsOf(table, index)).flat(),
    );
  }

  #faultsOf(table: TranslationTable, index: number): string[] {
    const { view } = this.memory;
    const at = table.address + index * layout.TRANSLATION_ENTRY_BYTES;
    const kinds: readonly [AccessKind, number, AccessContext][] = [
      ["read", layout.ENTRY.readTag, table.data],
      ["write", layout.ENTRY.writeTag, table.data],
      ["execute", layout.ENTRY.executeTag, table.fetch],
    ];
    return kinds.flatMap(([access, tag, context]) => {
      const va = view.getBigUint64(at + tag, true);
      if (Number((va >> 12n) & 0xfffn) !== index) return [];
      const expected = this.walk(va, access, context);
      const cached =
        access === "execute"
          ? view.getInt32(at + layout.ENTRY.decoded, true) * 4096
          : ((Number(va & 0xffff_ffffn) + view.getInt32(at + layout.ENTRY.addend, true)) >>> 0) -
            this.memory.layout.ram;
      return cached === expected ? [] : [`${access} of ${va.toString(16)}: cached ${cached}, mapped ${expected}`];
    });
  }

  #module(): Uint8Array<ArrayBuffer> {
    const module = new ModuleBuilder({ name: "memory", minimumPages: this.memory.layout.wasmPages });
    const load = module.importFunction("load", { parameters: [I64, I32], results: [I64] });
    const store = module.importFunction("store", { parameters: [I64, I32, I64], results: [I32] });
    const translate = module.importFunction("translate", { parameters: [I32, I32, I32], results: [I32] });
    const slowPath = defineSlowPath(module, this.memory.layout, { load, store, translate });
    defineMaintenance(module);
    const code = new Code([I64, I32]);
    const [va, write] = [code.parameter(0), code.parameter(1)];
    const entry = code.local(I32);
    code.get(write);
    code.if();
    probeFor(layout.ENTRY.writeTag, slowPath.writable);
    code.end();
    probeFor(layout.ENTRY.readTag, slowPath.readable);
    code.op(OP.unreachable);
    module.defineFunction({ parameters: [I64, I32], results: [I32] }, code, "probe");
    return module.finish();

    function probeFor(tag: number, slow: number): void {
      fastPathCheck(code, va, entry, tag, 1);
      code.if();
      hostAddress(code, va, entry);
      code.op(OP.return);
      code.end();
      code.get(va).i32(1).call(slow).op(OP.return);
    }
  }
}

/** satp of Sv39 (8), Sv48 (9) or Sv57 (10), in halves. */
export function satp(root: number, mode = 8): { satpLow: number; satpHigh: number } {
  return { satpLow: (RAM_BASE + root * 4096) >>> 12, satpHigh: mode << 28 };
}

/** A page-table entry that leads to a page of RAM. */
export function entryTo(page: number, flags: number): bigint {
  return (BigInt((RAM_BASE >>> 12) + page) << 10n) | BigInt(flags);
}
