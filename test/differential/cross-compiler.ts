import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const COMPILER = "riscv64-unknown-elf-gcc";
const TARGET = ["-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany"];
const LINK = ["-nostdlib", "-Wl,--no-warn-rwx-segments"];

const folder = mkdtempSync(join(tmpdir(), "hindcast-differential-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A fresh path in a folder that goes with this process. */
export function temporaryPath(name: string): string {
  return join(folder, name);
}

export interface Executable {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface CompileOptions {
  readonly folder?: string;
  readonly defines?: Readonly<Record<string, number>>;
  /** Further options of the compiler. */
  readonly flags?: readonly string[];
  /** Further sources, below the same folder. */
  readonly sources?: readonly string[];
  /** For harts with floating point, whose registers carry arguments, instead of rv64imac. */
  readonly floatingPoint?: boolean;
}

const FLOATING_POINT = ["-march=rv64imafdc_zicsr_zifencei", "-mabi=lp64d"];

/** The compiler's own library for a target. It would choose one of another ABI by the names of small extensions. */
const libraries = new Map<string, string>();

function libraryOf(options: readonly string[]): string {
  const key = options.join(" ");
  const known = libraries.get(key);
  if (known !== undefined) return known;
  const found = execFileSync(COMPILER, [...options, "-print-libgcc-file-name"], { encoding: "utf8" }).trim();
  libraries.set(key, found);
  return found;
}

/** Compiles a program of guest/c, or of another folder of guest, with guest/c's runtime. */
export function compileGuest(
  name: string,
  optimisation: string,
  { folder = "c", defines = {}, flags = [], sources: further = [], floatingPoint = false }: CompileOptions = {},
): Executable {
  const library = libraryOf(floatingPoint ? ["-march=rv64imafdc", "-mabi=lp64d"] : ["-march=rv64imac", "-mabi=lp64"]);
  const sources = ["runtime/crt0.S", "runtime/runtime.c"].map((path) => join(ROOT, "guest/c", path));
  const warnings = ["-Wall", "-Wextra", "-Werror"];
  const language = ["-std=gnu17", "-ffreestanding", "-g", `-${optimisation}`];
  const definitions = Object.entries(defines).map(([define, value]) => `-D${define}=${value}`);
  const programs = [`${name}.c`, ...further].map((path) => join(ROOT, "guest", folder, path));
  const target = floatingPoint ? FLOATING_POINT : [];
  const script = ["-T", join(ROOT, "guest/c/runtime/link.ld")];
  const output = `${name}-${[optimisation, ...Object.values(defines), ...flags].join("-")}.elf`;
  return compile(output, [
    ...[...target, ...language, ...flags, ...warnings, ...definitions],
    ...[...script, ...sources, ...programs, library],
  ]);
}

/** Assembles one source file, linked to run at the beginning of RAM; `-n` keeps the file header out of memory. */
export function assemble(path: string): Executable {
  return compile(`${basename(path)}.elf`, ["-mno-relax", "-Wl,-n,-Ttext=0x80000000", path]);
}

function compile(output: string, options: readonly string[]): Executable {
  const path = temporaryPath(output);
  execFileSync(COMPILER, [...TARGET, ...LINK, ...options, "-o", path], { stdio: ["ignore", "inherit", "inherit"] });
  return { path, bytes: readFileSync(path) };
}
