/**
 * Bundles every process of Hindcast into dist/, one file each, nothing native:
 *
 *     npm run build                     for development: readable, with source maps
 *     npm run build -- --production     for the .vsix: minified, without source maps
 *     npm run build -- --only=extension,adapter
 *
 * Worker bundles lie beside the bundles that start them and keep the names of their sources, so that
 * `new URL("./machine-worker.js", import.meta.url)` finds them in dist/ as it finds the `.ts` file in src/.
 */
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { thirdPartyNotices } from "./third-party-notices.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, "dist");

/** VS Code 1.101, the oldest that we run in, ships Node 22.15. */
const NODE_TARGET = "node22.15";
/** And Chromium 134, for the webviews. */
const BROWSER_TARGET = "chrome134";

interface Bundle {
  readonly name: string;
  /** Source file -> bundle, both from the root. */
  readonly entries: Readonly<Record<string, string>>;
  readonly options: esbuild.BuildOptions;
}

/** Some dependencies are CommonJS and call `require("net")`; an ES module has no `require` of its own. */
const REQUIRE_BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

const nodeModule: esbuild.BuildOptions = {
  platform: "node",
  format: "esm",
  target: NODE_TARGET,
  // Prefer the ES flavour of packages that ship both: it bundles smaller.
  mainFields: ["module", "main"],
  banner: { js: REQUIRE_BANNER },
};

const BUNDLES: readonly Bundle[] = [
  {
    name: "extension",
    // CommonJS, because the web worker's extension host loads nothing else; `.cjs`, because the package is a module.
    entries: { "src/extension/extension.ts": "dist/extension.cjs" },
    options: { platform: "node", format: "cjs", target: NODE_TARGET, external: ["vscode"] },
  },
  { name: "adapter", entries: { "src/host/adapter-process.ts": "dist/adapter.js" }, options: nodeModule },
  { name: "machine worker", entries: { "src/host/machine-worker.ts": "dist/machine-worker.js" }, options: nodeModule },
  { name: "writer worker", entries: { "src/host/writer-worker.ts": "dist/writer-worker.js" }, options: nodeModule },
  { name: "compile worker", entries: { "src/host/compile-worker.ts": "dist/compile-worker.js" }, options: nodeModule },
  { name: "swap worker", entries: { "src/host/swap-worker.ts": "dist/swap-worker.js" }, options: nodeModule },
  { name: "search worker", entries: { "src/host/search-worker.ts": "dist/search-worker.js" }, options: nodeModule },
  {
    name: "live pair worker",
    entries: { "src/host/live-pair-worker.ts": "dist/live-pair-worker.js" },
    options: nodeModule,
  },
  { name: "probe worker", entries: { "src/host/probe-worker.ts": "dist/probe-worker.js" }, options: nodeModule },
  {
    name: "lockstep worker",
    entries: { "src/host/lockstep-worker.ts": "dist/lockstep-worker.js" },
    options: nodeModule,
  },
  { name: "language server", entries: { "src/language/server.ts": "dist/language-server.js" }, options: nodeModule },
  {
    name: "cli",
    entries: { "src/cli/main.ts": "dist/cli.js" },
    options: { ...nodeModule, banner: { js: `#!/usr/bin/env node\n${REQUIRE_BANNER}` } },
  },
  {
    name: "webviews",
    entries: {
      "src/webview/timeline.ts": "dist/webview/timeline.js",
      "src/webview/timeline.css": "dist/webview/timeline.css",
      "src/webview/machine.ts": "dist/webview/machine.js",
      "src/webview/machine.css": "dist/webview/machine.css",
      "src/webview/searches.ts": "dist/webview/searches.js",
      "src/webview/searches.css": "dist/webview/searches.css",
      "src/webview/lockstep.ts": "dist/webview/lockstep.js",
      "src/webview/lockstep.css": "dist/webview/lockstep.css",
      "src/webview/watches.ts": "dist/webview/watches.js",
      "src/webview/watches.css": "dist/webview/watches.css",
      "src/webview/plot.ts": "dist/webview/plot.js",
      "src/webview/plot.css": "dist/webview/plot.css",
      "src/webview/recording.ts": "dist/webview/recording.js",
      "src/webview/recording.css": "dist/webview/recording.css",
    },
    options: { platform: "browser", format: "iife", target: BROWSER_TARGET },
  },
];

async function main(args: readonly string[]): Promise<void> {
  const production = args.includes("--production");
  const only = args
    .find((argument) => argument.startsWith("--only="))
    ?.slice("--only=".length)
    .split(",");
  const bundles = BUNDLES.filter((bundle) => only === undefined || only.includes(bundle.name));
  if (only === undefined) await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST, { recursive: true });

  // Each is built even if another fails: whoever works on the adapter need not wait for the webview to compile again.
  const results = await Promise.allSettled(bundles.map((bundle) => build(bundle, production)));
  const failures = results.filter((result) => result.status === "rejected");
  if (failures.length > 0) throw failures[0].reason;
  const metafiles = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
  if (only === undefined) await writeNotices(metafiles);
}

async function build(bundle: Bundle, production: boolean): Promise<esbuild.Metafile> {
  const started = performance.now();
  const result = await esbuild.build({
    absWorkingDir: ROOT,
    bundle: true,
    outdir: ".",
    entryPoints: Object.entries(bundle.entries).map(([source, output]) => ({
      in: source,
      out: output.replace(/\.\w+$/, ""),
    })),
    outExtension: Object.values(bundle.entries).some((output) => output.endsWith(".cjs")) ? { ".js": ".cjs" } : {},
    minify: production,
    // Names of classes and functions appear in reports of faults, which people send us from the minified bundle.
    keepNames: production,
    sourcemap: production ? false : "linked",
    legalComments: "none",
    logLevel: "warning",
    ...bundle.options,
    metafile: true,
  });
  const sizes = await Promise.all(
    Object.values(bundle.entries).map(async (output) => {
      if (output === "dist/cli.js") await chmod(join(ROOT, output), 0o755);
      return `${relative(".", output)} ${Math.ceil((await stat(join(ROOT, output))).size / 1024)} kB`;
    }),
  );
  console.log(`${bundle.name}: ${sizes.join(", ")} (${Math.round(performance.now() - started)} ms)`);
  return result.metafile;
}

/** The licences of what was bundled travel with it, as most of them ask. */
async function writeNotices(metafiles: readonly esbuild.Metafile[]): Promise<void> {
  const inputs = new Set(metafiles.flatMap((metafile) => Object.keys(metafile.inputs)));
  const text = await thirdPartyNotices([...inputs], (path) => readFile(join(ROOT, path), "utf8"));
  await writeFile(join(DIST, "third-party-notices.txt"), text);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // esbuild has already printed what is wrong in the sources; anything else needs its stack.
  if (!(error instanceof Error && "errors" in error)) console.error(error);
  process.exitCode = 1;
}
