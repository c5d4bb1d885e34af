/**
 * `npm run package`: hindcast.vsix, with the bundles and nothing that they do not need. `node scripts/package.ts FILE`
 * writes it elsewhere.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

const VSCE_OPTIONS = [
  // Everything is bundled: there are no dependencies to ship.
  "--no-dependencies",
  // package.json names no repository, and so the README's links to docs/ have no address to be turned into.
  "--allow-missing-repository",
  "--no-rewrite-relative-links",
];

/** Builds and packs; throws with what was printed when either fails. */
export function packageExtension(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  run(process.execPath, [join(ROOT, "scripts", "build.ts"), "--production"]);
  const vsce = join(ROOT, "node_modules", "@vscode", "vsce", "vsce");
  run(process.execPath, [vsce, "package", ...VSCE_OPTIONS, "--out", path]);
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} failed:\n${stdout}${stderr}`);
  if (import.meta.main) console.log(stdout);
}

if (import.meta.main) packageExtension(resolve(process.argv[2] ?? join(ROOT, "hindcast.vsix")));
