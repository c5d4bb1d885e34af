/** The page of Watch over Time by itself in a browser: what its rows show, and what keys, buttons and clicks ask for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FromWatches, SeriesColumn, ToWatches, WatchRow } from "../../src/webview/messages.ts";
import { themed } from "./themes.ts";
import { webviewPage } from "./webview-page.ts";

const END = 10_000;
const NOW = 2500;

const view = webviewPage<ToWatches>("watches", { width: 250, height: 600 });

/** 100 columns of a value that climbs from 0 to 99, with `changes` in each. */
function climbing(changes: number): SeriesColumn[] {
  return Array.from({ length: 100 }, (_, index) => {
    const [min, max] = [index, index + (changes > 1 ? 8 : 0)];
    return { from: index * 100, to: (index + 1) * 100, min, max, first: min, last: max, changes };
  });
}

const COUNTER: WatchRow = {
  key: 1,
  expression: "queue_length",
  status: "done",
  fraction: 1,
  value: "25",
  changes: 1204,
  exact: true,
  sampled: false,
  hasPrevious: true,
  hasNext: true,
  line: { searchedFrom: 0, to: END, columns: climbing(3) },
};
const STATE: WatchRow = {
  ...COUNTER,
  key: 2,
  expression: "state",
  at: "queue.s:42",
  value: "“open”",
  changes: 7,
  line: {
    searchedFrom: 0,
    to: END,
    columns: Array.from({ length: 50 }, (_, index) => ({
      from: index * 200,
      to: index * 200 + 200,
      changes: index % 9 === 4 ? 1 : 0,
    })),
  },
};
const SEARCHING: WatchRow = {
  ...COUNTER,
  key: 3,
  expression: "blocks[3].header.size_and_flags",
  value: "0x80001000",
  status: "searching",
  fraction: 0.4,
  changes: 12,
  exact: false,
  hasPrevious: false,
  line: { searchedFrom: 6000, to: END, columns: climbing(1).slice(60) },
};
const SAMPLED: WatchRow = { ...COUNTER, key: 4, expression: "sp", sampled: true, exact: false, value: "0x80010000" };
const WRONG: WatchRow = {
  key: 5,
  expression: "no_such_name",
  status: "failed",
  fraction: 0,
  changes: 0,
  exact: false,
  sampled: false,
  hasPrevious: false,
  hasNext: false,
  problem: "“no_such_name” is not known.",
};

function show(rows: readonly WatchRow[], restored = 0): Promise<void> {
  const position = { first: 0, now: NOW, end: END, running: false };
  return view.tell({ type: "watches", position, rows, restored });
}

function sent(): Promise<FromWatches[]> {
  return view.page.evaluate(() => (window as unknown as { sent: never[] }).sent);
}

async function lastSent(): Promise<FromWatches | undefined> {
  return (await sent()).at(-1);
}

const row = (name: string) => view.page.locator(".watch", { hasText: name });

test("without a session it says so, without expressions it teaches", async () => {
  await view.tell({ type: "idle" });
  await view.page.getByText("Start debugging").waitFor();
  await show([]);
  await view.page.getByText("Every value, over the whole recording").waitFor();
  await themed(view.page, "watches-empty");
});

test("rows show the value here, how often it changes, and what is not so", async () => {
  await show([COUNTER, STATE, SEARCHING, SAMPLED, WRONG], 1204);
  assert.equal(await row("queue_length").locator(".value").textContent(), "25");
  assert.equal(await row("queue_length").locator(".status").textContent(), "1,204 changes");
  assert.equal(await row("state").locator(".place").textContent(), "at queue.s:42");
  assert.equal(await row("blocks").locator(".status").textContent(), "≥ 12 changes, 40 %");
  assert.equal(await row("blocks").getByRole("progressbar").getAttribute("aria-valuenow"), "40");
  assert.ok(await row("sp").locator(".badge", { hasText: "sampled" }).isVisible());
  assert.equal(await row("sp").locator(".status").textContent(), "≥ 1,204 changes");
  assert.equal(await row("no_such_name").locator(".problem").textContent(), "“no_such_name” is not known.");
  await view.page.getByText("1,204 evaluations, state restored, digest equal").waitFor();
  await themed(view.page, "watches-rows");
});

test("at a change the value shows what the step makes of it", async () => {
  await show([{ ...COUNTER, value: "0x19 (25)", becomes: "0x1a (26)" }]);
  assert.equal(await row("queue_length").locator(".value").textContent(), "25 → 26");
});

test("an expression is added by its input, with help", async () => {
  await show([COUNTER]);
  const input = view.page.getByLabel("Add an expression to watch over time");
  await input.pressSequentially("a0");
  await view.page.locator("#help", { hasText: "registers and locals need" }).waitFor();
  await themed(view.page, "watches-help");
  await input.fill("a0 at heap_alloc");
  await input.press("Enter");
  assert.deepEqual(await lastSent(), { type: "add", text: "a0 at heap_alloc" });
  assert.equal(await input.inputValue(), "");
  assert.ok(await view.page.locator("#help").isHidden(), "nothing lies over the rows");
});

test("buttons travel, plot, edit and remove; what cannot be done is not offered", async () => {
  await show([COUNTER, SEARCHING]);
  await row("queue_length").getByRole("button", { name: "previous change" }).click();
  assert.deepEqual(await lastSent(), { type: "step", key: 1, direction: "previous" });
  await row("queue_length").getByRole("button", { name: "next change" }).click();
  assert.deepEqual(await lastSent(), { type: "step", key: 1, direction: "next" });
  await row("queue_length").getByRole("button", { name: "Plot" }).click();
  assert.deepEqual(await lastSent(), { type: "plot", key: 1 });
  assert.ok(await row("blocks").getByRole("button", { name: "previous change" }).isDisabled());
  await row("blocks").getByRole("button", { name: "Stop searching" }).click();
  assert.deepEqual(await lastSent(), { type: "cancel", key: 3 });
  await row("queue_length").hover();
  await row("queue_length").getByRole("button", { name: "Edit" }).click();
  const editor = view.page.getByLabel("Edit the expression");
  await editor.fill("queue_length * 2");
  await editor.press("Enter");
  assert.deepEqual(await lastSent(), { type: "edit", key: 1, text: "queue_length * 2" });
  await row("queue_length").hover();
  await row("queue_length").getByRole("button", { name: "Remove" }).click();
  assert.deepEqual(await lastSent(), { type: "remove", key: 1 });
});

test("what failed or was stopped can be asked again", async () => {
  await show([{ ...SEARCHING, status: "cancelled" }, WRONG]);
  assert.equal(await row("blocks").locator(".status").textContent(), "≥ 12 changes, stopped");
  await row("blocks").getByRole("button", { name: "Search again" }).click();
  assert.deepEqual(await lastSent(), { type: "restart", key: 3 });
  await row("no_such_name").getByRole("button", { name: "Search again" }).click();
  assert.deepEqual(await lastSent(), { type: "restart", key: 5 });
});

test("keys alone are enough", async () => {
  await show([COUNTER, STATE]);
  await view.page.getByLabel("Add an expression to watch over time").focus();
  await view.page.keyboard.press("ArrowDown");
  await view.page.keyboard.press("ArrowDown");
  await view.page.keyboard.press("ArrowRight");
  assert.deepEqual(await lastSent(), { type: "step", key: 2, direction: "next" });
  await view.page.keyboard.press("ArrowUp");
  await view.page.keyboard.press("ArrowLeft");
  assert.deepEqual(await lastSent(), { type: "step", key: 1, direction: "previous" });
  await view.page.keyboard.press("Enter");
  assert.deepEqual(await lastSent(), { type: "plot", key: 1 });
  await view.page.keyboard.press("F2");
  await view.page.keyboard.press("Escape");
  await view.page.keyboard.press("Delete");
  assert.deepEqual(await lastSent(), { type: "remove", key: 1 });
  assert.equal((await sent()).filter(({ type }) => type === "edit").length, 0, "Escape edits nothing");
  assert.deepEqual(
    await view.page.evaluate(() => document.activeElement?.getAttribute("aria-label")?.split(",")[0]),
    "state at queue.s:42",
    "the focus goes on to the row that is left",
  );
});

test("a click on the line travels to the instant there, and hovering says what was so there", async () => {
  await show([COUNTER]);
  const box = (await row("queue_length").locator("canvas").boundingBox())!;
  await view.page.mouse.move(box.x + box.width / 2, box.y + 10);
  assert.match((await row("queue_length").locator(".status").textContent())!, /^instant [\d,]+: 5\d … 5\d, 3 changes$/);
  await view.page.mouse.click(box.x + box.width / 2, box.y + 10);
  const travel = (await lastSent()) as Extract<FromWatches, { type: "travel" }>;
  assert.equal(travel.type, "travel");
  assert.ok(Math.abs(travel.instant - END / 2) < END / 100, String(travel.instant));
  await view.page.mouse.move(5, 5);
  assert.equal(await row("queue_length").locator(".status").textContent(), "1,204 changes");
});

test("rows keep their focus and their editor while values arrive", async () => {
  await show([COUNTER, STATE]);
  await row("state").focus();
  await view.page.keyboard.press("F2");
  await view.page.keyboard.type("x");
  await show([COUNTER, { ...STATE, changes: 8 }]);
  await view.page.keyboard.type("y");
  await view.page.keyboard.press("Enter");
  assert.deepEqual(await lastSent(), { type: "edit", key: 2, text: "xy" });
});

test("a view of a few lines still scrolls to everything", async () => {
  await view.page.setViewportSize({ width: 250, height: 80 });
  await show([COUNTER, STATE]);
  await row("state").getByRole("button", { name: "next change" }).click();
  assert.deepEqual(await lastSent(), { type: "step", key: 2, direction: "next" });
  await themed(view.page, "watches-low");
});

test("nothing is wider than the side bar", async () => {
  await show([COUNTER, STATE, SEARCHING, SAMPLED, WRONG], 5);
  const widths = await view.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(widths[0] <= widths[1], widths.join(" > "));
});
