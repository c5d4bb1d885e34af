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

test("where nothing is found the bounds are named", async () => {
  const found = async (...bounds: string[]) =>
    (await hindcast("query", RECORDING, "writes", "counter", ...bounds)).stderr;
  assert.match(await found("--before", "start"), /^No write to counter \(8 bytes\) before instant 0; searched/);
  assert.match(await found("--after", "3,004"), /^No write to counter \(8 bytes\) from instant 3,004 on; searched/);
  assert.match(
    await found("--after", "3004", "--before", "3010"),
    /\(8 bytes\) between instants 3,004 and 3,010; searched/,
  );
  const { stderr } = await hindcast("query", RECORDING, "outputs", "--after", "1", "--before", "9");
  assert.match(stderr, /^No output between instants 1 and 9; searched/);
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

test("the first difference: who makes a place another one than it was", async () => {
  const first = await hindcastJson("query", RECORDING, "first-difference", "counter", "--after", "2998");
  assert.deepEqual(
    hitsOf(first.json).map(({ instant, symbol, value }) => [instant, symbol, value]),
    [[3000, "count", "0x1"]],
  );
  // The culprit stores a zero into a byte that is zero.
  const none = await hindcastJson("query", RECORDING, "first-difference", "counter", "--after", "3001");
  assert.equal(none.exitCode, 1);
  const value = await hindcastJson("query", RECORDING, "first-difference", "*counter > 10", "--after", "100");
  assert.deepEqual(
    hitsOf(value.json).map(({ instant, text }) => [instant, text]),
    [[3 + 3 * 990, "0x0 (0)"]],
  );
  const read = await hindcast("query", RECORDING, "first-read", "counter");
  assert.equal(read.exitCode, 1);
});

test("hits have conditions, messages and numbers; a value has its history", async () => {
  const args = ["hits", "count", "--if", "t0 % 100 == 0", "--log", "{t0,d} to go"];
  const hits = await hindcastJson("query", RECORDING, ...args, "--most", "2");
  assert.deepEqual(
    hitsOf(hits.json).map(({ instant, text }) => [instant, text]),
    [
      [3, "1000 to go"],
      [303, "900 to go"],
    ],
  );
  assert.equal(hits.json.more, true);
  const counted = await hindcastJson("query", RECORDING, ...args, "--most", "2", "--count");
  assert.deepEqual([counted.json.total, hitsOf(counted.json).length], [10, 2]);
  const numbered = await hindcastJson("query", RECORDING, ...args, "--hit-condition", "% 4");
  assert.deepEqual(
    hitsOf(numbered.json).map(({ text }) => text),
    ["700 to go", "300 to go"],
  );
  const series = await hindcastJson("query", RECORDING, "series", "*counter", "--most", "3");
  assert.equal(series.json.total, 1001, "0 at first, then 1000 down to 1");
  assert.deepEqual(
    hitsOf(series.json).map(({ instant, number }) => [instant, number]),
    [
      [0, 0],
      [3, 1000],
      [6, 999],
    ],
  );
  const changes = (series.json.columns as { changes: number }[]).reduce((sum, column) => sum + column.changes, 0);
  assert.equal(changes, 1001);
  const { stdout } = await hindcast("query", RECORDING, "series", "t0", "--at", "count", "--most", "2", "--csv");
  assert.equal(stdout, "instant,hart,value\n3,0,1000\n6,0,999\n");
  const plotted = await hindcast("query", RECORDING, "series", "t0", "--at", "count", "--most", "1");
  assert.match(plotted.stdout, /^█.* {2}1 … 1000\ninstant 3 {2}hart 0 {2}_start\+0xc {2}0x3e8 \(1000\)\n$/);
  await assertRefused(["query", RECORDING, "series", "t0"], 2, "series-registers", /does not read memory alone/);
  await assertRefused(["query", RECORDING, "hits", "counter", "--csv"], 2, "usage", /hits does not use --csv/);
  await assertRefused(["query", RECORDING, "traps", "floods"], 2, "no-trap", /There is no trap "floods"/);
});

test("calls and traps of a kernel, and how many there are", async () => {
  const recording = join(folder, "paged-calls.hindcast");
  const { exitCode, stderr } = await hindcast("record", PAGED(), "-o", recording);
  assert.equal(exitCode, 0, stderr);
  const calls = await hindcastJson("query", recording, "hits", "supervisor_count", "--count");
  assert.equal(calls.json.total, 3);
  const traps = await hindcastJson("query", recording, "traps", "exceptions");
  assert.ok(hitsOf(traps.json).every(({ text }) => /^Environment call|^Breakpoint/.test(text as string)));
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
  await assertRefused(["query", RECORDING, "last-write", "counter", "--after", "3"], 2, "usage", /not use --after/);
  await assertRefused(["query", RECORDING, "last-write", "counter", "--most", "3"], 2, "usage", /not use --most/);
  await assertRefused(["query", RECORDING, "outputs", "--length", "3"], 2, "usage", /not use --length/);
  await assertRefused(["query", RECORDING, "outputs", "counter"], 2, "usage", /leave counter out/);
  await assertRefused(["query", RECORDING, "outputs", "--most", "0"], 2, "usage", /At least one hit\./);
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

test("origin follows a variable, a register or an address back, as text and as JSON", async () => {
  const { exitCode, stdout, stderr } = await hindcast("query", RECORDING, "origin", "*counter");
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^counter \(8 bytes\) = 0x1 at instant [\d,]+, hart 0\n/);
  assert.match(stdout, /\n {4}sb t0,5\(a0\) +counter \(8 bytes\) was stored from t0: 0x1\n {4}sb +t0, 5\(a0\)\n/);
  assert.match(stdout, /\n {4}It wrote 1 of the 8 bytes; the others are older\.\n/);
  assert.match(stderr, /\d+ steps?; followed in [\d.]+ m?s/);
  const { json } = await hindcastJson("query", RECORDING, "origin", "t0", "--at", "3", "--tree", "1");
  const origin = json.origin as Json;
  assert.deepEqual([origin.instant, origin.hart, origin.value], [3, 0, "0x3e8"]);
  const [step] = origin.steps as Json[];
  assert.deepEqual([step.instant, step.text, step.how], [2, "li t0,1000", "constant"]);
  assert.equal((origin.end as Json).kind, "constant");
  assert.ok((json.seconds as number) >= 0);
});

test("origin unfolds a tree, takes a length, and refuses what it does not use", async () => {
  const tree = await hindcast("query", RECORDING, "origin", "*counter", "--tree", "1", "--most", "1");
  assert.match(
    tree.stdout,
    /\n {4}where counter \(5 bytes\) = 0x1 came from:\n {8}instant 3,000 {2}hart 0 {2}_start\+0xc/,
  );
  assert.match(tree.stdout, /\nAfter 1 step it still goes on, from t0\.\n$/);
  const byte = await hindcastJson("query", RECORDING, "origin", "*counter", "--length", "1");
  assert.equal(((byte.json.origin as Json).steps as Json[])[0].text, "sd t0,0(a0)");
  await assertRefused(["query", RECORDING, "origin", "t0", "--before", "9"], 2, "usage", /does not use --before/);
  await assertRefused(["query", RECORDING, "origin"], 2, "usage", /needs a place/);
  await assertRefused(["query", RECORDING, "writes", "counter", "--tree", "1"], 2, "usage", /does not use --tree/);
});
