import packageDescription from "../../package.json" with { type: "json" };
import type { ExecutableFile } from "../debuggee/protocol.ts";
import { writeElf } from "../symbols/elf-writer.ts";
import { imageKind } from "./image-kind.ts";
import type { LoadedProgram } from "./program-files.ts";

/** What other debuggers can read of a program: its own file, or what `hindcast asm -o` would write. */
export function executableOf(
  name: string,
  { bytes, program, isRaw, assembled }: LoadedProgram,
): ExecutableFile | undefined {
  if (assembled) return { name, bytes: writeElf(program, `hindcast ${packageDescription.version}`) };
  return !isRaw && imageKind(bytes, name) === "elf" ? { name, bytes } : undefined;
}
