/**
 * `npm start`: builds, then does the main job on the guest that ships with Hindcast: record a run that ends in a trap,
 * and search back from the trap to the instruction to blame. Arguments go to `hindcast demo`.
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function run(script: string, args: readonly string[], stdout: "inherit" | "pipe"): number {
  const {
    status,
    signal,
    stdout: printed,
  } = spawnSync(process.execPath, [join(ROOT, script), ...args], {
    cwd: process.cwd(),
    stdio: ["inherit", stdout, "inherit"],
    encoding: "utf8",
  });
  if (stdout === "pipe" && status !== 0) process.stderr.write(printed);
  if (signal !== null) process.stderr.write(`${script} was ended by ${signal}\n`);
  return status ?? 1;
}

// The build's own lines would only push the story down: they are shown when it fails.
const built = run("scripts/build.ts", [], "pipe");
process.exitCode = built === 0 ? run("dist/cli.js", ["demo", ...process.argv.slice(2)], "inherit") : built;
