import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Analysis } from "./analysis.ts";

/** An included text larger than this is no source. */
const LARGEST_SOURCE_BYTES = 8 << 20;
/** Neighbours of a file that are looked at for who includes it. */
const MOST_NEIGHBOURS = 200;
/** Analyses kept: those of the files that one works on. */
const MOST_ANALYSES = 8;
const SOURCE_NAME = /\.(s|S|asm|inc)$/;

/** What the assembler and the service see of a document: its part of an analysis. */
export interface View {
  readonly analysis: Analysis;
  /** Number of the document's file in the analysis. */
  readonly file: number;
}

interface Kept {
  readonly analysis: Analysis;
  /** Files that went into the analysis, and what they held. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * Open documents, and the files around them. A document that another source includes is shown as a part of that one:
 * alone, half of its names would be missing.
 */
export class Workspace {
  readonly #open = new Map<string, string>();
  readonly #kept = new Map<string, Kept>();
  readonly #includers = new Map<string, string>();

  /** A document was opened or has changed. */
  set(uri: string, text: string): void {
    this.#open.set(nameOf(uri), text);
  }

  close(uri: string): void {
    const name = nameOf(uri);
    this.#open.delete(name);
    this.#kept.delete(name);
    this.#includers.delete(name);
  }

  openUris(): string[] {
    return [...this.#open.keys()].map(uriOf);
  }

  /** The analysis that shows a document; undefined for one that is not open. */
  view(uri: string): View | undefined {
    const name = nameOf(uri);
    const text = this.#open.get(name);
    if (text === undefined) return undefined;
    const includer = this.#includerOf(name);
    if (includer !== undefined) {
      const source = this.#textOf(includer);
      const analysis = source === undefined ? undefined : this.#analyse(includer, source);
      const file = analysis?.fileNumber(name) ?? -1;
      if (analysis !== undefined && file > 0) return { analysis, file };
      this.#includers.delete(name);
    }
    return { analysis: this.#analyse(name, text), file: 0 };
  }

  #analyse(name: string, text: string): Analysis {
    const kept = this.#kept.get(name);
    if (kept !== undefined && [...kept.texts].every(([path, held]) => this.#textOf(path) === held))
      return kept.analysis;
    const texts = new Map([[name, text]]);
    const analysis = new Analysis(name, text, {
      include: (path, from) => {
        const found = this.#find(path, from, name);
        if (found !== undefined) texts.set(found.name, found.text);
        return found;
      },
      incbin: (path, from) => readBytes(join(dirname(from), path)) ?? readBytes(join(dirname(name), path)),
    });
    this.#kept.delete(name);
    this.#kept.set(name, { analysis, texts });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_ANALYSES) break;
      this.#kept.delete(oldest);
    }
    for (const path of texts.keys()) if (path !== name) this.#includers.set(path, name);
    return analysis;
  }

  /** An included file: beside the one that includes it, then beside the one that is assembled, as when it runs. */
  #find(path: string, from: string, root: string): { name: string; text: string } | undefined {
    for (const folder of new Set([dirname(from), dirname(root)])) {
      const name = resolve(folder, path);
      const text = this.#textOf(name);
      if (text !== undefined) return { name, text };
    }
    return undefined;
  }

  #textOf(name: string): string | undefined {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    const bytes = readBytes(name);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** The source that includes a file: known from an earlier analysis, or found among its neighbours. */
  #includerOf(name: string): string | undefined {
    const known = this.#includers.get(name);
    if (known !== undefined && known !== name) return known;
    if (!isPath(name)) return undefined;
    const base = name.slice(dirname(name).length + 1);
    const mentions = new RegExp(`(?:\\.include|#\\s*include)\\s+["<][^">]*\\b${base.replace(/[^\w]/g, "\\$&")}[">]`);
    for (const candidate of this.#neighbours(name)) {
      const text = this.#textOf(candidate);
      if (text === undefined || !mentions.test(text)) continue;
      this.#analyse(candidate, text);
      // The analysis notes what it included; the mention may have been of another file of this name.
      if (this.#includers.get(name) === candidate) return candidate;
    }
    return undefined;
  }

  #neighbours(name: string): string[] {
    const files = new Set<string>(this.#open.keys());
    for (const folder of [dirname(name), dirname(dirname(name))]) {
      try {
        for (const entry of readdirSync(folder)) if (SOURCE_NAME.test(entry)) files.add(join(folder, entry));
      } catch {
        // A folder that cannot be read has no neighbours to offer.
      }
    }
    files.delete(name);
    return [...files].slice(0, MOST_NEIGHBOURS);
  }
}

/** Files are known by their paths, so that includes can be looked up; other documents by their address. */
export function nameOf(uri: string): string {
  return uri.startsWith("file:") ? fileURLToPath(uri) : uri;
}

export function uriOf(name: string): string {
  return isPath(name) ? pathToFileURL(name).href : name;
}

function isPath(name: string): boolean {
  return !/^[a-z][a-z0-9+.-]+:/i.test(name);
}

function readBytes(path: string): Uint8Array | undefined {
  try {
    const { size } = statSync(path);
    return size <= LARGEST_SOURCE_BYTES ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}
