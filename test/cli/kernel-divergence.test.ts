/** What guest/kernel/README.md tells to try with two machines: its commands are run as they stand there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { file, folder, hindcast } from "./command.ts";

const ROOT = join(import.meta.dirname, "../..");
const README = readFileSync(join(ROOT, "guest/kernel/README.md"), "utf8");

/** The arguments of a command of the README, with the files of this test. */
function told(command: string): string[] {
  const line = README.split("\n").find((text) => text.trim().startsWith(`hindcast ${command}`));
  assert.ok(line !== undefined, command);
  const words = line.trim().split(/\s+/).slice(1);
  return words.map((word) => {
    if (word.startsWith("guest/")) return join(ROOT, word);
    return word.endsWith(".txt") || word.endsWith(".hindcast") ? join(folder, word) : word;
  });
}

test("a flipped bit of one machine is found behind what the teaching kernel did not say", async () => {
  const typed = /^ {4}printf '(.*)' > typed\.txt$/m.exec(README)?.[1];
  assert.ok(typed !== undefined);
  file("typed.txt", typed.replaceAll("\\n", "\n"));
  const pair = await hindcast(...told("lockstep"));
  assert.equal(pair.exitCode, 0, pair.stderr);
  // The outside hears what a machine without the flip says.
  assert.match(pair.stdout, /walk: 200 pages, sum 394613[\s\S]*primes: 2262 below 20000/);
  const found = await hindcast(...told("diff"));
  assert.equal(found.exitCode, 1, found.stderr);
  assert.match(found.stdout, /had bit \d+ flipped in B at instant 400,000, by no instruction/);
  assert.match(found.stdout, /First difference in what they say: console/);
});
