import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { allocatorSettings } from "../../src/extension/allocator-settings.ts";

/** What stays resident, in MB, of small buffers' room after large ones have come and gone. */
const RESIDENT = `
  const use = () => { new Uint8Array(24e6).fill(1).buffer.transfer(0); };
  use();
  const kept = [];
  const large = [];
  for (let index = 0; index < 8; index++) {
    large.push(new Uint8Array(20e6).fill(1));
    kept.push(new Uint8Array(65536).fill(1));
  }
  for (const bytes of large) bytes.buffer.transfer(0);
  console.log(process.memoryUsage().rss / 1e6);
`;

function resident(settings: Record<string, string>): number {
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: undefined, ...settings };
  return Number(execFileSync(process.execPath, ["-e", RESIDENT], { env, encoding: "utf8" }));
}

test("buffers that are given back leave the process", { skip: process.platform !== "linux" }, (t) => {
  const [without, with_] = [resident({}), resident(allocatorSettings("linux", {}))];
  if (without < 100) return t.skip("not glibc's malloc");
  assert.ok(with_ < without - 100, `${without} MB without, ${with_} MB with`);
});

test("only where there is glibc, and a choice of the user's stands", () => {
  assert.deepEqual(allocatorSettings("darwin", {}), {});
  assert.deepEqual(allocatorSettings("win32", {}), {});
  assert.deepEqual(allocatorSettings("linux", { MALLOC_MMAP_THRESHOLD_: "1" }), {});
});
