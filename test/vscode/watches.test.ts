/**
 * Watch over Time in a real workbench, over the demo program: an expression is added, its line and its changes are seen, the
 * next change is travelled to, and it is plotted large. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const DEMO = "guest/demo/work-queue.s";
const folder = temporaryFolder(DEMO, "test/vscode/fixtures/rounds.S", "guest/include/hindcast.h");
let workbench: Workbench;
let user: Driver;

const step = story("watches-failed", folder, (...begun) => {
  [workbench, user] = begun;
});

const view = () => user.webview("#add");
const plot = () => user.webview("#legend .entry");

/** Adds an expression by the view's input, and waits for its row to be complete. */
async function add(text: string, told: RegExp): Promise<void> {
  const page = await view();
  const input = page.getByLabel("Add an expression to watch over time");
  await input.fill(text);
  await input.press("Enter");
  await rowOf(text.split(" at ")[0], told);
}

async function rowOf(expression: string, told: RegExp) {
  const row = (await view()).locator(".watch", { hasText: expression }).first();
  await row.locator(".status", { hasText: told }).waitFor();
  return row;
}

step("the view is beside Watch, and teaches what it is for", async () => {
  await user.openFile("work-queue.s");
  await user.line("The work queue of a print shop").waitFor();
  // Before the extension is known F5 means nothing; the palette waits for it.
  await user.command("Hindcast: Show Timeline");
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await user.page.locator('.pane-header[aria-label^="Watch over Time"]').waitFor();
  await user.command("Hindcast: Add Expression to Watch over Time");
  const page = await view();
  await page.getByText("Every value, over the whole recording").waitFor();
  await workbench.screenshot("watches-teach");
});

step("an expression is added: its value here, its line, and the count of its changes", async () => {
  for (const pane of ["Variables", "Call Stack", "Breakpoints"]) await user.togglePane(pane);
  await add("*orders_taken", /^1,539 changes$/);
  const row = await rowOf("*orders_taken", /changes/);
  await row.locator(".value", { hasText: "1539" }).waitFor();
  await workbench.screenshot("watches-added");
});

step("Previous Change goes to the step that makes it, and says what it makes", async () => {
  const row = await rowOf("*orders_taken", /changes/);
  await row.getByRole("button", { name: "previous change" }).click();
  await user.highlightedLine("sd      a1, 0(t0)");
  await row.locator(".value", { hasText: /^1538 → 1539$/ }).waitFor();
  const last = await user.instant();
  await row.getByRole("button", { name: "previous change" }).click();
  const before = await user.instantWhere((instant) => instant < last, `before ${last}`);
  await row.locator(".value", { hasText: /^1537 → 1538$/ }).waitFor();
  await row.press("ArrowRight");
  assert.equal(await user.instantWhere((instant) => instant !== before, "another one"), last);
  await workbench.screenshot("watches-change");
});

step("a register comes from the menu of Variables with its place, and is sampled without one", async () => {
  await user.togglePane("Variables");
  await user.variableMenu("ra", "Watch over Time");
  const place = (await view()).locator(".watch .place", { hasText: /^at work-queue\.s:\d+$/ });
  await place.waitFor();
  await user.togglePane("Variables");
  await add("sp", /^≥ [\d,]+ changes$/);
  const row = await rowOf("sp", /changes/);
  await row.locator(".badge", { hasText: "sampled" }).waitFor();
});

step("a name that is only an address leads to what lies there", async () => {
  await add("heap_first", /^never changes$/);
  const instead = (await view()).getByRole("button", { name: "watch *heap_first" });
  await instead.click();
  await instead.waitFor({ state: "detached" });
  await rowOf("*heap_first", /^[\d,]+ changes?$/);
});

step("a name in the editor is added with what lies there", async () => {
  const name = user.line("la      t0, queue_last").locator("span", { hasText: /^queue_last$/ });
  await name.last().dblclick();
  await user.command("Hindcast: Watch over Time");
  await rowOf("*queue_last", /^[\d,]+ changes$/);
  const row = (await view()).locator(".watch", { hasText: "*queue_last" });
  await row.hover();
  await row.getByRole("button", { name: "Remove" }).click();
  await row.waitFor({ state: "detached" });
});

step("a function of the guest is called at each hit, and the proof is shown", async () => {
  await add("checksum(0x80001010, 8) at heap_alloc", /^[\d,]+ changes$/);
  await (await view()).getByText(/^[\d,]+ evaluations, state restored, digest equal$/).waitFor();
  await workbench.screenshot("watches-dark");
});

step("what is wrong is said in the row", async () => {
  await add("no_such_name", /^cannot be evaluated$/);
  const row = (await view()).locator(".watch", { hasText: "no_such_name" });
  await row.locator(".problem", { hasText: /no register, CSR or symbol/ }).waitFor();
  await row.hover();
  await row.getByRole("button", { name: "Remove" }).click();
  await row.waitFor({ state: "detached" });
});

step("it is plotted large, with the list of its changes", async () => {
  const row = await rowOf("*orders_taken", /changes/);
  await row.getByRole("button", { name: "Plot" }).click();
  const page = await plot();
  await page.locator("#list .row .value", { hasText: "1539" }).waitFor();
  await page.locator("#list .row", { hasText: "1539" }).click();
  await user.highlightedLine("sd      a1, 0(t0)");
});

step("all changes are exported as CSV", async () => {
  const page = await plot();
  await page.getByRole("button", { name: "Export" }).click();
  const input = user.page.locator(".quick-input-widget input[type=text]").first();
  const file = join(folder.path, "changes.csv");
  // The dialog looks the folder up before it is ready, and offers this name then.
  await user.page.waitForFunction(
    (file) => document.querySelector<HTMLInputElement>(".quick-input-widget input[type=text]")?.value === file,
    file,
  );
  await input.press("Enter");
  await user.notification("changes.csv has been written.");
  const lines = readFileSync(file, "utf8").split("\r\n");
  assert.match(lines[0], /^expression,instant,value,number/);
  const orders = lines.filter((line) => line.startsWith("*orders_taken,"));
  assert.equal(orders.length, 1540);
  assert.deepEqual(
    [orders[0], orders.at(-1)].map((line) => line?.split(",")[3]),
    ["0", "1539"],
    "oldest first",
  );
  await user.page.keyboard.press("Escape");
});

step("several expressions have one axis", async () => {
  await user.command("Hindcast: Plot All Expressions");
  const page = await plot();
  await page.locator(".entry", { hasText: "checksum" }).waitFor();
  await page.locator(".entry", { hasText: "*orders_taken" }).click();
  await page.locator("#list .row .value", { hasText: "1539" }).waitFor();
  await workbench.screenshot("plot-dark-workbench");
});

step("light and high contrast themes are readable", async () => {
  await (await plot()).locator("#axis").waitFor();
  await workbench.screenshot("plot-beside");
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("watches-light");
  await user.theme("Dark High Contrast", "hc-black");
  await workbench.screenshot("watches-contrast");
  await user.theme("Dark Modern", "vs-dark");
});

step("the expressions are there in the next session of the same configuration", async () => {
  await user.toolbar(/^Stop/);
  await user.debugToolbar.waitFor({ state: "hidden" });
  await (await user.webview("#list-title")).getByText("The session is over").waitFor();
  await user.openFile("work-queue.s");
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await rowOf("*orders_taken", /^1,539 changes$/);
  await rowOf("checksum", /changes$/);
});

step("a line that a replay-only block logged leads to its instant", async () => {
  await user.toolbar(/^Stop/);
  await user.debugToolbar.waitFor({ state: "hidden" });
  await user.openFile("rounds.S");
  await user.line("Ten rounds").waitFor();
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await user.instantWhere((instant) => instant === 60, "the end");
  await user.toolbar(/^Reverse \(/);
  await user.instantWhere((instant) => instant === 0, "the start");
  await user.command("Debug Console: Focus on Debug Console View");
  const line = user.page.locator(".repl .monaco-list-row", { hasText: "[28] round 5" });
  await line.waitFor();
  await workbench.screenshot("log-lines");
  await line.locator("a.link").click({ modifiers: ["Control"] });
  await user.instantWhere((instant) => instant === 28, "28");
  await user.highlightedLine("hindcast_replay_only 1f");
});
