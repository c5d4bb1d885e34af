/**
 * `npm run package`: hindcast.vsix, with the bundles and nothing that they do not need. `node scripts/package.ts FILE`
 * writes it elsewhere.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/** Builds and packs; throws with what was printed when either fails. */
export function packageExtension(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  run(process.execPath, [join(ROOT, "scripts", "build.ts"), "--production"]);
  const vsce = join(ROOT, "node_modules", "@vscode", "vsce", "vsce");
  // Everything is bundled, so that there are no dependencies to ship.
  run(process.execPath, [vsce, "package", "--no-dependencies", "--allow-missing-repository", "--out", path]);
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} failed:\n${stdout}${stderr}`);
  if (import.meta.main) console.log(stdout);
}

if (import.meta.main) packageExtension(resolve(process.argv[2] ?? join(ROOT, "hindcast.vsix")));
