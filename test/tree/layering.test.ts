import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { importsOf, layerOf, ROOT, readLayers, sourceFiles } from "./source-tree.ts";

const layers = readLayers();

/** Outside the pure layers; package.json has the version that users are told. */
const MAY_SAY_VERSION = ["adapter", "host", "cli", "extension"];

test("the folders of src are the layers of ARCHITECTURE.md", () => {
  const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true });
  assert.deepEqual(folders.map(({ name }) => name).sort(), [...layers.keys()].sort());
});

test("the table allows imports upwards only", () => {
  for (const layer of layers.values()) {
    for (const above of layer.folders) {
      assert.ok(layers.get(above)!.rank < layer.rank, `${layer.name} may import ${above}, which stands below it`);
    }
  }
});

test("every import points up the table of ARCHITECTURE.md", () => {
  const wrong: string[] = [];
  for (const path of sourceFiles("src")) {
    const layer = layers.get(layerOf(path) ?? "");
    if (layer === undefined) continue;
    for (const { path: target, line } of importsOf(path)) {
      if (target === undefined || (target === "package.json" && MAY_SAY_VERSION.includes(layer.name))) continue;
      const other = layerOf(target);
      if (other === layer.name || layer.files.has(target) || (other !== undefined && layer.folders.has(other)))
        continue;
      const allowed = [...layer.folders, ...layer.files].join(", ") || "nothing";
      wrong.push(`${path}:${line} imports ${target}; ${layer.name} may import ${allowed}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("no circle of imports", () => {
  // In a circle some module is evaluated before what it imports, and which one depends on the entry point.
  const circles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: readonly string[]) => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    state.set(path, "open");
    for (const { path: target, typeOnly } of importsOf(path)) {
      if (target?.startsWith("src/") && target.endsWith(".ts") && !typeOnly) visit(target, [...trail, path]);
    }
    state.set(path, "done");
  };
  for (const path of sourceFiles("src")) visit(path, []);
  assert.deepEqual(circles, []);
});
