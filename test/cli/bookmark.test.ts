import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { assertRefused, file, folder, hindcast, hindcastJson } from "./command.ts";

const PROGRAM = file("ends.s", ".globl _start\n_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\nhalt: j halt\n");

test("bookmarks of a recording are added, listed, shown by info, and removed", async () => {
  const recording = join(folder, "named.hindcast");
  assert.equal((await hindcast("record", PROGRAM, "-o", recording)).exitCode, 0);
  assert.deepEqual((await hindcastJson("bookmark", recording)).json, { bookmarks: [] });
  assert.equal((await hindcast("bookmark", recording, "the end", "--at", "3")).exitCode, 0);
  const added = await hindcast("bookmark", recording, "begin", "--at", "0");
  assert.equal(added.stdout, "0  begin\n3  the end\n");
  const bookmarks = [
    { instant: 0, name: "begin" },
    { instant: 3, name: "the end" },
  ];
  assert.deepEqual((await hindcastJson("info", recording)).json.bookmarks, bookmarks);
  assert.deepEqual((await hindcastJson("bookmark", recording, "begin", "--remove")).json, {
    bookmarks: [bookmarks[1]],
  });
  const replayed = await hindcastJson("replay", recording, "--to", "the end");
  assert.equal(replayed.json.instant, 3);
  const asked = await hindcastJson("query", recording, "writes", "0x100000", "--before", "the end");
  assert.deepEqual(asked.json.hits, []);
  await assertRefused(
    ["replay", recording, "--to", "nowhere"],
    2,
    "no-bookmark",
    /no bookmark "nowhere": there is "the end"/,
  );
  const nothing = await hindcast("bookmark", recording, "begin", "--remove");
  assert.equal(nothing.exitCode, 1);
  assert.match(nothing.stderr, /There is no bookmark "begin"/);
  await assertRefused(["bookmark", recording, "x"], 2, "bookmark", /--at INSTANT/);
  await assertRefused(["bookmark", recording, "x", "--at", "1e9"], 2, "bookmark", /ends at 4/);
  await assertRefused(["bookmark", recording, "x\ny", "--at", "1"], 2, "bookmark-name", /on one line/);
  await assertRefused(["bookmark", recording, "--remove"], 2, "bookmark", /Say the bookmark's name/);
  await assertRefused(["bookmark", PROGRAM], 3, "recording-not", /ends\.s is not a Hindcast recording\./);
});

test("a bookmark's name stands for one instant; start and end are names by themselves", async () => {
  const recording = join(folder, "once.hindcast");
  assert.equal((await hindcast("record", PROGRAM, "-o", recording)).exitCode, 0);
  await hindcast("bookmark", recording, "2nd try", "--at", "2");
  await hindcast("bookmark", recording, "last", "--at", "end");
  const { stdout } = await hindcast("bookmark", recording, "again", "--at", "2nd try");
  assert.equal(stdout, "2  2nd try\n2  again\n4  last\n");
  const kept = readFileSync(`${recording}.bookmarks`, "utf8");
  assert.equal((await hindcast("bookmark", recording, "again", "--at", "2")).stdout, stdout);
  await assertRefused(
    ["bookmark", recording, "again", "--at", "3"],
    2,
    "bookmark-name",
    /"again" already, at instant 2/,
  );
  for (const name of ["start", "end", "12", "1_000", "0x10", "1e3"]) {
    await assertRefused(["bookmark", recording, name, "--at", "1"], 2, "bookmark-name", /is an instant by itself/);
  }
  assert.equal(readFileSync(`${recording}.bookmarks`, "utf8"), kept, "nothing was appended");
  assert.equal((await hindcastJson("replay", recording, "--to", "start")).json.instant, 0);
  assert.equal((await hindcastJson("replay", recording, "--to", "end")).json.instant, 4);
  assert.equal((await hindcastJson("replay", recording, "--to", "2nd try")).json.instant, 2);
  await assertRefused(["bookmark", recording, "x", "--at", "nowhere"], 2, "no-bookmark", /no bookmark "nowhere"/);
  const elsewhere = await hindcastJson("bookmark", recording, "again", "--remove", "--at", "3");
  assert.equal(elsewhere.exitCode, 1);
});

test("bookmarks of another run: one sentence", async () => {
  const recording = join(folder, "foreign.hindcast");
  assert.equal((await hindcast("record", PROGRAM, "-o", recording)).exitCode, 0);
  writeFileSync(`${recording}.bookmarks`, `{"hindcastBookmarks":1,"digest":"${"0".repeat(32)}"}\n`);
  const sentence = /does not have the bookmarks of/g;
  const { exitCode, stderr } = await hindcast("bookmark", recording, "x", "--at", "1");
  assert.equal(exitCode, 3);
  assert.equal(stderr.match(sentence)?.length, 1, stderr);
  const listed = await hindcast("bookmark", recording);
  assert.equal(listed.exitCode, 0);
  assert.equal(listed.stderr.match(sentence)?.length, 1, listed.stderr);
});
