import assert from "node:assert/strict";
import { test } from "node:test";
import { PagedRows } from "../../src/webview/paged-rows.ts";

/** Rows that are their own numbers, of so many. */
function paged(count: number) {
  const asked: number[] = [];
  const rows = new PagedRows<number>((first) => asked.push(first));
  const answer = () => {
    for (const first of asked.splice(0)) {
      rows.put(
        first,
        Array.from({ length: Math.min(100, count - first) }, (_, index) => first + index),
      );
    }
  };
  return { rows, asked, answer };
}

test("what comes into view is asked for once, a page at a time, and is there when it is answered", () => {
  const { rows, asked, answer } = paged(1000);
  rows.want(90, 130, 1000);
  rows.want(95, 135, 1000);
  assert.deepEqual(asked, [0, 100]);
  assert.equal(rows.at(95), undefined);
  answer();
  assert.deepEqual([rows.at(95), rows.at(130), rows.at(199), rows.at(200)], [95, 130, 199, undefined]);
  rows.want(90, 130, 1000);
  assert.deepEqual(asked, []);
});

test("pages that were scrolled past while others are on their way are not asked for", () => {
  const { rows, asked, answer } = paged(1_000_000);
  for (let first = 0; first < 900_000; first += 1000) rows.want(first, first + 30, 1_000_000);
  assert.deepEqual(asked, [0, 1000]);
  answer();
  rows.want(899_000, 899_030, 1_000_000);
  assert.deepEqual(asked, [899_000]);
});

test("a page that was not full is asked for again when there are more rows, and a refused one as well", () => {
  const { rows, asked, answer } = paged(30);
  rows.want(0, 30, 30);
  answer();
  rows.want(0, 30, 30);
  assert.deepEqual(asked, []);
  rows.want(0, 60, 60);
  assert.deepEqual(asked, [0]);
  rows.refused(asked.pop()!);
  rows.want(0, 60, 60);
  assert.deepEqual(asked, [0]);
});

test("of millions of rows those that were seen last are kept, and no more", () => {
  const { rows, answer } = paged(10_000_000);
  for (let first = 0; first < 100_000; first += 100) {
    rows.want(first, first + 1, 10_000_000);
    rows.want(0, 1, 10_000_000);
    answer();
  }
  assert.equal(rows.at(0), 0);
  assert.equal(rows.at(5000), undefined);
  assert.equal(rows.at(99_950), 99_950);
});
