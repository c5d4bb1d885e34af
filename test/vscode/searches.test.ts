/**
 * Questions to the past in a real workbench, over the demo program: from the menu of a variable to all writes, along the rows
 * by click and key; a log point over the whole recording; where a value came from; what the Timeline shows of it.
 * Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import type { Driver } from "./driver.ts";
import { lineIn, story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const DEMO = "guest/demo/work-queue.s";
const CULPRIT = "sd      a0, 0(s1)";

const folder = temporaryFolder(DEMO);
let workbench: Workbench;
let user: Driver;
let trapInstant: number;

const step = story("searches-failed", folder, (...begun) => {
  [workbench, user] = begun;
});

const lineOf = (text: string) => lineIn(DEMO, text);

const searches = () => user.webview("#searches");

step("without a session the view says what to do; at the trap, how to search", async () => {
  await user.openFile("work-queue.s");
  await user.line("work queue of a print shop").waitFor();
  await user.command("Hindcast: Show Searches");
  await (await user.webview("#empty:not([hidden])")).getByText("press F5").waitFor();
  await user.line("work queue of a print shop").click();
  await user.page.keyboard.press("F5");
  await user.page.locator(".exception-widget", { hasText: "Load access fault" }).waitFor();
  trapInstant = await user.instant();
  await user.command("Hindcast: Show Searches");
  const page = await searches();
  await page.getByText("Nothing has been searched in this session.").waitFor();
  await workbench.screenshot("searches-none");
});

step("from the menu of a register: all writes to what it points to; a click on a row travels", async () => {
  await user.variableSubmenu("t0", "Search the Past", "All Writes");
  const page = await searches();
  const rows = page.locator("#rows").getByRole("option");
  await rows.first().waitFor();
  await page.locator("#title", { hasText: /Writes to .*t0/ }).waitFor();
  await page
    .locator("#searches")
    .getByText(/writes?$/)
    .waitFor();
  await workbench.screenshot("searches-writes-dark");
  // The last write is the culprit's.
  await rows.first().locator(".text").click();
  await user.highlightedLine(CULPRIT);
  await page.locator(".here").first().waitFor();
  await page.locator("#rows").press("ArrowDown");
  await page.locator("#rows").press("Enter");
  await user.instantWhere((instant) => instant < trapInstant, "before the trap");
  await workbench.screenshot("searches-travelled");
});

step("the rows are marks of the Timeline, and a bookmark there is renamed and removed", async () => {
  await user.command("Hindcast: Go to Instant…");
  await user.answer("Go to instant", "5,000,000");
  await user.instantWhere((instant) => instant === 5_000_000, "5,000,000");
  await user.command("Hindcast: Add Bookmark…");
  await user.answer("Bookmark instant 5,000,000", "five");
  await user.command("Hindcast: Show Timeline");
  const page = await user.webview("#axis");
  await page
    .getByRole("option", { name: /^row found: Writes to/ })
    .first()
    .waitFor();
  const bookmark = (name: string) => page.getByRole("option", { name: `bookmark: ${name}, instant 5,000,000` });
  await workbench.screenshot("timeline-found-dark");
  await page.getByLabel("Filter marks").fill("5,000,000");
  await bookmark("five").click({ button: "right" });
  await user.menu("Rename Bookmark…");
  await user.answer("Rename the bookmark at instant 5,000,000", "half past");
  await bookmark("half past").waitFor();
  await bookmark("half past").click();
  await page.getByRole("listbox").press("Delete");
  await user.notification(/“half past” at instant 5,000,000 is gone/, "Undo");
  await bookmark("half past").waitFor();
  await page.getByLabel("Filter marks").fill("");
  await user.command("Hindcast: Go to Bookmark…");
  await user.page.locator(".quick-input-list .monaco-list-row", { hasText: "half past" }).waitFor();
  await workbench.screenshot("bookmarks");
  await user.page.keyboard.press("Escape");
});

step("a log point with a condition is run over the whole recording from its line's menu", async () => {
  await user.goToLine(lineOf(CULPRIT));
  await user.command("Debug: Add Logpoint...");
  await user.breakpointText("seal {a0} at {s1}");
  await user.page.keyboard.press("Enter");
  await user.page.locator(".codicon-debug-breakpoint-log").first().waitFor();
  await user.lineMenu(lineOf(CULPRIT), "Run Breakpoint over the Whole Recording");
  const page = await searches();
  await page.locator("#title", { hasText: `Hits of work-queue.s:${lineOf(CULPRIT)}` }).waitFor();
  const rows = page.locator("#rows").getByRole("option");
  await rows
    .first()
    .locator(".text", { hasText: /^seal 0x[0-9a-f]+ .*at 0x80/ })
    .waitFor();
  const found = await page.locator("#searches .search").first().locator(".state").textContent();
  assert.match(found ?? "", /^1,\d\d\d hits$/);
  await workbench.screenshot("searches-log-point-dark");
  await page.getByLabel("Filter rows").fill("0x80001b00");
  await page.getByText(/^\d+ of 1,\d\d\d hits pass the filter\.$/).waitFor();
  await rows.first().locator(".text").click();
  await user.highlightedLine(CULPRIT);
  await user.removeAllBreakpoints();
});

step("of all breakpoints, data breakpoints as well, one is chosen and run over the whole recording", async () => {
  await user.command("Hindcast: Go to the Newest Instant");
  await user.instantWhere((instant) => instant === trapInstant, "the trap's");
  await user.watch("*t0");
  await user.watchMenu("*t0", "Break on Value Change");
  await user.toggleBreakpoint(lineOf(CULPRIT));
  await user.command("Hindcast: Run Breakpoint over the Whole Recording");
  const choices = user.page.locator(".quick-input-list .monaco-list-row");
  await choices.filter({ hasText: /writes of 8 bytes at 0x80001b00/ }).click();
  const page = await searches();
  await page.locator("#searches .state", { hasText: /^3 hits$/ }).waitFor();
  await user.removeAllBreakpoints();
});

step("where a value came from is a chain whose steps travel, and another operand is followed", async () => {
  await user.command("Hindcast: Go to the Newest Instant");
  await user.instantWhere((instant) => instant === trapInstant, "the trap's");
  await user.variableSubmenu("t1", "Search the Past", "Where Did This Value Come From?");
  const page = await searches();
  const steps = page.getByRole("treeitem");
  await steps.nth(2).waitFor();
  await workbench.screenshot("searches-origin-dark");
  await steps
    .locator(".text", { hasText: /stored|written|wrote/ })
    .first()
    .click();
  await user.highlightedLine(CULPRIT);
});

step("all calls of a function, all lines of output; and where there is nothing, what was searched", async () => {
  const page = await searches();
  await user.command("Hindcast: All Calls of This Function");
  await user.answer("All calls of…", "message_seal");
  await page.locator("#title", { hasText: "Calls of message_seal" }).waitFor();
  await page
    .locator("#rows")
    .getByRole("option")
    .first()
    .locator(".text", { hasText: /^message_seal\(/ })
    .waitFor();
  await workbench.screenshot("searches-calls-dark");
  await user.command("Hindcast: All Interrupts");
  await page.getByText("none between instants 0 and").waitFor();
  await user.command("Hindcast: All Lines of Output");
  await page.locator("#rows").getByRole("option").last().locator(".text", { hasText: "print shop open" }).waitFor();
  await workbench.screenshot("searches-output-dark");
});

step("light and high contrast themes are readable", async () => {
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("searches-light");
  await user.theme("Dark High Contrast", "hc-black");
  await workbench.screenshot("searches-contrast");
  await user.theme("Dark Modern", "vs-dark");
});
