import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");

let listed: readonly string[] | undefined;

/** Paths of every file that is or would be committed, relative to the root, with `/`. */
export function treeFiles(): readonly string[] {
  const git = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  // Others edit the tree while a developer's tests run: a file may be listed and gone.
  listed ??= execFileSync("git", git, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(ROOT, path)));
  return listed;
}

export function readTreeFile(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export interface Import {
  /** As written: `./prng.ts`, `node:fs`, `@mcap/core`. */
  readonly specifier: string;
  /** Path from the root when the specifier is relative. */
  readonly path: string | undefined;
  readonly line: number;
  /** `import type` and `new URL`: nothing is evaluated. */
  readonly typeOnly: boolean;
}

// Formatted by biome, a statement begins at the beginning of a line and its specifier is in double quotes.
const IMPORT_PATTERNS = [
  /^(?:import|export)\b[^;"'`]*?\bfrom\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
  /\bimport\(\s*"([^"]+)"/g,
  /\brequire\(\s*"([^"]+)"/g,
  /\bnew URL\(\s*"([^"]+)",\s*import\.meta\.url/g,
];

/** What a TypeScript source imports: statements (types too), dynamic imports, and the URLs by which workers start. */
export function importsOf(path: string): Import[] {
  const text = readTreeFile(path);
  return IMPORT_PATTERNS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => {
      const specifier = match[1];
      return {
        specifier,
        path: specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : undefined,
        line: text.slice(0, match.index).split("\n").length,
        typeOnly: /^(import|export) type\b|^new URL/.test(match[0]),
      };
    }),
  );
}

export function sourceFiles(folder: string): string[] {
  return treeFiles().filter((path) => path.startsWith(`${folder}/`) && /\.m?tsx?$/.test(path));
}

/** What one row of ARCHITECTURE.md's table allows. */
export interface Layer {
  readonly name: string;
  /** Position in the table, 0 at the top. */
  readonly rank: number;
  /** Layers that may be imported whole. */
  readonly folders: ReadonlySet<string>;
  /** Single files that may be imported. */
  readonly files: ReadonlySet<string>;
}

/**
 * Reads the table under "Layers" in ARCHITECTURE.md, which is the one place where the layering is written down. A
 * cell of its last column holds, separated by commas: a folder; `folder (file)` for one file of it; a file below src in
 * backquotes; `nothing`; `all above`, with `but folder` behind it.
 */
export function readLayers(): ReadonlyMap<string, Layer> {
  const section = readTreeFile("ARCHITECTURE.md")
    .split(/^## /m)
    .find((part) => part.startsWith("Layers"));
  if (section === undefined) throw new Error("ARCHITECTURE.md has no section “Layers”");
  const rows = [...section.matchAll(/^\| `(\w+)` \|.*\| ([^|]+) \|$/gm)];
  const names = rows.map(([, name]) => name);
  return new Map(
    rows.map(([, name, cell], rank) => {
      const folders = new Set<string>();
      const files = new Set<string>();
      for (const word of cell.trim().split(/,\s*/)) {
        const all = /^all above(?: but (\w+))?$/.exec(word);
        const file = /^(\w+) \((\w+)\)$/.exec(word);
        const path = /^`([\w./-]+)`$/.exec(word);
        if (all !== null) for (const above of names.slice(0, rank)) if (above !== all[1]) folders.add(above);
        if (file !== null) files.add(`src/${file[1]}/${file[2]}.ts`);
        if (path !== null) files.add(`src/${path[1]}`);
        if (all ?? file ?? path ?? /^nothing( else)?$/.exec(word)) continue;
        if (!names.includes(word)) throw new Error(`ARCHITECTURE.md, row ${name}: what is “${word}”?`);
        folders.add(word);
      }
      return [name, { name, rank, folders, files }];
    }),
  );
}

export function layerOf(path: string): string | undefined {
  return /^src\/(\w+)\//.exec(path)?.[1];
}
