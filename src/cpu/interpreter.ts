import { assert } from "../base/assert.ts";
import { type AccessSize, SYSTEM_OPERATIONS } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import { invalidTag } from "../memory/translation-code.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import { announceFault } from "./data-access.ts";
import type { Engine, EngineParts, EngineStop } from "./engine.ts";
import type { Exception } from "./hart.ts";
import { EXIT, type InterpreterExports, type InterpreterImports, interpreterModule } from "./interpreter-module.ts";
import { INSTRUCTION_ACCESS_FAULT, type Oracle } from "./oracle.ts";
import { executeSystem } from "./system.ts";

/** A budget that no instruction leaves. */
const NO_STEP = -1;

/**
 * The WebAssembly interpreter and the TypeScript around it: fills in what the generated code finds missing (execute
 * tags, decoded records) and hands rare instructions to the oracle.
 */
export class Interpreter implements Engine {
  readonly #parts: EngineParts;
  readonly #oracle: Oracle;
  readonly #exports: InterpreterExports;

  constructor(parts: EngineParts, oracle: Oracle, exports: InterpreterExports) {
    this.#parts = parts;
    this.#oracle = oracle;
    this.#exports = exports;
  }

  run(steps: number, skipBreakpoint: boolean): EngineStop {
    const { view } = this.#parts.memory;
    let left = steps;
    let skip = skipBreakpoint;
    for (;;) {
      // A jump to a page without a tag leaves before the budget is looked at: its fault belongs to the next slice.
      if (left === 0) return { kind: "paused", executed: steps };
      view.setInt32(layout.BUDGET, left, true);
      const exit = this.#exports.run(skip ? left - 1 : NO_STEP);
      const before = left;
      left = view.getInt32(layout.BUDGET, true) + view.getInt32(layout.CARRY, true);
      // Only the very first instruction may pass its breakpoint, however many times the engine is entered for it.
      if (left < before) skip = false;
      const executed = steps - left;
      switch (exit) {
        case EXIT.budget:
        case EXIT.yield:
          return { kind: "paused", executed };
        case EXIT.breakpoint:
          return { kind: "breakpoint", executed };
        case EXIT.trap:
          return { kind: "exception", executed, exception: this.#announcedException() };
        case EXIT.fetch: {
          if (left === 0) break;
          const exception = this.#fill();
          if (exception !== undefined) return { kind: "exception", executed, exception };
          break;
        }
        case EXIT.decode: {
          const exception = this.#decode();
          if (exception !== undefined) return { kind: "exception", executed, exception };
          break;
        }
        case EXIT.repeat: {
          view.setInt32(layout.BUDGET, left, true);
          const outcome = this.#oracle.step();
          if (typeof outcome === "object") return { kind: "exception", executed, exception: outcome };
          left--;
          skip = false;
          if (this.#parts.takeAttention() || outcome === "yield") return { kind: "paused", executed: executed + 1 };
          break;
        }
        default:
          assert(false, `the interpreter left with ${exit}`);
      }
    }
  }

  #announcedException(): Exception {
    const { view } = this.#parts.memory;
    return {
      cause: view.getInt32(layout.TRAP_CAUSE, true),
      tval: view.getBigUint64(layout.TRAP_VALUE, true),
    };
  }

  /** Gives the page of pc an execute tag. */
  #fill(): Exception | undefined {
    const { hart, memory, decoded } = this.#parts;
    const { pc } = hart;
    const offset = memory.ramOffset(pc, 2);
    if (offset < 0) return { cause: INSTRUCTION_ACCESS_FAULT, tval: pc };
    const decodedPage = decoded.page(offset >>> 12);
    const index = Number((pc >> 12n) & BigInt(layout.TRANSLATION_ENTRIES - 1));
    const entry = layout.TRANSLATION + index * layout.TRANSLATION_ENTRY_BYTES;
    const page = pc & ~0xfffn;
    for (const tag of [layout.ENTRY.readTag, layout.ENTRY.writeTag]) {
      if (memory.view.getBigUint64(entry + tag, true) === page) continue;
      memory.view.setBigUint64(entry + tag, invalidTag(index), true);
    }
    memory.view.setBigUint64(entry + layout.ENTRY.executeTag, page, true);
    const host = memory.layout.ram + (offset & ~0xfff);
    memory.view.setInt32(entry + layout.ENTRY.addend, (host - Number(page & 0xffff_ffffn)) | 0, true);
    memory.view.setInt32(entry + layout.ENTRY.decoded, decodedPage, true);
    return undefined;
  }

  #decode(): Exception | undefined {
    const { hart, memory, decoded } = this.#parts;
    const offset = memory.ramOffset(hart.pc, 2);
    if (decoded.decodeAt(offset)) return undefined;
    return { cause: INSTRUCTION_ACCESS_FAULT, tval: hart.pc + 2n };
  }
}

/** Compiles and instantiates the generated module over the machine's memory. */
export function instantiateInterpreter(
  parts: () => EngineParts,
  memory: EngineParts["memory"],
  instructionAlignment: 2 | 4,
): InterpreterExports {
  const imports: InterpreterImports = {
    memory: memory.memory,
    load: (va, size) => {
      const { data, takeAttention } = parts();
      const value = data.read(BigInt.asUintN(64, va), size as AccessSize);
      if (typeof value === "bigint") {
        memory.view.setInt32(layout.STATUS, takeAttention() ? layout.STATUS_YIELD : layout.STATUS_DONE, true);
        return value;
      }
      announceFault(memory, value);
      return 0n;
    },
    store: (va, size, value) => {
      const { data, takeAttention } = parts();
      const bits = BigInt.asUintN(size * 8, value);
      const exception = data.write(BigInt.asUintN(64, va), size as AccessSize, bits);
      if (exception === undefined) return takeAttention() ? layout.STATUS_YIELD : layout.STATUS_DONE;
      announceFault(memory, exception);
      return layout.STATUS_FAULT;
    },
    system: (record, operation) => systemFromRecord(parts(), record, operation),
  };
  const module = new WebAssembly.Module(interpreterModule(memory.layout, instructionAlignment));
  const instance = new WebAssembly.Instance(module, { [IMPORT_MODULE]: imports });
  return instance.exports as unknown as InterpreterExports;
}

function systemFromRecord(parts: EngineParts, record: number, operation: number): number {
  const { hart, csrs, data, memory, decoded } = parts;
  const destination = memory.view.getUint16(record + layout.RECORD.rd, true);
  const outcome = executeSystem(hart, csrs, data, {
    operation: SYSTEM_OPERATIONS[operation],
    length: memory.bytes[record + layout.RECORD.advance] / 8,
    rd: destination === layout.REGISTER_SINK ? 0 : destination / 8,
    rs1: memory.bytes[record + layout.RECORD.rs1] / 8,
    rs2: memory.bytes[record + layout.RECORD.rs2] / 8,
    imm: memory.view.getInt32(record + layout.RECORD.immediate, true),
    word: () => decoded.fetch(memory.ramOffset(hart.pc, 2))?.word ?? 0,
  });
  // cbo.zero stores, and so can hit a watch.
  if (outcome === "done") return parts.takeAttention() ? layout.STATUS_YIELD : layout.STATUS_DONE;
  if (outcome === "yield") return layout.STATUS_YIELD;
  announceFault(memory, outcome);
  return layout.STATUS_FAULT;
}
