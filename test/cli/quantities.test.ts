import assert from "node:assert/strict";
import test from "node:test";
import { InvalidArgumentError } from "commander";
import {
  formatBytes,
  formatCount,
  formatSeconds,
  formatSpeed,
  parseAddress,
  parseCount,
  parseHarts,
  parseIsa,
  parseLength,
  parseMemory,
  parsePort,
  parseSteps,
} from "../../src/cli/quantities.ts";

test("sizes of memory", () => {
  assert.equal(parseMemory("128M"), 128 * 2 ** 20);
  assert.equal(parseMemory("64k"), 64 * 2 ** 10);
  assert.equal(parseMemory("1GiB"), 2 ** 30);
  assert.equal(parseMemory("1048576"), 2 ** 20);
  for (const wrong of ["", "M", "-1M", "1.5G", "128 M", "128X", "32K", "4G", "100001", "1e6"]) {
    assert.throws(() => parseMemory(wrong), InvalidArgumentError, wrong);
  }
});

test("counts as people write them", () => {
  assert.equal(parseCount("1_000_000"), 1e6);
  assert.equal(parseCount("81,204,113"), 81_204_113);
  assert.equal(parseCount("1e9"), 1e9);
  assert.equal(parseCount("0x10"), 16);
  assert.equal(parseCount("0"), 0);
  for (const wrong of ["", "-1", "1.5", "many", "1e99", "99999999999999999999", "0x", "NaN"]) {
    assert.throws(() => parseCount(wrong), InvalidArgumentError, wrong);
  }
  assert.throws(() => parseSteps("0"));
  assert.throws(() => parseLength("0"));
  assert.throws(() => parseHarts("0"));
  assert.throws(() => parsePort("65536"));
});

test("an instruction set is one that a hart can have", () => {
  assert.equal(parseIsa("rv64imac_zba"), "rv64imac_zba");
  assert.throws(() => parseIsa("rv64gcv"), /no hart of this machine has the extension v/);
  assert.throws(() => parseIsa("x86"), /is no instruction set/);
});

test("an address is a number; everything else is a name", () => {
  assert.equal(parseAddress("0x8000_1000"), 0x8000_1000n);
  assert.equal(parseAddress("4096"), 4096n);
  assert.equal(parseAddress("0xffffffffffffffff"), 2n ** 64n - 1n);
  for (const name of ["pool", "pool+8", "0x", "0x1_0000_0000_0000_0000", "-1", "1f", ""]) {
    assert.equal(parseAddress(name), undefined, name);
  }
});

test("what people read", () => {
  assert.deepEqual([0, 999, 1000, 81_204_113].map(formatCount), ["0", "999", "1,000", "81,204,113"]);
  assert.deepEqual([0, 999, 1000, 12_345, 1_234_567, 123_456_789].map(formatBytes), [
    "0 bytes",
    "999 bytes",
    "1.0 kB",
    "12 kB",
    "1.2 MB",
    "123 MB",
  ]);
  assert.deepEqual([0.0012, 0.25, 1.234, 42, 125].map(formatSeconds), [
    "1.2 ms",
    "250 ms",
    "1.23 s",
    "42 s",
    "2 min 5 s",
  ]);
  assert.equal(formatSpeed(85_200_000), "85.2 million steps/s");
  assert.equal(formatSpeed(1234), "1,234 steps/s");
});
