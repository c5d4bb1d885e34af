import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { type Instant, instant } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";
import { BookmarkFile } from "../../src/host/bookmark-file.ts";
import { openLive } from "../../src/host/live-session.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import type { Digest } from "../../src/machine/machine-interface.ts";
import { DigestLog } from "../../src/replay/digest-log.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-bookmarks-"));
after(() => rmSync(folder, { recursive: true }));

/** As much of a recording as the file needs: where it ends, and the state that it began in. */
function reading(digest: string, end = 1000) {
  const digests = new DigestLog();
  digests.push({ instant: 0 as Instant, events: 0, digest: digest as Digest });
  return { end: instant(end), digests };
}

const A = reading("a".repeat(32));
let count = 0;
const fresh = () => join(folder, `${count++}.hindcast`);
const at = (place: number, name: string) => ({ instant: instant(place), name });

test("what is added is there for the next who opens the recording, beside what the recording holds", () => {
  const path = fresh();
  const file = new BookmarkFile(path, A);
  assert.deepEqual(file.merge([]), []);
  assert.equal(existsSync(file.path), false, "looking writes nothing");
  file.add(at(20, "twenty"));
  file.add(at(5, "ü “five”"));
  const expected = [at(5, "ü “five”"), at(7, "recorded"), at(20, "twenty")];
  assert.deepEqual(file.merge([at(7, "recorded")]), expected);
  const again = new BookmarkFile(path, A);
  assert.equal(again.warning, undefined);
  assert.deepEqual(again.merge([at(7, "recorded")]), expected);
});

test("removed are those of the file and those of the recording, and they may be added again", () => {
  const path = fresh();
  const file = new BookmarkFile(path, A);
  file.add(at(20, "twenty"));
  file.remove(at(20, "twenty"));
  file.remove(at(7, "recorded"));
  assert.deepEqual(new BookmarkFile(path, A).merge([at(7, "recorded"), at(8, "recorded")]), [at(8, "recorded")]);
  file.add(at(20, "twenty"));
  assert.deepEqual(new BookmarkFile(path, A).merge([]), [at(20, "twenty")]);
});

test("two that have it open add to the same file", () => {
  const path = fresh();
  const [one, two] = [new BookmarkFile(path, A), new BookmarkFile(path, A)];
  one.add(at(1, "one"));
  two.add(at(2, "two"));
  one.add(at(3, "three"));
  two.add(at(3, "three"));
  assert.deepEqual(new BookmarkFile(path, A).merge([]), [at(1, "one"), at(2, "two"), at(3, "three")]);
});

test("bookmarks of another run by the same name are left out, and not added to", () => {
  const path = fresh();
  new BookmarkFile(path, A).add(at(20, "twenty"));
  const before = readFileSync(`${path}.bookmarks`, "utf8");
  const other = new BookmarkFile(path, reading("b".repeat(32)));
  assert.match(other.warning ?? "", /does not have the bookmarks of .* but others/);
  assert.deepEqual(other.merge([]), []);
  assert.throws(() => other.add(at(1, "x")), UserError);
  assert.equal(readFileSync(`${path}.bookmarks`, "utf8"), before);
});

test("lines that are torn, damaged or impossible are passed over, with a warning", () => {
  const path = fresh();
  new BookmarkFile(path, A).add(at(20, "twenty"));
  const bad = [
    '{"instant":1001,"name":"behind the end"}',
    '{"instant":-1,"name":"x"}',
    '{"instant":1}',
    "null",
    '{"ins',
  ];
  appendFileSync(`${path}.bookmarks`, bad.join("\n"));
  const file = new BookmarkFile(path, A);
  assert.match(file.warning ?? "", /5 lines that cannot be read/);
  assert.deepEqual(file.merge([]), [at(20, "twenty")]);
});

test("what is no file of bookmarks is left alone", () => {
  for (const content of ["", "notes of mine\n", '{"hindcastBookmarks":2}\n']) {
    const path = fresh();
    writeFileSync(`${path}.bookmarks`, content);
    const file = new BookmarkFile(path, A);
    assert.match(file.warning ?? "", /cannot be used/);
    assert.throws(() => file.add(at(1, "x")), UserError);
    assert.equal(readFileSync(`${path}.bookmarks`, "utf8"), content);
  }
  const path = fresh();
  mkdirSync(`${path}.bookmarks`);
  assert.match(new BookmarkFile(path, A).warning ?? "", /cannot be used/);
});

test("a bookmark behind half a line is kept", () => {
  const path = join(folder, "torn.hindcast");
  new BookmarkFile(path, A).add(at(5, "one"));
  appendFileSync(`${path}.bookmarks`, '{"instant":7,"na');
  new BookmarkFile(path, A).add(at(9, "two"));
  assert.deepEqual(
    new BookmarkFile(path, A).merge([]).map(({ name }) => name),
    ["one", "two"],
  );
});

test("where nothing can be written there is a sentence, and the session has the bookmark", () => {
  const file = new BookmarkFile(join(folder, "nowhere", "x.hindcast"), A);
  assert.throws(
    () => file.add(at(1, "x")),
    (error: unknown) => error instanceof UserError && /cannot save the bookmark/.test(error.message),
  );
});

test("a recording keeps them from session to session; a new one by its name begins without", async () => {
  const program = join(folder, "ends.s");
  writeFileSync(program, ".globl _start\n_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\nhalt: j halt\n");
  const path = join(folder, "ends.hindcast");
  const record = async () => {
    const live = openLive({ program, recordTo: path, startTime: 0 }, () => {});
    live.timeline.history.addBookmark(at(0, "live"));
    live.timeline.close();
    await live.recording.close();
  };
  await record();
  const bytes = readFileSync(path);
  const first = openRecording(path);
  first.timeline.history.addBookmark(at(0, "later"));
  first.close();
  const second = openRecording(path);
  assert.deepEqual(
    second.timeline.history.bookmarks.map(({ name }) => name),
    ["live", "later"],
  );
  second.close();
  assert.deepEqual(readFileSync(path), bytes, "the recording itself is as it was");
  await record();
  const third = openRecording(path);
  assert.deepEqual(
    third.timeline.history.bookmarks.map(({ name }) => name),
    ["live"],
  );
  third.close();
});

test("bookmarks are renamed and removed in a live run and in its recording, whatever was added in between", async () => {
  const program = join(folder, "renamed.s");
  writeFileSync(program, ".globl _start\n_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\nhalt: j halt\n");
  const path = join(folder, "renamed.hindcast");
  const live = openLive({ program, recordTo: path, startTime: 0 }, () => {});
  const { history } = live.timeline;
  for (const name of ["kept", "wrong", "gone", "back"]) history.addBookmark(at(0, name));
  assert.equal(existsSync(`${path}.bookmarks`), false);
  history.renameBookmark(at(0, "wrong"), "right");
  history.removeBookmark(at(0, "gone"));
  history.removeBookmark(at(0, "back"));
  history.addBookmark(at(0, "back"));
  assert.throws(() => history.removeBookmark(at(0, "gone")), /no bookmark "gone" at instant 0/);
  assert.throws(() => history.renameBookmark(at(0, "back"), "17"), /instant by itself/);
  assert.throws(() => history.renameBookmark(at(1, "back"), "x"), /no bookmark "back" at instant 1/);
  const names = () => history.bookmarks.map(({ name }) => name).sort();
  assert.deepEqual(names(), ["back", "kept", "right"]);
  live.timeline.close();
  await live.recording.close();

  const first = openRecording(path);
  const of = ({ timeline }: typeof first) => timeline.history.bookmarks.map(({ name }) => name).sort();
  assert.deepEqual(first.warnings, []);
  assert.deepEqual(of(first), ["back", "kept", "right"]);
  first.timeline.history.renameBookmark(at(0, "kept"), "still here");
  // The name of another bookmark at the same instant: one of the two goes.
  first.timeline.history.renameBookmark(at(0, "right"), "back");
  first.close();
  const second = openRecording(path);
  assert.deepEqual(of(second), ["back", "still here"]);
  second.close();
});
