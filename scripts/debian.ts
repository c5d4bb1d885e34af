/**
 * `npm run debian`: fetches stock Debian 13 for riscv64 and makes what a machine boots: the kernel, an initramfs, a disk
 * image, and OpenSBI. Everything lies in .cache/debian and is made once; `--update` looks for a newer kernel.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { buildInitramfs } from "./debian/initramfs.ts";
import { kernelSymbols } from "./debian/kallsyms.ts";
import { PackageCache } from "./debian/packages.ts";

/** Paths of what a machine needs to boot Debian. */
export interface DebianFiles {
  /** The kernel as the package has it: an Image with an EFI stub. */
  readonly kernel: string;
  readonly kernelVersion: string;
  readonly initrd: string;
  /** The kernel's symbols, in the form of System.map. */
  readonly symbols: string;
  /** An ext4 file system with a file in it. */
  readonly disk: string;
  /** Debian's OpenSBI. */
  readonly opensbi: { readonly dynamic: string; readonly jump: string; readonly dynamicElf: string };
}

const FOLDER = resolve(import.meta.dirname, "../.cache/debian");
const DISK_MEGABYTES = 16;
export const DISK_GREETING = "hello from the host";

/** Raised when what is built from the packages changes. */
const BUILD_VERSION = 2;

/** Fetches and builds what is missing. Takes a minute the first time. */
export function debianFiles(update = false): DebianFiles {
  const root = join(FOLDER, "root");
  const about = join(FOLDER, "about.json");
  const known = existsSync(about) ? (JSON.parse(readFileSync(about, "utf8")) as { version: number }) : undefined;
  if (update || known?.version !== BUILD_VERSION) {
    mkdirSync(FOLDER, { recursive: true });
    const cache = new PackageCache(join(FOLDER, "apt"));
    cache.update();
    rmSync(root, { recursive: true, force: true });
    const packages = cache.unpack([cache.kernelPackage(), "busybox-static", "opensbi"], root);
    const version = kernelVersion(root);
    writeFileSync(join(FOLDER, "initramfs.cpio"), buildInitramfs(root, version));
    writeFileSync(join(FOLDER, "System.map"), kernelSymbols(readFileSync(kernelPath(root, version))));
    makeDisk(join(FOLDER, "disk.img"));
    writeFileSync(about, JSON.stringify({ version: BUILD_VERSION, packages }, null, 2));
  }
  const version = kernelVersion(root);
  const opensbi = join(root, "usr/lib/riscv64-linux-gnu/opensbi/generic");
  return {
    kernel: kernelPath(root, version),
    kernelVersion: version,
    initrd: join(FOLDER, "initramfs.cpio"),
    symbols: join(FOLDER, "System.map"),
    disk: join(FOLDER, "disk.img"),
    opensbi: {
      dynamic: join(opensbi, "fw_dynamic.bin"),
      jump: join(opensbi, "fw_jump.bin"),
      dynamicElf: join(opensbi, "fw_dynamic.elf"),
    },
  };
}

function kernelPath(root: string, version: string): string {
  return join(root, "boot", `vmlinux-${version}`);
}

function kernelVersion(root: string): string {
  const [file, ...more] = globSync(join(root, "boot/vmlinux-*"));
  if (file === undefined || more.length > 0) throw new Error(`not one kernel in ${root}: ${[file, ...more]}`);
  return basename(file).replace("vmlinux-", "");
}

/** The same bytes each time: what chance and the clock would bring in is given. */
function makeDisk(path: string): void {
  const contents = mkdtempSync(join(tmpdir(), "hindcast-disk-"));
  writeFileSync(join(contents, "greeting"), `${DISK_GREETING}\n`);
  rmSync(path, { force: true });
  const settings = [
    "-U",
    "68696e64-6361-7374-0000-000000000001",
    "-E",
    "hash_seed=68696e64-6361-7374-0000-000000000002",
  ];
  execFileSync("mke2fs", ["-q", "-t", "ext4", ...settings, "-d", contents, path, `${DISK_MEGABYTES}M`], {
    env: { ...process.env, SOURCE_DATE_EPOCH: "0", E2FSPROGS_FAKE_TIME: "1" },
  });
  rmSync(contents, { recursive: true });
}

if (import.meta.main) {
  const files = debianFiles(process.argv.includes("--update"));
  console.log(JSON.stringify(files, null, 2));
}
