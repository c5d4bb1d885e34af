import type { DebugProtocol } from "@vscode/debugprotocol";
import { UserError } from "../base/errors.ts";
import type { SourcePosition } from "../debuggee/protocol.ts";
import type { Client } from "./client.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";

/** A place in a source as DAP writes it. */
export interface Place {
  readonly source: DebugProtocol.Source;
  readonly line: number;
  readonly column: number;
}

/**
 * The program's source files. A recording from another computer, or one whose sources were edited since, brings their
 * text along: such a file is shown from the recording (DAP: a source reference), because the one on disk is missing or
 * would show the wrong lines.
 */
export class Sources {
  readonly #client: Client;
  readonly #readFile: (path: string) => Promise<Uint8Array | undefined>;
  readonly #byPath = new Map<string, DebugProtocol.Source>();
  readonly #references: string[] = [];

  constructor(client: Client, readFile: (path: string) => Promise<Uint8Array | undefined>) {
    this.#client = client;
    this.#readFile = readFile;
  }

  /** Finds out once, after launch, which sources have to come from the debuggee. */
  async load(debuggee: Debuggee): Promise<void> {
    for (const { path, embedded } of await debuggee.sources()) {
      this.#byPath.set(path, embedded ? await this.#embedded(debuggee, path) : this.#onDisk(path));
    }
  }

  async #embedded(debuggee: Debuggee, path: string): Promise<DebugProtocol.Source> {
    const source = this.#onDisk(path);
    const recorded = await debuggee.sourceText(path);
    if (recorded === undefined) return source;
    const bytes = await this.#readFile(path);
    const present = bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    if (present === recorded) return source;
    const known = this.#references.indexOf(path);
    const sourceReference = known >= 0 ? known + 1 : this.#references.push(path);
    const origin = present === undefined ? "from the recording" : "from the recording; the file has changed since";
    return { ...source, sourceReference, origin };
  }

  #onDisk(path: string): DebugProtocol.Source {
    return { name: path.split(/[\\/]/).at(-1), path: this.#client.coordinates.pathToClient(path) };
  }

  toClient(path: string): DebugProtocol.Source {
    return this.#byPath.get(path) ?? this.#onDisk(path);
  }

  placeOf({ path, line, column }: SourcePosition): Place {
    const { coordinates } = this.#client;
    return {
      source: this.toClient(path),
      line: coordinates.lineToClient(line),
      column: coordinates.columnToClient(column),
    };
  }

  /** The native path of a source that the client names, by reference or by path. */
  fromClient({ path, sourceReference }: DebugProtocol.Source): string {
    const referenced = sourceReference ? this.#references[sourceReference - 1] : undefined;
    if (referenced !== undefined) return referenced;
    if (path === undefined) throw new UserError("no-source", "The source has neither a path nor a known reference.");
    return this.#client.coordinates.pathFromClient(path);
  }

  /** The client means the file on disk, and the program was made from another text. */
  isStale(path: string, { sourceReference }: DebugProtocol.Source): boolean {
    return !sourceReference && this.#byPath.get(path)?.sourceReference !== undefined;
  }

  list(): DebugProtocol.Source[] {
    return [...this.#byPath.values()];
  }

  async text(debuggee: Debuggee, source: DebugProtocol.Source): Promise<{ content: string; mimeType?: string }> {
    const path = this.fromClient(source);
    const recorded = await debuggee.sourceText(path);
    const bytes = recorded === undefined ? await this.#readFile(path) : undefined;
    const content = recorded ?? (bytes === undefined ? undefined : new TextDecoder().decode(bytes));
    if (content === undefined) throw errors.noSource(path);
    return /\.[sS]$/.test(path) ? { content, mimeType: "text/x-asm" } : { content };
  }
}
