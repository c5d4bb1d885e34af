import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT, temporaryFolder } from "./workbench.ts";

const FILES = ["overrun.s", "echo.s", "flood.s", "wrong.s", "notes.txt"];

/** The folder that the suite runs in: sources, and one of them as an ELF. Needs dist/. */
export function suiteFolder(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder(...FILES.map((name) => `test/vscode/fixtures/${name}`));
  const elf = ["asm", join(folder.path, "overrun.s"), "-o", join(folder.path, "overrun.elf")];
  execFileSync(process.execPath, [join(ROOT, "dist", "cli.js"), ...elf]);
  return folder;
}

/** The suite as one file that an extension host loads. */
export async function bundleSuite(): Promise<string> {
  const outfile = join(ROOT, ".cache", "vscode", "suite.cjs");
  mkdirSync(join(ROOT, ".cache", "vscode"), { recursive: true });
  await build({
    entryPoints: [join(ROOT, "test", "vscode", "suite", "index.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node22.15",
    external: ["vscode"],
    sourcemap: "inline",
    logLevel: "warning",
  });
  return outfile;
}
