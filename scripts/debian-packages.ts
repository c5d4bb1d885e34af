import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that a suite calls, and the Debian package that brings it. */
export interface Requirement {
  readonly program: string;
  readonly debianPackage: string;
}

/** Another package manager may hold dpkg's lock for a while on a machine that has just booted. */
const LOCK_TIMEOUT_S = 300;

export function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Makes the programs available: installs what is missing when this process may (root on a Debian machine). Returns what
 * is still missing.
 */
export function provide(requirements: readonly Requirement[]): Requirement[] {
  const missing = requirements.filter(({ program }) => findProgram(program) === undefined);
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) return missing;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  console.log(`Installing Debian packages: ${packages.join(" ")}`);
  apt("update", "-qq");
  apt("install", "-y", "-qq", "--no-install-recommends", ...packages);
  return missing.filter(({ program }) => findProgram(program) === undefined);
}

function apt(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync("apt-get", ["-o", `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`, ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 64 * 1024 * 1024,
  });
  // The caller looks for the programs themselves; what apt-get said matters only when it failed.
  if (status !== 0) console.log(`apt-get ${args[0]} failed:\n${`${stdout}${stderr}`.slice(-4000)}`);
}
