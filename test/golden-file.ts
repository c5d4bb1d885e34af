import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const GOLDEN = join(import.meta.dirname, "golden");

/**
 * Compares what people read (a transcript, a listing) with test/golden/`name`. A file that is missing is written, for you
 * to look at and commit; one that differs is left alone, the new text lies beside it as `.actual`, and the failure says
 * how to accept it.
 */
export function checkGolden(name: string, actual: string): void {
  const path = join(GOLDEN, name);
  if (!existsSync(path)) {
    // A clean checkout has all of them: there, a missing one was forgotten.
    assert.ok(!process.env.CI, `test/golden/${name} is missing: run the test once and commit what it writes`);
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(path, actual);
    return;
  }
  const expected = readFileSync(path, "utf8");
  if (expected === actual) {
    rmSync(`${path}.actual`, { force: true });
    return;
  }
  writeFileSync(`${path}.actual`, actual);
  assert.fail(`${firstDifference(expected, actual)}
test/golden/${name} differs from test/golden/${name}.actual; if the new text is right: npm run golden:accept`);
}

/** The first line that differs, with what leads there. */
function firstDifference(expected: string, actual: string): string {
  const [was, is] = [expected.split("\n"), actual.split("\n")];
  let line = 0;
  while (line < was.length && was[line] === is[line]) line++;
  const before = was.slice(Math.max(line - 3, 0), line).map((text) => `  ${text}`);
  return [`line ${line + 1}:`, ...before, `- ${was[line] ?? "(the end)"}`, `+ ${is[line] ?? "(the end)"}`].join("\n");
}
