import assert from "node:assert/strict";
import { test } from "node:test";
import { CSV_HEADER, csvLine } from "../../src/extension/csv.ts";
import {
  linePlace,
  parseWatched,
  pointedInstead,
  readsRegisters,
  samplingStep,
  watchedText,
  withPlace,
} from "../../src/extension/watch-text.ts";

test("an expression, and an expression with its place", () => {
  for (const [text, watched] of [
    ["queue_length", { expression: "queue_length" }],
    ["  a0   at heap_alloc ", { expression: "a0", at: "heap_alloc" }],
    ["q->count at queue.s:42", { expression: "q->count", at: "queue.s:42" }],
    ["*t0 + 8 at 0x80000010", { expression: "*t0 + 8", at: "0x80000010" }],
    ["sp every 10000", { expression: "sp", every: 10_000 }],
    ["f(x) every 2,500", { expression: "f(x)", every: 2500 }],
    ["sp every 10k", { expression: "sp", every: 10_000 }],
    ["sp every 0", { expression: "sp every 0" }],
    ["every", { expression: "every" }],
    ["format", { expression: "format" }],
    ["at", { expression: "at" }],
    ["x at", { expression: "x at" }],
    ["look at this at here.c:1", { expression: "look at this", at: "here.c:1" }],
  ] as const) {
    assert.deepEqual(parseWatched(text), watched, text);
    const written = parseWatched(watchedText(watched));
    assert.deepEqual(written, watched, "what is written is read again");
  }
  assert.equal(parseWatched("   "), undefined);
});

test("what reads registers needs a place, and gets the one where the user is", () => {
  for (const text of ["a0", "$t0", "*sp + 8", "x31", "fa0", "s11", "ft3", "pc", "queue[a5]"]) {
    assert.ok(readsRegisters(text), text);
  }
  for (const text of ["queue_length", "x", "a", "t", "pool.s0", "pool->a1", "spare", "fa", "*0x80001000", "afa0"]) {
    assert.ok(!readsRegisters(text), text);
  }
  assert.deepEqual(withPlace("$t0", false, "queue.s:7"), { expression: "t0", at: "queue.s:7" });
  assert.deepEqual(withPlace("i", true, "main.c:3"), { expression: "i", at: "main.c:3" });
  assert.deepEqual(withPlace("orders_taken", false, "queue.s:7"), { expression: "orders_taken" });
  assert.deepEqual(withPlace("t0", false, undefined), { expression: "t0" });
  assert.equal(linePlace("/home/me/queue.s", 7), "queue.s:7");
  assert.equal(linePlace("c:\\me\\queue.s", 7), "queue.s:7");
});

test("sampling is a thousand looks or somewhat less, at round instants", () => {
  for (const [steps, step] of [
    [0, 1],
    [900, 1],
    [8_364_830, 10_000],
    [1e10, 1e7],
    [1.2e10, 2e7],
  ]) {
    assert.equal(samplingStep(steps), step, String(steps));
  }
});

test("a name that is an address leads to what lies there", () => {
  assert.equal(pointedInstead("orders_taken", "0x80001010 <orders_taken>"), "*orders_taken");
  assert.equal(pointedInstead("*orders_taken", "0x80001010 <orders_taken>"), undefined);
  assert.equal(pointedInstead("count", "0x30 (48)"), undefined);
  assert.equal(pointedInstead("sp", "0x80005f80 <heap_end+0xf40>"), undefined);
  assert.equal(pointedInstead("count", undefined), undefined);
});

test("changes as CSV: quoted where needed, and nothing that a spreadsheet would run", () => {
  const row = { instant: 12, hart: 0, pc: "0x80000000", symbol: "main+0x4", text: "7", number: 7 };
  assert.equal(CSV_HEADER.split(",").length, 10);
  assert.equal(csvLine("n", row), "n,12,7,7,0,0x80000000,main+0x4,,,\r\n");
  const source = { path: "/a b/queue.s", line: 42, column: 1 };
  assert.equal(
    csvLine("f(1, 2)", { ...row, text: 'say "hi"\n', source }),
    '"f(1, 2)",12,"say ""hi""\n",7,0,0x80000000,main+0x4,/a b/queue.s,42,\r\n',
  );
  assert.match(csvLine("n", { ...row, text: "=1+1" }), /,'=1\+1,/);
  assert.match(csvLine("n", { ...row, text: "-5" }), /,-5,/);
});
