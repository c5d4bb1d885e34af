import assert from "node:assert/strict";
import { join } from "node:path";
import test, { before } from "node:test";
import { assertRefused, folder, hindcast, hindcastJson, type Json } from "./command.ts";
import { DAMAGE, PAGED } from "./guests.ts";

const RECORDING = join(folder, "damage.hindcast");
before(async () => {
  const { exitCode, stderr } = await hindcast("record", DAMAGE(), "-o", RECORDING);
  assert.equal(exitCode, 1, stderr);
});

const hitsOf = (json: Json) => json.hits as Record<string, unknown>[];

test("last-write finds the culprit, with its place and what it wrote", async () => {
  const { exitCode, json, stderr } = await hindcastJson("query", RECORDING, "last-write", "counter");
  assert.equal(exitCode, 0, stderr);
  const [hit] = hitsOf(json);
  // Two instructions (la), li; a thousand times three; then the culprit.
  assert.equal(hit.instant, 3 + 3 * 1000);
  assert.equal(hit.symbol, "culprit");
  assert.equal(hit.size, 1);
  assert.equal(hit.value, "0x0");
  assert.match((hit.source as Json).path as string, /damage\.s$/);
  assert.equal(hit.hart, 0);
  assert.ok((json.seconds as number) >= 0);
});

test("--before asks about an earlier past", async () => {
  const { json } = await hindcastJson("query", RECORDING, "last-write", "counter", "--before", "3,003");
  const [hit] = hitsOf(json);
  assert.equal(hit.instant, 3 + 3 * 999);
  assert.equal(hit.symbol, "count");
  assert.equal(hit.value, "0x1");
});

test("--length narrows what is meant; addresses and offsets name places too", async () => {
  const narrow = await hindcastJson("query", RECORDING, "last-write", "counter", "--length", "1");
  assert.equal(hitsOf(narrow.json)[0].symbol, "count", "the culprit wrote the sixth byte");
  const offset = await hindcastJson("query", RECORDING, "last-write", "counter+5");
  assert.equal(hitsOf(offset.json)[0].symbol, "culprit");
  const address = hitsOf(narrow.json)[0].address as string;
  const same = await hindcastJson("query", RECORDING, "last-write", address);
  assert.equal(hitsOf(same.json)[0].symbol, "culprit");
});

test("nobody wrote: exit code 1, no hits", async () => {
  const { exitCode, json, stderr } = await hindcastJson("query", RECORDING, "last-write", "untouched");
  assert.equal(exitCode, 1);
  assert.deepEqual(json.hits, []);
  assert.match(stderr, /No write to untouched \(8 bytes\)/);
});

test("writes come in order, the first ones", async () => {
  const { json } = await hindcastJson("query", RECORDING, "writes", "counter", "--after", "3000", "--most", "2");
  assert.deepEqual(
    hitsOf(json).map(({ instant, symbol, value }) => ({ instant, symbol, value })),
    [
      { instant: 3000, symbol: "count", value: "0x1" },
      { instant: 3003, symbol: "culprit", value: "0x0" },
    ],
  );
});

test("outputs say who printed what", async () => {
  const { json } = await hindcastJson("query", RECORDING, "outputs");
  const [hit] = hitsOf(json);
  assert.equal(hit.text, "x");
  assert.match(hit.symbol as string, /^idle/);
  assert.ok((hit.instant as number) > 6_000_000);
});

test("people read places, sources and values", async () => {
  const { stdout, stderr } = await hindcast("query", RECORDING, "last-write", "counter");
  assert.match(stdout, /^instant 3,003 {2}hart 0 {2}0x8[0-9a-f]+ {2}culprit {2}damage\.s:\d+\n {4}sb +t0, 5\(a0\)\n/);
  assert.match(stderr, /^1 hit; searched in /);
});

test("wrong questions", async () => {
  await assertRefused(
    ["query", RECORDING, "last-write", "conter"],
    2,
    "unknown-place",
    /neither an address nor a symbol/,
  );
  await assertRefused(["query", RECORDING, "last-write"], 2, "usage", /needs a place/);
  await assertRefused(["query", RECORDING, "guess", "counter"], 2, "usage", /Allowed choices are/);
});

test("an address is one of the address space that the guest was in, or physical", async () => {
  const recording = join(folder, "paged.hindcast");
  const { exitCode, stderr } = await hindcast("record", PAGED(), "-o", recording);
  assert.equal(exitCode, 0, stderr);
  const physical = await hindcastJson("query", recording, "last-write", "pages_counter");
  const [hit] = hitsOf(physical.json);
  assert.equal(hit.symbol, "supervisor_count");
  assert.equal(hit.value, "0x1");
  const address = BigInt(hit.address as string);
  assert.ok(address > 0xffff_ffff_8000_0000n, "the address is given as the store had it");
  // The run ended in machine mode, which translates nothing.
  for (const place of [`0x${address.toString(16)}`, `phys:0x${(address - 0xffff_ffff_0000_0000n).toString(16)}`]) {
    const { json } = await hindcastJson("query", recording, "writes", place);
    assert.deepEqual(
      hitsOf(json).map(({ symbol, value }) => [symbol, value]),
      ["0x3", "0x2", "0x1"].map((value) => ["supervisor_count", value]),
      place,
    );
  }
  await assertRefused(
    ["query", recording, "last-write", "0xffffffc000000000"],
    3,
    "not-mapped",
    /0xffffffc000000000 is not mapped anywhere.*phys:0xffffffc000000000/,
  );
});
