import assert from "node:assert/strict";
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
  await assertRefused(["bookmark", recording, "x\ny", "--at", "1"], 2, "bookmark", /on one line/);
  await assertRefused(["bookmark", recording, "--remove"], 2, "bookmark", /Say the bookmark's name/);
  await assertRefused(["bookmark", PROGRAM], 3, "recording-not", /recording/);
});
