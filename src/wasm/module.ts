import { assert } from "../base/assert.ts";
import { Bytes } from "./bytes.ts";
import type { Code } from "./code.ts";
import type { ValueType } from "./opcodes.ts";

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const KIND = { function: 0, table: 1, memory: 2 } as const;
const FUNCTION_TYPE = 0x60;
const FUNCREF = 0x70;

/** Everything is imported from one module name: what a module needs is listed by the caller, not found by name. */
export const IMPORT_MODULE = "hindcast";

/**
 * Builds one WebAssembly module with one imported memory and perhaps one imported table of functions. Imported functions must be declared before the first defined
 * one, because they come first in the index space.
 */
export class ModuleBuilder {
  readonly #types: FunctionType[] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #functions: { type: number; code: Code; exported: string | undefined }[] = [];
  readonly #memory: { name: string; minimumPages: number };
  #table: string | undefined;

  /** `minimumPages` counts 64-KiB pages. */
  constructor(memory: { name: string; minimumPages: number }) {
    this.#memory = memory;
  }

  /** Declares an imported function; gives its index. */
  importFunction(name: string, type: FunctionType): number {
    assert(this.#functions.length === 0, "imports come before definitions");
    this.#imports.push({ name, type: this.#typeIndex(type) });
    return this.#imports.length - 1;
  }

  /** Declares the imported table that indirect calls go through. */
  importTable(name: string): void {
    this.#table = name;
  }

  /** Index of a function type, which indirect calls name. */
  typeOf(type: FunctionType): number {
    return this.#typeIndex(type);
  }

  /** Type of a function of this module. */
  signature(index: number): FunctionType {
    const imported = this.#imports[index];
    return this.#types[imported?.type ?? this.#functions[index - this.#imports.length].type];
  }

  /** Exports a defined function, under a name that follows from its index. */
  exportByIndex(index: number): string {
    const name = `function ${index}`;
    this.#functions[index - this.#imports.length].exported ??= name;
    return this.#functions[index - this.#imports.length].exported ?? name;
  }

  /** Adds a function; gives its index. Its code may be written later, until `finish`. */
  defineFunction(type: FunctionType, code: Code, exported?: string): number {
    this.#functions.push({ type: this.#typeIndex(type), code, exported });
    return this.#imports.length + this.#functions.length - 1;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.bytes(MAGIC_AND_VERSION);
    section(out, SECTION.type, this.#types, (type, bytes) => {
      bytes.byte(FUNCTION_TYPE);
      bytes.unsigned(type.parameters.length);
      bytes.bytes(type.parameters);
      bytes.unsigned(type.results.length);
      bytes.bytes(type.results);
    });
    const imports: ((bytes: Bytes) => void)[] = this.#imports.map(({ name, type }) => (bytes) => {
      bytes.name(IMPORT_MODULE);
      bytes.name(name);
      bytes.byte(KIND.function);
      bytes.unsigned(type);
    });
    const table = this.#table;
    if (table !== undefined) {
      imports.push((bytes) => {
        bytes.name(IMPORT_MODULE);
        bytes.name(table);
        bytes.byte(KIND.table);
        bytes.byte(FUNCREF);
        bytes.byte(0); // No maximum.
        bytes.unsigned(0);
      });
    }
    imports.push((bytes) => {
      bytes.name(IMPORT_MODULE);
      bytes.name(this.#memory.name);
      bytes.byte(KIND.memory);
      bytes.byte(0); // No maximum, not shared.
      bytes.unsigned(this.#memory.minimumPages);
    });
    section(out, SECTION.import, imports, (write, bytes) => write(bytes));
    section(out, SECTION.function, this.#functions, ({ type }, bytes) => bytes.unsigned(type));
    const exported = this.#functions.flatMap(({ exported: name }, index) =>
      name === undefined ? [] : [{ name, index: this.#imports.length + index }],
    );
    section(out, SECTION.export, exported, ({ name, index }, bytes) => {
      bytes.name(name);
      bytes.byte(KIND.function);
      bytes.unsigned(index);
    });
    section(out, SECTION.code, this.#functions, ({ code }, bytes) => {
      const body = code.finish();
      bytes.unsigned(body.length);
      bytes.bytes(body);
    });
    return out.view();
  }

  #typeIndex(type: FunctionType): number {
    const found = this.#types.findIndex(
      (known) => String(known.parameters) === String(type.parameters) && String(known.results) === String(type.results),
    );
    if (found >= 0) return found;
    this.#types.push(type);
    return this.#types.length - 1;
  }
}

function section<T>(out: Bytes, id: number, entries: readonly T[], write: (entry: T, bytes: Bytes) => void): void {
  const bytes = new Bytes();
  bytes.unsigned(entries.length);
  for (const entry of entries) write(entry, bytes);
  out.byte(id);
  out.unsigned(bytes.length);
  out.bytes(bytes.view());
}
