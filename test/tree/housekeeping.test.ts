import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import test from "node:test";
import { LONG_TESTS } from "../../scripts/long-tests.ts";
import { importsOf, ROOT, readLayers, readTreeFile, sourceFiles, treeFiles } from "./source-tree.ts";

/** A file that is longer asks to be two; about 400 is where one begins to look (design: style). */
const LONGEST_FILE_LINES = 600;

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Every match of a pattern in files, as `path:line match`. */
function findIn(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) => {
    const text = readTreeFile(path);
    return [...text.matchAll(pattern)].map((match) => `${path}:${lineOf(text, match.index)} ${match[0].trim()}`);
  });
}

function reachableFrom(roots: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const queue = [...roots];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path) || !path.endsWith(".ts") || !existsSync(join(ROOT, path))) continue;
    reached.add(path);
    queue.push(...importsOf(path).flatMap(({ path: target }) => (target === undefined ? [] : [target])));
  }
  return reached;
}

/** Files below src that the scripts and package.json name: what the bundles are made from. */
function entryPoints(): string[] {
  const naming = [...sourceFiles("scripts"), "package.json"];
  return naming.flatMap((path) => readTreeFile(path).match(/\bsrc\/[\w/-]+\.ts\b/g) ?? []);
}

/** What only tests use today, and why it stands in src. */
const FOR_TESTS_ONLY: Readonly<Record<string, string>> = {};

test("no dead source files: each is reached from a bundle's entry point", () => {
  const reached = reachableFrom([...entryPoints(), ...sourceFiles("scripts")]);
  const dead = sourceFiles("src").filter((path) => !reached.has(path) && !(path in FOR_TESTS_ONLY));
  assert.deepEqual(dead, [], "reached by no entry point that scripts/ or package.json names; tests alone do not count");
});

test("no dead files among scripts and tests", () => {
  const tests = sourceFiles("test").filter((path) => path.endsWith(".test.ts"));
  const named = [
    readTreeFile("package.json"),
    ...[...sourceFiles("scripts"), ...sourceFiles("test")].map(readTreeFile),
  ];
  const others = [...sourceFiles("scripts"), ...sourceFiles("test")].filter((path) => !path.endsWith(".test.ts"));
  const reached = reachableFrom(tests);
  // A program that is started by path (a worker, a page's script, an npm script) is named, not imported.
  const isNamed = (path: string) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return named.some((text) => text.includes(`/${name}"`) || text.includes(`"${name}"`) || text.includes(path));
  };
  assert.deepEqual(
    others.filter((path) => !reached.has(path) && !isNamed(path)),
    [],
  );
});

test("no stray .only, and no .skip or .todo without a reason", () => {
  const tests = sourceFiles("test").filter((path) => !path.startsWith("test/tree/"));
  const only = findIn(tests, /\b(?:test|it|describe|suite)\.only\(|\bonly: true/g);
  const bare = findIn(tests, /\b(?:test|it|describe|suite)\.(?:skip|todo)\(|\b(?:skip|todo): true/g);
  assert.deepEqual(only, []);
  assert.deepEqual(bare, [], "say why: { skip: condition && 'the reason' }");
});

test("nothing committed names this machine or a registry", () => {
  const hosts = ["registry\\.npmjs", "deb\\.debian\\.org", "artifactory", "verdaccio", "jfrog", "npmmirror"];
  const folders = ["work", "tmp", "root"];
  const text = treeFiles().filter((path) => /\.(ts|js|mjs|json|md|s|S|c|h|ld|sh|yml|css|html)$|^\.ci\//.test(path));
  const pattern = new RegExp(`(?<![\\w.$}*)>-])/(?:${folders.join("|")})/[\\w.-]+|${hosts.join("|")}|"resolved":`, "g");
  const self = ["test/tree/housekeeping.test.ts"];
  assert.deepEqual(
    findIn(
      text.filter((path) => !self.includes(path)),
      pattern,
    ),
    [],
  );
});

test("no merge is left half done", () => {
  const text = treeFiles().filter((path) => /\.(ts|js|json|md|s|S|c|h|ld|sh|yml|css|html)$|^\.ci\//.test(path));
  assert.deepEqual(findIn(text, /^(?:<{7}|>{7}|\|{7}) .*$/gm), []);
});

test(`no source file is longer than ${LONGEST_FILE_LINES} lines`, () => {
  const sources = [...sourceFiles("src"), ...sourceFiles("scripts"), ...sourceFiles("test")];
  const long = sources
    .map((path) => ({ path, lines: readTreeFile(path).split("\n").length }))
    .filter(({ lines }) => lines > LONGEST_FILE_LINES)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  assert.deepEqual(long, [], "such a file is usually two");
});

test("what the long stage names is there", () => {
  const gone = LONG_TESTS.filter((path) => !existsSync(join(ROOT, path)));
  assert.deepEqual(gone, []);
  assert.deepEqual([...LONG_TESTS].sort(), LONG_TESTS, "by path");
});

test("every folder of src has its page in docs", () => {
  const pages = treeFiles().filter((path) => /^docs\/[\w-]+\.md$/.test(path));
  const text = pages.map(readTreeFile).join("\n");
  const missing = [...readLayers().keys()].filter(
    (layer) =>
      !pages.includes(`docs/${layer}.md`) && !text.includes(`src/${layer}/`) && !text.includes(`src/${layer}\``),
  );
  assert.deepEqual(missing, []);
});

test("what the documents point to exists", () => {
  const broken: string[] = [];
  for (const path of treeFiles().filter((name) => name.endsWith(".md"))) {
    const text = readTreeFile(path);
    for (const match of text.matchAll(/\]\((?!https?:|command:|mailto:|#)([^)\s#]+)[^)]*\)/g)) {
      const target = normalize(join(dirname(path), match[1]));
      if (!existsSync(join(ROOT, target))) broken.push(`${path}:${lineOf(text, match.index)} links to ${match[1]}`);
    }
    for (const match of text.matchAll(/`((?:src|test|scripts|guest|docs|media|syntaxes)\/[\w./-]+\.\w+)`/g)) {
      if (!existsSync(join(ROOT, match[1]))) broken.push(`${path}:${lineOf(text, match.index)} names ${match[1]}`);
    }
  }
  assert.deepEqual(broken, []);
});

test("every script that the documents call exists", () => {
  const { scripts } = JSON.parse(readTreeFile("package.json")) as { scripts: Record<string, string> };
  const builtIn = ["ci", "install", "test", "start"];
  const broken: string[] = [];
  for (const path of treeFiles().filter((name) => name.endsWith(".md"))) {
    const text = readTreeFile(path);
    for (const match of text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)) {
      if (!(match[1] in scripts)) broken.push(`${path}:${lineOf(text, match.index)} ${match[0]}`);
    }
    for (const match of text.matchAll(/\bnpm (test|start)\b/g)) {
      if (!(match[1] in scripts)) broken.push(`${path}:${lineOf(text, match.index)} ${match[0]}`);
    }
  }
  assert.deepEqual(broken, [], `known: ${[...Object.keys(scripts), ...builtIn].join(", ")}`);
});

test("every golden file is named by a test", () => {
  const golden = treeFiles().filter((path) => /^test\/(?:\w+\/)?golden\//.test(path));
  const sources = sourceFiles("test").map(readTreeFile).join("\n");
  const orphans = golden.filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return !sources.includes(name) && !sources.includes(name.replace(/\.\w+$/, ""));
  });
  assert.deepEqual(orphans, []);
});

test("every dependency is argued for in docs/dependencies.md", () => {
  const manifest = JSON.parse(readTreeFile("package.json")) as Record<string, Record<string, string> | undefined>;
  const page = readTreeFile("docs/dependencies.md");
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
  const used = [...sourceFiles("src"), ...sourceFiles("scripts"), ...sourceFiles("test")].map(readTreeFile).join("\n");
  const shipped = Object.keys(manifest.dependencies ?? {}).filter((name) => !used.includes(`"${name}`));
  assert.deepEqual(shipped, [], "imported by nothing");
});

interface Locked {
  readonly packages: Record<
    string,
    { readonly optionalDependencies?: Record<string, string>; readonly version: string }
  >;
}

// The newest version of a tool was once published for two platforms of ten when the lock file was made: everything worked
// where it was made, and `npm ci` failed in every fresh clone.
test("the lock file has the packages of every platform", () => {
  const { packages } = JSON.parse(readTreeFile("package-lock.json")) as Locked;
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
      .map((name) => `${path} may need ${name}`),
  );
  assert.deepEqual(missing, []);
});
