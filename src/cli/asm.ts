import { writeFileSync } from "node:fs";
import packageDescription from "../../package.json" with { type: "json" };
import { assembleFile } from "../host/assembly-files.ts";
import { DISK } from "../host/program-files.ts";
import { withSystemErrors } from "../host/system-errors.ts";
import { writeElf } from "../symbols/elf-writer.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { formatBytes } from "./quantities.ts";
import { reportSource } from "./source-messages.ts";

/** Assembles a source, says what is wrong with it, and writes an ELF when there is nothing. */
export async function asm(
  context: Context,
  [path]: readonly string[],
  options: Readonly<{ output?: string }>,
): Promise<Answer> {
  const { program, messages } = assembleFile(path, DISK.read(path), DISK);
  reportSource(context, messages);
  const bytes = program.segments.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const { output } = options;
  if (output === undefined) context.voice.say(`${path} assembles: ${formatBytes(bytes)} in memory.`);
  else {
    const elf = writeElf(program, `hindcast ${packageDescription.version}`);
    withSystemErrors("output-unwritable", `write ${output}`, () => writeFileSync(output, elf));
    context.voice.say(`Wrote ${output}: ${formatBytes(elf.length)}, ${formatBytes(bytes)} in memory.`);
  }
  const { entry, segments, symbols } = program;
  const json = { errors: messages, output: output ?? null, entry, bytes };
  return { exitCode: OK, json: { ...json, segments: segments.length, symbols: symbols.length } };
}
