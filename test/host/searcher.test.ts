import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import type { FromSearcher, SearchSubject, ToSearcher } from "../../src/host/search-protocol.ts";
import { Searcher } from "../../src/host/searcher.ts";
import type { MachineStop } from "../../src/machine/stop.ts";
import { recordSearched } from "./searched-recording.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-searcher-"));
after(() => rmSync(folder, { recursive: true }));

test("a recording is opened anew when more is known of how it ended, and only then", async () => {
  const path = await recordSearched(folder, "reopened");
  const machines: unknown[] = [];
  const answers: FromSearcher[] = [];
  let receive: (message: ToSearcher) => void = () => {};
  let heard = Promise.withResolvers<void>();
  const port = {
    post: (message: unknown) => {
      answers.push(message as FromSearcher);
      heard.resolve();
    },
    listen: (hear: (message: unknown) => void) => {
      receive = hear;
    },
  };
  new Searcher(
    port,
    () => 0,
    (debuggee, task) => {
      machines.push(debuggee);
      return debuggee.searchEngine.segment(task);
    },
  );
  const search = async (subject: SearchSubject) => {
    heard = Promise.withResolvers();
    const task = { question: { kind: "outputs" as const }, settled: {}, from: 0, to: subject.end, mostMarks: 0 };
    receive(structuredClone({ kind: "search", id: answers.length, subject, task }));
    await heard.promise;
    assert.equal(answers.at(-1)?.kind, "result");
    return new Set(machines).size;
  };
  const ended: MachineStop = { kind: "unhandled-trap", hart: 0, cause: 2, tval: 3n };
  assert.equal(await search({ path, end: 20_000 }), 1);
  assert.equal(await search({ path, end: 20_000 }), 1);
  assert.equal(await search({ path, end: 20_000, ended }), 2);
  assert.equal(await search({ path, end: 20_000, ended }), 2);
  assert.equal(await search({ path, end: 19_000 }), 2);
  assert.equal(await search({ path, end: 21_000 }), 3);
});
