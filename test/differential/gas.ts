import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryPath } from "./cross-compiler.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PREFIX = "riscv64-unknown-elf-";

/** A reason to skip where GNU's tools are absent. */
export const withoutGas =
  spawnSync(`${PREFIX}as`, ["--version"]).error === undefined
    ? false
    : `${PREFIX}as is not installed (Debian: binutils-riscv64-unknown-elf)`;

/** Without relaxation the linker changes nothing but addresses, as our assembler does. */
const ASSEMBLE = [
  "-march=rv64imafdc_zicsr_zifencei_zihintpause_zicbom_zicbop_zicboz_zawrs_zbc_zbs_svinval",
  "-mno-relax",
];
const LINK = ["--no-relax", "--no-warn-rwx-segments", "-T", join(ROOT, "guest/link.ld")];

export interface Linked {
  readonly path: string;
  /** What lies in memory from 0x80000000 on, zeros at the end left out. */
  readonly image: Uint8Array;
  /** Address of each symbol that `nm` shows. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** Assembles and links a source file with GNU's tools; their complaints fail the test. */
export function gasLink(source: string, name: string, includeFolder?: string): Linked {
  const [input, object, elf, raw] = ["s", "o", "elf", "bin"].map((suffix) => temporaryPath(`${name}.${suffix}`));
  writeFileSync(input, source);
  const folder = includeFolder === undefined ? [] : ["-I", includeFolder];
  run("as", [...ASSEMBLE, ...folder, "-g", "-o", object, input]);
  run("ld", [...LINK, "-o", elf, object]);
  run("objcopy", ["-O", "binary", elf, raw]);
  const symbols = new Map<string, bigint>();
  for (const line of run("nm", [elf]).split("\n")) {
    const match = /^([0-9a-f]{16}) . (\S+)$/.exec(line);
    if (match !== null) symbols.set(match[2], BigInt(`0x${match[1]}`));
  }
  return { path: elf, image: readFileSync(raw), symbols };
}

/** Lines that GNU `as` refuses, and why. */
export function gasErrors(source: string, name: string): Map<number, string> {
  const input = temporaryPath(`${name}.s`);
  writeFileSync(input, source);
  const result = spawnSync(`${PREFIX}as`, [...ASSEMBLE, "-o", temporaryPath(`${name}.o`), input], { encoding: "utf8" });
  const errors = new Map<number, string>();
  for (const [, line, message] of result.stderr.matchAll(/^[^:]+:(\d+): Error: (.*)$/gm)) {
    errors.set(Number(line), message);
  }
  return errors;
}

export function run(tool: string, options: readonly string[]): string {
  const result = spawnSync(PREFIX + tool, options, { encoding: "utf8", maxBuffer: 1 << 26 });
  // Warnings, about values that do not fit, are expected.
  if (result.status !== 0) throw new Error(`${tool} failed:\n${result.stderr.slice(0, 2000)}`);
  return result.stdout;
}

/** A C file as the assembly that GCC makes of it. */
export function compileToAssembly(path: string, level: string): string {
  const target = ["-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany"];
  return run("gcc", [...target, "-std=gnu17", "-ffreestanding", level, "-S", "-o", "-", path]);
}

/** What a source mentions and does not define. */
export function undefinedSymbols(source: string, name: string): string[] {
  const [input, object] = [temporaryPath(`${name}.s`), temporaryPath(`${name}.o`)];
  writeFileSync(input, source);
  run("as", [...ASSEMBLE, "-o", object, input]);
  return [...run("nm", ["-u", object]).matchAll(/ U (\S+)/g)].map(([, symbol]) => symbol);
}
