import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./workbench.ts";

/** Files of the folder that the suite runs in, beside those that it records itself. */
export const SUITE_FILES = ["overrun.s", "echo.s", "flood.s", "wrong.s", "notes.txt"].map(
  (name) => `test/vscode/fixtures/${name}`,
);

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
