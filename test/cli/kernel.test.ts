import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { sourcesDigest } from "../../scripts/build-kernel.ts";
import { file, folder, hindcastJson } from "./command.ts";

const PREBUILT = join(import.meta.dirname, "../../guest/kernel/prebuilt");
const KERNEL = join(PREBUILT, "kernel.elf");
const FILES = join(PREBUILT, "files.img");

const TYPED = `cat motd
primes 3000 2 &
walk 300 2
wait
crash 1
crash 2
crash 3
crash
nothing
mix 2 2 30
ps
exit
`;

const record = (name: string, ...options: string[]) =>
  hindcastJson(
    "record",
    "--kernel",
    KERNEL,
    ...options,
    "--input",
    file(`${name}.txt`, TYPED),
    "-o",
    join(folder, name),
  );

test("the prebuilt teaching kernel is of these sources", () => {
  const { sources } = JSON.parse(readFileSync(join(PREBUILT, "kernel.json"), "utf8")) as { sources: string };
  assert.equal(sources, sourcesDigest(), "build it again: node scripts/build-kernel.ts");
});

for (const harts of [1, 2, 4]) {
  for (const disk of [false, true]) {
    const name = `kernel-${harts}${disk ? "-disk" : ""}`;
    test(`the teaching kernel: programs, faults and processes, ${harts} harts, ${disk ? "with a disk" : "without one"}`, async () => {
      const { exitCode, json, before } = await record(name, "--harts", `${harts}`, ...(disk ? ["--disk", FILES] : []));
      assert.equal(exitCode, 0, before);
      assert.equal(json.reason, "exit");
      assert.match(before, disk ? /files, on the disk\./ : /files, in the kernel\./);
      assert.match(before, /A kernel to learn from/);
      assert.equal(before.match(/primes: 430 below 3000/g)?.length, 2);
      assert.match(before, /walk: 300 pages, sum 91091/);
      assert.match(before, /a store to an address without memory, at [0-9a-f]+, address 80200000/);
      assert.match(before, /an address without an instruction/);
      assert.match(before, /an illegal instruction/);
      assert.match(before, /a load from an address without memory, at [0-9a-f]+, address 8/);
      assert.match(before, /nothing: no such program/);
      assert.equal(before.match(/mix: computed [1-9]/g)?.length, 2);
      assert.equal(before.match(/mix: touched [1-9]/g)?.length, 2);
      assert.match(before, /mix: done/);
      // The shell and ps: everybody else has ended, and their memory is free again.
      assert.equal(before.match(/^ *\d+ +\d+ (runs|sleeps|waits|ended)/gm)?.length, 2, before);
      const replayed = await hindcastJson("replay", join(folder, name), "--checks", "--no-console");
      assert.equal(replayed.exitCode, 0, replayed.stderr);
    });
  }
}

const COLD = `sums 1 60 800 &
walk 400 3 &
walk 400 2 &
sums 2 60 800
wait
exit
`;

test("the teaching kernel is told of pages that are not ready, says what it says with all of them, and replays, checks and all", async () => {
  const input = file("cold.txt", COLD);
  const board = ["--kernel", KERNEL, "--harts", "2", "--memory", "16M", "--input", input];
  const whole = await hindcastJson("run", ...board);
  const path = join(folder, "cold");
  const slow = ["--resident", "2M", "--page-in-latency", "2"];
  const { exitCode, json, before } = await hindcastJson("record", ...board, ...slow, "-o", path);
  assert.equal(exitCode, 0, before);
  const results = (console: string) =>
    console
      .match(/^.*(sums \d+|walk): .*$/gm)
      ?.map((line) => line.replace("$ ", ""))
      .sort();
  assert.equal(results(before)?.length, 4, before);
  assert.deepEqual(results(before), results(whole.before));
  const { works } = json.residency as { works: { told: number }[] };
  assert.ok(
    works.some(({ told }) => told > 0),
    JSON.stringify(json),
  );
  const replayed = await hindcastJson("replay", path, "--checks", "--no-console");
  assert.equal(replayed.exitCode, 0, replayed.stderr);
  assert.equal(replayed.json.instant, json.instant);
  const { pages } = (await hindcastJson("info", path)).json as { pages?: { notReady: number; ready: number } };
  assert.ok(pages !== undefined && pages.notReady > 0 && pages.ready === pages.notReady, JSON.stringify(pages));
  // Told nothing, the harts wait.
  const silent = await hindcastJson("run", ...board, ...slow, "--async-pages", "off");
  assert.deepEqual(results(silent.before), results(whole.before));
});
