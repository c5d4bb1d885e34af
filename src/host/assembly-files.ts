import { resolve } from "node:path";
import { assemble } from "../assembler/assemble.ts";
import { UserError } from "../base/errors.ts";
import { joinPath } from "../symbols/paths.ts";
import type { FileSource, LoadedProgram } from "./program-files.ts";

/** An error or warning of the assembler, with its file's path. Lines and columns count from one. */
export interface SourceMessage {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** A source that does not assemble: one sentence, and everything that is wrong with it. */
export class AssemblyFailure extends UserError {
  readonly messages: readonly SourceMessage[];

  constructor(messages: readonly SourceMessage[]) {
    const errors = messages.filter(({ severity }) => severity === "error");
    const { line, column, file, message } = errors[0];
    const more = errors.length === 1 ? "" : `, and ${errors.length - 1} more error${errors.length === 2 ? "" : "s"}`;
    const sentence = `${file}:${line}:${column}: ${message}${more}`;
    // A message may end with a question: did you mean `addi`?
    super("assembly", sentence.endsWith("?") ? sentence : `${sentence}.`);
    this.messages = messages;
  }
}

export interface AssembledProgram extends LoadedProgram {
  /** Warnings. */
  readonly messages: readonly SourceMessage[];
}

/** `file:line:column: error: message`, as compilers and editors have it. */
export function sourceMessageText({ file, line, column, severity, message }: SourceMessage): string {
  return `${file}:${line}:${column}: ${severity}: ${message}`;
}

/**
 * Assembles a source file. What it includes is looked for beside the file that includes it, then beside the file that
 * was named. It is linked for `textAddress`, or else for the beginning of memory. Throws AssemblyFailure when there are errors.
 */
export function assembleFile(
  path: string,
  bytes: Uint8Array,
  files: FileSource,
  textAddress?: bigint,
): AssembledProgram {
  // Line tables are looked at from elsewhere later: they need whole paths.
  const main = resolve(path);
  const sources = new Map<string, Uint8Array>([[main, bytes]]);
  const find = (name: string, from: string): { name: string; bytes: Uint8Array } | undefined => {
    for (const base of new Set([folderOf(from), folderOf(main)])) {
      const candidate = joinPath(base, name);
      const found = sources.get(candidate) ?? readIfThere(files, candidate);
      if (found === undefined) continue;
      sources.set(candidate, found);
      return { name: candidate, bytes: found };
    }
    return undefined;
  };
  const {
    program,
    errors,
    files: read,
  } = assemble(text(bytes), {
    file: main,
    ...(textAddress === undefined ? {} : { textAddress }),
    include: (name, from) => {
      const found = find(name, from);
      return found && { name: found.name, text: text(found.bytes) };
    },
    incbin: (name, from) => find(name, from)?.bytes,
  });
  const messages = errors.map(
    ({ file, line, column, severity, message }): SourceMessage => ({
      file: read[file].name,
      line,
      column,
      severity,
      message,
    }),
  );
  if (program === undefined) throw new AssemblyFailure(messages);
  return {
    program,
    bytes,
    sources,
    assembled: true,
    isRaw: false,
    warnings: messages.map(sourceMessageText),
    messages,
  };
}

function folderOf(path: string): string {
  return path.replace(/[^/\\]*$/, "");
}

function readIfThere(files: FileSource, path: string): Uint8Array | undefined {
  try {
    return files.read(path);
  } catch (error) {
    if (error instanceof UserError && error.code === "file-not-found") return undefined;
    throw error;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
