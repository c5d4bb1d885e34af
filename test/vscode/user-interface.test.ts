/**
 * The extension as users get it: packaged, installed, and driven through a browser from opening the demo to the culprit,
 * one long session as a person would have it. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import type { Driver } from "./driver.ts";
import { lineIn, story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const DEMO = "guest/demo/work-queue.s";

const folder = temporaryFolder(DEMO, "test/vscode/fixtures/echo.s");
let workbench: Workbench;
let user: Driver;

const step = story("failed", folder, (...begun) => {
  [workbench, user] = begun;
});

const lineOf = (text: string) => lineIn(DEMO, text);

const TRAP = "lwu     t2, BLOCK_SIZE(t1)";
const CULPRIT = "sd      a0, 0(s1)";
const SEAL_CALL = "call    message_seal";
const BREAKPOINT = "call    rush_hour";

let trapInstant: number;
let culpritInstant: number;

step("the demo opens with its colours, a hover explains an instruction, an error is underlined", async () => {
  await user.openFile("work-queue.s");
  await user.line("work queue of a print shop").waitFor();
  await user.goToLine(lineOf(TRAP));
  const mnemonic = user.page
    .locator(".editor-instance .view-line", { hasText: "lwu" })
    .locator("span", { hasText: /^lwu$/ })
    .last();
  await user.hover(mnemonic, /[Ll]oad/);
  await workbench.screenshot("hover");
  await user.page.keyboard.press("Escape");
  await user.page.keyboard.press("Home");
  await user.page.keyboard.type("adddi t0, t0, 1\n");
  await user.page.locator(".squiggly-error").first().waitFor();
  await workbench.screenshot("error");
  await user.command("File: Revert File");
  await user.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
});

step("F5 stops at a breakpoint that was set in the gutter", async () => {
  await user.toggleBreakpoint(lineOf(BREAKPOINT));
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await user.highlightedLine(BREAKPOINT);
  const labels = (await user.toolbarLabels()).join(", ");
  for (const label of ["Step Back", "Reverse Step Into", "Reverse Step Out", "Reverse (", "Continue"]) {
    assert.ok(labels.includes(label), `${label} is missing: ${labels}`);
  }
  await user.terminalShows("print shop open");
  await workbench.screenshot("breakpoint");
});

step("Continue, without the breakpoint, runs into the trap, which is shown where it happens", async () => {
  await user.toggleBreakpoint(lineOf(BREAKPOINT));
  await user.toolbar(/^Continue/);
  await user.page.locator(".exception-widget", { hasText: "Load access fault" }).waitFor();
  await user.highlightedLine(TRAP);
  trapInstant = await user.instant();
  assert.ok(trapInstant > 1_000_000, String(trapInstant));
  await workbench.screenshot("trap-dark");
});

step("Find Last Write on the register that points to the damaged word arrives at the culprit", async () => {
  await user.variableMenu("t0", "Find Last Write");
  await user.highlightedLine(CULPRIT);
  culpritInstant = await user.instantWhere((instant) => instant < trapInstant, "before the trap");
  assert.ok(trapInstant - culpritInstant > 1_000_000, `${culpritInstant}, trap at ${trapInstant}`);
  await user.notification(/Last write to .*t0.*: message_seal/);
  const stack = user.page.locator(".debug-call-stack .monaco-list-row");
  for (const name of ["message_seal", "message_make", "order_submit"]) {
    await stack.filter({ hasText: name }).first().waitFor();
  }
  await stack
    .filter({ hasText: /message_make.*319/ })
    .first()
    .waitFor();
  await workbench.screenshot("culprit-dark");
});

step("Go Back returns to the trap, and a data breakpoint with Reverse finds the same store", async () => {
  await user.notification(/Last write to/, "Go Back");
  await user.highlightedLine(TRAP);
  await user.watch("*t0");
  await user.watchMenu("*t0", "Break on Value Change");
  await user.toolbar(/^Reverse \(/);
  await user.highlightedLine(CULPRIT);
  assert.equal(await user.instantWhere((instant) => instant !== trapInstant, "not the trap's"), culpritInstant);
  await workbench.screenshot("data-breakpoint");
  await user.removeAllBreakpoints();
});

step("the reverse buttons of the toolbar step out of the routine, and back into it from behind", async () => {
  await user.toolbar(/^Reverse Step Out/);
  await user.highlightedLine(SEAL_CALL);
  await user.toolbar(/^Step Over/);
  await user.highlightedLine("mv      a0, s1");
  const after = await user.instant();
  await user.toolbar(/^Reverse Step Into/);
  await user.highlightedLine("ret");
  await user.page.locator(".debug-call-stack .monaco-list-row", { hasText: "message_seal" }).first().waitFor();
  assert.equal(await user.instantWhere((instant) => instant !== after, "another"), after - 1);
  await user.toolbar(/^Step Back/);
  await user.highlightedLine("addi    sp, sp, 32");
  await workbench.screenshot("reverse-step");
});

step("a click on the Timeline travels", async () => {
  await user.command("Hindcast: Show Timeline");
  const page = await user.webview("#axis");
  const trap = page.getByRole("option", { name: /^trap: / }).first();
  await page.getByLabel("Filter marks").fill("fault");
  await trap.waitFor();
  await page.getByLabel("Filter marks").fill("");
  const axis = page.locator("#axis");
  const box = (await axis.boundingBox())!;
  await axis.click({ position: { x: box.width / 4, y: 10 } });
  const quarter = await user.instantWhere((instant) => instant < culpritInstant / 2, "about a quarter of the run");
  assert.ok(Math.abs(quarter - trapInstant / 4) < trapInstant / 50, String(quarter));
  await page.locator("#now", { hasText: quarter.toLocaleString("en-US") }).waitFor();
  await workbench.screenshot("timeline-dark");
  // Only rows in view are there, and how many checkpoints come before it is the host's affair.
  await page.getByLabel("Filter marks").fill("fault");
  await trap.click();
  await page.getByLabel("Filter marks").fill("");
  await user.highlightedLine(TRAP);
});

step("a click on a line of output goes to the instant that printed it", async () => {
  await user.command("Hindcast: Show Guest Console");
  await user.terminalShows("rush hour 3");
  const row = user.page.locator(".terminal-wrapper.active .xterm-rows > div", { hasText: "rush hour 3" });
  const box = (await row.boundingBox())!;
  await user.page.mouse.move(box.x + 30, box.y + box.height / 2);
  await user.page.mouse.move(box.x + 40, box.y + box.height / 2);
  await user.page.locator(".monaco-hover", { hasText: "Go to the instant that printed this" }).waitFor();
  await workbench.screenshot("output-link");
  await user.page.keyboard.down("Control");
  await user.page.mouse.click(box.x + 40, box.y + box.height / 2);
  await user.page.keyboard.up("Control");
  await user.highlightedLine("sb      t1, 0(t0)");
  await user.instantWhere((instant) => instant < trapInstant, "before the trap");
});

step("Go to Instant takes a number, and bookmarks appear on the Timeline", async () => {
  await user.command("Hindcast: Go to Instant…");
  await user.answer("Go to instant", "1,000,000");
  await user.instantWhere((instant) => instant === 1_000_000, "1,000,000");
  await user.command("Hindcast: Add Bookmark…");
  await user.answer("Bookmark instant 1,000,000", "a million");
  await user.command("Hindcast: Show Timeline");
  const page = await user.webview("#axis");
  await page.getByLabel("Filter marks").fill("million");
  await page.getByRole("option", { name: "bookmark: a million, instant 1,000,000" }).waitFor();
  await page.getByLabel("Filter marks").fill("");
});

step("light and high contrast themes are readable", async () => {
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("timeline-light");
  await user.theme("Dark High Contrast", "hc-black");
  await workbench.screenshot("timeline-contrast");
  await user.theme("Dark Modern", "vs-dark");
});

step("Stop ends the session and the Timeline says what to do next", async () => {
  await user.toolbar(/^Stop/);
  await user.debugToolbar.waitFor({ state: "hidden" });
  const page = await user.webview("#empty:not([hidden])");
  await page.getByText("press F5").waitFor();
  await workbench.screenshot("timeline-empty");
});

step("keys go to the guest, raw, and its answer comes back", async () => {
  await user.openFile("echo.s");
  await user.line("Prints what is typed").waitFor();
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await user.terminalShows("type: <");
  await user.page.locator(".terminal-wrapper.active .xterm-screen").click();
  await user.page.keyboard.type("hey");
  await user.page.keyboard.press("Enter");
  await user.terminalShows("<hey>");
  await workbench.screenshot("terminal");
  await user.page.keyboard.type("q");
  await user.terminalShows("bye");
  await user.toolbar(/^Stop/);
  await user.debugToolbar.waitFor({ state: "hidden" });
});

step("a recording opens with a double click, says what it holds, and is debugged with one button", async () => {
  await user.openFile(".hindcast");
  await user.openFile(/^work-queue-.*\.hindcast$/);
  const page = await user.webview("#facts dd");
  const facts = (await page.locator("#facts").textContent()) ?? "";
  for (const fact of ["work-queue.s", trapInstant.toLocaleString("en-US"), "a million"])
    assert.ok(facts.includes(fact), facts);
  await workbench.screenshot("recording-dark");
  await page.getByRole("button", { name: "Debug This Recording" }).click();
  await user.debugToolbar.waitFor();
  await user.command("Hindcast: Go to the Newest Instant");
  await user.instantWhere((instant) => instant === trapInstant, `the trap's, ${trapInstant}`);
  await user.variableMenu("t0", "Find Last Write");
  await user.highlightedLine(CULPRIT);
  assert.equal(await user.instant(), culpritInstant, "the same instant as live");
  await workbench.screenshot("recording-culprit");
  await user.toolbar(/^Stop/);
  await user.debugToolbar.waitFor({ state: "hidden" });
});

step("the walkthrough shows its steps with their pictures", async () => {
  await user.command("Hindcast: Open the Walkthrough");
  await user.page.getByText("Back to the bug with Hindcast").first().waitFor();
  const picture = await user.webview("svg");
  await picture.getByText("The work queue of a print shop").waitFor();
  await workbench.screenshot("walkthrough");
});
