import { type Assembly, assemble } from "../assembler/assemble.ts";
import { constantOf } from "../assembler/expression.ts";
import type { Statement } from "../assembler/source.ts";
import type { Position } from "./model.ts";
import { definitionsOf, type Entity, Names, type Thing } from "./names.ts";

/** Where the texts and bytes of other files come from. */
export interface SourceHost {
  readonly include?: (path: string, from: string) => { name: string; text: string } | undefined;
  readonly incbin?: (path: string, from: string) => Uint8Array | undefined;
}

/**
 * A source with everything that it includes, assembled and indexed: what every question of the editor is answered from.
 * Made anew after each change.
 */
export class Analysis {
  readonly assembly: Assembly;
  readonly names: Names;
  /** What the words of `.include` and `#include` led to, by including file and word. */
  readonly #included = new Map<string, string>();
  readonly #texts: readonly (readonly string[])[];

  /** `name` is the file's name; includes are looked up relative to it by `host`. */
  constructor(name: string, text: string, host: SourceHost = {}) {
    const main = withPlainLineEnds(text);
    const texts = new Map([[name, main]]);
    this.assembly = assemble(main, {
      file: name,
      incbin: host.incbin,
      include: (path, from) => {
        const found = host.include?.(path, from);
        if (found === undefined) return undefined;
        const included = { name: found.name, text: withPlainLineEnds(found.text) };
        texts.set(included.name, included.text);
        this.#included.set(`${from}\n${path}`, included.name);
        return included;
      },
    });
    this.names = new Names(this.assembly.files);
    this.#texts = this.assembly.files.map((file) => (texts.get(file.name) ?? "").split("\n"));
  }

  /** Number of a file in this assembly; -1 when it is no part of it. */
  fileNumber(name: string): number {
    return this.assembly.files.findIndex((file) => file.name === name);
  }

  fileName(file: number): string {
    return this.assembly.files[file].name;
  }

  statements(file: number): readonly Statement[] {
    return this.assembly.files[file]?.statements ?? [];
  }

  lines(file: number): readonly string[] {
    return this.#texts[file] ?? [];
  }

  thingAt(file: number, position: Position): Thing | undefined {
    return this.names.at(file, position);
  }

  /** The name of the file that a line includes, when the position is on its path. */
  includedAt(file: number, { line, character }: Position): string | undefined {
    const text = this.lines(file)[line] ?? "";
    const path = /^\s*(?:\.include|#\s*include)\s+["<]([^">]+)[">]/i.exec(text);
    if (path === null) return undefined;
    const end = path[0].length;
    const start = end - path[1].length - 2;
    if (character < start || character > end) return undefined;
    return this.#included.get(`${this.fileName(file)}\n${path[1]}`);
  }

  /** The number that a symbol stands for, as far as it is known: an address only when the source has no errors. */
  valueOf(entity: Entity): { value: bigint; isAddress: boolean } | undefined {
    if (entity.kind !== "symbol") return undefined;
    const symbol = this.assembly.symbols.find(({ name }) => name === entity.name);
    if (symbol?.definition === undefined) return undefined;
    if (symbol.definition.kind === "value") {
      const value = constantOf(symbol.definition.value);
      if (value !== undefined) return { value, isAddress: false };
    }
    const linked = this.assembly.program?.symbols.find(({ name }) => name === entity.name);
    return linked && { value: linked.address, isAddress: linked.kind !== "absolute" };
  }

  /** The instructions that a line became, from its row of the line table to the next one. */
  bytesOf(statement: Statement): { address: bigint; bytes: Uint8Array } | undefined {
    const { program } = this.assembly;
    if (program === undefined || statement.name === undefined) return undefined;
    const file = program.files.indexOf(this.fileName(statement.file));
    const index = program.lines.findIndex(
      (row) => row.file === file && row.line === statement.line && row.column === statement.name!.column,
    );
    if (index < 0 || program.lines[index].endSequence) return undefined;
    const address: bigint = program.lines[index].address;
    const end = program.lines[index + 1]?.address ?? address;
    for (const { virtualAddress, bytes } of program.segments) {
      const offset = Number(address - virtualAddress);
      if (offset < 0 || offset >= bytes.length) continue;
      return { address, bytes: bytes.subarray(offset, offset + Number(end - address)) };
    }
    return undefined;
  }

  /** Entities that have a definition, of one kind. */
  *defined(kind: Entity["kind"]): Iterable<Entity> {
    for (const entity of this.names.entities()) {
      if (entity.kind === kind && definitionsOf(entity).length > 0) yield entity;
    }
  }
}

/** To editors a lone carriage return ends a line, too; to the assembler it is a blank. */
function withPlainLineEnds(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}
