import { readFileSync } from "node:fs";

/** Lines of the sources that a program names: those that came with it, else those on this computer's disk. */
export class SourceText {
  readonly #known: ReadonlyMap<string, Uint8Array>;
  readonly #lines = new Map<string, readonly string[] | undefined>();

  constructor(known: ReadonlyMap<string, Uint8Array>) {
    this.#known = known;
  }

  /** Line `number`, counted from one, without its end; undefined when the source is not to be had. */
  line(path: string, number: number): string | undefined {
    return this.#of(path)?.[number - 1];
  }

  #of(path: string): readonly string[] | undefined {
    if (!this.#lines.has(path)) this.#lines.set(path, this.#read(path));
    return this.#lines.get(path);
  }

  #read(path: string): readonly string[] | undefined {
    try {
      const bytes = this.#known.get(path) ?? readFileSync(path);
      return new TextDecoder().decode(bytes).split(/\r?\n/);
    } catch {
      // Sources are a convenience: the program may have been built elsewhere.
      return undefined;
    }
  }
}
