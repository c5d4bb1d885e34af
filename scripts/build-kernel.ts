import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/**
 * Builds the teaching kernel (guest/kernel) with Debian's cross compiler: its programs, the file system of them, and the
 * kernel around that. `node scripts/build-kernel.ts` writes guest/kernel/prebuilt; `--to FOLDER` writes there.
 */

const SOURCES = join(import.meta.dirname, "../guest/kernel");
const INCLUDE = join(import.meta.dirname, "../guest/include");
const COMPILER = "riscv64-unknown-elf-gcc";
const PAGE_BYTES = 4096;
const NAME_BYTES = 28;
const FILES_IN_BLOCK = 101;

const OPTIONS = [
  ...["-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany"],
  ...["-std=gnu17", "-ffreestanding", "-fno-builtin", "-fno-tree-loop-distribute-patterns", "-O2", "-g", "-gdwarf-5"],
  ...[
    "--param=min-pagesize=0",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-Wl,--no-warn-rwx-segments",
    "-Wl,--build-id=none",
  ],
  // The same bytes wherever it is built.
  ...[`-ffile-prefix-map=${SOURCES}=guest/kernel`, `-ffile-prefix-map=${INCLUDE}=guest/include`],
];

function sourcesIn(folder: string, ends: readonly string[]): string[] {
  return readdirSync(folder)
    .filter((name) => ends.some((end) => name.endsWith(end)))
    .sort();
}

/** SHA-256 over names and contents of everything that the kernel is built from. */
export function sourcesDigest(): string {
  const hash = createHash("sha256");
  const files = [
    ...sourcesIn(SOURCES, [".c", ".h", ".S", ".ld", "motd"]).map((name) => name),
    ...sourcesIn(join(SOURCES, "user"), [".c", ".h", ".S", ".ld"]).map((name) => `user/${name}`),
  ];
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(SOURCES, file)))
      .update("\0");
  return hash.update(readFileSync(join(INCLUDE, "hindcast.h"))).digest("hex");
}

/** Each source is compiled under a name of its own: names that the compiler makes up would be in the result. */
function compile(
  folder: string,
  target: string,
  script: string,
  sources: readonly string[],
  linking: readonly string[],
) {
  const run = (...more: readonly string[]) =>
    execFileSync(COMPILER, [...OPTIONS, `-ffile-prefix-map=${folder}=.`, ...more], { cwd: folder, stdio: "inherit" });
  const objects = sources.map((source) => {
    const object = `${basename(source)}.o`;
    run(
      `-Wa,-I${folder},--debug-prefix-map=${folder}=.,--debug-prefix-map=${SOURCES}=guest/kernel`,
      "-c",
      "-o",
      object,
      source,
    );
    return object;
  });
  const target64 = ["-march=rv64imac", "-mabi=lp64", "-print-libgcc-file-name"];
  const library = execFileSync(COMPILER, target64, { encoding: "utf8" }).trim();
  run(...linking, "-T", script, "-o", target, ...objects, library);
}

/** The file system: a directory in the first block, files behind it, each from the start of a block (files.c). */
function filesImage(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  if (files.size > FILES_IN_BLOCK)
    throw new Error(`${files.size} files do not fit into a directory of ${FILES_IN_BLOCK}`);
  const blocksOf = (bytes: Uint8Array) => Math.ceil(bytes.length / PAGE_BYTES);
  const blocks = [...files.values()].reduce((sum, bytes) => sum + blocksOf(bytes), 1);
  const image = new Uint8Array(blocks * PAGE_BYTES);
  const view = new DataView(image.buffer);
  view.setUint32(0, 0x31736672, true);
  view.setUint32(4, files.size, true);
  let block = 1;
  let at = 8;
  for (const [name, bytes] of files) {
    if (name.length >= NAME_BYTES) throw new Error(`${name} is too long for the directory`);
    image.set(new TextEncoder().encode(name), at);
    view.setUint32(at + NAME_BYTES, block, true);
    view.setUint32(at + NAME_BYTES + 4, bytes.length, true);
    image.set(bytes, block * PAGE_BYTES);
    block += blocksOf(bytes);
    at += NAME_BYTES + 12;
  }
  return image;
}

/** Writes kernel.elf, files.img (for a disk) and kernel.json (the digest of the sources) into `target`. */
export function buildKernel(target: string): void {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-kernel-"));
  try {
    const programs = sourcesIn(join(SOURCES, "user"), [".c"]).filter((name) => name !== "library.c");
    const files = new Map<string, Uint8Array>();
    for (const source of programs) {
      const name = source.slice(0, -".c".length);
      const inputs = [source, "start.S", "library.c"].map((file) => join(SOURCES, "user", file));
      const path = join(folder, name);
      compile(folder, path, join(SOURCES, "user/program.ld"), inputs, ["-Wl,-z,max-page-size=4096", "-s"]);
      files.set(name, readFileSync(path));
    }
    files.set("motd", readFileSync(join(SOURCES, "motd")));
    const image = filesImage(files);
    writeFileSync(join(folder, "files.img"), image);
    const kernel = sourcesIn(SOURCES, [".c", ".S"]).map((name) => join(SOURCES, name));
    compile(folder, "kernel.elf", join(SOURCES, "kernel.ld"), kernel, []);
    writeFileSync(join(target, "kernel.elf"), readFileSync(join(folder, "kernel.elf")));
    writeFileSync(join(target, "files.img"), image);
    writeFileSync(join(target, "kernel.json"), `${JSON.stringify({ sources: sourcesDigest() })}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const at = process.argv.indexOf("--to");
  buildKernel(at < 0 ? join(SOURCES, "prebuilt") : process.argv[at + 1]);
}
