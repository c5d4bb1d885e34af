import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import packageDescription from "../../package.json" with { type: "json" };
import { UserError } from "../base/errors.ts";
import { assembleFile } from "../host/assembly-files.ts";
import { DISK } from "../host/program-files.ts";
import { withSystemErrors } from "../host/system-errors.ts";
import { writeElf } from "../symbols/elf-writer.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { formatBytes } from "./quantities.ts";
import { reportSource } from "./source-messages.ts";

const ELF_MAGIC = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

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
    withSystemErrors("output-unwritable", `write ${output}`, () => {
      refuseToReplace(output);
      writeFileSync(output, elf);
    });
    context.voice.say(`Wrote ${output}: ${formatBytes(elf.length)}, ${formatBytes(bytes)} in memory.`);
  }
  const { entry, segments, symbols } = program;
  const json = { errors: messages, output: output ?? null, entry, bytes };
  return { exitCode: OK, json: { ...json, segments: segments.length, symbols: symbols.length } };
}

/** An executable may be made anew; anything else, such as the source itself, was not meant to be lost. */
function refuseToReplace(output: string): void {
  if (!existsSync(output) || !statSync(output).isFile()) return;
  const before = readFileSync(output);
  if (before.length === 0 || before.subarray(0, 4).equals(ELF_MAGIC)) return;
  const message = `${output} exists and is not an ELF executable: choose another name, or remove it first.`;
  throw new UserError("output-exists", message);
}
