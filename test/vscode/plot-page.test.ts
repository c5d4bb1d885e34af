/** The plot's page by itself in a browser, over a series of a million changes: what it draws, asks, lists and sends. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { FromPlot, ToPlot, WatchRow } from "../../src/webview/messages.ts";
import { themed } from "./themes.ts";
import { webviewPage } from "./webview-page.ts";

/** The counter changes at every tenth instant: to 0 … 99, and again. The state is one of three, for a quarter of the run each. */
const END = 10_000_000;
const NOW = 2_500_000;
const CHANGES = END / 10;

const view = webviewPage<ToPlot>("plot", { width: 1100, height: 420 });

const COUNTER: WatchRow = {
  key: 1,
  expression: "queue_length",
  status: "done",
  fraction: 1,
  value: "0",
  changes: CHANGES - 1,
  exact: true,
  sampled: false,
  hasPrevious: true,
  hasNext: true,
  search: { id: 11, from: 0, to: END, searchedFrom: 0, rows: CHANGES },
};
const STATE: WatchRow = {
  ...COUNTER,
  key: 2,
  expression: "state",
  at: "queue.s:42",
  value: "open",
  changes: 3,
  search: { id: 12, from: 0, to: END, searchedFrom: 0, rows: 4 },
};

/** Answers the page's questions as the extension would, at once. */
beforeEach(async () => {
  await view.page.evaluate(
    ([end, changes]) => {
      const counter = (index: number) => ({
        instant: index * 10,
        text: String(index % 100),
        number: index % 100,
        place: "push+0x8 (queue.s:42)",
      });
      const states = ["idle", "open", "closing", "idle"].map((text, index) => ({
        instant: (index * end) / 4,
        text,
        place: "main+0x4",
      }));
      const answer = (message: FromPlot): ToPlot | undefined => {
        switch (message.type) {
          case "askStretch": {
            const { request, key, from, to, most } = message;
            const [first, last] = [Math.max(0, Math.floor(from / 10)), Math.min(changes, Math.ceil(to / 10))];
            if (key === 2)
              return { type: "stretch", request, key, from, to, stretch: { kind: "changes", changes: states } };
            if (last - first <= 400) {
              const exact = Array.from({ length: last - first }, (_, index) => counter(first + index));
              return { type: "stretch", request, key, from, to, stretch: { kind: "changes", changes: exact } };
            }
            const width = (to - from) / most;
            const columns = Array.from({ length: most }, (_, index) => {
              const column = { from: from + index * width, to: from + (index + 1) * width };
              const wave = 50 + 40 * Math.sin((column.from / end) * 20);
              return {
                ...column,
                min: wave - 5,
                max: wave + 5,
                first: wave,
                last: wave,
                changes: Math.round(width / 10),
              };
            });
            return { type: "stretch", request, key, from, to, stretch: { kind: "columns", columns } };
          }
          case "askChanges": {
            const { key, search, first, count } = message;
            const all = key === 2 ? 4 : changes;
            const rows = Array.from({ length: Math.min(count, all - first) }, (_, index) =>
              key === 2 ? states[3 - first - index] : counter(all - 1 - first - index),
            );
            return { type: "changes", search, first, changes: rows };
          }
          case "askPlace": {
            const { request, key, instant, which } = message;
            const at = Math.floor(instant / 10);
            const index = which === "next" ? at + 1 : which === "previous" ? Math.ceil(instant / 10) - 1 : at;
            const change = which === "holding" || key === 2 ? {} : { change: counter(index) };
            return { type: "place", request, key, index: key === 2 ? 3 : changes - 1 - index, ...change };
          }
          default:
            return undefined;
        }
      };
      const { sent } = window as unknown as { sent: FromPlot[] };
      sent.push = (message) => {
        const told = answer(message);
        if (told !== undefined) window.postMessage(told, "*");
        return Array.prototype.push.call(sent, message);
      };
    },
    [END, CHANGES] as const,
  );
});

async function show(rows: readonly WatchRow[], now = NOW): Promise<void> {
  await view.tell({ type: "plot", position: { first: 0, now, end: END, running: false }, rows, restored: 0 });
  await view.page
    .getByRole("option", { name: /instant/ })
    .first()
    .waitFor();
}

async function sent<Type extends FromPlot["type"]>(type: Type): Promise<Extract<FromPlot, { type: Type }>[]> {
  return view.page.evaluate(
    (type) => (window as unknown as { sent: { type: string }[] }).sent.filter((each) => each.type === type) as never,
    type,
  );
}

/** Waits until the page has had its time to ask. */
async function asked(): Promise<Extract<FromPlot, { type: "askStretch" }>> {
  await view.page.waitForTimeout(150);
  return (await sent("askStretch")).at(-1)!;
}

async function at(instant: number): Promise<{ x: number; y: number }> {
  const box = (await view.page.locator("#axis").boundingBox())!;
  return { x: box.x + 8 + (instant / END) * (box.width - 16), y: box.y + 60 };
}

test("without a session it says so", async () => {
  await view.tell({ type: "idle", text: "The session is over." });
  await view.page.getByText("The session is over.").waitFor();
});

test("several expressions have one axis, and each its track", async () => {
  await show([COUNTER, STATE]);
  assert.equal(await view.page.locator(".entry").count(), 2);
  assert.deepEqual([...new Set((await sent("askStretch")).map(({ key }) => key))], [1, 2]);
  await view.page.getByText("999,999 changes").first().waitFor();
  await themed(view.page, "plot");
});

test("a click travels: to the instant there, and zoomed in to exactly a change", async () => {
  await show([COUNTER]);
  const middle = await at(END / 2);
  await view.page.mouse.click(middle.x, middle.y);
  const first = (await sent("travel")).at(-1)!;
  assert.ok(Math.abs(first.instant - END / 2) < END / 500, String(first.instant));
  for (let press = 0; press < 30; press++) await view.page.locator("#axis").press("+");
  const { from, to } = await asked();
  assert.ok(to - from < 200 && from <= NOW && NOW <= to, `${from}..${to}`);
  // Somewhat beside the change that is nearest to the middle.
  const box = (await view.page.locator("#axis").boundingBox())!;
  for (let x = 100; x < box.width - 100; x += 3) {
    await view.page.mouse.move(box.x + x, box.y + 60);
    if (await view.page.locator("#axis.on-change").count()) break;
  }
  const tip = await view.page.locator("#tip div").allTextContents();
  assert.match(tip[0], /^\d+ → \d+$/);
  assert.match(tip.at(-1)!, /^Instant [\d,]+0$/);
  await view.page.mouse.down();
  await view.page.mouse.up();
  const { instant } = (await sent("travel")).at(-1)!;
  assert.equal(instant % 10, 0);
  assert.equal(`Instant ${instant.toLocaleString("en-US")}`, tip.at(-1));
  await themed(view.page, "plot-exact");
});

test("wheel and drag zoom and pan, and ask for what is in view", async () => {
  await show([COUNTER]);
  const place = await at(4_000_000);
  await view.page.mouse.move(place.x, place.y);
  await view.page.mouse.wheel(0, -600);
  const zoomed = await asked();
  assert.ok(zoomed.to - zoomed.from < END / 3 && zoomed.from < 4_000_000 && zoomed.to > 4_000_000);
  await view.page.mouse.down();
  await view.page.mouse.move(place.x - 200, place.y, { steps: 4 });
  await view.page.mouse.up();
  assert.ok((await asked()).from > zoomed.from, "panned to the right");
  assert.deepEqual(await sent("travel"), []);
  await view.page.getByRole("button", { name: "Show the whole run" }).click();
  assert.equal((await asked()).from, 0);
});

test("keys choose changes and travel", async () => {
  await show([COUNTER]);
  const axis = view.page.locator("#axis");
  await axis.press("ArrowRight");
  await view.page.locator("#spoken", { hasText: "instant 2,500,010" }).waitFor({ state: "attached" });
  await axis.press("ArrowRight");
  await view.page.locator("#spoken", { hasText: "instant 2,500,020" }).waitFor({ state: "attached" });
  await axis.press("ArrowLeft");
  await view.page.locator("#spoken", { hasText: "instant 2,500,010" }).waitFor({ state: "attached" });
  await axis.press("Enter");
  assert.equal((await sent("travel")).at(-1)?.instant, 2_500_010);
});

test("the list of a million changes shows those around the present, and asks for pages as they come into view", async (context) => {
  await show([COUNTER]);
  const list = view.page.locator("#list");
  await list.getByText("2,500,000", { exact: true }).waitFor();
  assert.ok((await list.getByRole("option").count()) < 60);
  await list.press("Home");
  await list.getByText("9,999,990", { exact: true }).waitFor();
  await list.press("End");
  await list.getByText("at the beginning").waitFor();
  await list.press("Enter");
  assert.equal((await sent("travel")).at(-1)?.instant, 0);
  const slowest = await view.page.evaluate(async () => {
    const list = document.getElementById("list")!;
    const times: number[] = [];
    for (let frame = 0; frame < 40; frame++) {
      const started = performance.now();
      list.scrollTop = ((frame * 7919) % 40) * (list.scrollHeight / 41);
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - started);
    }
    return times.sort((one, other) => one - other)[35];
  });
  context.diagnostic(`a frame takes ${slowest.toFixed(1)} ms at the ninetieth percentile while scrolling at random`);
  assert.ok(slowest < 200, `${slowest.toFixed(1)} ms`);
  assert.ok((await sent("askChanges")).length < 120, "not every page that was passed is asked for");
});

test("the list is that of the chosen expression", async () => {
  await show([COUNTER, STATE]);
  await view.page.locator(".entry", { hasText: "state" }).click();
  await view.page.locator("#list").getByText("closing").waitFor();
  assert.equal(await view.page.locator("#list-title").textContent(), "state at queue.s:42");
  await view.page.locator("#list .row", { hasText: "closing" }).click();
  assert.equal((await sent("travel")).at(-1)?.instant, END / 2);
});

test("what is pressed stays where it is while values arrive", async () => {
  await show([COUNTER, STATE]);
  await view.page.locator(".entry", { hasText: "queue_length" }).click();
  await view.page.locator(".entry", { hasText: "state" }).hover();
  await view.page.mouse.down();
  await show([COUNTER, { ...STATE, value: "closing" }], NOW + 1);
  await view.page.locator(".entry", { hasText: "closing" }).waitFor();
  await view.page.mouse.up();
  assert.equal(await view.page.locator("#list-title").textContent(), "state at queue.s:42");
});

test("previous, next, export, remove", async () => {
  await show([COUNTER, STATE]);
  await view.page.locator(".entry", { hasText: "queue_length" }).click();
  await view.page.getByRole("button", { name: "Go to the next change" }).click();
  assert.deepEqual((await sent("step")).at(-1), { type: "step", key: 1, direction: "next" });
  await view.page.getByRole("button", { name: "Export" }).click();
  assert.equal((await sent("export")).length, 1);
  await view.page.locator(".entry", { hasText: "state" }).hover();
  await view.page.getByRole("button", { name: "Remove state from the plot" }).click();
  assert.deepEqual((await sent("remove")).at(-1), { type: "remove", key: 2 });
});

test("a narrow editor has the list below", async () => {
  await view.page.setViewportSize({ width: 480, height: 600 });
  await show([COUNTER, STATE]);
  const plot = (await view.page.locator("#plot").boundingBox())!;
  const list = (await view.page.locator("#list").boundingBox())!;
  assert.ok(list.y >= plot.y + plot.height - 1, "below");
  await themed(view.page, "plot-narrow");
});
