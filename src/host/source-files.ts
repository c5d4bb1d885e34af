import { readFileSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { LoadedProgram } from "./program-files.ts";

/** A recording takes along this much of a program's sources: a kernel's own, but not a whole C library's twice. */
const MAX_SOURCES_BYTES = 16 * 2 ** 20;
/** Nobody reads a source larger than this; it is generated data. */
const MAX_SOURCE_BYTES = 2 ** 20;
const MAX_SOURCES = 2000;

/**
 * Sources of a program by the paths of its line table: what it was assembled from, or what the debug information of a
 * binary names and this computer has. Those that are missing are missing.
 */
export function sourcesOf({ program, sources }: LoadedProgram): ReadonlyMap<string, Uint8Array> {
  const found = new Map(sources);
  const used = new Set(program.lines.map(({ file }) => program.files[file]));
  let total = 0;
  for (const path of used) {
    if (path === undefined || found.has(path) || found.size >= MAX_SOURCES || !isAbsolute(path)) continue;
    const bytes = readSource(path);
    if (bytes === undefined || total + bytes.length > MAX_SOURCES_BYTES) continue;
    found.set(path, bytes);
    total += bytes.length;
  }
  return found;
}

/** As text for whoever shows it. */
export function sourceTexts(sources: ReadonlyMap<string, Uint8Array>): Map<string, string> {
  return new Map([...sources].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]));
}

function readSource(path: string): Uint8Array | undefined {
  try {
    const status = statSync(path);
    return status.isFile() && status.size <= MAX_SOURCE_BYTES ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}
