import assert from "node:assert/strict";
import test from "node:test";
import { transform } from "esbuild";
import { importsOf, layerOf, readLayers, readTreeFile, sourceFiles } from "./source-tree.ts";

/**
 * The layers that are pure computing on state (ARCHITECTURE.md, below the table): the same machine must do the same on
 * every host, and run where there is neither Node nor VS Code.
 */
const layers = readLayers();
const lastPure = layers.get("debuggee")!.rank;
/** Files of the language layer that wrap the pure service in a process. */
const LANGUAGE_SERVER = /^src\/language\/(server|main)[\w-]*\.ts$/;

/** Packages that are pure computing themselves. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  replay: ["@mcap/core", "@foxglove/crc"],
  // Types and plain data of the protocol.
  language: ["vscode-languageserver-textdocument", "vscode-languageserver-types", "vscode-languageserver-protocol"],
};

/** Global -> what to use instead. */
const BANNED: Readonly<Record<string, string>> = {
  Date: "time is computed from the instant (machine.time); a host that needs a clock passes it in",
  performance: "count steps; measuring is for host and bench",
  "Math.random": "Prng of src/base/prng.ts with the machine's seed",
  crypto: "Prng of src/base/prng.ts for chance, the digest of src/machine for hashes",
  setTimeout: "a generator that yields (Motion): whoever drives it owns the timer",
  setInterval: "a generator that yields (Motion): whoever drives it owns the timer",
  setImmediate: "a generator that yields (Motion): whoever drives it owns the timer",
  queueMicrotask: "a generator that yields (Motion)",
  requestAnimationFrame: "a generator that yields (Motion)",
  process: "the host passes in what it knows (src/host)",
  Buffer: "Uint8Array, DataView, TextEncoder and TextDecoder",
  fetch: "the host reads, and passes bytes in (src/host)",
  console: "return a value or a UserError; the host speaks to the user",
  globalThis: "what is needed is passed in",
  window: "what is needed is passed in",
  self: "what is needed is passed in",
  document: "views are in src/webview",
  navigator: "what is needed is passed in",
  postMessage: "ports are in src/host",
  Worker: "workers are in src/host",
  WeakRef: "collection is the host's chance: keep an explicit bound",
  FinalizationRegistry: "collection is the host's chance: keep an explicit bound",
  Intl: "toString(radix) and padStart: a locale is the host's chance",
};

function pureFiles(): string[] {
  return sourceFiles("src").filter((path) => {
    const name = layerOf(path) ?? "";
    if (name === "language") return !LANGUAGE_SERVER.test(path);
    return (layers.get(name)?.rank ?? Number.POSITIVE_INFINITY) <= lastPure;
  });
}

const MARK = "__BANNED__";

/** Globals out of BANNED that the source uses, found by esbuild's own scope analysis: a local `process` is none. */
async function bannedGlobals(source: string): Promise<string[]> {
  const names = Object.keys(BANNED);
  const define = Object.fromEntries(names.map((name, index) => [name, `${MARK}${index}`]));
  const { code } = await transform(source, { loader: "ts", define, format: "esm" });
  const found = [...code.matchAll(new RegExp(`${MARK}(\\d+)`, "g"))].map(([, index]) => names[Number(index)]);
  return [...new Set(found)];
}

test("the scan itself finds globals and leaves names alone", async () => {
  const source = `
    import type { Date } from "./x.ts";
    const process = 1; // a local, and a comment with Math.random()
    export const bad = [performance.now(), Math.random(), new Worker("x"), "setTimeout"];
    export const fine = { process, setTimeout: 3, Date: 4 }.Date;`;
  assert.deepEqual((await bannedGlobals(source)).sort(), ["Math.random", "Worker", "performance"]);
});

test("no clock, chance, timer or host in the pure layers", async () => {
  const wrong: string[] = [];
  for (const path of pureFiles()) {
    const source = readTreeFile(path);
    for (const name of await bannedGlobals(source)) {
      const line = source.split("\n").findIndex((text) => text.includes(name)) + 1;
      wrong.push(`${path}:${line} uses ${name}. Instead: ${BANNED[name]}.`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("no Node, no VS Code and only pure packages in the pure layers", () => {
  const wrong: string[] = [];
  for (const path of pureFiles()) {
    const allowed = PURE_PACKAGES[layerOf(path)!] ?? [];
    for (const { specifier, path: target, line } of importsOf(path)) {
      if (target !== undefined || allowed.includes(specifier)) continue;
      wrong.push(
        `${path}:${line} imports ${specifier}. Instead: the host (src/host) does it and passes the result in.`,
      );
    }
  }
  assert.deepEqual(wrong, []);
});

test("vscode is imported by src/extension only, and the adapter knows only its protocol", () => {
  const wrong: string[] = [];
  for (const path of [...sourceFiles("src"), ...sourceFiles("scripts")]) {
    if (layerOf(path) === "extension") continue;
    for (const { specifier, line } of importsOf(path)) {
      if (specifier === "vscode")
        wrong.push(`${path}:${line} imports vscode. Instead: pass plain data to src/extension.`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("webviews run in a browser: no Node there", () => {
  const wrong = sourceFiles("src/webview").flatMap((path) =>
    importsOf(path)
      .filter(({ specifier }) => specifier.startsWith("node:") || specifier === "vscode")
      .map(({ specifier, line }) => `${path}:${line} imports ${specifier}. Instead: a message to the extension.`),
  );
  assert.deepEqual(wrong, []);
});
