/** The Searches page by itself in a browser: what it shows and asks, with as many rows as there will ever be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  ChainFacts,
  FromSearches,
  OriginFacts,
  RowFacts,
  SearchFacts,
  ToSearches,
} from "../../src/webview/search-messages.ts";
import { webviewPage } from "./webview-page.ts";

const END = 81_204_113;

const view = webviewPage<ToSearches>("searches", { width: 1100, height: 280 });
const tell = view.tell;

function sent<Type extends FromSearches["type"]>(type: Type): Promise<Extract<FromSearches, { type: Type }>[]> {
  return view.page.evaluate(
    (type) =>
      (window as unknown as { sent: { type: string }[] }).sent.filter((message) => message.type === type) as never,
    type,
  );
}

const WRITES: SearchFacts = {
  id: 1,
  kind: "writes",
  title: "Writes to work_queue (8 bytes at 0x80001000)",
  from: 0,
  to: END,
  rows: 3,
  searchedFrom: 0,
  fraction: 1,
  done: true,
  behind: false,
};

/** Row `index` of a search of any length: the newest is 0. */
function row(index: number): RowFacts {
  return {
    instant: END - 10 * (index + 1),
    hart: 0,
    pc: "0x80000040",
    symbol: index % 2 === 0 ? "queue_push+0x10" : "queue_pop+0x8",
    source: { path: "/project/queue.s", line: 40 + (index % 5), column: 1 },
    text: `work_queue = 0x${(index * 16).toString(16)}`,
  };
}

/** Answers what the page asks for rows, as the extension would, until the test is over. */
async function answerRows(): Promise<void> {
  await view.page.exposeFunction("rowsOf", (first: number, count: number) =>
    Array.from({ length: count }, (_, index) => row(first + index)),
  );
  await view.page.evaluate(() => {
    const page = window as unknown as {
      sent: { type: string; request: number; first: number; count: number; id: number }[];
      rows: number;
      rowsOf(first: number, count: number): Promise<unknown[]>;
    };
    page.rows = 0;
    const push = page.sent.push.bind(page.sent);
    page.sent.push = (...messages) => {
      for (const { type, request, first, count } of messages) {
        if (type !== "askRows") continue;
        const most = Math.max(0, Math.min(count, page.rows - first));
        void page.rowsOf(first, most).then((rows) => window.postMessage({ type: "rows", request, rows }, "*"));
      }
      return push(...messages);
    };
  });
}

async function show(search: SearchFacts): Promise<void> {
  await view.page.evaluate((rows) => Object.assign(window, { rows }), search.rows);
  await tell({ type: "position", now: row(1).instant, end: END });
  await tell({ type: "list", entries: [search], selected: search.id });
  await view.page.locator("#title", { hasText: search.title }).waitFor();
}

const options = () => view.page.locator("#rows").getByRole("option");

test("without a session the page says what to do; in one without searches, how to search", async () => {
  await tell({ type: "idle" });
  await view.page.getByText("press F5").waitFor();
  await tell({ type: "list", entries: [], selected: undefined });
  await view.page.getByText("Nothing has been searched in this session.").waitFor();
  await view.page.getByRole("button", { name: "All Exceptions" }).click();
  assert.deepEqual(await sent("command"), [{ type: "command", command: "hindcast.allTraps" }]);
});

test("rows have instant, place and text, the newest first; a click travels, the place opens the source", async () => {
  await answerRows();
  await show(WRITES);
  await options().nth(2).locator(".instant", { hasText: "81,204,083" }).waitFor();
  assert.deepEqual(await options().locator(".text").allTextContents(), [
    "work_queue = 0x0",
    "work_queue = 0x10",
    "work_queue = 0x20",
  ]);
  assert.deepEqual(await options().locator(".line").allTextContents(), ["queue.s:40", "queue.s:41", "queue.s:42"]);
  assert.equal(await view.page.locator(".here").getAttribute("id"), "found-1", "the row where the machine stands");
  await view.page.getByText("3 writes.").waitFor();
  await options().nth(2).locator(".text").click();
  assert.deepEqual(await sent("travel"), [{ type: "travel", instant: END - 30 }]);
  await options().nth(0).locator(".line").click();
  assert.deepEqual(await sent("openSource"), [
    { type: "openSource", source: { path: "/project/queue.s", line: 40, column: 1 } },
  ]);
  assert.equal((await sent("travel")).length, 1, "opening the source travels nowhere");
});

test("keys alone are enough: from the list to the rows, up and down, and Enter travels", async () => {
  await answerRows();
  await show(WRITES);
  await options().nth(2).waitFor();
  await view.page.locator("#searches").press("Enter");
  const list = view.page.locator("#rows");
  await list.press("ArrowDown");
  await list.press("ArrowDown");
  await list.press("Enter");
  await list.press("End");
  await list.press("Enter");
  await list.press("ArrowUp");
  assert.equal(await list.getAttribute("aria-activedescendant"), "found-1");
  assert.deepEqual(
    (await sent("travel")).map(({ instant }) => instant),
    [END - 20, END - 30],
  );
});

test("of a search that is done the oldest may come first; the filter looks through all rows", async () => {
  await answerRows();
  await show({ ...WRITES, rows: 2500 });
  await options().first().locator(".text", { hasText: "0x0" }).waitFor();
  await view.page.getByRole("button", { name: "Newest first" }).click();
  await options().first().locator(".text", { hasText: "work_queue = 0x9c30" }).waitFor();
  await view.page.getByLabel("Filter rows").fill("0x9c3");
  await view.page.getByText("1 of 2,500 writes pass the filter.").waitFor();
  assert.deepEqual(await options().locator(".text").allTextContents(), ["work_queue = 0x9c30"]);
  await options().first().click();
  assert.equal((await sent("travel")).at(-1)?.instant, row(2499).instant);
  await view.page.getByLabel("Filter rows").fill("nothing like this");
  await view.page.getByText("None of the 2,500 writes passes the filter.").waitFor();
  await view.page.getByLabel("Filter rows").fill("");
  await view.page.getByText("2,500 writes.").waitFor();
  const asked = await sent("askRows");
  assert.ok(
    asked.every(({ first, count }) => count <= 1000 && first < 2500),
    JSON.stringify(asked),
  );
});

test("a search that goes on says how far it is, keeps its rows in their places, and is cancelled and closed", async () => {
  await answerRows();
  const going = { ...WRITES, rows: 3, done: false, fraction: 0.42, searchedFrom: 50_000_000 };
  await show(going);
  await options().nth(2).waitFor();
  await view.page.getByText("3 writes so far, 42 %.").waitFor();
  assert.equal(await view.page.getByRole("button", { name: "Newest first" }).isDisabled(), true);
  await view.page.evaluate(() => Object.assign(window, { rows: 40 }));
  await tell({ type: "changed", entry: { ...going, rows: 40, fraction: 0.9 } });
  await view.page.getByText("40 writes so far, 90 %.").waitFor();
  await options().nth(8).locator(".text", { hasText: "work_queue = 0x80" }).waitFor();
  await view.page.getByRole("button", { name: "Cancel the search" }).click();
  assert.deepEqual(await sent("cancel"), [{ type: "cancel", id: 1 }]);
  await tell({ type: "changed", entry: { ...going, rows: 40, done: true, cancelled: true } });
  await view.page.locator("#searches").getByText("40 writes, cancelled").waitFor();
  await view.page.locator("#searches").press("Delete");
  assert.deepEqual(await sent("close"), [{ type: "close", id: 1 }]);
});

test("where nothing was found it says what was searched", async () => {
  await answerRows();
  await show({ ...WRITES, rows: 0 });
  await view.page
    .getByText(`${WRITES.title}: none between instants 0 and 81,204,113, which is all that was searched.`)
    .waitFor();
  await tell({
    type: "changed",
    entry: { ...WRITES, rows: 0, done: false, fraction: 0.5, searchedFrom: 40_000_000 },
  });
  await view.page.getByText("none yet; searched from instant 40,000,000 to 81,204,113 so far.").waitFor();
  await tell({ type: "changed", entry: { ...WRITES, rows: 0, problem: "“x” is not known." } });
  await view.page.locator("#nothing", { hasText: "“x” is not known." }).waitFor();
});

test("checks say that the state was restored, problems are seen in their rows, and a run that has grown is searched on", async () => {
  await answerRows();
  await show({ ...WRITES, kind: "hits", title: "Hits of queue.s:40", restored: 2000, behind: true });
  await view.page.getByText("2,000 checks: state restored, digest equal.").waitFor();
  await view.page.getByRole("button", { name: "search on" }).click();
  assert.deepEqual(await sent("extend"), [{ type: "extend", id: 1 }]);
});

test("three million rows scroll without stutter, and only what is in view is asked for", async (context) => {
  await answerRows();
  const count = 3_000_000;
  await show({ ...WRITES, rows: count });
  await options().first().locator(".text", { hasText: "0x0" }).waitFor();
  const list = view.page.locator("#rows");
  await list.press("End");
  const last = `work_queue = 0x${((count - 1) * 16).toString(16)}`;
  await options().last().locator(".text", { hasText: last }).waitFor();
  // By the wheel row after row, though the scroll bar stands for more than it shows.
  await list.press("Home");
  await options().first().locator(".text", { hasText: "0x0" }).waitFor();
  const box = (await list.boundingBox())!;
  await view.page.mouse.move(box.x + 200, box.y + 40);
  await view.page.mouse.wheel(0, 220);
  await view.page.waitForFunction(() => document.querySelector("#rows .row:nth-child(5)")?.id === "found-10");
  // By the scroll bar to anywhere.
  await view.page.evaluate(() => {
    const rows = document.getElementById("rows")!;
    rows.scrollTop = rows.scrollHeight / 2;
  });
  await view.page.waitForFunction(() => {
    const rows = [...document.querySelectorAll("#rows .row")];
    return rows.some((row) => Math.abs(Number(row.id.slice("found-".length)) - 1_500_000) < 100);
  });
  const worst = await view.page.evaluate(async () => {
    const rows = document.getElementById("rows")!;
    const times: number[] = [];
    for (let frame = 0; frame < 60; frame++) {
      const started = performance.now();
      rows.scrollTop = ((frame * 7919) % 60) * (rows.scrollHeight / 60);
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - started);
    }
    return times.sort((one, other) => one - other)[Math.floor(times.length * 0.9)];
  });
  context.diagnostic(`a frame takes ${worst.toFixed(1)} ms, the wait for it included, at the ninetieth percentile`);
  assert.ok(worst < 120, `${worst.toFixed(1)} ms`);
  assert.ok((await options().count()) < 40, "rows in the document");
  const asked = await sent("askRows");
  assert.ok(asked.length < 200, `${asked.length} pages were asked for`);
});

const ORIGIN: OriginFacts = {
  place: { name: "t1", ask: { place: "t1" } },
  instant: END,
  hart: 0,
  value: "0x2a",
  steps: [
    {
      instant: END - 10,
      hart: 0,
      pc: "0x80000100",
      symbol: "heap_alloc+0x8",
      source: { path: "/project/queue.s", line: 120, column: 1 },
      text: "ld t1,0(t0)",
      place: { name: "t1", ask: { place: "t1" } },
      value: "0x2a",
      how: "load",
      sentence: "t1 was loaded from heap+0x40 (8 bytes).",
      operands: [
        { place: { name: "heap+0x40", ask: { place: "0x80002040" } }, value: "0x2a", role: "value" },
        { place: { name: "t0", ask: { place: "t0", instant: END - 10 } }, value: "0x80002040", role: "address" },
      ],
      follows: 0,
    },
    {
      instant: 1000,
      hart: 0,
      pc: "0x80000200",
      symbol: "message_seal+0x4",
      text: "li a0,42",
      place: { name: "a0", ask: { place: "a0" } },
      value: "0x2a",
      how: "constant",
      sentence: "a0 became 42.",
      operands: [],
    },
  ],
  end: { kind: "constant", sentence: "The program's text says so." },
};

test("where a value came from is a tree: a step travels, another operand is followed in turn", async () => {
  const chain: ChainFacts = { id: -1, title: "Where t1 came from" };
  await tell({ type: "position", now: END, end: END });
  await tell({ type: "list", entries: [chain], selected: -1 });
  await view.page.locator("#nothing", { hasText: "Following the value back…" }).waitFor();
  await tell({ type: "changed", entry: { ...chain, origin: ORIGIN } });
  const items = view.page.getByRole("treeitem");
  await items.nth(3).waitFor();
  assert.deepEqual(await items.locator(".value").allTextContents(), ["t1 = 0x2a", "t0 = 0x80002040", "a0 = 0x2a"]);
  await items.nth(2).locator(".text").click();
  assert.deepEqual(await sent("travel"), [{ type: "travel", instant: 1000 }]);
  const tree = view.page.getByRole("tree");
  await tree.press("ArrowUp");
  await tree.press("ArrowRight");
  const [asked] = await sent("askOrigin");
  assert.deepEqual(asked.ask, { place: "t0", instant: END - 10 });
  await tell({ type: "origin", request: asked.request, origin: { ...ORIGIN, steps: ORIGIN.steps.slice(1) } });
  await items.nth(5).waitFor();
  assert.deepEqual(await items.evaluateAll((rows) => rows.map((row) => row.ariaLevel)), ["1", "2", "3", "3", "1", "1"]);
  await tree.press("ArrowLeft");
  assert.equal(await items.count(), 4);
});
