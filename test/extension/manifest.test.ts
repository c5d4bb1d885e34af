import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import type { LaunchArguments } from "../../src/adapter/custom-protocol.ts";
import { parseLaunchArguments } from "../../src/adapter/launch-arguments.ts";
import { parseInstructionSet } from "../../src/isa/instruction-set.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const [debuggerContribution] = manifest.contributes.debuggers;
const schema: Record<string, { default?: unknown; enum?: unknown[]; enumDescriptions?: unknown[] }> =
  debuggerContribution.configurationAttributes.launch.properties;
const paths = { resolvePath: (base: string, path: string) => resolve(base, path), workingDirectory: "/" };

/** The compiler keeps this list equal to what the adapter takes. */
const ATTRIBUTES: Record<keyof LaunchArguments, true> = {
  program: true,
  kernel: true,
  initrd: true,
  append: true,
  bios: true,
  dtb: true,
  symbolFiles: true,
  modes: true,
  recording: true,
  recordTo: true,
  cwd: true,
  memory: true,
  harts: true,
  isa: true,
  engine: true,
  cacheGroup: true,
  clock: true,
  seed: true,
  input: true,
  stopOnEntry: true,
  stopOnEnd: true,
  console: true,
  net: true,
  disk: true,
  startTime: true,
  virtio: true,
  guestConsole: true,
  residentMemory: true,
  asyncPages: true,
  pageInLatency: true,
  lockstep: true,
};

test("launch.json offers what the adapter takes, no more and no less", () => {
  assert.deepEqual(Object.keys(schema).sort(), Object.keys(ATTRIBUTES).sort());
});

const EXAMPLES: Readonly<Record<string, unknown>> = {
  startTime: "2026-01-31",
  residentMemory: "32M",
  pageInLatency: 2,
};

test("the adapter accepts every default and every choice", () => {
  for (const [name, { default: value, enum: choices }] of Object.entries(schema)) {
    const subject = name === "recording" || name === "kernel" ? {} : { program: "guest.s" };
    // What VS Code replaces before the adapter sees it.
    const plain = typeof value === "string" && value.includes("$") ? "/guest" : value;
    // Where nothing but a date, a size or a number is taken.
    const example = EXAMPLES[name] ?? "/guest";
    for (const choice of choices ?? [plain ?? example]) {
      const { warnings } = parseLaunchArguments({ ...subject, [name]: choice }, paths);
      assert.deepEqual(warnings, [], `${name}: ${choice}`);
    }
  }
});

test("the machine that launch.json shows by its defaults is the one that there is without them", () => {
  const { harts, modes, isa, seed, clock, virtio, console } = DEFAULT_CONFIGURATION;
  const defaults = { harts, modes, seed, clock, virtio, guestConsole: console };
  for (const [name, value] of Object.entries(defaults)) assert.equal(schema[name].default, value, name);
  const shown = parseInstructionSet(schema.isa.default as string, modes);
  assert.equal(shown.isaString, parseInstructionSet(isa, modes).isaString);
});

test("every choice in launch.json and in the settings is explained", () => {
  const settings: typeof schema = manifest.contributes.configuration.properties;
  for (const [name, property] of [...Object.entries(schema), ...Object.entries(settings)]) {
    assert.ok("description" in property || "markdownDescription" in property, name);
    assert.equal(property.enumDescriptions?.length, property.enum?.length, name);
  }
});

test("snippets and the first launch.json use attributes that exist", () => {
  const bodies = [
    ...debuggerContribution.initialConfigurations,
    ...debuggerContribution.configurationSnippets.map(({ body }: { body: object }) => body),
  ];
  for (const { type, request, name, ...attributes } of bodies) {
    assert.deepEqual([type, request, typeof name], ["hindcast", "launch", "string"]);
    for (const attribute of Object.keys(attributes)) assert.ok(attribute in schema, attribute);
  }
});

test("files that the manifest names exist, or are made by the build", () => {
  const text = JSON.stringify(manifest.contributes) + JSON.stringify(manifest.icon);
  const files = [...text.matchAll(/"(?:\.\/)?((?:media|syntaxes)\/[^"]+)"/g)].map(([, file]) => file);
  assert.ok(files.length > 10, `${files.length} files`);
  for (const file of files) assert.ok(existsSync(join(ROOT, file)), file);
  assert.equal(dirname(manifest.main), "./dist");
});
